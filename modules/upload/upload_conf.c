/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_conf.c - the tables of upload { }, and so its part of stoa.tdsl(5). */
#include "upload_conf.h"

#include "conf/settings.h"
#include "parse/http_value.h"

#include "base/clock.h"

#define SIZE_MOST (INT64_C(1) << 40) /* a file: 1 TiB */
#define DAY_USEC  (INT64_C(86400) * USEC_PER_SEC)

static const char *check_server_name(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (strchr(" /?#@{}\\\"<>", *at) != NULL || (unsigned char)*at < ' ')
            return "a host name or an address, without scheme and path";
    return *text == '\0' ? "a host name" : NULL;
}

static const char *check_type_pattern(const char *text)
{
    struct span whole = span_of(text);
    struct media_type type;

    if (span_ends(whole, SPAN("/*")))
        return http_is_token(span_head(whole, whole.size - 2)) ? NULL : "a media type, or image/*";
    return media_type_parse(whole, &type) && type.parameters.size == 0
               ? NULL
               : "a media type without parameters, such as image/png, or all of a kind, such as image/*";
}

static const char *check_extension(const char *text)
{
    return text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL
               ? NULL
               : "the ending of a file name without its dot, such as jpg";
}

static const char *check_data_source(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at) == NULL)
            return "a name of letters, digits, - and _";
    return text[0] != '\0' && strlen(text) <= 64 ? NULL : "a name of 1 to 64 characters";
}

static const char *const protocols[] = { "", "http", "https", NULL };

#define LOGIC(field)      offsetof(struct logic_conf, field)
#define QUOTA(field)      offsetof(struct quota_conf, field)
#define LIMITS(field)     offsetof(struct limits_conf, field)
#define EXPIRATION(field) offsetof(struct expiration_conf, field)

static const struct directive logic_directives[] = {
    { .name = "local-only",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .into = LOGIC(local_only),
      .manual = "Grant slots only to users of xmpp/domains; where that list is empty, to users of the domain "
                "above the component's own (of example.org for upload.example.org)." },
    { .name = "max-file-size",
      .type = DIRECTIVE_SIZE,
      .least = 1,
      .most = SIZE_MOST,
      .initial = "100M",
      .unit = "bytes",
      .into = LOGIC(max_file_size),
      .manual = "Largest file for which a slot is granted. A larger request is answered with file-too-large "
                "and this number. The guide of the reference implementation says 5000, its code 5 MiB, "
                "later 20 MiB: phones now take larger pictures than that." },
    { .name = "server-name",
      .alias = "serverName",
      .type = DIRECTIVE_TEXT,
      .into = LOGIC(server_name),
      .check = check_server_name,
      .manual = "Host name in the URLs of slots ({serverName}). Unset: the name of the machine." },
    { .name = "port",
      .type = DIRECTIVE_NUMBER,
      .least = 0,
      .most = 65535,
      .initial = "0",
      .into = LOGIC(port),
      .manual = "Port in the URLs of slots ({port}), for a proxy in front. Counts only together with "
                "protocol; where either is unset, both are those of the first ssl connection of httpServer, "
                "else of the first plain one." },
    { .name = "protocol",
      .type = DIRECTIVE_CHOICE,
      .initial = "",
      .choices = protocols,
      .into = LOGIC(protocol),
      .manual = "http or https in the URLs of slots ({proto}). Counts only together with port." },
    { .name = "upload-uri-format",
      .type = DIRECTIVE_TEXT,
      .initial = "{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}",
      .into = LOGIC(upload_uri_format),
      .manual = "Template of the URL for PUT. Blocks: {proto}, {serverName}, {port}, {domain} and {userJid} "
                "(of who asks), {slotId}, {filename}; the last two are mandatory. Its path must lie below "
                "httpModule/context-path. A {domain} or {userJid} in it lets the right repository be found "
                "at once where there are several." },
    { .name = "download-uri-format",
      .type = DIRECTIVE_TEXT,
      .initial = "{proto}://{serverName}:{port}/upload/{slotId}/{filename}",
      .into = LOGIC(download_uri_format),
      .manual =
          "Template of the URL for GET, as upload-uri-format. With {userJid} or {domain} in it, whoever "
          "gets the URL learns who sent it, in anonymous rooms too." },
    { .name = "put-validity",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = 7 * DAY_USEC,
      .initial = "PT5M",
      .unit = "s",
      .into = LOGIC(put_validity),
      .manual = "How long after its slot was granted an upload may begin. One that has begun may finish." },
    { .name = "resume-validity",
      .alias = "resumeValidity",
      .type = DIRECTIVE_DURATION,
      .most = 30 * DAY_USEC,
      .initial = "PT24H",
      .unit = "s",
      .into = LOGIC(resume_validity),
      .manual =
          "How long after its slot was granted a resumable upload may go on, once it was begun within "
          "put-validity; what came before it broke off is kept on the disk, and counted by quotas, as "
          "long. Clients use the URL for PUT: with the fields of the IETF's resumable upload for HTTP "
          "(PUT with Upload-Complete, HEAD, PATCH, DELETE), or of tus 1.0 (HEAD, PATCH, DELETE). A plain "
          "PUT is not affected. 0: no resumable uploads; there are none in the dummy repository either." },
    { .name = "slot-token",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = LOGIC(slot_token),
      .manual = "Give each slot a secret that its PUT must carry as Authorization header, so that the URL "
                "alone does not suffice. All common clients send it; old web clients do not." },
    DIRECTIVES_END
};

