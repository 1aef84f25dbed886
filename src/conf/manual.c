/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: manual.c - stoa.tdsl(5) from the tables, so that it cannot fall behind them. */
#include "conf/inside.h"

#include "conf/changes.h"
#include "conf/value.h"

static const char head[] =
    ".\\\" SPDX-License-Identifier: ISC\n"
    ".\\\" Written by stoad from its tables of directives: change those.\n"
    ".Dd November 22, 2026\n"
    ".Dt STOA.TDSL 5\n"
    ".Os Stoa\n"
    ".Sh NAME\n"
    ".Nm stoa.tdsl\n"
    ".Nd configuration of the HTTP front of an XMPP server\n"
    ".Sh DESCRIPTION\n"
    ".Xr stoad 8\n"
    "reads one file,\n"
    ".Pa config.tdsl ,\n"
    "when it starts and when it is told to reload.\n"
    "A file with an error is refused as a whole, with the line and the column of each mistake;\n"
    "a daemon that runs then keeps what it had.\n"
    ".Pp\n"
    "The file holds sections, which hold settings and further sections:\n"
    ".Bd -literal -offset indent\n"
    "# a comment\n"
    "httpServer {\n"
    "    connections {\n"
    "        8080 {}\n"
    "        8443 {\n"
    "            socket = ssl\n"
    "            domain = \\(aqexample.org\\(aq\n"
    "        }\n"
    "    }\n"
    "    trusted\\-proxies = [ \\(aq10.0.0.0/8\\(aq, unix ]\n"
    "}\n"
    "xmpp {\n"
    "    components {\n"
    "        \\(aqupload.example.org\\(aq { secret = env(\\(aqSTOA_SECRET\\(aq) }\n"
    "    }\n"
    "}\n"
    ".Ed\n"
    ".Bl -bullet\n"
    ".It\n"
    "The file is in UTF\\-8.\n"
    "A setting ends with its line, at a comma or at the closing brace.\n"
    "A comment runs from # to the end of its line; before the # stands a space.\n"
    ".It\n"
    "A section is a name and braces.\n"
    "Parentheses between them may hold\n"
    ".Ql active: false ,\n"
    "which switches the section off; the setting\n"
    ".Ql active = false\n"
    "in it does the same.\n"
    "A section that stands in the file is active unless it says otherwise.\n"
    "In the parentheses a\n"
    ".Ql class:\n"
    "is read and, but where this page says otherwise, ignored.\n"
    ".It\n"
    "A setting is a name, = or :, and a value.\n"
    "A name or a value that holds spaces, commas, brackets, quotes or # stands in quotes, single or double.\n"
    "Between them a doubled quote stands for one quote, a backslash is a backslash,\n"
    "and blanks at both ends are dropped.\n"
    ".It\n"
    "A list stands in brackets and may span lines.\n"
    "One text with commas, or bare words with commas between, is a list as well.\n"
    ".It\n"
    "The value null stands for what would be there without the line.\n"
    ".It\n"
    "A value may come from the environment:\n"
    ".Ql env(\\(aqNAME\\(aq)\n"
    "must be set,\n"
    ".Ql env(\\(aqNAME\\(aq, \\(aqdefault\\(aq)\n"
    "need not.\n"
    ".It\n"
    ".Ql include \\(aqfile\\(aq\n"
    "reads another file in that place; its name is taken from the folder of the file that includes it,\n"
    "and may hold the wildcards of\n"
    ".Xr glob 7 .\n"
    "A pattern that matches nothing is no error.\n"
    "Files may include each other 8 deep.\n"
    ".It\n"
    "Of two settings, or two sections, with one name the last counts, with a warning.\n"
    ".El\n"
    ".Pp\n"
    "A size is in bytes, or digits with K, M, G or T, powers of 1024.\n"
    "A duration is as in ISO 8601\n"
    ".Pq PT30S, PT6H, P30D ,\n"
    "or digits with ms, s, m, h or d; bare digits are in the unit that is given below.\n"
    "Truth is true, yes or on, and false, no or off.\n"
    "A relative path is taken from the folder of the data, which is that of the configuration\n"
    "unless the daemon is told otherwise.\n"
    ".Pp\n"
    "With the option\n"
    ".Fl o Ar path/in/config Ns = Ns Ar value\n"
    "of\n"
    ".Xr stoad 8\n"
    "a setting wins over the file; slashes divide the names of the sections.\n"
    ".Sh CHANGES\n"
    "What an administrator changes by command,\n"
    "in a browser or with\n"
    ".Xr stoactl 8 ,\n"
    "does not touch the file: it stands in\n"
    ".Pa changes.tdsl\n"
    "in the folder of the data, a line for each,\n"
    ".Ar path/in/config No = Ar value ,\n"
    "below a comment that says who and when.\n"
    "These lines win over the file, and options of the command line over them.\n"
    "A line can be edited or taken out like any other; it counts after a reload.\n"
    "Paths, ports, addresses of servers, who is an administrator\n"
    "and all else that would give more rights are marked below:\n"
    "they are changed in the file only, and a line of changes about them is an error.\n"
    "For a configuration that is called\n"
    ".Pa NAME.tdsl\n"
    "the other file is\n"
    ".Pa NAME.changes.tdsl .\n"
    ".Sh SECTIONS\n";

