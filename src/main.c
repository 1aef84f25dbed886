/* SPDX-License-Identifier: ISC */
/* floor 10 sees 0..9: main.c - stoad: its options, and the children that master will raise. */
#include "base/must.h"
#include "http/server.h"
#include "keeper/keeper_main.h"
#include "master/master.h"
#include "module/load.h"
#include "os/log.h"
#include "os/proc.h"
#include "parse/xml.h"
#include "router/router_main.h"
#include "worker/worker_main.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OVERRIDES_MOST 64

static struct modules installed;

static const char usage[] =
    "usage: stoad [-fhtTVM] [-c FILE] [-d FOLDER] [-m FOLDER] [-o path/in/config=value]...\n"
    "  -c FILE    configuration to read (default " STOA_CONFIG_FILE ")\n"
    "  -d FOLDER  what relative paths in it are taken from (default: its own folder;\n"
    "             for the default file " STOA_DATA_ROOT ")\n"
    "  -f         stay in the foreground\n"
    "  -m FOLDER  where the modules are (default " STOA_MODULE_DIR ")\n"
    "  -o P=V     a value that wins over the file: -o upload/logic/max-file-size=10M\n"
    "  -t         test the configuration: exit status 0 when it is good, 1 when not\n"
    "  -T         the same, and print all that would be in force\n"
    "  -M         print the manual page of the configuration\n"
    "  -V         print the version\n";

enum mode { MODE_RUN, MODE_TEST, MODE_PRINT, MODE_MANUAL };

static struct conf_schema *make_schema(void)
{
    return modules_schema(&installed);
}

/* What the core's tables cannot see: the modules' own rules, and certificates that do not load. */
static void check(struct conf *conf, const struct settings *settings)
{
    modules_check(&installed, conf, settings);
}

static int prepare(struct conf *conf, const struct settings *settings, const struct tls_held *held,
                   size_t held_count, void **prepared_r)
{
    struct http_tls *tls = NULL;
    char why[512];

    if (http_server_prepare(settings, held, held_count, &tls, why, sizeof(why)) < 0) {
        conf_complain(conf, CONF_ERROR, &settings->http_server->section, "%s", why);
        return -1;
    }
    *prepared_r = tls;
    return 0;
}

static void release(void *prepared)
{
    struct http_tls *tls = prepared;

    http_server_release(&tls);
}

static void print_problems(const struct conf *conf)
{
    struct buf line = { 0 };

    for (size_t i = 0; i < conf_problem_count(conf); i++) {
        buf_clear(&line);
        conf_problem_print(conf_problem(conf, i), &line);
        fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&line)));
    }
    buf_free(&line);
}

static int test_configuration(const struct master_options *options, enum mode mode)
{
    struct conf_schema *schema = make_schema();
    struct conf *conf = conf_load(schema, options->config, options->data_root, options->overrides);
    struct settings settings;
    void *prepared = NULL;
    struct buf out = { 0 };
    int status;

    if (conf_errors(conf) == 0)
        settings_of(conf, &settings);
    if (conf_errors(conf) == 0)
        check(conf, &settings);
    if (conf_errors(conf) == 0 && prepare(conf, &settings, NULL, 0, &prepared) == 0)
        release(prepared);
    print_problems(conf);
    status = conf_errors(conf) ? EXIT_FAILURE : EXIT_SUCCESS;
    if (status == EXIT_SUCCESS && mode == MODE_PRINT) {
        conf_print(conf, &out);
        fwrite(out.at, 1, out.size, stdout);
    } else if (status == EXIT_SUCCESS) {
        fprintf(stderr, "%s: the configuration is good\n", options->config);
    }
    buf_free(&out);
    conf_free(&conf);
    conf_schema_free(&schema);
    return status;
}

static int print_manual(void)
{
    struct conf_schema *schema = make_schema();
    struct buf out = { 0 };

    conf_manual(schema, &out);
    fwrite(out.at, 1, out.size, stdout);
    buf_free(&out);
    conf_schema_free(&schema);
    return EXIT_SUCCESS;
}

/* The title of a process is written over argv, and a daemon leaves its folder: so whatever is kept is a copy,
 * and a path is whole. */
static const char *kept_path(const char *path)
{
    char *whole = realpath(path, NULL);

    return whole ? whole : must_strdup(path); /* what cannot be found is complained of where it is read */
}

struct command_line {
    struct master_options options;
    const char *overrides[OVERRIDES_MOST + 1];
    size_t override_count;
    const char *modules;
    enum mode mode;
};

static void read_options(struct command_line *line, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:d:fhm:o:tTMV")) != -1) {
        switch (option) {
        case 'c':
            line->options.config = kept_path(optarg);
            break;
        case 'd':
            line->options.data_root = kept_path(optarg);
            break;
        case 'f':
            line->options.foreground = true;
            break;
        case 'm':
            line->modules = kept_path(optarg);
            break;
        case 'o':
            if (line->override_count == OVERRIDES_MOST)
                log_fatal("at most %d -o options can be given", OVERRIDES_MOST);
            line->overrides[line->override_count++] = must_strdup(optarg);
            break;
        case 't':
            line->mode = MODE_TEST;
            break;
        case 'T':
            line->mode = MODE_PRINT;
            break;
        case 'M':
            line->mode = MODE_MANUAL;
            break;
        case 'V':
            printf("stoad %s\n", STOA_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "stoad: '%s' is not understood\n%s", argv[optind], usage);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static struct command_line line = { .options.config = STOA_CONFIG_FILE };
    const char *folder = getenv("STOA_MODULE_DIR");
    char why[512];

    log_identity("master", 0);
    line.modules = folder ? folder : STOA_MODULE_DIR;
    read_options(&line, argc, argv);
    proc_title_init(argc, argv);
    if (line.options.data_root == NULL && span_is(span_of(line.options.config), STOA_CONFIG_FILE))
        line.options.data_root = STOA_DATA_ROOT;
    line.options.overrides = line.overrides;
    xml_start();
    if (modules_load(&installed, line.modules, why, sizeof(why)) < 0)
        log_fatal("%s", why);
    worker_modules(&installed);
    keeper_modules(&installed);
    line.options.schema = make_schema;
    line.options.check = check;
    line.options.prepare = prepare;
    line.options.release = release;
    line.options.children[PROCESS_router] = router_main;
    line.options.children[PROCESS_worker] = worker_main;
    line.options.children[PROCESS_keeper] = keeper_main;
    switch (line.mode) {
    case MODE_TEST:
    case MODE_PRINT:
        return test_configuration(&line.options, line.mode);
    case MODE_MANUAL:
        return print_manual();
    case MODE_RUN:
        break;
    }
    return master_run(&line.options);
}
