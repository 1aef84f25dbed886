/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: human.h - numbers as people read them. */
#ifndef STOA_STATUS_HUMAN_H
#define STOA_STATUS_HUMAN_H

#include <stdint.h>

#define HUMAN_TEXT 40

void human_number(double number, char text_r[HUMAN_TEXT]);  /* "0.25", "17.3", "12,345" */
void human_bytes(double bytes, char text_r[HUMAN_TEXT]);    /* "512 B", "1.2 GiB" */
void human_span(int64_t usec, char text_r[HUMAN_TEXT]);     /* "40 s", "3 min", "5 h", "12 days" */
void human_ago(int64_t usec, char text_r[HUMAN_TEXT]);      /* "3 min ago", "just now" */
void human_duration(int64_t usec, char text_r[HUMAN_TEXT]); /* "0.4 ms", "1.3 s"; below 0: "none" */

#endif
