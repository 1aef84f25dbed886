/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_request.c - the XMPP side of XEP-0363: a slot is asked for, and what disco says. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/random.h"
#include "base/text.h"
#include "os/log.h"
#include "shm/count.h"
#include "slot_policy.h"
#include "upload.h"

/* One request until its answer; in the request's arena. */
struct asking {
    OBJECT_MAGIC
    struct iq_request *request;
    struct upload *upload;
    struct slot_promise promise;
};

static void add_retry(struct buf *extra, int64_t moment)
{
    char stamp[STAMP_SIZE];

    text_stamp(moment + USEC_PER_SEC - 1, stamp); /* never a moment too early: stamps have whole seconds */
    buf_printf(extra, "<retry xmlns='" NS_UPLOAD "' stamp='%s'/>", stamp);
}

static void refuse(struct iq_request *request, const struct slot_refused *refused)
{
    struct buf extra = { 0 };
    struct span kept;

    if (refused->most > 0)
        buf_printf(&extra,
                   "<file-too-large xmlns='" NS_UPLOAD
                   "'><max-file-size>%lld</max-file-size></file-too-large>",
                   (long long)refused->most);
    if (refused->retry > 0)
        add_retry(&extra, refused->retry);
    kept = arena_copy(request->arena, buf_span(&extra));
    buf_free(&extra);
    count_add(COUNT_slots_refused, 1);
    iq_refuse(request, refused->problem, refused->detail, kept);
}

static void add_attribute(struct buf *xml, const char *name, struct span value)
{
    buf_printf(xml, " %s='", name);
    text_add_xml(xml, value);
    buf_char(xml, '\'');
}

static void answer(struct asking *asking)
{
    const struct slot_promise *promise = &asking->promise;
    const struct slot *slot = &promise->slot;
    struct buf url = { 0 }, xml = { 0 };

    buf_text(&xml, "<slot xmlns='" NS_UPLOAD "'><put");
    upload_put_url(asking->upload, slot, promise->slot_id, &url);
    add_attribute(&xml, "url", buf_span(&url));
    buf_clear(&url);
    if (slot->has_token) {
        buf_text(&xml, "><header name='Authorization'>Bearer ");
        codec_hex(&xml, span_make((const char *)slot->token, SLOT_TOKEN));
        buf_text(&xml, "</header></put><get");
    } else {
        buf_text(&xml, "/><get");
    }
    upload_get_url(asking->upload, slot, promise->slot_id, &url);
    add_attribute(&xml, "url", buf_span(&url));
    buf_text(&xml, "/></slot>");
    buf_free(&url);
    count_add(COUNT_slots_promised, 1);
    iq_answer(asking->request, buf_span(&xml));
    buf_free(&xml);
}

static void on_promised(struct slot_promise *promise, int result)
{
    struct asking *asking = LIST_OF(promise, struct asking, promise);
    struct slot_refused refused;

    if (result == 0) {
        answer(asking);
        return;
    }
    policy_explain(asking->upload->conf, result, promise->retry, asking->request->arena, &refused);
    refuse(asking->request, &refused);
}

static void read_purposes(const struct iq_request *request, struct slot_wish *wish)
{
    const struct xml_element *child = xml_child(request->payload, NS_PURPOSE, NULL);

    for (; child != NULL; child = xml_next(child, NS_PURPOSE, NULL)) {
        if (wish->purposes++ > 0)
            continue;
        for (unsigned i = 0; i < PURPOSES; i++)
            if (span_is(child->name, slot_purpose_name(i)))
                wish->purpose = slot_purpose_name(i);
        wish->expire_before = xml_attribute(child, "expire-before");
    }
}

/* What is refused before anything is counted: whose users, and how often. */
static bool may_ask(struct iq_request *request, struct upload *upload, struct span owner)
{
    struct slot_refused refused = { 0 };
    int64_t wait;

    if (upload->conf->logic->local_only &&
        !policy_is_local(upload->host->settings, request->from_jid.domain, request->component)) {
        refused.problem = PROBLEM_local_users_only;
        refused.detail = "Only local XMPP users may use this service";
        refuse(request, &refused);
        return false;
    }
    wait = policy_wait(upload->conf, &upload->host->segment->buckets, owner, clock_mono());
    if (wait > 0) {
        refused.problem = PROBLEM_too_many_requests;
        refused.detail = "You ask for slots too often; try again a little later";
        refused.retry = clock_wall() + wait;
        refuse(request, &refused);
        return false;
    }
    return true;
}

void upload_slot_request(struct iq_request *request)
{
    struct upload *upload = OBJECT(request->host->state, upload);
    struct slot_wish wish = { .owner = jid_bare_text(request->arena, request->from_jid),
                              .domain = request->from_jid.domain,
                              .filename = xml_attribute(request->payload, "filename"),
                              .size = xml_attribute(request->payload, "size"),
                              .type = xml_attribute(request->payload, "content-type") };
    struct slot_refused refused = { 0 };
    struct slot_repository *repository;
    struct asking *asking;
    struct slot slot;

    read_purposes(request, &wish);
    if (!policy_grants(upload->conf, &wish, clock_wall(), request->arena, &slot, &refused)) {
        refuse(request, &refused);
        return;
    }
    if (!may_ask(request, upload, wish.owner))
        return;
    random_bytes(slot.id, SLOT_ID);
    if (slot.has_token)
        random_bytes(slot.token, SLOT_TOKEN);
    asking = arena_make(request->arena, struct asking);
    OBJECT_BORN(asking, asking);
    asking->request = request;
    asking->upload = upload;
    asking->promise.slot = slot;
    asking->promise.arena = request->arena;
    asking->promise.done = on_promised;
    policy_quotas(upload->conf, &asking->promise.quotas);
    repository = slot_pool_of(upload->pool, wish.domain);
    repository->kind->promise(repository, &asking->promise);
}

void upload_describe(struct module_host *host, struct buf *name, struct buf *xml)
{
    struct upload *upload = OBJECT(host->state, upload);

    buf_text(name, "HTTP File Upload");
    buf_text(xml, "<identity category='store' type='file' name='HTTP File Upload'/>"
                  "<feature var='http://jabber.org/protocol/disco#info'/>"
                  "<feature var='" NS_UPLOAD "'/>");
    for (unsigned i = 0; i < PURPOSES; i++)
        if (policy_purpose(upload->conf, i)->section.active)
            buf_printf(xml, "<feature var='" NS_PURPOSE "#%s'/>", slot_purpose_name(i));
    buf_printf(xml,
               "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
               "<value>" NS_UPLOAD
               "</value></field><field var='max-file-size'><value>%lld</value></field></x>",
               (long long)policy_most(upload->conf, PURPOSE_MESSAGE));
}
