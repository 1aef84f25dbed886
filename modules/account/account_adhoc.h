/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: account_adhoc.h - the administrators' command for recovery addresses. */
#ifndef STOA_ACCOUNT_ACCOUNT_ADHOC_H
#define STOA_ACCOUNT_ACCOUNT_ADHOC_H

#include "module/command.h"

extern const struct command_table account_adhoc[]; /* of the component of service http */

#endif