static const struct directive quota_directives[] = {
    { .name = "user",
      .type = DIRECTIVE_SIZE,
      .initial = "0",
      .unit = "bytes",
      .into = QUOTA(user),
      .manual = "What one user may have stored, with slots granted and not yet used. 0: no bound." },
    { .name = "user-day",
      .alias = "userDay",
      .type = DIRECTIVE_SIZE,
      .initial = "0",
      .unit = "bytes",
      .into = QUOTA(user_day),
      .manual = "What one user may upload within any 24 hours. The refusal tells the moment at which enough "
                "of it will be over. 0: no bound." },
    { .name = "domain",
      .type = DIRECTIVE_SIZE,
      .initial = "0",
      .unit = "bytes",
      .into = QUOTA(domain),
      .manual = "What all users of one domain may have stored together. 0: no bound." },
    { .name = "global",
      .type = DIRECTIVE_SIZE,
      .initial = "0",
      .unit = "bytes",
      .into = QUOTA(global),
      .manual = "What all users of one repository may have stored together. 0: no bound." },
    { .name = "files-per-user",
      .alias = "filesPerUser",
      .type = DIRECTIVE_NUMBER,
      .initial = "0",
      .into = QUOTA(files_per_user),
      .manual = "How many files one user may have stored. 0: no bound." },
    DIRECTIVES_END
};

static const struct directive limits_directives[] = {
    { .name = "interval",
      .type = DIRECTIVE_DURATION,
      .most = DAY_USEC,
      .initial = "0",
      .unit = "s",
      .into = LIMITS(interval),
      .manual = "Least time between two slot requests of one user. 0: none." },
    { .name = "burst",
      .type = DIRECTIVE_NUMBER,
      .most = 1000000,
      .initial = "20",
      .into = LIMITS(burst),
      .manual = "Slot requests that one user may make at once; so many come back within rate-period. "
                "0: no such limit." },
    { .name = "rate-period",
      .alias = "ratePeriod",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .most = DAY_USEC,
      .initial = "PT1M",
      .unit = "s",
      .into = LIMITS(rate_period),
      .manual = "See burst." },
    { .name = "allow-types",
      .alias = "allowTypes",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = LIMITS(allow_types),
      .check = check_type_pattern,
      .manual = "Media types for which slots are granted, such as image/* or application/pdf; a request "
                "that names no type is then refused. Empty: all." },
    { .name = "allow-extensions",
      .alias = "allowExtensions",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = LIMITS(allow_extensions),
      .check = check_extension,
      .manual = "Endings of file names for which slots are granted, without the dot. Empty: all." },
    DIRECTIVES_END
};

static const struct directive expiration_directives[] = {
    { .name = "expiration-time",
      .alias = "expirationTime",
      .type = DIRECTIVE_DURATION,
      .initial = "P30D",
      .unit = "s",
      .into = EXPIRATION(expiration_time),
      .manual = "How long a file is kept, from the slot request on. It is gone for downloads at that very "
                "moment, whenever it is removed from the disk. A changed value counts for slots that are "
                "granted after the change. 0: files are kept for ever." },
    { .name = "period",
      .type = DIRECTIVE_DURATION,
      .least = USEC_PER_SEC,
      .initial = "P1D",
      .unit = "s",
      .into = EXPIRATION(period),
      .manual = "Time between two runs that remove expired files." },
    { .name = "delay",
      .type = DIRECTIVE_DURATION,
      .initial = "PT0S",
      .unit = "s",
      .into = EXPIRATION(delay),
      .manual = "Time from the start of the daemon to the first run." },
    { .name = "limit",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .initial = "10000",
      .into = EXPIRATION(limit),
      .manual = "Most files that one run removes, oldest first." },
    { .name = "tombstone",
      .type = DIRECTIVE_DURATION,
      .initial = "P7D",
      .unit = "s",
      .into = EXPIRATION(tombstone),
      .manual = "How long the record of a removed file is kept, so that its URL is answered with 410 (gone) "
                "and not with 404 (never was)." },
    DIRECTIVES_END
};

