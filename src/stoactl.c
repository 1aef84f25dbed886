/* SPDX-License-Identifier: ISC */
/* floor 10 sees 0..9: stoactl.c - the operator's client: master's control socket, and the modules' commands.
 *
 * Commands about processes go to master; commands about stored things (slot, files, fsck) come from the
 * modules and open the store as one more process of LMDB. Run by root, it first becomes the daemon's user, so
 * that no file of the daemon ever belongs to somebody else. */
#include "ctl/ctl.h"
#include "module/load.h"
#include "os/log.h"
#include "os/proc.h"
#include "parse/xml.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OVERRIDES_MOST 64

struct call {
    const char *config, *data_root, *modules;
    const char *socket; /* of the daemon; NULL: processes/control-socket of the configuration */
    const char *overrides[OVERRIDES_MOST + 1];
    size_t override_count;
    struct modules installed;
    struct conf_schema *schema; /* NULL before load_configuration, as conf */
    struct conf *conf;
    struct settings settings;
};

static const struct {
    const char *name, *usage, *about;
} own_commands[] = {
    { "status", "[--json]", "processes, streams and counters of the running daemon" },
    { "routes", "", "what is served over HTTP, and who may ask for it" },
    { "reload", "", "read the configuration again; refused whole when it is bad" },
    { "changes", "", "what was changed by command, beside the configuration's file" },
    { "change", "path/in/config[=value]...",
      "change settings at once and for good; without a value: back to what the file says" },
    { "reopen", "", "open the log files again, after they were moved" },
    { "drain", "", "finish what is under way, then end" },
    { "stop", "", "end now" },
};

static void print_usage(FILE *out, const struct call *call)
{
    fprintf(out, "usage: stoactl [-c FILE] [-d FOLDER] [-m FOLDER] [-o path/in/config=value]... [-s SOCKET] "
                 "COMMAND\n\n");
    for (size_t i = 0; i < sizeof(own_commands) / sizeof(own_commands[0]); i++)
        fprintf(out, "  %s %s\n      %s\n", own_commands[i].name, own_commands[i].usage,
                own_commands[i].about);
    for (size_t i = 0; i < call->installed.count; i++)
        for (const struct ctl_command *at = call->installed.items[i]->commands; at && at->name; at++)
            fprintf(out, "  %s %s\n      %s\n", at->name, at->usage, at->about);
}

static int read_options(struct call *call, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "+c:d:m:o:s:hV")) != -1) {
        switch (option) {
        case 'c':
            call->config = optarg;
            break;
        case 'd':
            call->data_root = optarg;
            break;
        case 'm':
            call->modules = optarg;
            break;
        case 'o':
            if (call->override_count < OVERRIDES_MOST)
                call->overrides[call->override_count++] = optarg;
            break;
        case 's':
            call->socket = optarg;
            break;
        case 'h':
            return 1;
        case 'V':
            printf("stoactl %s\n", STOA_VERSION);
            exit(EXIT_SUCCESS);
        default:
            return -1;
        }
    }
    return 0;
}

/* The configuration in force; its errors end the program, its warnings are master's to tell. */
static void load_configuration(struct call *call)
{
    struct buf line = { 0 };

    call->schema = modules_schema(&call->installed);
    call->conf = conf_load(call->schema, call->config, call->data_root, call->overrides);
    if (conf_errors(call->conf) == 0)
        settings_of(call->conf, &call->settings);
    for (size_t i = 0; i < conf_problem_count(call->conf); i++) {
        const struct conf_problem *problem = conf_problem(call->conf, i);

        if (problem->severity != CONF_ERROR)
            continue;
        buf_clear(&line);
        conf_problem_print(problem, &line);
        fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&line)));
    }
    buf_free(&line);
    if (conf_errors(call->conf))
        exit(2);
}

/* The daemon's socket; with -s also while the configuration is broken. */
static const char *control_socket(struct call *call)
{
    if (call->socket == NULL) {
        load_configuration(call);
        call->socket = call->settings.processes->control_socket;
    }
    return call->socket;
}

/* How many words of the command line the command's name takes; 0: it is another one. */
static int words_matched(const char *name, int argc, char **argv)
{
    struct span rest = span_of(name);
    int words = 0;

    while (rest.size) {
        struct span word = span_cut(&rest, ' ');

        if (words >= argc || !span_is(word, argv[words]))
            return 0;
        words++;
    }
    return words;
}

static int run_module_command(struct call *call, int argc, char **argv)
{
    for (size_t i = 0; i < call->installed.count; i++) {
        const struct stoa_module *module = call->installed.items[i];

        for (const struct ctl_command *at = module->commands; at && at->name; at++) {
            int words = words_matched(at->name, argc, argv);
            struct module_host host = { .module = module, .conf = NULL };

            if (words == 0)
                continue;
            load_configuration(call);
            host.conf = call->conf;
            host.settings = &call->settings;
            if (proc_become(call->settings.processes->user, call->settings.processes->group) < 0) {
                fprintf(stderr, "stoactl: cannot become user %s: %m\n", call->settings.processes->user);
                return 1;
            }
            return at->run(&host, argc - words, argv + words);
        }
    }
    return -1;
}

static int run(struct call *call, int argc, char **argv)
{
    int status;

    if (words_matched("status", argc, argv)) {
        bool json = argc > 1 && span_is(span_of(argv[1]), "--json");

        if (argc > 2 || (argc == 2 && !json)) {
            fprintf(stderr, "stoactl: status knows only --json\n");
            return 2;
        }
        return ctl_status(control_socket(call), json);
    }
    if (argc == 1 && words_matched("routes", argc, argv))
        return ctl_routes(control_socket(call));
    if (words_matched("change", argc, argv) && argc > 1)
        return ctl_change(control_socket(call), argc - 1, argv + 1);
    for (size_t i = 1; i < sizeof(own_commands) / sizeof(own_commands[0]); i++)
        if (argc == 1 && !words_matched("change", argc, argv) &&
            words_matched(own_commands[i].name, argc, argv))
            return ctl_command(control_socket(call), own_commands[i].name);
    status = run_module_command(call, argc, argv);
    if (status >= 0)
        return status;
    fprintf(stderr, "stoactl: there is no command '%s'; stoactl -h lists them\n", argv[0]);
    return 2;
}

int main(int argc, char **argv)
{
    struct call call = { .config = STOA_CONFIG_FILE };
    const char *folder = getenv("STOA_MODULE_DIR");
    char why[512];
    int options, status;

    call.modules = folder ? folder : STOA_MODULE_DIR;
    options = read_options(&call, argc, argv);
    if (call.data_root == NULL && span_is(span_of(call.config), STOA_CONFIG_FILE))
        call.data_root = STOA_DATA_ROOT;
    log_identity("stoactl", 0);
    xml_start();
    if (modules_load(&call.installed, call.modules, why, sizeof(why)) < 0) {
        fprintf(stderr, "stoactl: %s\n", why);
        return 2;
    }
    if (options != 0 || optind >= argc) {
        print_usage(options == 1 ? stdout : stderr, &call);
        return options == 1 ? 0 : 2;
    }
    status = run(&call, argc - optind, argv + optind);
    conf_free(&call.conf);
    conf_schema_free(&call.schema);
    return status;
}
