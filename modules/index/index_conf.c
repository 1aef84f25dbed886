/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: index_conf.c - the tables of http { index { } }, and so its part of stoa.tdsl(5). */
#include "index_conf.h"

static const char *check_context_path(const char *text)
{
    size_t size = strlen(text);

    if (text[0] != '/')
        return "a path that begins with a slash, such as /";
    if (size > 1 && text[size - 1] == '/')
        return "the path without a slash at its end";
    for (const char *at = text; *at != '\0'; at++)
        if (strchr("?#%{}\\ ", *at) != NULL || (unsigned char)*at < ' ')
            return "a path of plain characters, such as /";
    return strstr(text, "//") == NULL && strstr(text, "/.") == NULL ? NULL
                                                                    : "a path without empty or dot segments";
}

#define INTO(field) offsetof(struct index_conf, field)

static const struct directive directives[] = {
    { .name = "context-path",
      .alias = "contextPath",
      .type = DIRECTIVE_TEXT,
      .initial = "/",
      .into = INTO(context_path),
      .check = check_context_path,
      .manual = "Path of the list. Where another module is served at the same path, that one is shown." },
    { .name = "vhosts",
      .type = DIRECTIVE_TEXT_LIST,
      .initial = "[]",
      .into = INTO(vhosts),
      .manual = "Host names for which that path counts. Empty: all." },
    DIRECTIVES_END
};

static const struct section section = {
    .name = "index",
    .size = sizeof(struct index_conf),
    .directives = directives,
    .manual = "A page that lists the modules in force for the host name that was asked, with a sentence and "
              "a link; as JSON for who asks for that. It tells nothing else, and needs no login. Writing "
              "index (active: false) {} switches it off.",
};

const struct module_section index_sections[] = {
    { .path = "http", .section = &section },
    { .path = NULL },
};

const struct index_conf *index_conf(const struct conf *conf)
{
    return conf_section(conf, "http/index");
}
