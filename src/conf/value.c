/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: value.c - see value.h. Says in each refusal what would have been right. */
#include "conf/value.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "conf/period.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool refuse(struct value_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void remark(struct value_reader *reader, enum conf_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct value_reader *reader, enum conf_severity severity, const char *format, va_list list)
{
    struct buf text = { 0 };
    char line[1000]; /* what is longer is cut: it quotes a value that somebody can read in the file */
    int size = vsnprintf(line, sizeof(line), format, list);

    must(size >= 0);
    buf_text(&text, line);
    reader->note = arena_text(reader->arena, buf_span(&text));
    reader->severity = severity;
    buf_free(&text);
}

static bool refuse(struct value_reader *reader, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    note(reader, CONF_ERROR, format, list);
    va_end(list);
    return false;
}

static void remark(struct value_reader *reader, enum conf_severity severity, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    note(reader, severity, format, list);
    va_end(list);
}

/* The value in quotes, unless nobody may read it in a log. */
static const char *shown(struct value_reader *reader, const struct directive *directive, const char *text)
{
    return directive->secret ? "the value" : arena_printf(reader->arena, "'%s'", text);
}

bool value_bool(struct span text, bool *truth_r)
{
    static const struct {
        const char *word;
        bool truth;
    } words[] = { { "true", true }, { "false", false }, { "yes", true },
                  { "no", false },  { "on", true },     { "off", false } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_eq_nocase(text, span_of(words[i].word))) {
            *truth_r = words[i].truth;
            return true;
        }
    return false;
}

/* ---- numbers, sizes, durations ---- */

static void write_amount(struct buf *out, const struct directive *directive, int64_t amount)
{
    if (directive->type == DIRECTIVE_SIZE)
        value_write_size(out, amount);
    else if (directive->type == DIRECTIVE_DURATION)
        value_write_duration(out, amount);
    else
        buf_printf(out, "%" PRId64, amount);
}

static bool in_range(struct value_reader *reader, const struct directive *directive, const char *text,
                     int64_t amount)
{
    struct buf range = { 0 };

    if (amount >= directive->least && (directive->most == 0 || amount <= directive->most))
        return true;
    write_amount(&range, directive, directive->least);
    if (directive->most != 0) {
        buf_text(&range, " to ");
        write_amount(&range, directive, directive->most);
    } else {
        buf_text(&range, " or more");
    }
    refuse(reader, "%s is out of range: write %.*s", shown(reader, directive, text),
           SPAN_ARG(buf_span(&range)));
    buf_free(&range);
    return false;
}

static bool read_number(struct value_reader *reader, const struct directive *directive, const char *text,
                        int64_t *number_r)
{
    struct span digits = span_of(text);
    bool negative = span_starts(digits, SPAN("-"));
    uint64_t number;

    if (negative)
        digits = span_from(digits, 1);
    if (span_ends(digits, SPAN("L")) || span_ends(digits, SPAN("l")))
        digits.size--; /* the reference's mark of a long number */
    if (!text_to_u64(digits, &number) || number > INT64_MAX)
        return refuse(reader, "%s is not a whole number", shown(reader, directive, text));
    *number_r = negative ? -(int64_t)number : (int64_t)number;
    return in_range(reader, directive, text, *number_r);
}

static int shift_of(char c)
{
    switch (c) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    case 'L': /* a long number of the reference */
    case 'l':
        return 0;
    default:
        return -1;
    }
}

static bool read_size(struct value_reader *reader, const struct directive *directive, const char *text,
                      int64_t *bytes_r)
{
    struct span digits = span_of(text);
    int shift = digits.size ? shift_of(digits.at[digits.size - 1]) : -1;
    uint64_t count;

    if (shift >= 0)
        digits.size--;
    else
        shift = 0;
    if (!text_to_u64(digits, &count))
        return refuse(reader, "%s is not a size: write bytes as digits, or digits with K, M, G or T",
                      shown(reader, directive, text));
    if (count > (uint64_t)INT64_MAX >> shift)
        return refuse(reader, "%s is too large", shown(reader, directive, text));
    *bytes_r = (int64_t)(count << shift);
    return in_range(reader, directive, text, *bytes_r);
}

