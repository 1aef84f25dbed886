/* SPDX-License-Identifier: ISC */
/* floor 9 sees 0 2 3 4: inside.h - what the files of master share; nobody else includes it. */
#ifndef STOA_MASTER_INSIDE_H
#define STOA_MASTER_INSIDE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/object.h"
#include "master/master.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/sock.h"
#include "os/tls.h"
#include "shm/mail.h"

#define CONTROL_CLIENTS 8

/* ---- a socket that is bound, for as long as a configuration wants it ---- */
struct bound {
    int fd;
    unsigned users; /* houses that have it; 0: free place */
    struct sock_address address;
    const char *path; /* owned; of a unix socket that we made and remove; else NULL */
    bool adopted;     /* it is the service manager's too */
};

/* ---- one configuration, with all that was made of it ---- */
struct house {
    struct conf *conf;        /* owned */
    struct settings settings; /* points into conf */
    void *prepared;           /* owned; by options->prepare */
    struct buf changes;       /* the file of changes that it was loaded with */
    uint32_t generation;      /* as on the board */
    struct {
        struct bound *bound;                        /* borrowed from master->bounds, counted */
        const struct connection_settings *settings; /* in conf */
    } listeners[LISTEN_MOST];
    unsigned listener_count;
};

struct child {
    pid_t pid; /* 0: none in this row */
    enum process_kind kind;
    uint32_t conf_generation;
    int64_t born;     /* clock_mono */
    bool leaving;     /* was told to */
    int told;         /* the signal that told it last */
    int64_t patience; /* clock_mono when it is told so more strongly; INT64_MAX: never */
};

struct kind_state {
    int64_t wait;       /* how long after the next early death; doubles */
    int64_t not_before; /* clock_mono of the next birth */
    unsigned stillborn; /* in a row, without ever having been LIVE */
};

enum phase {
    PHASE_STARTING, /* not all first children have been LIVE; a hopeless one ends us with status 1 */
    PHASE_RUNNING,  /* whoever dies is reborn */
    PHASE_DRAINING, /* workers finish; then the others are told to end */
    PHASE_STOPPING, /* all were told to end; when none is left we end */
};

/* ---- what is asked to be changed: by stoactl, or by an administrator through a worker and the keeper ----
 */
enum change_word { CHANGE_RELOAD, CHANGE_SETTINGS, CHANGE_CERTIFICATE };

struct master;

struct change_request { /* lies in what asks; zero: nothing is asked */
    struct list node;   /* waits for its turn */
    enum change_word word;
    struct buf who, body;
    /* Once; master->report says why not, or what else is to be known. */
    void (*done)(struct change_request *request, struct master *master, bool good);
};

/* What a trial is about to make lasting; all zero but the two descriptors: nothing. */
struct change {
    bool is_on;
    struct buf text; /* of the file of changes */
    struct file_staged file;
    char certificate[TLS_FILE_SIZE]; /* the file's name; empty: none */
    struct buf pem;
    bool keeps; /* on the disk */
    struct file_staged certificate_file;
    struct buf notes; /* for who asked, when it is in force */
};

#define HELD_MOST 64

struct control_client {
    struct master *master; /* NULL: free place */
    struct watch watch;
    struct timer patience; /* to send its line, and to take the answer */
    char line[64];
    size_t size;
    size_t body_wanted; /* bytes that follow the line */
    struct change_request request;
    bool waits_for_reload, waits_for_change, waits_for_end;
};

/* The keeper's line to us. */
struct steer {
    struct watch watch;
    struct buf in, out;
    struct change_request request;
    bool asks; /* request is in the queue or in hand */
};

struct master {
    OBJECT_MAGIC
    const struct master_options *options; /* owned, texts too: titles overwrite the command line */
    struct conf_schema *schema;           /* owned */
    struct house *house;                  /* owned; in force */
    struct house *trial;                  /* owned; a reload that is not decided yet, or NULL */
    bool reload_again;                    /* one was asked for during the trial */
    struct change change;                 /* what the trial would make lasting */
    struct list requests;                 /* struct change_request, waiting; in their order */
    struct change_request *request;       /* whose the trial is, or NULL: nobody waits for it */
    struct tls_held held[HELD_MOST];      /* owned: certificates that are on no disk */
    size_t held_count;
    struct steer steer;
    struct timer router_leave; /* the old router's, so that who changed xmpp hears of it */
    struct buf report;         /* of the last load: what was wrong, a line each, "error: ..." */
    struct bound bounds[LISTEN_MOST * 2];
    struct loop *loop;
    struct segment *segment;
    int segment_fd;
    int bell_fd[BOARD_ROWS];
    struct child children[BOARD_ROWS];
    struct kind_state kinds[PROCESS_KINDS];
    enum phase phase;
    int status; /* of our end */
    bool shut;  /* the sockets are, while draining */
    int64_t last_tick;
    struct task wake; /* a tick at the end of this turn */
    struct timer tick, tickets, watchdog, history;
    int64_t watchdog_usec; /* 0: nobody asked */
    struct watch signals;
    struct watch control;
    char *control_path; /* owned */
    char *pid_path;     /* owned; NULL: none */
    struct control_client clients[CONTROL_CLIENTS];
    int starter; /* pipe to the process that was called, which waits for our word; -1 */
};

