/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 5(http) 6: worker_main.h - a worker: HTTP, modules, nothing of XMPP but letters. */
#ifndef STOA_WORKER_WORKER_MAIN_H
#define STOA_WORKER_WORKER_MAIN_H

#include "shm/heritage.h"

struct modules;

/* Before the first fork: the modules that every worker and the keeper will run. */
void worker_modules(const struct modules *modules);
_Noreturn void worker_main(const struct heritage *heritage);

#endif