/* What bare digits mean; says so where the reference and its guide disagree. */
static int64_t bare_unit(struct value_reader *reader, const struct directive *directive, int64_t count)
{
    struct span unit = span_of(directive->unit);
    bool milli = span_is(unit, "ms") || (span_is(unit, "s/ms") && count >= 1000);

    if (span_is(unit, "s/ms") && count > 0)
        remark(reader, CONF_NOTICE, "%" PRId64 " without a unit is taken as %s; write %" PRId64 "%s", count,
               milli ? "milliseconds" : "seconds", count, milli ? "ms" : "s");
    return milli ? USEC_PER_MSEC : USEC_PER_SEC;
}

static bool read_duration(struct value_reader *reader, const struct directive *directive, const char *text,
                          int64_t *usec_r)
{
    struct span in = span_of(text);
    bool lenient = false, has_unit = true;
    const char *why;

    if (period_plain(in, usec_r, &has_unit)) {
        if (!has_unit && __builtin_mul_overflow(*usec_r, bare_unit(reader, directive, *usec_r), usec_r))
            return refuse(reader, "%s is too long", shown(reader, directive, text));
    } else if (!period_iso(in, usec_r, &lenient, &why)) {
        return refuse(reader, "%s %s", shown(reader, directive, text), why);
    }
    if (lenient) {
        size_t date = 1;

        for (size_t i = 1; text[i]; i++)
            if (strchr("DdWw", text[i]) != NULL)
                date = i + 1;
        remark(reader, CONF_WARNING,
               "'%s' is not ISO 8601, it lacks the T before hours: understood as '%.*sT%s'", text, (int)date,
               text, text + date);
    }
    return in_range(reader, directive, text, *usec_r);
}

/* ---- texts ---- */

static bool check_text(struct value_reader *reader, const struct directive *directive, const char *text)
{
    const char *wrong = directive->check ? directive->check(text) : NULL;

    return wrong == NULL || refuse(reader, "%s is wrong: write %s", shown(reader, directive, text), wrong);
}

static bool read_path(struct value_reader *reader, const struct directive *directive, const char *text,
                      const char **path_r)
{
    if (text[0] == '\0')
        return refuse(reader, "is empty: write a path, or nothing at all");
    if (!check_text(reader, directive, text))
        return false;
    if (text[0] != '/')
        text = arena_printf(reader->arena, "%s/%s",
                            strcmp(reader->data_root, "/") == 0 ? "" : reader->data_root, text);
    *path_r = text;
    return true;
}

static bool read_choice(struct value_reader *reader, const struct directive *directive, const char *text,
                        int64_t *index_r)
{
    struct buf all = { 0 };
    int64_t i;

    for (i = 0; directive->choices[i] != NULL; i++) {
        if (strcasecmp(directive->choices[i], text) == 0) {
            *index_r = i;
            buf_free(&all);
            return true;
        }
        buf_printf(&all, "%s'%s'", i ? ", " : "", directive->choices[i]);
    }
    refuse(reader, "%s is not one of %.*s", shown(reader, directive, text), SPAN_ARG(buf_span(&all)));
    buf_free(&all);
    return false;
}

static bool read_list_texts(struct value_reader *reader, const struct directive *directive,
                            const struct tree_value *value, struct conf_list *list)
{
    for (const struct tree_value *item = value->first; item; item = item->next) {
        if (item->kind != TREE_BARE && item->kind != TREE_QUOTED)
            return refuse(reader, "holds something that is not a text: write [ 'a', 'b' ]");
        if (!check_text(reader, directive, item->text))
            return false;
        list->texts[list->count++] = item->text;
    }
    return true;
}

/* "a, b": the commas of a text count as those of a list. */
static bool read_list_commas(struct value_reader *reader, const struct directive *directive, const char *text,
                             struct conf_list *list)
{
    struct span rest = span_of(text);

    while (rest.size) {
        struct span one = span_trim(span_cut(&rest, ','));

        if (one.size == 0)
            continue;
        list->texts[list->count] = arena_text(reader->arena, one);
        if (!check_text(reader, directive, list->texts[list->count]))
            return false;
        list->count++;
    }
    return true;
}

