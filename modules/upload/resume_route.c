/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: resume_route.c - which requests are parts of resumable uploads: what their heads alone
 * can tell, before any slot is looked for. */
#include "http/reply.h"
#include "parse/http_value.h"
#include "resume.h"

static bool is_known_interop(const struct resume_wish *wish)
{
    return wish->interop < 0 || (wish->interop >= INTEROP_LEAST && wish->interop <= INTEROP_MOST);
}

/* true: answered here. */
static bool refuse_tus_version(struct http_request *request, const struct resume_wish *wish)
{
    if (wish->dialect != DIALECT_TUS_ELSE)
        return false;
    reply_field(request, "Tus-Version", SPAN(TUS_VERSION));
    reply_problem(request, PROBLEM_precondition_failed, "Only version " TUS_VERSION " of tus is spoken here");
    return true;
}

/* The media type that PATCH must have: the older drafts had none. */
static bool has_patch_type(const struct http_request *request, const struct resume_wish *wish)
{
    struct span type = request_field(request, "content-type");

    if (wish->dialect == DIALECT_TUS)
        return media_type_same(type, SPAN("application/offset+octet-stream"));
    return media_type_same(type, SPAN("application/partial-upload")) ||
           (type.size == 0 && wish->interop >= 0 && wish->interop < INTEROP_HAS_MEDIA);
}

static void refuse_patch_type(struct http_request *request)
{
    reply_field(request, "Accept-Patch", SPAN(RESUME_MEDIA_TYPES));
    reply_problem(
        request, PROBLEM_type_mismatch,
        "An upload goes on with application/partial-upload or, in tus, application/offset+octet-stream");
}

/* The URL of a slot's upload, where resumable ones are served; else answered. */
static bool is_upload_url(struct http_request *request, struct uri_match *match_r)
{
    struct upload *upload = OBJECT(request->state, upload);

    if (resume_is_offered(upload->conf) && uri_template_match(&upload->put_template, request->path, match_r))
        return true;
    upload_refuse_method(request, false);
    return false;
}

static void patch(struct http_request *request, const struct resume_wish *wish)
{
    struct uri_match match;

    if (!is_upload_url(request, &match))
        return;
    resume_dialect_fields(request, wish);
    if (refuse_tus_version(request, wish))
        return;
    if (!has_patch_type(request, wish))
        refuse_patch_type(request);
    else if (!is_known_interop(wish))
        reply_problem(request, PROBLEM_bad_request, "This version of resumable uploads is not known here");
    else if (wish->offset < 0)
        reply_problem(request, PROBLEM_bad_request, "The field Upload-Offset is missing or makes no sense");
    else if (wish->dialect == DIALECT_DRAFT && !wish->has_complete)
        reply_problem(request, PROBLEM_bad_request, "The field Upload-Complete is missing or makes no sense");
    else
        resume_start(request, RESUME_APPEND, wish, &match);
}

static void cancel(struct http_request *request, const struct resume_wish *wish)
{
    struct uri_match match;

    if (!is_upload_url(request, &match))
        return;
    resume_dialect_fields(request, wish);
    if (!refuse_tus_version(request, wish))
        resume_start(request, RESUME_CANCEL, wish, &match);
}

void upload_patch(struct http_request *request)
{
    struct resume_wish wish;

    cors_fields(request);
    resume_wish_parse(request->head, &wish);
    patch(request, &wish);
}

void upload_delete(struct http_request *request)
{
    struct resume_wish wish;

    cors_fields(request);
    resume_wish_parse(request->head, &wish);
    cancel(request, &wish);
}

/* tus lets clients that know no PATCH or DELETE send a POST that means it. */
void upload_post(struct http_request *request)
{
    struct span meant = request_field(request, "x-http-method-override");
    struct resume_wish wish;

    cors_fields(request);
    resume_wish_parse(request->head, &wish);
    if (wish.dialect == DIALECT_TUS && span_is(meant, "PATCH"))
        patch(request, &wish);
    else if (wish.dialect == DIALECT_TUS && span_is(meant, "DELETE"))
        cancel(request, &wish);
    else
        upload_refuse_method(request, resume_is_offered(OBJECT(request->state, upload)->conf));
}

void upload_head(struct http_request *request)
{
    const struct upload *upload = OBJECT(request->state, upload);
    struct resume_wish wish;
    struct uri_match match;

    cors_fields(request);
    if (!resume_is_offered(upload->conf) ||
        !uri_template_match(&upload->put_template, request->path, &match)) {
        upload_download(request);
        return;
    }
    resume_wish_parse(request->head, &wish);
    resume_dialect_fields(request, &wish);
    if (!refuse_tus_version(request, &wish))
        resume_start(request, RESUME_LOOK, &wish, &match);
}

bool upload_put_resumable(struct http_request *request)
{
    const struct upload *upload = OBJECT(request->state, upload);
    struct resume_wish wish;
    struct uri_match match;

    if (!resume_is_offered(upload->conf))
        return false;
    resume_wish_parse(request->head, &wish);
    if (wish.dialect != DIALECT_DRAFT || !wish.has_complete || !is_known_interop(&wish) ||
        !uri_template_match(&upload->put_template, request->path, &match))
        return false;
    resume_start(request, RESUME_CREATE, &wish, &match);
    return true;
}
