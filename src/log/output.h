/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where the log's batches go (base/group.h): each to its offset of one file, with one write and
 * one flush. A batch that ends with a seal has a successor, an open file that is the log's from
 * then on.
 */
#ifndef TJ_LOG_OUTPUT_H
#define TJ_LOG_OUTPUT_H

#include "base/group.h"
#include "log/successor.h"
#include "log/writer.h"

/* For so long after the files were seen in their places they are taken to be there: looking costs
 * as much as encoding a commit. */
#define TJ__PLACE_CHECK_NS 1000000u

typedef struct tj__log_output {
    tj_status (*on_acknowledged)(void *context, uint64_t sequence, tj_error *error);
    bool (*make_space)(void *context);
    tj_status (*in_place)(void *context, tj_error *error);
    void *context;
    tj__metrics *metrics;  /* may be NULL */
    uint64_t acknowledged; /* with the turn */
    tj__log_file file;     /* used with the turn; by the appender too, when nothing is in flight */
    uint64_t place_checked_ns; /* when the files were last seen in their places; with the turn */
} tj__log_output;

/* With the tj__log_output as its context. */
extern const tj__group_ops tj__log_output_ops;

/* Owns file->fd from here on. */
void tj__log_output_init(tj__log_output *output, const tj__log_writer_options *options,
                         uint64_t sequence, const tj__log_file *file);
void tj__log_output_dispose(tj__log_output *output);

#endif
