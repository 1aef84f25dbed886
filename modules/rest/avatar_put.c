/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar_put.c - PUT /rest/avatar/{jid}: one's own picture, set as oneself.
 *
 * It goes where clients look: into the vcard-temp, whose other parts stay as they are, and into PEP (data,
 * then metadata, as XEP-0084 3.1 wants). Servers copy one to the other, some of them, and some know one of
 * the two only: it is set when one of them is. */
#include "avatar.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "shm/count.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"

#include <json-c/json.h>

/* Base64 makes four bytes of three; the rest is for what stands around it, other parts of the vCard too. */
#define PICTURE_MOST ((STANZA_MOST - (size_t)32 * 1024) / 4 * 3)
/* Servers slow their users' large stanzas down: 100 kB were seen to take half a minute. */
#define STEP_USEC (60 * USEC_PER_SEC)

enum step {
    STEP_CARD_GET,
    STEP_CARD_SET,
    STEP_DATA,
    STEP_METADATA,
    STEPS,
};

struct putting {
    OBJECT_MAGIC
    struct ask ask;
    struct rest_call *call; /* borrowed; in whose arena this lies */
    enum step step;
    const char *type;
    struct span base64;
    char id[2 * SHA1_BYTES + 1];     /* of the item: its SHA-1 */
    const struct xml_element *card;  /* the vCard that is there; NULL: none */
    const struct xml_element *error; /* the first that came */
    bool is_set;                     /* at one of the two places */
};

static void add_card(struct putting *putting, struct buf *out)
{
    const struct xml_element *at = putting->card ? xml_child(putting->card, NULL, NULL) : NULL;

    buf_text(out, "<vCard xmlns='" NS_VCARD "'>");
    for (; at; at = xml_next(at, NULL, NULL))
        if (!xml_is(at, NS_VCARD, "PHOTO"))
            xml_write(out, at, SPAN(NS_VCARD));
    buf_printf(out, "<PHOTO><TYPE>%s</TYPE><BINVAL>", putting->type);
    buf_add(out, putting->base64);
    buf_text(out, "</BINVAL></PHOTO></vCard>");
}

static void add_data(struct putting *putting, struct buf *out)
{
    buf_printf(out,
               "<pubsub xmlns='" NS_PUBSUB "'><publish node='" NS_AVATAR_DATA
               "'><item id='%s'><data xmlns='" NS_AVATAR_DATA "'>",
               putting->id);
    buf_add(out, putting->base64);
    buf_text(out, "</data></item></publish></pubsub>");
}

static void add_metadata(struct putting *putting, struct buf *out)
{
    struct span bytes = putting->call->body;
    unsigned width, height;

    buf_printf(out,
               "<pubsub xmlns='" NS_PUBSUB "'><publish node='" NS_AVATAR_METADATA
               "'><item id='%s'><metadata xmlns='" NS_AVATAR_METADATA "'><info id='%s' type='%s' bytes='%zu'",
               putting->id, putting->id, putting->type, bytes.size);
    if (picture_size(bytes, &width, &height) && width <= UINT16_MAX && height <= UINT16_MAX)
        buf_printf(out, " width='%u' height='%u'", width, height);
    buf_text(out, "/></metadata></item></publish></pubsub>");
}

static void add_card_query(struct putting *putting, struct buf *out)
{
    (void)putting;
    buf_text(out, "<vCard xmlns='" NS_VCARD "'/>");
}

static const struct {
    enum iq_kind kind;
    void (*add)(struct putting *putting, struct buf *out);
    enum step after_error; /* where it goes on when the server refuses */
} steps[STEPS] = {
    [STEP_CARD_GET] = { IQ_GET, add_card_query, STEP_CARD_SET },
    [STEP_CARD_SET] = { IQ_SET, add_card, STEP_DATA },
    [STEP_DATA] = { IQ_SET, add_data, STEPS },
    [STEP_METADATA] = { IQ_SET, add_metadata, STEPS },
};

static void on_done(struct ask *ask);

