/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: slot_policy.c - see slot_policy.h. */
#include "slot_policy.h"

#include "base/clock.h"
#include "base/text.h"
#include "media.h"
#include "parse/http_value.h"

static bool refuse(struct slot_refused *refused, enum problem problem, const char *detail)
{
    *refused = (struct slot_refused){ .problem = problem, .detail = detail };
    return false;
}

const struct purpose_conf *policy_purpose(const struct upload_conf *conf, enum slot_purpose purpose)
{
    const struct purposes_conf *all = conf->purposes;

    switch (purpose) {
    case PURPOSE_PROFILE:
        return all->profile;
    case PURPOSE_EPHEMERAL:
        return all->ephemeral;
    case PURPOSE_PERMANENT:
        return all->permanent;
    default:
        return all->message;
    }
}

int64_t policy_most(const struct upload_conf *conf, enum slot_purpose purpose)
{
    int64_t most = policy_purpose(conf, purpose)->max_file_size;

    return most > 0 ? most : conf->logic->max_file_size;
}

bool policy_is_local(const struct settings *settings, struct span domain, struct span component)
{
    const struct conf_list *domains = &settings->xmpp->domains;

    for (size_t i = 0; i < domains->count; i++)
        if (span_eq_nocase(domain, span_of(domains->texts[i])))
            return true;
    if (domains->count > 0)
        return false;
    span_cut(&component, '.');
    return component.size > 0 && span_eq_nocase(domain, component);
}

static bool check_purpose(const struct upload_conf *conf, const struct slot_wish *wish, struct slot *slot,
                          struct slot_refused *refused)
{
    slot->purpose = PURPOSE_MESSAGE;
    if (wish->purposes > 1)
        return refuse(refused, PROBLEM_bad_request, "A slot has one purpose");
    if (wish->purposes == 1) {
        unsigned purpose = 0;

        if (wish->purpose == NULL)
            return refuse(refused, PROBLEM_bad_request, "This purpose is unknown");
        while (purpose < PURPOSES && !span_is(span_of(wish->purpose), slot_purpose_name(purpose)))
            purpose++;
        if (purpose == PURPOSES)
            return refuse(refused, PROBLEM_bad_request, "This purpose is unknown");
        slot->purpose = (enum slot_purpose)purpose;
    }
    if (wish->purposes == 1 && !policy_purpose(conf, slot->purpose)->section.active)
        return refuse(refused, PROBLEM_not_implemented, "Files for this purpose are not taken here");
    return true;
}

/* When the file shall be gone. */
static bool check_expiry(const struct upload_conf *conf, const struct slot_wish *wish, int64_t now,
                         struct slot *slot, struct slot_refused *refused)
{
    int64_t keep = policy_purpose(conf, slot->purpose)->expiration_time;
    int64_t wanted;

    if (keep == 0 && (slot->purpose == PURPOSE_MESSAGE || slot->purpose == PURPOSE_EPHEMERAL))
        keep = conf->expiration->expiration_time;
    slot->expires = keep == 0 || keep > INT64_MAX - now ? 0 : now + keep;
    if (slot->purpose != PURPOSE_EPHEMERAL)
        return true;
    if (wish->expire_before.at == NULL || !text_to_stamp(wish->expire_before, &wanted))
        return refuse(refused, PROBLEM_bad_request,
                      "An ephemeral file needs expire-before with a date and time");
    if (wanted <= now)
        return refuse(refused, PROBLEM_bad_request, "expire-before must lie in the future");
    if (slot->expires == 0 || wanted < slot->expires)
        slot->expires = wanted;
    return true;
}

static bool check_size(const struct upload_conf *conf, const struct slot_wish *wish, struct arena *arena,
                       struct slot *slot, struct slot_refused *refused)
{
    int64_t most = policy_most(conf, slot->purpose);
    uint64_t size;
    bool is_digits = wish->size.size > 0;

    for (size_t i = 0; i < wish->size.size; i++)
        is_digits = is_digits && wish->size.at[i] >= '0' && wish->size.at[i] <= '9';
    if (!is_digits)
        return refuse(refused, PROBLEM_bad_request, "The size of the file must be given, in bytes");
    if (!text_to_u64(wish->size, &size) || size > INT64_MAX)
        size = INT64_MAX; /* digits, but too many: too large */
    if (size == 0)
        return refuse(refused, PROBLEM_bad_request, "Invalid file size: an empty file cannot be uploaded");
    slot->size = (int64_t)size;
    if (slot->size <= most)
        return true;
    refuse(refused, PROBLEM_file_too_large,
           arena_printf(arena, "File too large. The maximum file size is %lld bytes", (long long)most));
    refused->most = most;
    return false;
}

