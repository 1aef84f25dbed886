/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: query_dns.c - the command query-dns: what the name servers say of a domain. */
#include "manage.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "os/dns.h"
#include "parse/dns_name.h"
#include "parse/dns_reply.h"

#include <stdlib.h>

#define SERVER_WAIT (3 * USEC_PER_SEC)

struct asking { /* on its own: the resolver may hold it longer than the call lives */
    OBJECT_MAGIC
    struct dns_ask ask;
    struct command_call *call;
    enum dns_type type;
    struct span name; /* in the call's arena */
};

static const struct {
    const char *name;
    enum dns_type type;
} types[] = { { "A", DNS_A }, { "AAAA", DNS_AAAA }, { "SRV", DNS_SRV }, { "TXT", DNS_TXT } };

#define TYPES (sizeof(types) / sizeof(types[0]))

static void form_query(struct command_call *call)
{
    static const struct form_option options[TYPES] = { { { "IPv4 addresses (A)", 18 }, { "A", 1 } },
                                                       { { "IPv6 addresses (AAAA)", 21 }, { "AAAA", 4 } },
                                                       { { "Services (SRV)", 14 }, { "SRV", 3 } },
                                                       { { "Texts (TXT)", 11 }, { "TXT", 3 } } };
    struct form_field *field = form_draft_text(&call->draft, FORM_TEXT, "domain", "Domain", SPAN(""));

    field->is_required = true;
    field->desc = "For services with their names: _xmpp-client._tcp.example.org";
    field = form_draft_text(&call->draft, FORM_CHOICE, "type", "Type of records", options[0].value);
    field->options = options;
    field->option_count = TYPES;
    field->is_required = true;
    command_show(call);
}

static struct dns *resolver_of(struct manage *manage, const char **why_r)
{
    const struct conf_list *list = &manage->conf->dns_servers;
    struct buf servers = { 0 };

    if (manage->dns)
        return manage->dns;
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&servers, "%s%s", i ? "," : "", list->texts[i]);
    buf_char(&servers, '\0');
    manage->dns = dns_new(manage->host->loop, servers.at, SERVER_WAIT, why_r);
    buf_free(&servers);
    return manage->dns;
}

/* ---- answers ---- */

static void add_record(struct form_draft *draft, enum dns_type type, const struct dns_record *record)
{
    struct arena *arena = draft->arena;
    struct span cells[3] = { SPAN(""), SPAN(""), SPAN("") };
    struct buf text = { 0 };
    char address[IP_TEXT];

    if (type == DNS_A || type == DNS_AAAA) {
        ip_address_text(&record->address, address);
        cells[0] = arena_copy(arena, span_of(address));
    } else if (type == DNS_SRV) {
        cells[0] = span_of(arena_printf(arena, "%.*s:%u", SPAN_ARG(record->target), record->port));
        cells[1] = span_of(arena_printf(arena, "%u", record->priority));
        cells[2] = span_of(arena_printf(arena, "%u", record->weight));
    } else {
        text_add_log(&text, record->text); /* any bytes */
        cells[0] = arena_copy(arena, buf_span(&text));
        buf_free(&text);
    }
    form_draft_row(draft, cells);
}

static void answer(struct command_call *call, enum dns_type type, const struct dns_records *records)
{
    static const struct form_field columns[] = {
        { .type = FORM_TEXT, .var = "value", .label = "Value" },
        { .type = FORM_TEXT, .var = "priority", .label = "Priority" },
        { .type = FORM_TEXT, .var = "weight", .label = "Weight" },
    };
    struct form_draft draft;

    form_draft_begin(&draft, call->arena, call->row->name);
    form_draft_columns(&draft, columns, 3);
    for (unsigned i = 0; i < records->count; i++)
        add_record(&draft, type, &records->items[i]);
    command_done(call, &draft, "info", arena_printf(call->arena, "May be remembered for %u s", records->ttl));
}

static void on_answer(struct dns_ask *ask)
{
    struct asking *asking = LIST_OF(ask, struct asking, ask);
    struct command_call *call = asking->call;
    struct dns_records *records = arena_make(call->arena, struct dns_records);
    enum dns_type type = asking->type;
    enum dns_verdict verdict = DNS_TROUBLE;

    OBJECT(asking, asking);
    call->on_cancel = NULL;
    if (ask->answer == DNS_ANSWERED)
        verdict = dns_reply_read(call->arena, ask->reply, asking->name, type, records);
    if (ask->answer == DNS_SILENT)
        command_done(call, NULL, "error", "The name servers did not answer in time");
    else if (verdict == DNS_FOUND)
        answer(call, type, records);
    else if (verdict == DNS_NOTHING)
        command_done(call, NULL, "info", "There is no such record");
    else
        command_done(call, NULL, "error", "The name servers gave no answer that can be used");
    OBJECT_DEAD(asking);
    free(asking);
}

static void on_cancel(struct command_call *call)
{
    struct asking *asking = OBJECT(call->data, asking);

    dns_forget(&asking->ask);
    OBJECT_DEAD(asking);
    free(asking);
}

static void run_query(struct command_call *call)
{
    struct manage *manage = OBJECT(call->host->state, manage);
    struct span domain, name, type = command_value(call, "type");
    const char *why = "";
    struct dns *dns;
    struct asking *asking;

    if (!dns_name_prepare(call->arena, command_value(call, "domain"), &domain, &name)) {
        command_again(call, "domain", "takes a domain, such as example.org");
        return;
    }
    dns = resolver_of(manage, &why);
    if (dns == NULL) {
        command_refuse(call, PROBLEM_unavailable, why);
        return;
    }
    asking = must_alloc(sizeof(*asking));
    OBJECT_BORN(asking, asking);
    asking->call = call;
    asking->name = name;
    for (size_t i = 0; i < TYPES; i++)
        if (span_is(type, types[i].name))
            asking->type = types[i].type;
    call->data = asking;
    call->on_cancel = on_cancel;
    dns_ask(dns, &asking->ask, name.at, asking->type, on_answer);
}

static const struct command_step steps[] = { { form_query, run_query }, { NULL, NULL } };

const struct command_row query_dns_rows[] = {
    { "query-dns", "DNS Query", "Other", "Asks the name servers for records of a domain", ACCESS_ADMIN, false,
      steps },
    { .node = NULL },
};
