/* SPDX-License-Identifier: ISC */
/* floor 3 sees 0: login_gate.h - how many wrong passwords may still be shown to the XMPP server.
 *
 * To the server all users of Stoa have one address, and servers ban addresses: ejabberd's mod_fail2ban counts
 * failures in a row, forgets them at a success or an hour after the last one, and bans at the 20th. This is
 * the same count, kept in the segment so that a reborn router goes on with it. Written by the router only. */
#ifndef STOA_SHM_LOGIN_GATE_H
#define STOA_SHM_LOGIN_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct login_gate {
    _Atomic uint32_t failures;     /* in a row */
    _Atomic int64_t last_failure;  /* clock_mono; counts while failures is not 0 */
    _Atomic int64_t refused_until; /* clock_mono: the server turned us away; nothing is tried before */
    _Atomic uint32_t sessions;     /* of users that are open just now; for status */
};

#define LOGIN_GATE_QUEUE (-1) /* not before those that are under way have ended */

/* Whether one more may be tried. most: as xmpp/login-failures-most; known: the very same password was right
 * lately; under_way: proofs that may still fail. 0: yes. > 0: not for so many microseconds.
 * LOGIN_GATE_QUEUE: that cannot be said yet. */
int64_t login_gate_wait(const struct login_gate *gate, uint32_t most, bool known, unsigned under_way,
                        int64_t now);
void login_gate_failed(struct login_gate *gate, int64_t now);
void login_gate_proved(struct login_gate *gate);

#endif
