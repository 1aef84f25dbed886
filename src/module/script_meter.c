/* SPDX-License-Identifier: ISC */
/* floor 6 sees 0..5: script_meter.c - who runs too long is stopped: one CPU timer per process, armed for
 * life.
 *
 * Why so: a hook that counts instructions would slow every script by half, and a timer per call costs more
 * than the call. The timer counts this thread's CPU time only, so an idle worker gets no signal, and goes to
 * this thread only, so the disk threads never see it. When a budget is used up the handler sets Lua's hook,
 * which Lua allows in a handler on the same thread; the hook then yields, which no pcall can catch. Only
 * where a C function has called Lua (a comparator of table.sort) it cannot yield and raises: whoever catches
 * that is hit again by the very next instruction, until the C function is left. */
#include "base/must.h"
#include "module/script_inside.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TICK_USEC 10000
#define TICK_MASK (LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT)

const char meter_text[] = "the script used up its time";

static struct meter meter;
static unsigned users;
static timer_t timer;

static void on_hook(lua_State *L, lua_Debug *event)
{
    if (event->event == LUA_HOOKCOUNT && lua_isyieldable(L)) {
        sandbox_of(L)->stopped = true;
        lua_yield(L, 0);
        return;
    }
    luaL_error(L, "%s", meter_text);
}

/* Same thread as the interpreter, so plain volatile is enough. */
static void on_tick(int number)
{
    lua_State *thread = meter.thread;

    (void)number;
    if (thread == NULL)
        return;
    meter.ticks = meter.ticks - 1;
    if (meter.ticks > 0)
        return;
    meter.expired = true;
    lua_sethook(thread, on_hook, TICK_MASK, 1);
}

void meter_open(void)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM };
    struct itimerspec tick = { .it_interval.tv_nsec = TICK_USEC * 1000L,
                               .it_value.tv_nsec = TICK_USEC * 1000L };
    struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
    sigset_t set;

    if (users++)
        return;
    sigemptyset(&action.sa_mask);
    must(sigaction(SIGVTALRM, &action, NULL) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGVTALRM);
    must(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    event.sigev_notify_thread_id = gettid();
    must(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0);
    must(timer_settime(timer, 0, &tick, NULL) == 0);
}

void meter_close(void)
{
    must(users > 0);
    if (--users)
        return;
    must(timer_delete(timer) == 0);
    signal(SIGVTALRM, SIG_IGN); /* one may be on its way */
}

/* The first tick may come at once: one more is given. thread is stored last, it is what the handler looks at.
 */
struct meter meter_begin(lua_State *thread, int64_t cpu_most)
{
    struct meter before = meter;
    int64_t ticks = (cpu_most + TICK_USEC - 1) / TICK_USEC + 1;

    meter.thread = NULL;
    meter.ticks = ticks > 1000000 ? 1000000 : (int)ticks;
    meter.expired = false;
    meter.thread = thread;
    return before;
}

bool meter_end(struct meter before)
{
    lua_State *thread = meter.thread;
    bool expired;

    meter.thread = NULL;
    expired = meter.expired;
    if (expired)
        lua_sethook(thread, NULL, 0, 0);
    meter.ticks = before.ticks;
    meter.expired = before.expired;
    meter.thread = before.thread;
    return expired;
}

bool meter_expired(void)
{
    return meter.expired;
}
