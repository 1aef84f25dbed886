/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: mail_ctl.h - stoactl mail test, list, show, retry, drop. */
#ifndef STOA_ACCOUNT_MAIL_CTL_H
#define STOA_ACCOUNT_MAIL_CTL_H

#include "module/module.h"

int mail_ctl_test(struct module_host *host, int argc, char **argv);
int mail_ctl_list(struct module_host *host, int argc, char **argv);
int mail_ctl_show(struct module_host *host, int argc, char **argv);
int mail_ctl_retry(struct module_host *host, int argc, char **argv);
int mail_ctl_drop(struct module_host *host, int argc, char **argv);

#endif
