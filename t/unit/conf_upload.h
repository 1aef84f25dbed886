/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: conf_upload.h - a stand-in for the table of module upload: enough for the guide's examples
 * and for proving groups of sections of any name below a module. The module tests the real one. */
#ifndef STOA_T_CONF_UPLOAD_H
#define STOA_T_CONF_UPLOAD_H

#include "conf/conf.h"

struct logic_stub {
    struct conf_section section;
    bool local_only;
    int64_t max_file_size;
    const char *server_name, *upload_uri_format, *download_uri_format;
};

struct expiration_stub {
    struct conf_section section;
    int64_t expiration_time, period, delay, limit;
};

struct repository_stub {
    struct conf_section section;
    const char *data_source, *class_name;
};

struct store_stub {
    struct conf_section section;
    const char *path;
    bool group_by_user;
};

struct upload_stub {
    struct conf_section section;
    const struct logic_stub *logic;
    const struct expiration_stub *expiration;
    struct conf_sections repositories;
    const struct store_stub *store;
    struct conf_list types;
};

static const struct directive logic_rows[] = {
    { .name = "local-only",
      .type = DIRECTIVE_BOOL,
      .initial = "true",
      .into = offsetof(struct logic_stub, local_only),
      .manual = "Only local users." },
    { .name = "max-file-size",
      .type = DIRECTIVE_SIZE,
      .least = 1,
      .most = INT64_C(1) << 40,
      .initial = "100M",
      .into = offsetof(struct logic_stub, max_file_size),
      .manual = "The largest file." },
    { .name = "server-name",
      .alias = "serverName",
      .type = DIRECTIVE_TEXT,
      .into = offsetof(struct logic_stub, server_name),
      .manual = "The host in URIs." },
    { .name = "upload-uri-format",
      .type = DIRECTIVE_TEXT,
      .initial = "{proto}://{serverName}:{port}/upload/{userJid}/{slotId}/{filename}",
      .into = offsetof(struct logic_stub, upload_uri_format),
      .manual = "For PUT." },
    { .name = "download-uri-format",
      .type = DIRECTIVE_TEXT,
      .initial = "{proto}://{serverName}:{port}/upload/{slotId}/{filename}",
      .into = offsetof(struct logic_stub, download_uri_format),
      .manual = "For GET." },
    DIRECTIVES_END,
};

static const struct directive expiration_rows[] = {
    { .name = "expiration-time",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .initial = "P30D",
      .into = offsetof(struct expiration_stub, expiration_time),
      .manual = "How long files stay." },
    { .name = "period",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .initial = "P1D",
      .into = offsetof(struct expiration_stub, period),
      .manual = "How often." },
    { .name = "delay",
      .type = DIRECTIVE_DURATION,
      .unit = "s",
      .initial = "0",
      .into = offsetof(struct expiration_stub, delay),
      .manual = "The first time." },
    { .name = "limit",
      .type = DIRECTIVE_NUMBER,
      .least = 1,
      .initial = "10000",
      .into = offsetof(struct expiration_stub, limit),
      .manual = "At most." },
    DIRECTIVES_END,
};

static const struct directive repository_rows[] = {
    { .name = "data-source",
      .type = DIRECTIVE_TEXT,
      .initial = "default",
      .into = offsetof(struct repository_stub, data_source),
      .manual = "Where." },
    { .name = "class",
      .type = DIRECTIVE_TEXT,
      .into = offsetof(struct repository_stub, class_name),
      .manual = "Which kind." },
    DIRECTIVES_END,
};

static const struct directive store_rows[] = {
    { .name = "path",
      .type = DIRECTIVE_PATH,
      .initial = "data/upload",
      .into = offsetof(struct store_stub, path),
      .manual = "The folder." },
    { .name = "group-by-user",
      .type = DIRECTIVE_BOOL,
      .initial = "false",
      .into = offsetof(struct store_stub, group_by_user),
      .manual = "A folder for each user." },
    DIRECTIVES_END,
};

static const struct directive upload_rows[] = {
    { .name = "types",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[ 'a', 'b, c' ]",
      .into = offsetof(struct upload_stub, types),
      .manual = "A default that is a list." },
    DIRECTIVES_END,
};

static const struct section pool_rows[] = {
    { .name = "*",
      .name_is = "domain",
      .size = sizeof(struct repository_stub),
      .into = offsetof(struct upload_stub, repositories),
      .directives = repository_rows,
      .manual = "One domain." },
    SECTIONS_END,
};

static const struct section upload_parts[] = {
    { .name = "logic",
      .size = sizeof(struct logic_stub),
      .into = offsetof(struct upload_stub, logic),
      .directives = logic_rows,
      .manual = "Rules." },
    { .name = "expiration",
      .size = sizeof(struct expiration_stub),
      .into = offsetof(struct upload_stub, expiration),
      .directives = expiration_rows,
      .manual = "The end." },
    { .name = "repositoryPool", .sections = pool_rows, .manual = "Records." },
    { .name = "store",
      .size = sizeof(struct store_stub),
      .into = offsetof(struct upload_stub, store),
      .directives = store_rows,
      .manual = "Bytes." },
    SECTIONS_END,
};

static const struct section upload_stub_section = {
    .name = "upload",
    .size = sizeof(struct upload_stub),
    .initially_inactive = true,
    .directives = upload_rows,
    .sections = upload_parts,
    .manual = "Uploads.",
};

#endif
