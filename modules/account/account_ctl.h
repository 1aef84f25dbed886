/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_ctl.h - stoactl account set, show, list, import. */
#ifndef STOA_ACCOUNT_ACCOUNT_CTL_H
#define STOA_ACCOUNT_ACCOUNT_CTL_H

#include "module/module.h"

int account_ctl_set(struct module_host *host, int argc, char **argv);
int account_ctl_show(struct module_host *host, int argc, char **argv);
int account_ctl_list(struct module_host *host, int argc, char **argv);
int account_ctl_import(struct module_host *host, int argc, char **argv);

#endif
