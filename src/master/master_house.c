/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: master_house.c - one configuration: loaded whole or refused whole, with every reason.
 */
#include "base/must.h"
#include "conf/changes.h"
#include "master/inside.h"
#include "os/log.h"

#include <stdlib.h>
#include <string.h>

/* Every problem to the log; those that count also to the report, which stoactl shows. */
static void tell_problems(struct master *master, const struct conf *conf)
{
    struct buf line = { 0 };

    for (size_t i = 0; i < conf_problem_count(conf); i++) {
        const struct conf_problem *problem = conf_problem(conf, i);
        bool error = problem->severity == CONF_ERROR;

        buf_clear(&line);
        conf_problem_print(problem, &line);
        log_line(error                               ? LOG_LEVEL_ERROR
                 : problem->severity == CONF_WARNING ? LOG_LEVEL_WARNING
                                                     : LOG_LEVEL_NOTICE,
                 "%.*s", SPAN_ARG(buf_span(&line)));
        if (problem->severity == CONF_NOTICE)
            continue;
        buf_printf(&master->report, "%s%.*s\n", error ? "error: " : "", SPAN_ARG(buf_span(&line)));
    }
    buf_free(&line);
}

static bool examine(struct master *master, struct house *house)
{
    const struct master_options *options = master->options;
    struct tls_held held[HELD_MOST + 1];
    size_t held_count = change_held(master, held);

    if (conf_errors(house->conf) == 0)
        settings_of(house->conf, &house->settings);
    if (conf_errors(house->conf) == 0 && options->check)
        options->check(house->conf, &house->settings);
    if (conf_errors(house->conf) == 0 && options->prepare &&
        options->prepare(house->conf, &house->settings, held, held_count, &house->prepared) < 0)
        must(conf_errors(house->conf) > 0);
    tell_problems(master, house->conf);
    return conf_errors(house->conf) == 0;
}

/* The file of changes as it lies on the disk, or as it shall become. */
static bool read_changes(struct master *master, struct house *house)
{
    const struct master_options *options = master->options;
    char *path;
    const char *why;
    bool good;

    if (master->change.is_on && master->change.text.size) {
        buf_add(&house->changes, buf_span(&master->change.text));
        return true;
    }
    path = conf_changes_path(options->config, options->data_root);
    good = conf_changes_read(path, &house->changes, &why) == 0;
    if (!good) {
        log_error("%s: %s", path, why);
        buf_printf(&master->report, "error: %s: %s\n", path, why);
    }
    free(path);
    return good;
}

struct house *house_load(struct master *master)
{
    const struct master_options *options = master->options;
    struct house *house = must_alloc(sizeof(*house));

    buf_clear(&master->report);
    if (!read_changes(master, house)) {
        house_free(master, &house);
        return NULL;
    }
    house->conf = conf_load_changed(master->schema, options->config, options->data_root,
                                    buf_span(&house->changes), options->overrides);
    house->generation = master->house ? master->house->generation + 1 : 1;
    if (!examine(master, house) || listen_for(master, house) < 0)
        house_free(master, &house);
    return house;
}

void house_free(struct master *master, struct house **address)
{
    struct house *house = *address;

    if (house == NULL)
        return;
    listen_release(master, house);
    if (house->prepared && master->options->release)
        master->options->release(house->prepared);
    conf_free(&house->conf);
    if (house->changes.at)
        explicit_bzero(house->changes.at, house->changes.size); /* it may hold secrets */
    buf_free(&house->changes);
    free(house);
    *address = NULL;
}

bool house_has_the_same_xmpp(const struct house *a, const struct house *b)
{
    struct buf text_a = { 0 }, text_b = { 0 };
    bool same;

    conf_print_exact(a->conf, "xmpp", &text_a);
    conf_print_exact(b->conf, "xmpp", &text_b);
    same = span_eq(buf_span(&text_a), buf_span(&text_b));
    if (text_a.at)
        explicit_bzero(text_a.at, text_a.size);
    if (text_b.at)
        explicit_bzero(text_b.at, text_b.size);
    buf_free(&text_a);
    buf_free(&text_b);
    return same;
}

int house_open_log(const struct house *house)
{
    const struct log_settings *log = house->settings.log;
    const char *directory = log->target == LOG_TO_FILES ? log->directory : NULL;

    if (daemon_own_logs(house) < 0 || log_open(directory, (enum log_level)log->level, log->access) < 0) {
        log_error("the log files in %s cannot be opened: %m", directory ? directory : "stderr");
        return -1;
    }
    return 0;
}
