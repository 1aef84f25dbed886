/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1: xmpp_scram_test.c - SCRAM by the vectors of its RFCs, what a server may not say, and what
 * may be a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/must.h"
#include "xmpp/sasl.h"

static void is_text(const struct buf *buf, const char *text)
{
    if (!span_is(buf_span(buf), text))
        fail_msg("is %.*s\nnot %s", SPAN_ARG(buf_span(buf)), text);
}

/* ---- whole exchanges ---- */

static const struct vector {
    enum scram_hash hash;
    const char *user, *nonce, *channel, *first, *server_first, *last, *server_last;
} vectors[] = {
    { SCRAM_SHA_1, "user", "fyko+d2lbbFgONRv9qkxdawL", NULL, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
      "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
      "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" }, /* RFC 5802 5 */
    { SCRAM_SHA_256, "user", "rOprNGfwEbeRWgbNEkqO", NULL, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" }, /* RFC 7677 3 */
    { SCRAM_SHA_512, "us=er,", "abcdefgh", "tls-exporter", "p=tls-exporter,,n=us=3Der=2C,r=abcdefgh",
      "r=abcdefghXYZ,s=QSXCR+Q6sek8bf92,i=4096",
      "c=cD10bHMtZXhwb3J0ZXIsLAECAwQ=,r=abcdefghXYZ,"
      "p=5MJxPdWNloakN7n+SbOwZIBpmyX+aR7H2Gi1ZG32sG21MPME+LJ4zTo7Aeeg41Mi1h9AahRwuPDyzhh2fenp0A==",
      "v=YMk1mpL2FstjzN06jUVhFWPt/ecuxOc10/ghmmAIajFS1Gybb6YDk2cQl71tr8TzSLT3idT2BoW3LJP6dJMd7g==" },
};

static void begin(struct scram *scram, const struct vector *vector, struct buf *first)
{
    const struct scram_channel channel = { .type = vector->channel,
                                           .bytes = vector->channel ? SPAN("\1\2\3\4") : SPAN("") };

    scram_begin(scram, vector->hash, span_of(vector->user), &channel, span_of(vector->nonce), first);
}

static void play(struct scram *scram, const struct vector *vector)
{
    struct buf first = { 0 }, last = { 0 };
    struct scram_salt salt = { 0 };
    struct scram_keys keys;
    const char *why;

    begin(scram, vector, &first);
    is_text(&first, vector->first);
    assert_true(scram_hear_first(scram, span_of(vector->server_first), &salt, &why));
    assert_int_equal(salt.rounds, 4096);
    scram_derive(vector->hash, SPAN("pencil"), &salt, &keys);
    scram_finish(scram, &keys, &last);
    is_text(&last, vector->last);
    buf_free(&first);
    buf_free(&last);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct scram scram;
        const char *why;

        play(&scram, &vectors[i]);
        assert_true(scram_verify(&scram, span_of(vectors[i].server_last), &why));
        scram_free(&scram);
    }
}

/* ---- what a server may not say ---- */

