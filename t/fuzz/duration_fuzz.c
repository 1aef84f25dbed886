/* SPDX-License-Identifier: ISC */
/* floor 1 sees 0: duration_fuzz.c - a duration that is read, written and read again is the same. */
#include "base/must.h"
#include "parse/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = { (const char *)data, size };
    struct buf out = { 0 };
    const char *why = NULL;
    int64_t usec = -1, again = -1;
    bool lenient = false;

    if (duration_parse(in, &usec, &lenient, &why)) {
        must(usec >= 0 && why == NULL);
        duration_write(&out, usec);
        must(duration_parse(buf_span(&out), &again, &lenient, &why) && again == usec && !lenient);
    } else {
        must(why != NULL && usec == -1);
    }
    buf_free(&out);
    return 0;
}
