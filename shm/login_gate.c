/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: login_gate.c - see login_gate.h. */
#include "shm/login_gate.h"

#include "base/clock.h"

#define FORGOTTEN (70 * 60 * USEC_PER_SEC) /* the server's hour, and what clocks and lags may add */
#define TRICKLE   (6 * 60 * USEC_PER_SEC)  /* between two tries of the second half */

static uint32_t failures_now(const struct login_gate *gate, int64_t now)
{
    return now - atomic_load(&gate->last_failure) < FORGOTTEN ? atomic_load(&gate->failures) : 0;
}

/* The room behind most is for passwords that were right lately: only a change of one of them can spend it. */
static int64_t wait_of(const struct login_gate *gate, uint32_t most, bool known, uint32_t failures,
                       int64_t now)
{
    int64_t last = atomic_load(&gate->last_failure);

    if (known)
        return failures < most + (most + 7) / 8 ? 0 : last + FORGOTTEN - now;
    if (failures < (most + 1) / 2)
        return 0;
    if (failures >= most)
        return last + FORGOTTEN - now;
    return now - last >= TRICKLE ? 0 : last + TRICKLE - now;
}

int64_t login_gate_wait(const struct login_gate *gate, uint32_t most, bool known, unsigned under_way,
                        int64_t now)
{
    uint32_t failures;
    int64_t wait;

    if (most == 0)
        return 0;
    failures = failures_now(gate, now);
    wait = wait_of(gate, most, known, failures, now);
    if (wait > 0)
        return wait;
    if (under_way == 0)
        return 0;
    /* All that are under way may fail, this very moment. */
    return wait_of(gate, most, known, failures + under_way, now) > 0 ||
                   (!known && failures + under_way >= (most + 1) / 2)
               ? LOGIN_GATE_QUEUE
               : 0;
}

void login_gate_failed(struct login_gate *gate, int64_t now)
{
    atomic_store(&gate->failures, failures_now(gate, now) + 1);
    atomic_store(&gate->last_failure, now);
}

void login_gate_proved(struct login_gate *gate)
{
    atomic_store(&gate->failures, 0);
}
