/* SPDX-License-Identifier: ISC */
/* floor 8 sees 0 2 3 4 6: keeper_main.h - slow work: the modules' jobs, one after the other, in small steps.
 */
#ifndef STOA_KEEPER_KEEPER_MAIN_H
#define STOA_KEEPER_KEEPER_MAIN_H

#include "shm/heritage.h"

struct modules;

void keeper_modules(const struct modules *modules); /* before the first fork */
_Noreturn void keeper_main(const struct heritage *heritage);

#endif