static bool read_list(struct value_reader *reader, const struct directive *directive,
                      const struct tree_value *value, struct conf_list *list_r)
{
    struct conf_list list = { 0 };
    size_t most = value->kind == TREE_LIST ? value->count : 1;
    bool good;

    if (value->kind != TREE_LIST)
        for (const char *at = value->text; *at; at++)
            most += *at == ',';
    list.texts = most ? arena_alloc(reader->arena, most * sizeof(*list.texts)) : NULL;
    good = value->kind == TREE_LIST ? read_list_texts(reader, directive, value, &list)
                                    : read_list_commas(reader, directive, value->text, &list);
    if (good)
        *list_r = list;
    return good;
}

/* ---- all types ---- */

static bool read_one(struct value_reader *reader, const struct directive *directive, const char *text,
                     void *field)
{
    switch (directive->type) {
    case DIRECTIVE_BOOL:
        return value_bool(span_of(text), field) ||
               refuse(reader, "%s is neither true nor false", shown(reader, directive, text));
    case DIRECTIVE_TEXT:
        if (!check_text(reader, directive, text))
            return false;
        *(const char **)field = text;
        return true;
    case DIRECTIVE_PATH:
        return read_path(reader, directive, text, field);
    default:
        break;
    }
    int64_t amount;
    bool good = directive->type == DIRECTIVE_NUMBER   ? read_number(reader, directive, text, &amount)
                : directive->type == DIRECTIVE_SIZE   ? read_size(reader, directive, text, &amount)
                : directive->type == DIRECTIVE_CHOICE ? read_choice(reader, directive, text, &amount)
                                                      : read_duration(reader, directive, text, &amount);
    if (good)
        *(int64_t *)field = amount;
    return good;
}

bool value_read(struct value_reader *reader, const struct directive *directive,
                const struct tree_value *value, void *field)
{
    reader->note = NULL;
    if (directive->type == DIRECTIVE_OBSOLETE) {
        remark(reader, CONF_NOTICE, "is understood but has no effect: %s", directive->manual);
        return true;
    }
    if (value->kind == TREE_MAP)
        return refuse(reader, "takes a value, not { }");
    if (directive->type == DIRECTIVE_TEXT_LIST)
        return read_list(reader, directive, value, field);
    if (value->kind == TREE_LIST)
        return refuse(reader, "takes one value, not a list");
    must(value->kind != TREE_NULL);
    return read_one(reader, directive, value->text, field);
}

/* ---- and back ---- */

void value_write_size(struct buf *out, int64_t bytes)
{
    int power = 0;

    while (bytes != 0 && bytes % 1024 == 0 && power < 4) {
        bytes /= 1024;
        power++;
    }
    buf_printf(out, "%" PRId64, bytes);
    if (power)
        buf_char(out, "KMGT"[power - 1]);
}

void value_write_duration(struct buf *out, int64_t usec)
{
    period_write(out, usec);
}

void value_write_text(struct buf *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

    buf_char(out, quote);
    for (; *text; text++) {
        if (*text == quote)
            buf_char(out, quote);
        buf_char(out, *text);
    }
    buf_char(out, quote);
}

static void write_list(struct buf *out, const struct conf_list *list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_text(out, i ? ", " : " ");
        value_write_text(out, list->texts[i]);
    }
    buf_text(out, list->count ? " ]" : "]");
}

void value_write(struct buf *out, const struct directive *directive, const void *field)
{
    switch (directive->type) {
    case DIRECTIVE_BOOL:
        buf_text(out, *(const bool *)field ? "true" : "false");
        return;
    case DIRECTIVE_NUMBER:
    case DIRECTIVE_SIZE:
    case DIRECTIVE_DURATION:
        write_amount(out, directive, *(const int64_t *)field);
        return;
    case DIRECTIVE_TEXT:
    case DIRECTIVE_PATH:
        value_write_text(out, *(const char *const *)field);
        return;
    case DIRECTIVE_CHOICE:
        value_write_text(out, directive->choices[*(const int64_t *)field]);
        return;
    case DIRECTIVE_TEXT_LIST:
        write_list(out, field);
        return;
    case DIRECTIVE_OBSOLETE:
        return;
    }
}
