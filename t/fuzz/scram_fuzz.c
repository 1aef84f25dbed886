/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0: scram_fuzz.c - any messages of a server into SCRAM, and the mechanisms' base64 around them.
 *
 * The first byte chooses the hash, the rest is the server's first message, a line feed, and its last.
 * Whatever is taken is within the bounds that scram.h promises, and no signature is believed that was not
 * computed. */
#include "base/must.h"
#include "xmpp/sasl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct scram_keys keys = { .client = "client key of this fuzzer",
                                        .server = "and its server key" };

static void check_salt(const struct scram_salt *salt)
{
    must(salt->size > 0 && salt->size <= SCRAM_SALT_MOST);
    must(salt->rounds >= SCRAM_ROUNDS_LEAST && salt->rounds <= SCRAM_ROUNDS_MOST);
}

static void check_last(const struct scram *scram, struct span last)
{
    struct span binding = span_cut(&last, ','), nonce = span_cut(&last, ','), proof = last;

    must(span_is(binding, "c=biws") && span_starts(nonce, SPAN("r=fuzznonce")));
    must(span_eq(span_from(nonce, 2), buf_span(&scram->server_nonce)));
    must(span_starts(proof, SPAN("p=")) && span_find(proof, ',') < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct scram_channel none = { 0 };
    struct buf first = { 0 }, last = { 0 }, prepared = { 0 };
    struct scram_salt salt = { 0 };
    struct span rest, message;
    struct scram scram;
    const char *why = NULL;

    if (size < 1)
        return 0;
    rest = span_make((const char *)data + 1, size - 1);
    message = span_cut(&rest, '\n');
    scram_begin(&scram, data[0] % SCRAM_HASHES, SPAN("user"), &none, SPAN("fuzznonce"), &first);
    if (scram_hear_first(&scram, message, &salt, &why)) {
        check_salt(&salt);
        scram_finish(&scram, &keys, &last);
        check_last(&scram, buf_span(&last));
    } else {
        must(why != NULL && why[0]);
    }
    must(!scram_verify(&scram, rest, &why) && why[0]);
    if (sasl_prepare(rest, &prepared))
        must(prepared.size > 0 && prepared.size <= SASL_PASSWORD_MOST &&
             span_find(buf_span(&prepared), '\0') < 0);
    else
        must(prepared.size == 0);
    scram_free(&scram);
    buf_free(&first);
    buf_free(&last);
    buf_free(&prepared);
    return 0;
}