static void ask_step(struct putting *putting)
{
    struct rest_call *call = putting->call;
    struct buf payload = { 0 };

    putting->ask.done = on_done;
    putting->ask.data = putting;
    steps[putting->step].add(putting, &payload);
    ask_iq(call->rest->host, &putting->ask, call->request->arena, call->login.jid, call->login.jid,
           steps[putting->step].kind, buf_span(&payload), STEP_USEC);
    buf_free(&payload);
}

static void finish(struct putting *putting)
{
    struct rest_call *call = putting->call;
    struct json_object *map, *user;

    call->on_cancel = NULL;
    if (!putting->is_set) {
        rest_stanza_error(call, putting->error);
        return;
    }
    count_add(COUNT_avatars_set, 1);
    map = json_object_new_object();
    user = json_object_new_object();
    json_object_object_add(user, "jid",
                           json_object_new_string_len(call->login.jid.at, (int)call->login.jid.size));
    json_object_object_add(map, "user", user);
    rest_answer(call, map);
}

static void take_answer(struct putting *putting, const struct ask *ask)
{
    if (ask->is_error) {
        if (putting->error == NULL)
            putting->error = ask->answer;
        putting->step = steps[putting->step].after_error;
        return;
    }
    if (putting->step == STEP_CARD_GET)
        putting->card = xml_child(ask->answer, NS_VCARD, "vCard");
    else if (putting->step != STEP_DATA)
        putting->is_set = true;
    putting->step++;
}

static void on_done(struct ask *ask)
{
    struct putting *putting = OBJECT(ask->data, putting);

    if (ask->problem != PROBLEM_none) {
        putting->call->on_cancel = NULL;
        rest_ask_failed(putting->call, ask, avatar_put);
        return;
    }
    take_answer(putting, ask);
    if (putting->step < STEPS)
        ask_step(putting);
    else
        finish(putting);
}

static void on_cancel(struct rest_call *call)
{
    ask_cancel(&OBJECT(call->data, putting)->ask);
}

/* false: it is no picture that may be set, and the call was answered. */
static bool is_welcome(struct rest_call *call)
{
    size_t most = (size_t)call->rest->conf->max_avatar;
    struct span jid;

    if (!avatar_jid(call, &jid))
        return false;
    if (!span_eq(jid, call->login.jid)) {
        rest_problem(call, PROBLEM_forbidden, "Everybody sets his own avatar only");
        return false;
    }
    if (call->groups[2].size > 0) {
        rest_problem(call, PROBLEM_bad_request, "An avatar is set for all sources at once: name none");
        return false;
    }
    if (call->body.size == 0) {
        rest_problem(call, PROBLEM_bad_request, "The body must be the picture");
        return false;
    }
    if (call->body.size > (most < PICTURE_MOST ? most : PICTURE_MOST)) {
        rest_problem(call, PROBLEM_body_too_large,
                     arena_printf(call->request->arena, "An avatar may have %zu bytes",
                                  most < PICTURE_MOST ? most : PICTURE_MOST));
        return false;
    }
    if (picture_type(call->body) == NULL) {
        rest_problem(call, PROBLEM_media_not_understood,
                     "An avatar is a PNG, JPEG, GIF, WebP or AVIF picture");
        return false;
    }
    return true;
}

void avatar_put(struct rest_call *call)
{
    struct putting *putting = arena_make(call->request->arena, struct putting);
    unsigned char digest[SHA1_BYTES];
    struct buf text = { 0 };

    if (!is_welcome(call))
        return;
    OBJECT_BORN(putting, putting);
    putting->call = call;
    putting->type = picture_type(call->body);
    codec_base64(&text, call->body);
    putting->base64 = arena_copy(call->request->arena, buf_span(&text));
    buf_clear(&text);
    digest_sha1(call->body, digest);
    codec_hex(&text, span_make((const char *)digest, sizeof(digest)));
    memcpy(putting->id, text.at, text.size);
    buf_free(&text);
    call->data = putting;
    call->on_cancel = on_cancel;
    ask_step(putting);
}
