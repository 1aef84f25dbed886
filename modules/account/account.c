/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account.c - the module account: its struct, its data base, its coming up and going down.
 */
#include "account.h"

#include "account_adhoc.h"
#include "account_ctl.h"

#include "base/must.h"
#include "captcha.h"
#include "job.h"
#include "mail_box.h"
#include "mail_ctl.h"
#include "mail_row.h"
#include "mailer.h"
#include "mine.h"
#include "module/report.h"
#include "os/log.h"
#include "page/page.h"
#include "register.h"
#include "reset.h"
#include "shm/count.h"

#include <stdlib.h>

extern const struct template_source account_pages[]; /* templates/ as C */

const char *const account_tables[] = { "mail", "mail_due", "mail_once", "account", "token", "reserve", NULL };

static const struct module_section sections[] = {
    { "", &mailer_section }, { "", &account_section }, { "", &resetter_section }, { .path = NULL }
};

/* ---- life ---- */

static void count_commit(unsigned operations)
{
    count_add(COUNT_commits, 1);
    count_add(COUNT_commit_operations, operations);
}

int account_open(struct account **account_r, struct module_host *host, const char **why_r)
{
    struct account *account = must_alloc(sizeof(*account));
    struct arena *arena = arena_new();
    const struct process_settings *processes = host->settings->processes;
    const struct store_options options = {
        .folder = arena_printf(arena, "%s/account", processes->data_dir),
        .map_size = processes->data_map_size,
        .tables = account_tables,
        .loop = host->loop,
        .committed = host->loop != NULL ? count_commit : NULL,
    };
    int result = store_open(&account->store, &options, why_r);

    arena_free(&arena);
    if (result != 0) {
        free(account);
        return -1;
    }
    OBJECT_BORN(account, account);
    account->arena = arena_new();
    account->host = host;
    account->mail_conf = mailer_conf(host->conf);
    account->box = mail_box_new(host, account->store);
    account->conf = account_conf(host->conf);
    account->recovery = (struct recovery){ account->store, ACCOUNT_TABLE_ACCOUNT, ACCOUNT_TABLE_TOKEN,
                                           ACCOUNT_TABLE_RESERVE };
    account->steward = (struct steward_conf){ .use_component = account->conf->use_component,
                                              .admin_jid = span_of(account->conf->admin_jid),
                                              .admin_password = account->conf->admin_password };
    list_init(&account->jobs);
    *account_r = account;
    return 0;
}

void account_close(struct account **account)
{
    jobs_cut(*account);
    store_close(&(*account)->store); /* first: its last answers may still nudge */
    mailer_free(&(*account)->mailer);
    jobs_free(*account);
    page_kit_free(&(*account)->kit);
    mail_box_free(&(*account)->box);
    arena_free(&(*account)->arena);
    OBJECT_DEAD(*account);
    free(*account);
    *account = NULL;
}

static int worker_up(struct module_host *host)
{
    struct account *account;
    const char *why;

    if (account_open(&account, host, &why) != 0) {
        log_error("account: %s", why);
        return -1;
    }
    store_clear_readers(account->store); /* a worker that died would keep old pages for ever */
    if (account_conf_active(host->conf))
        account->kit = page_kit_new(account_pages);
    host->state = account;
    return 0;
}

static void worker_down(struct module_host *host)
{
    struct account *account = OBJECT(host->state, account);

    host->state = NULL;
    account_close(&account);
}

static int keeper_up(struct module_host *host)
{
    if (worker_up(host) != 0)
        return -1;
    if (mailer_conf(host->conf)->section.active)
        OBJECT(host->state, account)->mailer = mailer_new(host->state);
    return 0;
}

static void keeper_down(struct module_host *host)
{
    struct account *account = OBJECT(host->state, account);

    host->state = NULL;
    mailer_stop(account->mailer);
    account_close(&account);
}

static bool keeper_leaving(struct module_host *host)
{
    return mailer_leaving(OBJECT(host->state, account)->mailer);
}

static void report(struct module_host *host, struct report *report)
{
    struct account *account = OBJECT(host->state, account);
    struct store_view *view = store_view(account->store);

    if (view != NULL) {
        report_gauge(report, "account_mails_waiting", "", "mails that wait to be sent",
                     (double)mail_waiting_seen(view));
        store_view_end(account->store, view);
    }
    report_store(report, "account", account->store);
}

static bool is_active(const struct conf *conf)
{
    return mailer_conf(conf)->section.active || account_conf_active(conf);
}

static void check(struct conf *conf, const struct settings *settings)
{
    mailer_check(conf);
    account_conf_check(conf, settings);
}

/* ---- pages ---- */

#define READING (METHOD_BIT(HTTP_GET) | METHOD_BIT(HTTP_HEAD))
#define POSTING METHOD_BIT(HTTP_POST)

