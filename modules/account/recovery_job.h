/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: recovery_job.h - the keeper's job that drops links whose time is over. */
#ifndef STOA_ACCOUNT_RECOVERY_JOB_H
#define STOA_ACCOUNT_RECOVERY_JOB_H

#include "module/module.h"

int64_t links_period(const struct module_host *host);
int64_t links_step(struct module_host *host);

#endif
