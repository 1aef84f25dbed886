/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 5(xmpp): router_main.h - the router: XMPP streams and the book of IQs, nothing of
 * HTTP.
 */
#ifndef STOA_ROUTER_ROUTER_MAIN_H
#define STOA_ROUTER_ROUTER_MAIN_H

#include "shm/heritage.h"

_Noreturn void router_main(const struct heritage *heritage);

#endif