static bool check_name(const struct slot_wish *wish, struct slot *slot, struct slot_refused *refused)
{
    if (wish->filename.at == NULL || wish->filename.size == 0)
        return refuse(refused, PROBLEM_bad_request, "The name of the file must be given");
    if (wish->filename.size > FILENAME_MOST)
        return refuse(refused, PROBLEM_bad_request, "The name of the file is longer than 255 bytes");
    if (!text_is_utf8(wish->filename))
        return refuse(refused, PROBLEM_bad_request, "The name of the file is not UTF-8");
    slot->filename = wish->filename;
    return true;
}

static bool check_type(const struct upload_conf *conf, const struct slot_wish *wish, struct slot *slot,
                       struct slot_refused *refused)
{
    const struct limits_conf *limits = conf->limits;
    struct media_type type;

    if (wish->type.size > 0) {
        if (wish->type.size > TYPE_MOST || text_has_control(wish->type) ||
            !media_type_parse(wish->type, &type))
            return refuse(refused, PROBLEM_bad_request, "The content-type is not a media type");
        slot->type = wish->type;
    }
    if (limits->allow_types.count > 0 && !media_is_listed(&limits->allow_types, slot->type))
        return refuse(refused, PROBLEM_type_not_allowed, "Files of this type are not accepted here");
    if (limits->allow_extensions.count > 0 && !media_ends_in(&limits->allow_extensions, slot->filename))
        return refuse(refused, PROBLEM_type_not_allowed, "Files whose name ends so are not accepted here");
    return true;
}

bool policy_grants(const struct upload_conf *conf, const struct slot_wish *wish, int64_t now,
                   struct arena *arena, struct slot *slot_r, struct slot_refused *refused_r)
{
    struct slot slot = { .state = SLOT_PROMISED, .owner = wish->owner, .domain = wish->domain };

    slot.allocated = now;
    slot.put_until = now + conf->logic->put_validity;
    slot.has_token = conf->logic->slot_token;
    if (!check_purpose(conf, wish, &slot, refused_r) || !check_name(wish, &slot, refused_r) ||
        !check_size(conf, wish, arena, &slot, refused_r) || !check_type(conf, wish, &slot, refused_r) ||
        !check_expiry(conf, wish, now, &slot, refused_r))
        return false;
    *slot_r = slot;
    return true;
}

void policy_quotas(const struct upload_conf *conf, struct quotas *quotas_r)
{
    *quotas_r = (struct quotas){ .user = conf->quota->user,
                                 .user_day = conf->quota->user_day,
                                 .domain = conf->quota->domain,
                                 .global = conf->quota->global,
                                 .files_per_user = conf->quota->files_per_user };
}

void policy_explain(const struct upload_conf *conf, int result, int64_t retry, struct arena *arena,
                    struct slot_refused *refused_r)
{
    const struct quota_conf *quota = conf->quota;

    refuse(refused_r, PROBLEM_quota_reached, NULL);
    refused_r->retry = retry;
    switch (result) {
    case REFUSED_USER:
        refused_r->detail = arena_printf(arena, "Your quota of %lld bytes of stored files is used up",
                                         (long long)quota->user);
        break;
    case REFUSED_USER_DAY:
        refused_r->detail = arena_printf(arena, "Your quota of %lld bytes within 24 hours is used up",
                                         (long long)quota->user_day);
        break;
    case REFUSED_FILES:
        refused_r->detail = arena_printf(arena, "Your quota of %lld stored files is used up",
                                         (long long)quota->files_per_user);
        break;
    case REFUSED_DOMAIN:
        refused_r->detail = "The quota of stored files of your domain is used up";
        break;
    case REFUSED_GLOBAL:
        refused_r->detail = "The quota of stored files of this service is used up";
        break;
    case STORE_FULL:
        refused_r->problem = PROBLEM_disk_full;
        break;
    default:
        refused_r->problem = PROBLEM_internal;
    }
}

int64_t policy_wait(const struct upload_conf *conf, struct buckets *buckets, struct span owner, int64_t mono)
{
    const struct limits_conf *limits = conf->limits;
    struct buf name = { 0 };
    int64_t wait = 0;

    if (limits->interval > 0) {
        struct bucket_rule rule = { .burst = 1, .interval = limits->interval };

        buf_text(&name, "slot-interval/");
        buf_add(&name, owner);
        wait = bucket_take(buckets, buf_span(&name), &rule, mono);
        buf_clear(&name);
    }
    if (wait == 0 && limits->burst > 0) {
        struct bucket_rule rule = { .burst = (uint32_t)limits->burst,
                                    .interval = limits->rate_period / limits->burst };

        buf_text(&name, "slot/");
        buf_add(&name, owner);
        wait = bucket_take(buckets, buf_span(&name), &rule, mono);
    }
    buf_free(&name);
    return wait;
}