static void test_bad_first(void **state)
{
    static const struct {
        const char *message, *why;
    } rows[] = {
        { "", "empty" },
        { "m=a,r=abcdefghX,s=QSXC,i=4096", "extension" },
        { "r=abcdefgh,s=QSXC,i=4096", "nonce" },    /* nothing of its own */
        { "r=xbcdefghXYZ,s=QSXC,i=4096", "nonce" }, /* not ours */
        { "r=abcdefgXYZ,s=QSXC,i=4096", "nonce" },
        { "r=abcdefghX\x01,s=QSXC,i=4096", "nonce" },
        { "s=QSXC,r=abcdefghX,i=4096", "not of SCRAM" },
        { "r=abcdefghX,i=4096", "not of SCRAM" },
        { "r=abcdefghX,s=QSXC", "not of SCRAM" },
        { "r=abcdefghX,s=,i=4096", "salt" },
        { "r=abcdefghX,s=Q!XC,i=4096", "salt" },
        { "r=abcdefghX,s=QSXC,i=999", "too few" },
        { "r=abcdefghX,s=QSXC,i=0", "too few" },
        { "r=abcdefghX,s=QSXC,i=-5", "too few" },
        { "r=abcdefghX,s=QSXC,i=4096x", "too few" },
        { "r=abcdefghX,s=QSXC,i=100001", "too many" },
        { "r=abcdefghX,s=QSXC,i=2000000000", "too many" },
        { "e=other-error", "not of SCRAM" },
    };
    static const struct vector vector = { .hash = SCRAM_SHA_256, .user = "user", .nonce = "abcdefgh" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scram_salt salt = { 0 };
        struct buf first = { 0 };
        struct scram scram;
        const char *why = "";

        begin(&scram, &vector, &first);
        if (scram_hear_first(&scram, span_of(rows[i].message), &salt, &why) ||
            strstr(why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].message, why);
        buf_free(&first);
        scram_free(&scram);
    }
}

static void test_first_bounds(void **state)
{
    static const struct vector vector = { .hash = SCRAM_SHA_1, .user = "user", .nonce = "abcdefgh" };
    struct buf first = { 0 }, message = { 0 };
    struct scram_salt salt = { 0 };
    struct scram scram;
    const char *why;

    (void)state;
    begin(&scram, &vector, &first);
    buf_text(&message, "r=abcdefghX,s=");
    for (size_t i = 0; i < SCRAM_SALT_MOST / 3 + 1; i++)
        buf_text(&message, "QSXC");
    buf_text(&message, ",i=4096");
    assert_false(scram_hear_first(&scram, buf_span(&message), &salt, &why));
    buf_clear(&message);
    buf_text(&message, "r=abcdefgh");
    while (message.size < SCRAM_MESSAGE_MOST)
        buf_char(&message, 'x');
    buf_text(&message, ",s=QSXC,i=4096");
    assert_false(scram_hear_first(&scram, buf_span(&message), &salt, &why));
    /* Extensions behind the three are to be ignored (RFC 5802 5.1); a second first message is not. */
    assert_true(scram_hear_first(&scram, SPAN("r=abcdefghX,s=QSXC,i=100000,x=new"), &salt, &why));
    assert_int_equal(salt.rounds, 100000);
    assert_false(scram_hear_first(&scram, SPAN("r=abcdefghX,s=QSXC,i=4096"), &salt, &why));
    buf_free(&first);
    buf_free(&message);
    scram_free(&scram);
}

