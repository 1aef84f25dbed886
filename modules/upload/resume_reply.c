/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume_reply.c - what a resumable upload answers, in the dialect that it was asked in.
 *
 * An answer of 5xx lets clients of both dialects ask for the offset and go on, one of 4xx lets them give up:
 * so who meets another request at work on the same upload is sent away with 503. */
#include "resume.h"

#include "http/reply.h"
#include "slot_policy.h"

#include <stdio.h>

#define BUSY_WAIT "1" /* seconds: the other one is most often our memory of a broken connection */
#define FULL_WAIT "5"

void resume_dialect_fields(struct http_request *request, const struct resume_wish *wish)
{
    if (wish->dialect == DIALECT_TUS || wish->dialect == DIALECT_TUS_ELSE)
        reply_field(request, "Tus-Resumable", SPAN(TUS_VERSION));
}

void resume_state_fields(struct http_request *request, const struct resume_wish *wish, int64_t offset,
                         bool is_complete)
{
    reply_field_printf(request, "Upload-Offset", "%lld", (long long)offset);
    if (wish->dialect != DIALECT_TUS)
        reply_field(request, "Upload-Complete", is_complete ? SPAN("?1") : SPAN("?0"));
}

static void limit_field(struct http_request *request, int64_t most)
{
    reply_field_printf(request, "Upload-Limit", "max-size=%lld", (long long)most);
}

bool resume_is_offered(const struct upload_conf *conf)
{
    return conf->logic->resume_validity > 0;
}

void resume_offer_fields(struct http_request *request, const struct upload_conf *conf)
{
    int64_t most = 0;

    if (!resume_is_offered(conf))
        return;
    for (unsigned i = 0; i < PURPOSES; i++) {
        enum slot_purpose purpose = (enum slot_purpose)i;

        if (policy_purpose(conf, purpose)->section.active && policy_most(conf, purpose) > most)
            most = policy_most(conf, purpose);
    }
    reply_field(request, "Accept-Patch", SPAN(RESUME_MEDIA_TYPES));
    limit_field(request, most);
    reply_field(request, "Tus-Resumable", SPAN(TUS_VERSION));
    reply_field(request, "Tus-Version", SPAN(TUS_VERSION));
    reply_field(request, "Tus-Extension", SPAN("termination"));
    reply_field_printf(request, "Tus-Max-Size", "%lld", (long long)most);
}

void resume_announce(struct resume *resume)
{
    struct http_request *request = resume->request;
    struct reply_field_line fields[3];
    char limit[48], interop[24];
    size_t count = 0;

    fields[count++] = (struct reply_field_line){ "Location", request->raw_path };
    snprintf(limit, sizeof(limit), "max-size=%lld", (long long)resume_slot(resume)->size);
    fields[count++] = (struct reply_field_line){ "Upload-Limit", span_of(limit) };
    if (resume->wish.interop >= 0) {
        snprintf(interop, sizeof(interop), "%lld", (long long)resume->wish.interop);
        fields[count++] = (struct reply_field_line){ "Upload-Draft-Interop-Version", span_of(interop) };
    }
    reply_informational(request, 104, fields, count);
}

/* ---- refusals ---- */

void resume_refuse(struct resume **resume, enum problem problem, const char *detail)
{
    struct http_request *request = (*resume)->request;
    int64_t size = resume_slot(*resume)->size;

    resume_end(resume);
    if (request == NULL)
        return;
    if (problem == PROBLEM_longer_than_promised && size > 0)
        limit_field(request, size);
    if (problem == PROBLEM_type_mismatch)
        reply_field(request, "Accept-Patch", SPAN(RESUME_MEDIA_TYPES));
    reply_problem(request, problem, detail);
}

void resume_refuse_busy(struct resume **resume, bool is_full)
{
    if ((*resume)->request != NULL)
        reply_field((*resume)->request, "Retry-After", is_full ? SPAN(FULL_WAIT) : SPAN(BUSY_WAIT));
    resume_refuse(resume, PROBLEM_unavailable,
                  is_full ? NULL : "Another request is at work on this upload just now");
}

void resume_refuse_offset(struct resume **resume)
{
    const struct resume *r = *resume;

    if (r->request != NULL)
        resume_state_fields(r->request, &r->wish, r->offset, false);
    resume_refuse(resume, PROBLEM_offset_mismatch, NULL);
}

/* ---- good news ---- */

/* NULL: nobody listens; the upload's part is over in any case. */
static struct http_request *end_well(struct resume **resume)
{
    struct http_request *request = (*resume)->request;

    resume_end(resume);
    if (request != NULL) {
        reply_field(request, "Cache-Control", SPAN("no-store"));
        safety_fields(request);
    }
    return request;
}

void resume_tell_offset(struct resume **resume)
{
    const struct resume_wish wish = (*resume)->wish;
    const struct slot *slot = resume_slot(*resume);
    bool is_complete = slot->state == SLOT_FILLED;
    int64_t offset = is_complete ? slot->size : (*resume)->offset, size = slot->size;
    struct http_request *request = end_well(resume);

    if (request == NULL)
        return;
    resume_state_fields(request, &wish, offset, is_complete);
    reply_field_printf(request, "Upload-Length", "%lld", (long long)size);
    if (wish.dialect != DIALECT_TUS)
        limit_field(request, size);
    reply_empty(request, wish.dialect == DIALECT_TUS ? 200 : 204);
}

void resume_tell_kept(struct resume **resume)
{
    const struct resume_wish wish = (*resume)->wish;
    int64_t offset = (*resume)->offset, size = resume_slot(*resume)->size;
    bool is_created = (*resume)->kind == RESUME_CREATE;
    struct http_request *request = end_well(resume);

    if (request == NULL)
        return;
    resume_state_fields(request, &wish, offset, false);
    if (is_created) {
        reply_field(request, "Location", request->raw_path);
        limit_field(request, size);
    }
    reply_empty(request, 204);
}

void resume_tell_done(struct resume **resume)
{
    const struct resume_wish wish = (*resume)->wish;
    int64_t size = resume_slot(*resume)->size;
    struct http_request *request = end_well(resume);

    if (request == NULL)
        return;
    resume_state_fields(request, &wish, size, true);
    reply_empty(request, wish.dialect == DIALECT_TUS ? 204 : 201);
}

void resume_tell_gone(struct resume **resume)
{
    struct http_request *request = end_well(resume);

    if (request != NULL)
        reply_empty(request, 204);
}