/* Below the module rest, whose users know these addresses; open to anyone: it is for those who cannot log in.
 */
static const struct http_route reset_routes[] = {
    { READING, "", ACCESS_OPEN, reset_form, "form for who forgot the password" },
    { POSTING, "", ACCESS_OPEN, reset_ask, "mails a link to the recovery address of that account" },
    { READING, "/*", ACCESS_OPEN, reset_link_form, "form for a new password, by the link of a mail" },
    { POSTING, "/*", ACCESS_OPEN, reset_link_act, "sets the new password" },
    { .path = NULL },
};

static const struct http_route confirm_routes[] = {
    { READING, "/*", ACCESS_OPEN, register_link_form, "form for the password of a new account, by mail" },
    { POSTING, "/*", ACCESS_OPEN, register_link_act, "makes the account" },
    { .path = NULL },
};

static const struct http_route account_routes[] = {
    { READING, "", ACCESS_USER, mine_show, "recovery address, password and uploads of who is logged in" },
    { READING, "/", ACCESS_USER, mine_show, "recovery address, password and uploads of who is logged in" },
    { POSTING, "/address", ACCESS_USER, mine_address, "mails a link that confirms a recovery address" },
    { POSTING, "/address/forget", ACCESS_USER, mine_forget, "forgets the recovery address" },
    { POSTING, "/password", ACCESS_USER, mine_password, "sets another password" },
    { POSTING, "/uploads/delete", ACCESS_USER, mine_delete, "deletes an upload" },
    { READING, "/files/*", ACCESS_OPEN, captcha_script, "what forms for strangers load" },
    { READING, "/register", ACCESS_OPEN, register_form, "form for a new account" },
    { POSTING, "/register", ACCESS_OPEN, register_ask, "mails a link for a new account" },
    { READING, "/confirm/*", ACCESS_OPEN, confirm_form, "form for a new recovery address, by mail" },
    { POSTING, "/confirm/*", ACCESS_OPEN, confirm_act, "lets the new recovery address count" },
    { .path = NULL },
};

static void contexts(struct module_host *host, struct router_table *table)
{
    struct account *account = OBJECT(host->state, account);
    const char *rest = account_rest_path(host->conf);
    struct http_context context = { .path = arena_printf(account->arena, "%s/user/resetPassword", rest),
                                    .hosts = conf_texts(host->conf, "http/rest", "vhosts"),
                                    .routes = reset_routes,
                                    .state = account,
                                    .name = "account-links" }; /* nothing for a menu */

    if (!account_conf_active(host->conf))
        return;
    router_table_add(table, &context);
    context.path = arena_printf(account->arena, "%s/user/confirm", rest);
    context.routes = confirm_routes;
    router_table_add(table, &context);
    context.name = "account";
    context.path = account->conf->context_path;
    context.hosts = &account->conf->vhosts;
    context.routes = account_routes;
    router_table_add(table, &context);
}

static const struct errand_row errands[] = { { MAIL_ERRAND, mailer_errand }, { NULL, NULL } };

static const struct ctl_command account_commands[] = {
    { "account set", "JID ADDRESS|none", "sets the recovery address of an account; it counts at once",
      account_ctl_set },
    { "account show", "JID", "JID, recovery address, since when it counts, and the one to be confirmed",
      account_ctl_show },
    { "account list", "", "the same of all accounts that have one", account_ctl_list },
    { "account import", "FILE|-", "sets many: lines of JID, tab and address", account_ctl_import },
    { "mail test", "ADDRESS",
      "put a mail into the queue and tell what the mail server says to it: 0 when it has taken it",
      mail_ctl_test },
    { "mail list", "[--json]",
      "the queue: mails that wait, with what the server said last, and those that were sent or given up a "
      "while ago",
      mail_ctl_list },
    { "mail show", "ID", "all that is known of one, but what it says", mail_ctl_show },
    { "mail retry", "ID", "try it now, also when it was given up", mail_ctl_retry },
    { "mail drop", "ID", "take it off the queue", mail_ctl_drop },
    { .name = NULL },
};

const struct stoa_module stoa_module = {
    .abi = STOA_MODULE_ABI,
    .name = "account",
    .title = "Accounts",
    .sentence = "Forgotten passwords, recovery addresses and mails",
    .sections = sections,
    .check = check,
    .active = is_active,
    .worker_up = worker_up,
    .worker_down = worker_down,
    .contexts = contexts,
    .keeper_up = keeper_up,
    .keeper_down = keeper_down,
    .keeper_leaving = keeper_leaving,
    .jobs = mailer_jobs,
    .adhoc = account_adhoc,
    .errands = errands,
    .commands = account_commands,
    .report = report,
};