#define PURPOSE_DIRECTIVES(initial_time, about_time)                                                         \
    {                                                                                                        \
        { .name = "max-file-size",                                                                           \
          .alias = "maxFileSize",                                                                            \
          .type = DIRECTIVE_SIZE,                                                                            \
          .most = SIZE_MOST,                                                                                 \
          .initial = "0",                                                                                    \
          .unit = "bytes",                                                                                   \
          .into = offsetof(struct purpose_conf, max_file_size),                                              \
          .manual = "Largest file for this purpose. 0: logic/max-file-size." },                              \
            { .name = "expiration-time",                                                                     \
              .alias = "expirationTime",                                                                     \
              .type = DIRECTIVE_DURATION,                                                                    \
              .initial = initial_time,                                                                       \
              .unit = "s",                                                                                   \
              .into = offsetof(struct purpose_conf, expiration_time),                                        \
              .manual = about_time },                                                                        \
            DIRECTIVES_END                                                                                   \
    }

static const struct directive message_directives[] =
    PURPOSE_DIRECTIVES("0", "How long a file of this purpose is kept. 0: expiration/expiration-time.");
static const struct directive ephemeral_directives[] =
    PURPOSE_DIRECTIVES("0", "The farthest moment that a client can ask for. 0: expiration/expiration-time.");
static const struct directive lasting_directives[] =
    PURPOSE_DIRECTIVES("0", "How long a file of this purpose is kept. 0: until it is deleted.");

static const struct section purpose_sections[] = {
    { .name = "message",
      .size = sizeof(struct purpose_conf),
      .into = offsetof(struct purposes_conf, message),
      .directives = message_directives,
      .manual = "Files sent in messages: the purpose of requests that name none." },
    { .name = "profile",
      .size = sizeof(struct purpose_conf),
      .into = offsetof(struct purposes_conf, profile),
      .directives = lasting_directives,
      .manual = "Pictures of profiles, which should stay as long as the account." },
    { .name = "ephemeral",
      .size = sizeof(struct purpose_conf),
      .into = offsetof(struct purposes_conf, ephemeral),
      .directives = ephemeral_directives,
      .manual = "Files that are gone at a moment which the client names, such as stories." },
    { .name = "permanent",
      .size = sizeof(struct purpose_conf),
      .into = offsetof(struct purposes_conf, permanent),
      .directives = lasting_directives,
      .manual = "Files that shall stay, such as those of articles. Consider quota/user with it." },
    SECTIONS_END
};

static const struct directive repository_directives[] = {
    { .name = "data-source",
      .alias = "dataSource",
      .type = DIRECTIVE_TEXT,
      .initial = "default",
      .into = offsetof(struct repository_conf, data_source),
      .check = check_data_source,
      .effect = ON_RESTART,
      .manual = "Name of the data source: default, another name for records of their own (in the folder "
                "upload-NAME of processes/data-dir), or dummy." },
    { .name = "class",
      .alias = "cls",
      .type = DIRECTIVE_TEXT,
      .into = offsetof(struct repository_conf, class_name),
      .effect = ON_RESTART,
      .manual = "Class name of the reference implementation. One that ends in DummyFileUploadRepository is "
                "the dummy repository, any other the embedded one." },
    { .name = "dummy",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = offsetof(struct repository_conf, dummy),
      .effect = ON_RESTART,
      .manual = "Keep no records: the slot travels, signed, in its own URL. There are then no quotas, no "
                "listing and no deletion, every purpose is kept as a message is, and files are removed by "
                "their age alone." },
    DIRECTIVES_END
};

