/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_adhoc.c - see account_adhoc.h. An address that an administrator sets counts at
 * once; links that were mailed before are void. */
#include "account_adhoc.h"

#include "account.h"
#include "job.h"
#include "os/log.h"

static void form_address(struct command_call *call)
{
    call->draft.instructions = "Where links for a new password are mailed. An empty address: nowhere.";
    form_draft_text(&call->draft, FORM_JID, "accountjid", "Account", SPAN(""))->is_required = true;
    form_draft_text(&call->draft, FORM_TEXT, "email", "Recovery address", SPAN(""));
    command_show(call);
}

static void on_cancel(struct command_call *call)
{
    struct job *job = OBJECT(call->data, job);

    job->data = NULL; /* it goes on, and nobody is told */
}

static void on_stored(struct job *job, int result)
{
    struct command_call *call = job->data;

    job_end(job);
    if (call == NULL)
        return;
    call->on_cancel = NULL;
    if (result == 0)
        command_done(call, NULL, "info", "Operation successful");
    else
        command_refuse(call, PROBLEM_internal, NULL);
}

static void run_address(struct command_call *call)
{
    struct account *account = OBJECT(call->host->state, account);
    struct span address = span_trim(command_value(call, "email"));
    const char *why = address.size > 0 ? mail_address_check(address) : NULL;
    struct jid jid;
    struct job *job;

    if (!jid_parse(call->arena, command_value(call, "accountjid"), &jid) || jid.local.size == 0) {
        command_again(call, "accountjid", "takes the address of a user, such as user@example.org");
        return;
    }
    if (why != NULL) {
        command_again(call, "email", why);
        return;
    }
    job = job_new(account, NULL, jid_bare_text(call->arena, jid));
    if (job == NULL) {
        command_refuse(call, PROBLEM_unavailable, NULL);
        return;
    }
    job->data = call;
    call->data = job;
    call->on_cancel = on_cancel;
    job->address = arena_copy(job->arena, address);
    job_change_begin(job, RECOVERY_SET)->address = job->address;
    job_change(job, on_stored);
}

static const struct command_step steps[] = { { form_address, run_address }, { NULL, NULL } };

static const struct command_row rows[] = {
    { .node = "recovery-address-set",
      .name = "Set the recovery address of an account",
      .group = "Users",
      .about = "Says where links for a new password of an account are mailed",
      .access = ACCESS_ADMIN,
      .is_destructive = true,
      .steps = steps },
    { .node = NULL },
};

const struct command_table account_adhoc[] = { { "http", rows }, { .service = NULL } };
