/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: duration.c - see duration.h. */
#include "parse/duration.h"

#include "base/clock.h"
#include "base/text.h"

struct unit {
    char letter;
    bool in_time; /* belongs behind the T */
    int64_t usec;
};

/* In the order in which they must come. */
static const struct unit units[] = {
    { 'W', false, 7 * 86400 * USEC_PER_SEC },
    { 'D', false, 86400 * USEC_PER_SEC },
    { 'H', true, 3600 * USEC_PER_SEC },
    { 'M', true, 60 * USEC_PER_SEC },
    { 'S', true, USEC_PER_SEC },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

static const char why_shape[] = "write a duration like PT6H, P30D or P1DT2H30M";
static const char why_month[] = "months and years have no fixed length: write days, like P30D";
static const char why_minutes[] = "PnM means months: write minutes with a T, like PT5M";
static const char why_large[] = "the duration is too long";
static const char why_fraction[] = "only the last number may have a fraction";

/* One number with its letter. */
struct piece {
    struct span whole, fraction; /* digits */
    char letter;
};

static struct span take_digits(struct span *text)
{
    struct span digits = *text;

    digits.size = 0;
    while (digits.size < text->size && text->at[digits.size] >= '0' && text->at[digits.size] <= '9')
        digits.size++;
    *text = span_from(*text, digits.size);
    return digits;
}

static bool take_piece(struct span *text, struct piece *piece_r)
{
    piece_r->whole = take_digits(text);
    piece_r->fraction = span_make(NULL, 0);
    if (piece_r->whole.size && text->size && (text->at[0] == '.' || text->at[0] == ',')) {
        *text = span_from(*text, 1);
        piece_r->fraction = take_digits(text);
        if (piece_r->fraction.size == 0)
            return false;
    }
    if (piece_r->whole.size == 0 || text->size == 0)
        return false;
    piece_r->letter = text->at[0];
    *text = span_from(*text, 1);
    return true;
}

/* NULL: added. What a fraction has below a microsecond is dropped. */
static const char *add_piece(const struct piece *piece, int64_t unit, int64_t *usec)
{
    int64_t whole, part = 0, scale = unit;
    uint64_t number;

    if (!text_to_u64(piece->whole, &number) || number > INT64_MAX)
        return why_large;
    for (size_t i = 0; i < piece->fraction.size && scale > 0; i++) {
        scale /= 10;
        part += (piece->fraction.at[i] - '0') * scale;
    }
    if (__builtin_mul_overflow((int64_t)number, unit, &whole) ||
        __builtin_add_overflow(whole, part, &whole) || __builtin_add_overflow(*usec, whole, usec))
        return why_large;
    return NULL;
}

/* Index in units from the first that may come on; UNITS: not there. */
static size_t unit_of(char letter, size_t from)
{
    while (from < UNITS && units[from].letter != letter)
        from++;
    return from;
}

static const char *why_unit(const struct piece *piece, bool in_time)
{
    if (piece->letter == 'Y')
        return why_month;
    if (piece->letter == 'M' && !in_time)
        return why_minutes;
    return why_shape;
}

/* Reads what stands behind the P; NULL: good. */
static const char *read_pieces(struct span text, int64_t *usec, bool *lenient)
{
    bool in_time = false, fraction_seen = false;
    size_t next = 0, count = 0;
    const char *why = NULL;

    while (text.size && why == NULL) {
        struct piece piece;
        size_t at;

        if (text.at[0] == 'T') {
            if (in_time || *lenient || text.size == 1)
                return why_shape;
            in_time = true;
            text = span_from(text, 1);
        }
        if (!take_piece(&text, &piece))
            return why_shape;
        if (fraction_seen)
            return why_fraction;
        fraction_seen = piece.fraction.size > 0;
        at = unit_of(piece.letter, next);
        if (at == UNITS || (in_time && !units[at].in_time) || (!in_time && piece.letter == 'M' && !*lenient))
            return why_unit(&piece, in_time);
        *lenient |= units[at].in_time && !in_time;
        why = add_piece(&piece, units[at].usec, usec);
        next = at + 1;
        count++;
    }
    return why ? why : count ? NULL : why_shape;
}

bool duration_parse(struct span text, int64_t *usec_r, bool *lenient_r, const char **why_r)
{
    const char *why = why_shape;
    bool lenient = false;
    int64_t usec = 0;

    if (text.size && text.at[0] == 'P')
        why = read_pieces(span_from(text, 1), &usec, &lenient);
    if (why) {
        *why_r = why;
        return false;
    }
    *usec_r = usec;
    *lenient_r = lenient;
    return true;
}

static void write_seconds(struct buf *out, int64_t usec)
{
    int64_t fraction = usec % USEC_PER_SEC;

    buf_number(out, (unsigned long long)(usec / USEC_PER_SEC));
    if (fraction) {
        buf_printf(out, ".%06d", (int)fraction);
        while (out->at[out->size - 1] == '0')
            out->size--;
    }
    buf_char(out, 'S');
}

void duration_write(struct buf *out, int64_t usec)
{
    bool in_time = false;

    buf_char(out, 'P');
    if (usec == 0)
        buf_text(out, "T0S");
    for (size_t i = 1; i < UNITS && usec > 0; i++) { /* from days on: weeks read badly among days */
        if (i + 1 < UNITS && usec < units[i].usec)
            continue;
        if (units[i].in_time && !in_time)
            buf_char(out, 'T');
        in_time = units[i].in_time;
        if (units[i].letter == 'S') {
            write_seconds(out, usec);
            return;
        }
        buf_number(out, (unsigned long long)(usec / units[i].usec));
        buf_char(out, units[i].letter);
        usec %= units[i].usec;
    }
}