static const char foot[] = ".Sh FILES\n"
                           ".Bl -tag -width Ds\n"
                           ".It Pa /etc/stoa/config.tdsl\n"
                           "The configuration, as packages install it.\n"
                           ".It Pa /var/lib/stoa/changes.tdsl\n"
                           "What was changed by command.\n"
                           ".El\n"
                           ".Sh SEE ALSO\n"
                           ".Xr stoactl 8 ,\n"
                           ".Xr stoad 8\n";

/* Prose: backslashes stay visible, and each sentence begins a line, as mdoc wants it. */
static void write_prose(struct buf *out, const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buf_text(out, "\\&");
        line_start = false;
        if (*text == '\\') {
            buf_text(out, "\\e");
        } else if (text[0] == '.' && text[1] == ' ') {
            buf_text(out, ".\n");
            line_start = true;
            text++;
        } else {
            buf_char(out, *text);
        }
    }
    buf_char(out, '\n');
}

/* A word on a macro line: neither a macro nor a hyphen. */
static void write_word(struct buf *out, const char *text)
{
    buf_text(out, "\\&");
    for (; *text; text++)
        if (*text == '-')
            buf_text(out, "\\-");
        else if (*text == '\\')
            buf_text(out, "\\e");
        else if (*text == '"')
            buf_text(out, "\\(dq");
        else
            buf_char(out, *text);
}

static const char *type_word(enum directive_type type)
{
    static const char *const words[] = {
        [DIRECTIVE_BOOL] = "truth",        [DIRECTIVE_NUMBER] = "number",  [DIRECTIVE_SIZE] = "size",
        [DIRECTIVE_DURATION] = "duration", [DIRECTIVE_TEXT] = "text",      [DIRECTIVE_PATH] = "path",
        [DIRECTIVE_CHOICE] = "word",       [DIRECTIVE_TEXT_LIST] = "list", [DIRECTIVE_OBSOLETE] = "any",
    };

    return words[type];
}

static void write_amount(struct buf *out, const struct directive *row, int64_t amount)
{
    value_write(out, row, &amount);
}

static void write_range(struct buf *out, const struct directive *row)
{
    bool counts =
        row->type == DIRECTIVE_NUMBER || row->type == DIRECTIVE_SIZE || row->type == DIRECTIVE_DURATION;

    if (row->type == DIRECTIVE_CHOICE) {
        for (size_t i = 0; row->choices[i]; i++)
            buf_printf(out, "%s%s", i ? ", " : "One of ",
                       row->choices[i][0] ? row->choices[i] : "\\(aq\\(aq");
        buf_text(out, ".\n");
    }
    if (!counts || (row->least == 0 && row->most == 0))
        return;
    buf_text(out, "From ");
    write_amount(out, row, row->least);
    if (row->most) {
        buf_text(out, " to ");
        write_amount(out, row, row->most);
        buf_text(out, ".\n");
    } else {
        buf_text(out, " on.\n");
    }
}