/* ---- master_house.c: one configuration ---- */
/* Loads, checks, prepares and binds, with master->change if there is one; what was wrong is logged and in
 * master->report. NULL: refused. */
struct house *house_load(struct master *master);
void house_free(struct master *master, struct house **house);
bool house_has_the_same_xmpp(const struct house *a, const struct house *b);
int house_open_log(const struct house *house); /* -1: said in the log */

/* ---- master_listen.c: sockets ---- */
/* Binds what house wants and is not bound yet. -1: why is in master->report, nothing is bound for house. */
int listen_for(struct master *master, struct house *house);
void listen_release(struct master *master, struct house *house); /* closes what no other house wants */
/* LISTEN_FDS: as bound for nobody yet. All other descriptors that our starter left open are closed. */
void listen_adopt(struct master *master);
/* Nobody is let in any more, though workers still have the sockets open. */
void listen_shut(struct master *master);
void listen_drop_unused(struct master *master);
void listen_close_in_child(struct master *master, const struct house *house);

/* ---- master_spawn.c: births and deaths ---- */
bool spawn(struct master *master, enum process_kind kind, unsigned row, struct house *house);
void spawn_missing(struct master *master); /* whoever should live and may be born now */
void spawn_reap(struct master *master);
void spawn_tell(struct master *master, unsigned row, int signal, int64_t patience);
void spawn_tell_all(struct master *master, int signal); /* all that live; without making them leave */
unsigned spawn_count(const struct master *master, enum process_kind kind);
unsigned spawn_serving(const struct master *master, uint32_t conf_generation, bool live_only); /* workers */
bool spawn_all_draining(const struct master *master); /* no worker accepts any more */
bool spawn_all_live(const struct master *master);     /* every process of the house in force */
void spawn_hurry(struct master *master,
                 int64_t now); /* stronger words for those who do not leave; the stuck */

/* ---- master_reload.c ---- */
void reload_begin(struct master *master);
void reload_look(struct master *master);                   /* each tick while a trial is on */
void reload_abort(struct master *master, const char *why); /* the trial's worker died */

/* ---- master_control.c ---- */
int control_listen(struct master *master); /* -1: said */
void control_stop(struct master *master);
void control_close_in_child(struct master *master);
void control_reload_done(struct master *master, bool good); /* answers those who wait, from the report */

/* ---- master_change.c: changes by command, one after the other ---- */
void change_ask(struct master *master, struct change_request *request); /* it is answered, at once or later */
void change_forget(struct master *master, struct change_request *request); /* who asked is gone */
void change_next(struct master *master);                                   /* nothing is tried just now */
void change_in_force(struct master *master);        /* the trial is; makes its change lasting */
void change_done(struct master *master, bool good); /* the trial is over */
void change_free(struct master *master);
/* The candidate: what a load sees in place of what is in force. */
size_t change_held(const struct master *master, struct tls_held held_r[HELD_MOST + 1]);

/* ---- master_steer.c: the keeper's questions ---- */
int steer_born(struct master *master); /* before a keeper is forked: its end of the line, or -1 */
void steer_end(struct master *master); /* that keeper is gone, or we are */
void steer_close_in_child(struct master *master);
/* In force, secrets hidden. */
void steer_changes(const struct master *master, struct buf *out);

/* ---- master_daemon.c: what a daemon owes its surroundings ---- */
/* Forks twice; returns in the daemon only. The caller's process ends with the daemon's word. */
void daemon_begin(struct master *master);
void daemon_ready(struct master *master, const char *why_not); /* NULL: we serve */
int daemon_folders(struct master *master);                     /* -1: said */
int daemon_own_logs(const struct house *house); /* log files that the children may open again; -1: errno */
int daemon_write_pid(struct master *master);
void daemon_remove_files(struct master *master);
void daemon_watchdog(struct master *master);

/* ---- master_signal.c ---- */
int signals_watch(struct master *master); /* -1 with errno */

/* ---- master.c ---- */
void master_wake(struct master *master); /* looks again soon: something changed */
void master_stop(struct master *master, int status);
void master_drain(struct master *master);
void master_reopen(struct master *master);

#endif
