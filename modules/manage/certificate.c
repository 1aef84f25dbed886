/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: certificate.c - the command that gives a domain another certificate, in force at once.
 */
#include "manage.h"
#include "os/tls.h"

static void form_certificate(struct command_call *call)
{
    struct form_draft *draft = &call->draft;
    struct form_field *field;

    draft->instructions =
        "The domain's certificate, then those of its issuers, then the private key, without a pass "
        "phrase. It counts for new connections as soon as the new processes serve.";
    field = form_draft_text(draft, FORM_TEXT, "VHost", "Domain", (struct span){ NULL, 0 });
    field->desc = "As example.org, or *.example.org for all directly below it.";
    field->is_required = true;
    field->longest = 253;
    /* Never shown again: it is a secret, though no field for secrets has many lines. */
    field = form_draft_text(draft, FORM_LINES, "Certificate in PEM format", "Certificates and key, in PEM",
                            (struct span){ NULL, 0 });
    field->is_required = true;
    field->longest = TLS_PEM_MOST;
    field = form_draft_text(draft, FORM_BOOLEAN, "Save to disk", "Save to disk", SPAN("true"));
    field->desc = "Otherwise it is forgotten when the daemon ends.";
    command_show(call);
}

static void on_done(struct command_call *call, struct span text)
{
    if (text.size)
        command_done(call, NULL, "warn",
                     arena_printf(call->arena, "The certificate is set. %.*s", SPAN_ARG(text)));
    else
        command_done(call, NULL, "info", "The certificate is in force.");
}

static struct span lower(struct arena *arena, struct span domain)
{
    char *text = arena_text(arena, span_trim(domain));

    for (char *at = text; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
    return span_of(text);
}

/* What is typed stays in the browser; a refusal does not send the key back. */
static void refused(struct command_call *call, const char *why)
{
    for (size_t i = 0; i < call->draft.count; i++)
        if (call->draft.fields[i].type == FORM_LINES)
            call->draft.fields[i].value_count = 0;
    command_again(call, NULL, why);
}

static void run_certificate(struct command_call *call)
{
    struct span domain = lower(call->arena, command_value(call, "VHost")), body;
    const struct form_field *pem = form_draft_field(&call->draft, "Certificate in PEM format");
    char file[TLS_FILE_SIZE];
    struct buf text = { 0 };

    if (domain.size >= TLS_FILE_SIZE || !tls_domain_file(domain.at, file)) {
        refused(call, "This is no domain: write it as example.org or *.example.org");
        return;
    }
    buf_printf(&text, "%s %s\n", domain.at, command_truth(call, "Save to disk") ? "keep" : "lose");
    for (size_t i = 0; i < pem->value_count; i++)
        buf_printf(&text, "%.*s\n", SPAN_ARG(pem->values[i]));
    body = arena_copy(call->arena, buf_span(&text));
    explicit_bzero(text.at, text.size);
    buf_free(&text);
    manage_steer(call, STEER_CERTIFICATE, body, on_done, refused);
}

static const struct command_step steps[] = { { .form = form_certificate, .run = run_certificate },
                                             { .run = NULL } };

const struct command_row certificate_rows[] = {
    { .node = "ssl-certificate-add",
      .name = "Add SSL certificate",
      .group = "Other",
      .about = "Gives a domain another certificate and key, in force at once",
      .access = ACCESS_ADMIN,
      .steps = steps },
    { .node = NULL },
};