static void write_unit(struct buf *out, const struct directive *row)
{
    struct span unit = span_of(row->unit);

    if (row->type != DIRECTIVE_DURATION || unit.size == 0 || span_is(unit, "s/ms"))
        return;
    buf_printf(out, "Bare digits are %s.\n", span_is(unit, "ms") ? "milliseconds" : "seconds");
}

static void write_initial(struct buf *out, const struct directive *row)
{
    bool quoted = row->type == DIRECTIVE_TEXT || row->type == DIRECTIVE_PATH || row->initial[0] == '\0';

    if (row->type == DIRECTIVE_TEXT_LIST && strcmp(row->initial, "[]") == 0) {
        buf_text(out, "Empty by default");
        return;
    }
    buf_text(out, quoted ? "By default \\(aq" : "By default ");
    write_word(out, row->initial);
    buf_text(out, quoted ? "\\(aq" : "");
}

static void write_default(struct buf *out, const struct directive *row, bool guarded)
{
    if (row->initial == NULL)
        buf_text(out, row->type == DIRECTIVE_TEXT_LIST ? "Empty by default" : "Not set by default");
    else
        write_initial(out, row);
    buf_printf(out, "; a change counts after a %s.\n", row->effect == ON_RELOAD ? "reload" : "restart");
    if (row->secret)
        buf_text(out, "It is a secret: no log shows it.\n");
    if (!guarded && conf_is_guarded(row))
        buf_text(out, "It is changed in the file only.\n");
}

static void write_directive(struct buf *out, const struct directive *row, bool guarded)
{
    buf_text(out, ".It Cm ");
    write_word(out, row->name);
    buf_text(out, " Ns = Ns Ar ");
    write_word(out, type_word(row->type));
    buf_char(out, '\n');
    if (row->type == DIRECTIVE_OBSOLETE) {
        buf_text(out, "Understood, without effect:\n");
        write_prose(out, row->manual);
        return;
    }
    write_prose(out, row->manual);
    if (row->alias) {
        buf_text(out, "May be written\n.Cm ");
        write_word(out, row->alias);
        buf_text(out, " .\n");
    }
    write_range(out, row);
    write_unit(out, row);
    write_default(out, row, guarded);
}

static void write_section(struct buf *out, const struct conf_schema *schema, struct arena *arena,
                          const char *above, const struct section *table, bool guarded)
{
    bool many = strcmp(table->name, "*") == 0;
    const char *name = many ? arena_printf(arena, "<%s>", table->name_is) : table->name;
    const char *path = schema_join(arena, above, name);

    buf_text(out, ".Ss ");
    write_word(out, path);
    buf_char(out, '\n');
    write_prose(out, table->manual);
    if (table->initially_inactive)
        buf_text(out, "A section that does not stand in the file is not active.\n");
    if (table->guarded && !guarded)
        buf_text(out, "What stands here is changed in the file only.\n");
    guarded = guarded || table->guarded;
    if (table->directives && table->directives->name) {
        buf_text(out, ".Bl -tag -width Ds\n");
        for (const struct directive *row = table->directives; row->name; row++)
            write_directive(out, row, guarded);
        buf_text(out, ".El\n");
    }
    for (const struct section *row = table->sections; row && row->name; row++)
        write_section(out, schema, arena, path, row, guarded);
    for (size_t i = 0; i < schema->added_count; i++)
        if (strcmp(schema->added[i].path, path) == 0)
            write_section(out, schema, arena, path, schema->added[i].section, guarded);
}

void conf_manual(const struct conf_schema *schema, struct buf *out)
{
    struct arena *arena = arena_new();

    buf_text(out, head);
    for (size_t i = 0; i < schema->added_count; i++)
        if (schema->added[i].path[0] == '\0')
            write_section(out, schema, arena, "", schema->added[i].section, false);
    buf_text(out, foot);
    arena_free(&arena);
}
