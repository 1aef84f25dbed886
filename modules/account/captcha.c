/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: captcha.c - see captcha.h.
 *
 * An id is TIME.RANDOM.MAC in hexadecimal digits; the MAC covers kind, time, random and query, so that nobody
 * chooses what is asked, and only ids of ours are remembered as used. Work is to find a number so that the
 * SHA-256 of "ID:number" begins with so many zero bits. */
#include "captcha.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"

#define TIME_DIGITS  16
#define RANDOM_BYTES 8
#define MAC_BYTES    16
#define ID_SIZE      ((size_t)(TIME_DIGITS + 1 + 2 * RANDOM_BYTES + 1 + 2 * MAC_BYTES))
#define NUMBER_MOST  31 /* of a question */
#define QUERY_MOST   32
#define ANSWER_MOST  20

/* ---- the id ---- */

static void mac_of(const struct once *once, const char *kind, struct span stamp, struct span query,
                   struct buf *hex)
{
    unsigned char mac[SHA256_BYTES];
    struct buf text = { 0 };

    buf_printf(&text, "captcha\n%s\n%.*s\n%.*s", kind, SPAN_ARG(stamp), SPAN_ARG(query));
    digest_hmac(span_make((const char *)once->key, sizeof(once->key)), buf_span(&text), mac);
    codec_hex(hex, span_make((const char *)mac, MAC_BYTES));
    buf_free(&text);
}

static struct span make_id(const struct once *once, const char *kind, int64_t now, struct span query,
                           struct arena *arena)
{
    unsigned char bytes[RANDOM_BYTES];
    struct buf id = { 0 };
    struct span kept;

    random_bytes(bytes, sizeof(bytes));
    buf_printf(&id, "%0*llx.", TIME_DIGITS, (unsigned long long)now);
    codec_hex(&id, span_make((const char *)bytes, sizeof(bytes)));
    kept = arena_copy(arena, buf_span(&id));
    buf_char(&id, '.');
    mac_of(once, kind, kept, query, &id);
    kept = arena_copy(arena, buf_span(&id));
    buf_free(&id);
    return kept;
}

static bool read_time(struct span id, int64_t *time_r)
{
    uint64_t time = 0;

    for (size_t i = 0; i < TIME_DIGITS; i++) {
        int digit = codec_hex_digit(id.at[i]);

        if (digit < 0)
            return false;
        time = time << 4 | (unsigned)digit;
    }
    *time_r = (int64_t)time;
    return true;
}

/* ---- a question ---- */

static void question_ask(const struct once *once, unsigned bits, int64_t now, struct arena *arena,
                         struct captcha_challenge *challenge_r)
{
    unsigned a = 1 + (unsigned)random_below(NUMBER_MOST), b = 1 + (unsigned)random_below(NUMBER_MOST);
    bool is_sum = a < b || random_below(2) == 0;
    char *query = arena_printf(arena, "%u %c %u", a, is_sum ? '+' : '-', b);

    (void)bits;
    challenge_r->query = span_of(query);
    challenge_r->id = make_id(once, "question", now, challenge_r->query, arena);
}

static bool question_verify(struct span id, struct span query, unsigned bits, struct span answer)
{
    uint64_t a, b, given;
    struct span first = span_cut(&query, ' '), sign = span_cut(&query, ' ');

    (void)id;
    (void)bits;
    if (!text_to_u64(first, &a) || !text_to_u64(query, &b) || !text_to_u64(answer, &given))
        return false;
    return given == (span_is(sign, "+") ? a + b : a - b);
}

/* ---- work ---- */

static void work_ask(const struct once *once, unsigned bits, int64_t now, struct arena *arena,
                     struct captcha_challenge *challenge_r)
{
    challenge_r->query = span_of(arena_printf(arena, "%u", bits));
    challenge_r->id = make_id(once, "work", now, challenge_r->query, arena);
}

static bool work_verify(struct span id, struct span query, unsigned bits, struct span answer)
{
    unsigned char digest[SHA256_BYTES];
    struct buf text = { 0 };
    uint64_t asked, number;

    if (!text_to_u64(query, &asked) || asked != bits || !text_to_u64(answer, &number))
        return false;
    buf_printf(&text, "%.*s:%.*s", SPAN_ARG(id), SPAN_ARG(answer));
    digest_sha256(buf_span(&text), digest);
    buf_free(&text);
    for (unsigned i = 0; i < bits; i++)
        if (digest[i / 8] & (0x80u >> i % 8))
            return false;
    return true;
}

/* ---- kinds ---- */

static const struct captcha_kind kinds[] = {
    [CAPTCHA_NONE] = { .name = "none" },
    [CAPTCHA_QUESTION] = { "question", question_ask, question_verify },
    [CAPTCHA_WORK] = { "work", work_ask, work_verify },
};

void captcha_ask(int64_t kind, const struct once *once, unsigned bits, int64_t now, struct arena *arena,
                 struct captcha_challenge *challenge_r)
{
    *challenge_r = (struct captcha_challenge){ SPAN(""), SPAN("") };
    if (kinds[kind].challenge != NULL)
        kinds[kind].challenge(once, bits, now, arena, challenge_r);
}

bool captcha_check(int64_t kind, struct once *once, unsigned bits, int64_t now, struct span id,
                   struct span query, struct span answer)
{
    const struct captcha_kind *row = &kinds[kind];
    size_t stamp_size = ID_SIZE - 2 * (size_t)MAC_BYTES - 1;
    struct buf mac = { 0 };
    int64_t made;
    bool is_ours;

    if (row->verify == NULL)
        return true;
    answer = span_trim(answer);
    if (id.size != ID_SIZE || query.size > QUERY_MOST || answer.size > ANSWER_MOST || !read_time(id, &made) ||
        made > now || now - made > CAPTCHA_LIFE || text_has_control(query) || text_has_control(answer))
        return false;
    mac_of(once, row->name, span_head(id, stamp_size), query, &mac);
    is_ours = digest_equal(mac.at, span_from(id, stamp_size + 1).at, mac.size);
    buf_free(&mac);
    return is_ours && once_use(once, span_head(id, stamp_size), made, CAPTCHA_LIFE, now) &&
           row->verify(id, query, bits, answer);
}
