/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: verdict.h - the three answers of a parser that is fed piece by piece. */
#ifndef STOA_PARSE_VERDICT_H
#define STOA_PARSE_VERDICT_H

enum verdict {
    PARSE_DONE, /* one whole thing was there */
    PARSE_MORE, /* good so far; more bytes are needed */
    PARSE_BAD,  /* it can never become good: answer and close, nothing behind it can be trusted */
};

#endif
