/* SPDX-License-Identifier: ISC */
/* floor 4 sees 0: value.h - from what is written to what a field holds, and back. */
#ifndef STOA_CONF_VALUE_H
#define STOA_CONF_VALUE_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/tree.h"

struct value_reader {
    struct arena *arena;   /* texts and lists go there */
    const char *data_root; /* for relative paths; absolute */
    /* What value_read has to say: why it failed, or with what it went on. In arena; NULL: nothing. */
    const char *note;
    enum conf_severity severity;
};

/* Fills the field of that directive. false: the value is not one, the field is untouched, note says what to
 * write. A value of kind TREE_NULL is the caller's. */
bool value_read(struct value_reader *reader, const struct directive *directive,
                const struct tree_value *value, void *field);
bool value_bool(struct span text, bool *truth_r);

/* As it would be written, in the shortest form that reads back the same. */
void value_write(struct buf *out, const struct directive *directive, const void *field);
void value_write_size(struct buf *out, int64_t bytes);
void value_write_duration(struct buf *out, int64_t usec);
void value_write_text(struct buf *out, const char *text); /* with quotes */

#endif
