/* SPDX-License-Identifier: ISC */
/* floor 5 sees 0 1 2 3 4: proxy_fuzz.c - PROXY headers: what proxy.c relies on holds for any bytes. */
#include "http/proxy_header.h"

#include <stdint.h>
#include <stdlib.h>

#define HOLDS(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct proxy_header header, again;
    enum verdict verdict = proxy_header_parse(in, &header);

    if (verdict == PARSE_MORE)
        HOLDS(size < PROXY_HEADER_MOST);
    if (verdict == PARSE_DONE) {
        HOLDS(header.size > 0 && header.size <= size && header.size <= PROXY_HEADER_MOST);
        HOLDS(proxy_header_parse(span_head(in, header.size), &again) == PARSE_DONE &&
              again.size == header.size);
        HOLDS(proxy_header_parse(span_head(in, header.size - 1), &again) == PARSE_MORE);
    }
    for (size_t n = 0; n < size && n < 300; n++) { /* a front of what is not bad is not bad */
        enum verdict front = proxy_header_parse(span_head(in, n), &again);

        HOLDS(verdict == PARSE_BAD || front != PARSE_BAD);
        HOLDS(front != PARSE_DONE || (verdict == PARSE_DONE && again.size == header.size));
    }
    return 0;
}