static const struct section pool_sections[] = { { .name = "*",
                                                  .name_is = "domain of users, or default",
                                                  .size = sizeof(struct repository_conf),
                                                  .into = offsetof(struct pool_conf, domains),
                                                  .directives = repository_directives,
                                                  .manual =
                                                      "Where the records of slots of that domain are kept." },
                                                SECTIONS_END };

static const struct directive store_directives[] = {
    { .name = "path",
      .type = DIRECTIVE_PATH,
      .initial = "data/upload",
      .effect = ON_RESTART,
      .into = offsetof(struct store_conf, path),
      .manual = "Folder of the uploaded files. Names in it are slot ids, never names given by users." },
    { .name = "group-by-user",
      .alias = "groupByUser",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = offsetof(struct store_conf, group_by_user),
      .manual = "Put new files into a folder per user, named by the user's bare JID, instead of 256 hashed "
                "folders. Files already stored stay where they are and are found there." },
    DIRECTIVES_END
};

static const struct directive http_module_directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/upload",
      .into = offsetof(struct http_module_conf, context_path),
      .check = settings_check_context_path,
      .manual = "Path below which files are uploaded and downloaded." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = offsetof(struct http_module_conf, vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    DIRECTIVES_END
};

static const struct directive download_directives[] = {
    { .name = "inline-types",
      .alias = "inlineTypes",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[ 'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif', 'audio/*', "
                 "'video/*', 'text/plain' ]",
      .into = offsetof(struct download_conf, inline_types),
      .check = check_type_pattern,
      .manual = "Types that a browser may show; all others are offered for saving. Types that can hold "
                "scripts (HTML, SVG, XML, PDF) are never shown, whatever stands here." },
    { .name = "cache-max-age",
      .alias = "cacheMaxAge",
      .type = DIRECTIVE_DURATION,
      .initial = "P7D",
      .unit = "s",
      .into = offsetof(struct download_conf, cache_max_age),
      .manual = "How long browsers and proxies may keep a file, at most until it expires. Shorter means that "
                "a deleted file is forgotten sooner." },
    { .name = "memory",
      .type = DIRECTIVE_SIZE,
      .most = INT64_C(1) << 30,
      .initial = "4M",
      .into = offsetof(struct download_conf, memory),
      .manual = "Memory of each worker for files of at most 64K that were asked for lately: avatars, "
                "thumbnails. 0: none is kept." },
    DIRECTIVES_END
};

#define PART(type, field, section_name, table, below, about)                                                 \
    {                                                                                                        \
        .name = section_name, .size = sizeof(struct type), .into = offsetof(struct upload_conf, field),      \
        .directives = table, .sections = below, .manual = about                                              \
    }

static const struct section upload_parts[] = {
    PART(logic_conf, logic, "logic", logic_directives, NULL, "Who gets which slots, and how URLs look."),
    PART(quota_conf, quota, "quota", quota_directives, NULL,
         "Bounds of what is stored. A slot counts from the moment it is granted; one that is not used is "
         "given back when its time is over."),
    PART(limits_conf, limits, "limits", limits_directives, NULL, "How often, and which files."),
    PART(expiration_conf, expiration, "expiration", expiration_directives, NULL, "How long files are kept."),
    PART(purposes_conf, purposes, "purposes", NULL, purpose_sections,
         "The purposes of XEP-0363 1.2. An inactive one is not announced and is refused."),
    PART(pool_conf, pool, "repositoryPool", NULL, pool_sections,
         "Records of slots per domain. Without it all are kept together, embedded."),
    PART(store_conf, store, "store", store_directives, NULL, "Where the bytes are kept."),
    PART(http_module_conf, http, "httpModule", http_module_directives, NULL, "The HTTP side."),
    PART(download_conf, download, "download", download_directives, NULL, "How files are served."),
    SECTIONS_END
};

static const struct section upload_section = {
    .name = "upload",
    .size = sizeof(struct upload_conf),
    .initially_inactive = true,
    .sections = upload_parts,
    .manual = "HTTP File Upload (XEP-0363). Writing upload () {} switches it on; it then answers at the "
              "component of service upload.",
};

const struct module_section upload_sections[] = {
    { .path = "", .section = &upload_section },
    { .path = NULL },
};

const struct upload_conf *upload_conf(const struct conf *conf)
{
    return conf_section(conf, "upload");
}

bool repository_is_dummy(const struct repository_conf *repository)
{
    return repository->dummy || span_is(span_of(repository->data_source), "dummy") ||
           span_ends(span_of(repository->class_name), SPAN("DummyFileUploadRepository"));
}