static void test_bad_last(void **state)
{
    static const char *const rows[] = {
        "",
        "v=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", /* another signature */
        "v=rmF9pqV8S7suAoZWja4dJRkFsA==", /* a part of it */
        "v=!!!!",
        "e=invalid-proof",
        "x=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    };
    struct scram scram;
    struct buf first = { 0 };
    const char *why;

    (void)state;
    play(&scram, &vectors[0]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (scram_verify(&scram, span_of(rows[i]), &why))
            fail_msg("was taken: %s", rows[i]);
    scram_free(&scram);
    begin(&scram, &vectors[0], &first); /* before we proved anything nothing is a signature */
    assert_false(scram_verify(&scram, span_of(vectors[0].server_last), &why));
    scram_free(&scram);
    buf_free(&first);
}

static void test_own_nonces_differ(void **state)
{
    const struct scram_channel none = { 0 }, could = { .could = true };
    struct buf one = { 0 }, two = { 0 };
    struct scram a, b;

    (void)state;
    scram_begin(&a, SCRAM_SHA_1, SPAN("u"), &none, SPAN(""), &one);
    scram_begin(&b, SCRAM_SHA_1, SPAN("u"), &could, SPAN(""), &two);
    assert_true(span_starts(buf_span(&one), SPAN("n,,n=u,r=")));
    assert_true(span_starts(buf_span(&two), SPAN("y,,n=u,r=")));
    assert_int_equal(a.nonce.size, 32);
    assert_false(span_eq(a.nonce, b.nonce));
    scram_free(&a);
    scram_free(&b);
    buf_free(&one);
    buf_free(&two);
}

/* ---- passwords ---- */

static void test_passwords(void **state)
{
    static const struct {
        struct span given;
        const char *prepared; /* NULL: refused */
    } rows[] = {
        { { "secret", 6 }, "secret" },
        { { "with space and = , \"'<>&", 24 }, "with space and = , \"'<>&" },
        { { "", 0 }, NULL },
        { { "a\0b", 3 }, NULL },
        { { "a\nb", 3 }, NULL },
        { { "a\x7f", 2 }, NULL },
        { { "a\xff", 2 }, NULL },
        { { "I\xc2\xadX", 4 }, "IX" },   /* RFC 4013 3: soft hyphen is mapped to nothing */
        { { "\xc2\xaa", 2 }, "a" },      /* NFKC */
        { { "\xe2\x85\xa8", 3 }, "IX" }, /* NFKC */
        { { "\xc2\xa0x", 3 }, " x" },    /* another space is a space */
        { { "\xd8\xa7\x31", 3 }, NULL }, /* bidirectional check */
        { { "\xc2\x80", 2 }, NULL },     /* a control character beyond ASCII */
        { { "\xc2\xad", 2 }, NULL },     /* nothing is left */
        { { "gr\xc3\xbc\xc3\x9f", 6 }, "gr\xc3\xbc\xc3\x9f" },
    };
    char large[SASL_PASSWORD_MOST + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };
        bool good = sasl_prepare(rows[i].given, &out);

        if (good != (rows[i].prepared != NULL) || (!good && out.size))
            fail_msg("row %zu", i);
        if (good)
            is_text(&out, rows[i].prepared);
        buf_free(&out);
    }
    memset(large, 'a', sizeof(large));
    struct buf out = { 0 };

    assert_false(sasl_prepare(span_make(large, sizeof(large)), &out));
    assert_true(sasl_prepare(span_make(large, sizeof(large) - 1), &out));
    buf_free(&out);
}

/* ---- mechanisms ---- */

#define FEATURES(list, more)                                                                                 \
    "<f xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" list \
    "</mechanisms>" more "</f>"
#define M(name) "<mechanism>" name "</mechanism>"
#define BINDINGS(type)                                                                                       \
    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='" type                          \
    "'/></sasl-channel-binding>"

static void test_choice(void **state)
{
    static const struct {
        const char *features, *channel;
        bool may_plain;
        const char *name; /* NULL: none */
        bool binds, could;
    } rows[] = {
        { FEATURES(M("PLAIN") M("SCRAM-SHA-1"), ""), NULL, true, "SCRAM-SHA-1", false, false },
        { FEATURES(M("SCRAM-SHA-1") M("SCRAM-SHA-256"), ""), NULL, true, "SCRAM-SHA-256", false, false },
        { FEATURES(M("SCRAM-SHA-256") M("SCRAM-SHA-512"), ""), NULL, true, "SCRAM-SHA-512", false, false },
        { FEATURES(M("SCRAM-SHA-1-PLUS") M("SCRAM-SHA-1"), ""), NULL, true, "SCRAM-SHA-1", false, false },
        { FEATURES(M("SCRAM-SHA-1-PLUS") M("SCRAM-SHA-512"), ""), "tls-unique", true, "SCRAM-SHA-1-PLUS",
          true, false },
        { FEATURES(M("SCRAM-SHA-1"), ""), "tls-unique", true, "SCRAM-SHA-1", false, true },
        { FEATURES(M("PLAIN"), ""), NULL, true, "PLAIN", false, false },
        { FEATURES(M("PLAIN"), ""), NULL, false, NULL, false, false },
        { FEATURES(M("PLAIN") M("X-OAUTH2"), ""), NULL, false, NULL, false, false },
        { FEATURES(M("DIGEST-MD5") M("EXTERNAL"), ""), NULL, true, NULL, false, false },
        { FEATURES(M("<x/>PLAIN") M("scram-sha-1"), ""), NULL, true, NULL, false, false },
        { FEATURES("", ""), NULL, true, NULL, false, false },
        { "<f xmlns='http://etherx.jabber.org/streams'/>", NULL, true, NULL, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *arena = arena_new();
        struct xml_element *features;
        struct sasl_choice choice;
        const char *why;

        assert_int_equal(xml_document(span_of(rows[i].features), &xml_limits_client, arena, &features, &why),
                         1);
        sasl_choose(features, rows[i].channel, rows[i].may_plain, &choice);
        if (rows[i].name == NULL) {
            assert_null(choice.name);
        } else {
            assert_non_null(choice.name);
            assert_string_equal(choice.name, rows[i].name);
        }
        assert_int_equal(choice.binds, rows[i].binds);
        assert_int_equal(choice.could_have_bound, rows[i].could);
        arena_free(&arena);
    }
}

static void test_announced_bindings(void **state)
{
    struct arena *arena = arena_new();
    struct xml_element *features;
    const char *why;
    bool told;

    (void)state;
    assert_int_equal(xml_document(SPAN(FEATURES("", BINDINGS("tls-exporter"))), &xml_limits_client, arena,
                                  &features, &why),
                     1);
    assert_true(sasl_announces(features, "tls-exporter", &told) && told);
    assert_false(sasl_announces(features, "tls-unique", &told));
    assert_true(told);
    assert_int_equal(xml_document(SPAN(FEATURES("", "")), &xml_limits_client, arena, &features, &why), 1);
    assert_false(sasl_announces(features, "tls-exporter", &told));
    assert_false(told);
    arena_free(&arena);
}

/* ---- keys that were derived before ---- */

static void test_cache(void **state)
{
    struct sasl_cache *cache = sasl_cache_new(), *other = sasl_cache_new();
    struct scram_salt salt = { .bytes = "salt", .size = 4, .rounds = 4096 };
    struct scram_keys keys = { .client = "c", .server = "s" }, found;
    unsigned char name[SASL_NAME], wrong[SASL_NAME];

    (void)state;
    sasl_cache_name(cache, SPAN("a@b"), SCRAM_SHA_1, &salt, SPAN("secret"), name);
    assert_false(sasl_cache_find(cache, name, &found));
    sasl_cache_keep(cache, name, &keys);
    assert_true(sasl_cache_find(cache, name, &found));
    assert_memory_equal(&found, &keys, sizeof(keys));
    /* Another password, account, hash, salt or number of rounds is another name. */
    sasl_cache_name(cache, SPAN("a@b"), SCRAM_SHA_1, &salt, SPAN("secrets"), wrong);
    assert_memory_not_equal(wrong, name, sizeof(name));
    sasl_cache_name(cache, SPAN("a@bs"), SCRAM_SHA_1, &salt, SPAN("ecret"), wrong);
    assert_memory_not_equal(wrong, name, sizeof(name));
    sasl_cache_name(cache, SPAN("a@b"), SCRAM_SHA_256, &salt, SPAN("secret"), wrong);
    assert_memory_not_equal(wrong, name, sizeof(name));
    salt.rounds++;
    sasl_cache_name(cache, SPAN("a@b"), SCRAM_SHA_1, &salt, SPAN("secret"), wrong);
    assert_memory_not_equal(wrong, name, sizeof(name));
    salt.rounds--;
    sasl_cache_name(other, SPAN("a@b"), SCRAM_SHA_1, &salt, SPAN("secret"), wrong);
    assert_memory_not_equal(wrong, name, sizeof(name));
    sasl_cache_free(&cache);
    sasl_cache_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_bad_first),
        cmocka_unit_test(test_first_bounds),
        cmocka_unit_test(test_bad_last),
        cmocka_unit_test(test_own_nonces_differ),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_announced_bindings),
        cmocka_unit_test(test_cache),
    };

    xml_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
