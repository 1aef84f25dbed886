/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: tdsl_fuzz.c - any bytes as config.tdsl: no crash, no loop, and what is printed means the
 * same.
 *
 * A byte 0xff, which no configuration can hold, ends the file; what stands behind it is an override. */
#include "conf/settings.h"

#include "base/must.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct child {
    struct conf_section section;
    const char *text, *secret, *path;
};

struct probe {
    struct conf_section section;
    const struct child *child;
    struct conf_sections children;
    struct conf_list list, keys;
    int64_t number, bytes, duration, choice;
    bool truth;
};

static const char *const words[] = { "", "one", "two", NULL };

#define CHILD(field) .into = offsetof(struct child, field), .manual = "m"
#define PROBE(field) .into = offsetof(struct probe, field), .manual = "m"

static const struct directive child_rows[] = {
    { .name = "text", .alias = "aText", .type = DIRECTIVE_TEXT, .initial = "x", CHILD(text) },
    { .name = "secret", .type = DIRECTIVE_TEXT, .secret = true, CHILD(secret) },
    { .name = "path", .type = DIRECTIVE_PATH, CHILD(path) },
    { .name = "class", .type = DIRECTIVE_TEXT, CHILD(text) },
    { .name = "old", .type = DIRECTIVE_OBSOLETE, .manual = "it is old" },
    DIRECTIVES_END,
};

static const struct directive probe_rows[] = {
    { .name = "list", .type = DIRECTIVE_TEXT_LIST, .initial = "[ 'a', 'b, c' ]", PROBE(list) },
    { .name = "keys", .type = DIRECTIVE_TEXT_LIST, .secret = true, PROBE(keys) },
    { .name = "number", .type = DIRECTIVE_NUMBER, .least = -10, .initial = "1", PROBE(number) },
    { .name = "bytes", .type = DIRECTIVE_SIZE, .initial = "1K", PROBE(bytes) },
    { .name = "duration", .type = DIRECTIVE_DURATION, .unit = "s", .initial = "P1D", PROBE(duration) },
    { .name = "choice", .type = DIRECTIVE_CHOICE, .choices = words, .initial = "", PROBE(choice) },
    { .name = "truth", .type = DIRECTIVE_BOOL, .initial = "true", PROBE(truth) },
    DIRECTIVES_END,
};

#define CHILD_TABLE .size = sizeof(struct child), .directives = child_rows, .manual = "m"

static const struct section group_rows[] = {
    { .name = "*", .name_is = "name", .into = offsetof(struct probe, children), CHILD_TABLE },
    SECTIONS_END,
};

static const struct section probe_parts[] = {
    { .name = "child", .into = offsetof(struct probe, child), .initially_inactive = true, CHILD_TABLE },
    { .name = "group", .sections = group_rows, .manual = "m" },
    SECTIONS_END,
};

static const struct section probe_section = { .name = "probe",
                                              .size = sizeof(struct probe),
                                              .directives = probe_rows,
                                              .sections = probe_parts,
                                              .manual = "m" };

static struct conf_schema *make_schema(void)
{
    struct conf_schema *schema = conf_schema_new();

    settings_register(schema);
    conf_schema_add(schema, "", &probe_section);
    conf_schema_absent(schema, "http", "rest", "it is not installed");
    return schema;
}

static struct conf *load(const struct conf_schema *schema, struct span text, const char *const *overrides)
{
    return conf_load_text(schema, "fuzz.tdsl", text, "/", overrides);
}

static void print(const struct conf *conf, bool exact, struct buf *out)
{
    if (exact)
        conf_print_exact(conf, "", out);
    else
        conf_print(conf, out);
}

static void is_fixed_point(const struct conf_schema *schema, const struct conf *conf, bool exact)
{
    struct buf first = { 0 }, second = { 0 };
    struct conf *again;

    print(conf, exact, &first);
    again = load(schema, buf_span(&first), NULL);
    must(conf_errors(again) == 0);
    print(again, exact, &second);
    must(span_eq(buf_span(&first), buf_span(&second)));
    conf_free(&again);
    buf_free(&first);
    buf_free(&second);
}

static void look_at_problems(const struct conf *conf)
{
    struct buf out = { 0 };

    for (size_t i = 0; i < conf_problem_count(conf); i++)
        conf_problem_print(conf_problem(conf, i), &out);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_schema *schema;
    struct span text = span_make((const char *)data, size);
    ssize_t end = span_find(text, '\xff');
    char *override = NULL;
    const char *overrides[2] = { NULL, NULL };
    struct settings settings;
    struct conf *conf;

    if (schema == NULL)
        schema = make_schema();
    if (end >= 0) {
        override = strndup(text.at + end + 1, size - (size_t)end - 1);
        overrides[0] = override;
        text.size = (size_t)end;
    }
    conf = load(schema, text, overrides);
    if (conf_errors(conf) == 0) {
        is_fixed_point(schema, conf, true);
        is_fixed_point(schema, conf, false);
        settings_of(conf, &settings);
        must(settings_workers(&settings) > 0);
    }
    if (conf_errors(conf) == 0)
        is_fixed_point(schema, conf, true);
    look_at_problems(conf);
    conf_free(&conf);
    free(override);
    return 0;
}
