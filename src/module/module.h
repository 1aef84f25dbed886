/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: module.h - the whole contract between Stoa and a module.
 *
 * A module is one const struct stoa_module, exported as stoa_module from stoa-module-NAME.so. It is loaded by
 * stoad before any fork (its tables are needed to read the configuration) and by stoactl. Everything it is
 * told comes by a struct module_host, one per process and module. Nothing of it runs before its *_up. */
#ifndef STOA_MODULE_MODULE_H
#define STOA_MODULE_MODULE_H

#include "base/arena.h"
#include "base/problem.h"
#include "conf/conf.h"
#include "conf/settings.h"
#include "http/route.h"
#include "os/loop.h"
#include "parse/jid.h"
#include "parse/xml.h"
#include "shm/segment.h"

#define STOA_MODULE_ABI 3u

struct module_host;
struct command_table;
struct command_source;
struct report;

/* ---- what the host gives ---- */
struct module_host {
    const struct stoa_module *module;
    struct conf *conf; /* the configuration in force here */
    const struct settings *settings;
    void *state; /* the module's own, set by its *_up */
    /* In workers and the keeper only; NULL in master and stoactl: */
    struct loop *loop;
    struct segment *segment;
    unsigned row;
    uint32_t generation;
    struct desk *desk; /* opaque: behind iq_answer and the functions of call.h */
};

/* Whether the component of that service (the first active one) has its stream up just now; its JID, or NULL.
 */
const char *host_component(const struct module_host *host, const char *service);
bool host_component_up(const struct module_host *host, const char *service);
/* In workers: the modules that are installed, active or not; NULL behind the last. */
const struct stoa_module *host_installed(const struct module_host *host, size_t index);

/* In workers and the keeper: the active module of that name, or NULL. */
const struct stoa_module *host_module(const struct module_host *host, const char *name);

/* ---- IQs that come in ---- */
enum iq_kind { IQ_GET, IQ_SET };

struct iq_request {
    struct arena *arena; /* dies when the answer has been given */
    struct module_host *host;
    struct span component; /* JID that was asked */
    struct span from;      /* full JID as text, prepared */
    struct jid from_jid;
    enum iq_kind kind;
    const struct xml_element *payload;
    void *handler_data;
};

struct iq_row {
    const char *ns, *element; /* ns NULL ends */
    enum iq_kind kind;
    void (*handle)(struct iq_request *request); /* answers at once or later, exactly once */
};

/* payload: XML text of one element, built with text_add_xml; empty for an empty result. */
void iq_answer(struct iq_request *request, struct span payload);
/* detail NULL: problem_text. extra: application-specific element as XML text, or empty. */
void iq_refuse(struct iq_request *request, enum problem problem, const char *detail, struct span extra);

/* ---- work of the keeper ---- */
struct keeper_job {
    const char *name;                                  /* NULL ends; for logs and stoactl */
    int64_t (*period)(const struct module_host *host); /* microseconds between runs; 0: never */
    int64_t (*delay)(const struct module_host *host);  /* before the first */
    /* One run, or a step of one: returns microseconds until the next step, or -1 when this run is finished.
     * On the keeper's loop; steps stay short (some ms). */
    int64_t (*step)(struct module_host *host);
};

/* ---- commands of stoactl ---- */
struct ctl_command {
    const char *name;  /* NULL ends; first word(s): "slot new" */
    const char *usage; /* the rest of the line, for --help and the manual */
    const char *about;
    int (*run)(struct module_host *host, int argc, char **argv); /* arguments behind the name; exit status */
};

/* ---- errands: slow or outbound work that a worker's half asks of the keeper's half (call.h) ---- */
struct errand;
struct errand_row {
    const char *name;                   /* NULL ends */
    void (*run)(struct errand *errand); /* on the keeper's loop; answers by errand_done, at once or later */
};

struct module_section {
    const char *path; /* where: "" or "http"; NULL ends */
    const struct section *section;
};

struct stoa_module {
    uint32_t abi; /* STOA_MODULE_ABI */
    const char *name;
    const char *title, *sentence; /* for the index page */
    const struct module_section *sections;
    /* Cross-checks of a configuration, in master and stoad -t; complains by conf_complain. */
    void (*check)(struct conf *conf, const struct settings *settings);
    /* Whether it does anything under this configuration. */
    bool (*active)(const struct conf *conf);

    /* In each worker, after privileges are dropped. 0, or -1 (said in the log; the worker then ends). */
    int (*worker_up)(struct module_host *host);
    void (*worker_down)(struct module_host *host);
    /* Contexts of the module: adds them to table (router_table_add), state host->state or its own. */
    void (*contexts)(struct module_host *host, struct router_table *table);
    const char *service; /* whose components' IQs it answers; NULL: none */
    const struct iq_row *iqs;
    /* What disco#info of the service says: the name of the identity, and XML of identities, features, forms.
     */
    void (*describe)(struct module_host *host, struct buf *name, struct buf *xml);

    /* In the keeper. */
    int (*keeper_up)(struct module_host *host);
    void (*keeper_down)(struct module_host *host);
    const struct keeper_job *jobs;
    const struct errand_row *errands;
    /* The keeper shall go: begin nothing new. True while something is under way that is better waited for:
     * asked again until it is false, at most for some seconds. May be NULL. */
    bool (*keeper_leaving)(struct module_host *host);

    const struct ctl_command *commands; /* host->state is NULL there: the command opens what it needs */

    /* In workers: ad-hoc commands (command.h); may be NULL. */
    const struct command_table *adhoc;
    const struct command_source *adhoc_source;

    /* In workers: what the status page, its JSON and /metrics say of the module; may be NULL. */
    void (*report)(struct module_host *host, struct report *report);
};

#endif
