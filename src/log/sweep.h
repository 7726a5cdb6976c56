/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every byte of a log, for verification and repair: all records that are whole, in order, and
 * whatever is wrong between them. A reader stops at the first place that it cannot read on from; a
 * sweep looks for the next whole record behind it, whose hash says that it stands in its own
 * journal, segment and place, and goes on from there.
 *
 * Nothing is judged: whether the log may end where it ends is logbook.h's question.
 */
#ifndef TJ_LOG_SWEEP_H
#define TJ_LOG_SWEEP_H

#include "log/segment.h"
#include "model/position.h"

typedef enum tj__fault_kind {
    TJ__FAULT_MISSING,    /* the segment's file is not there */
    TJ__FAULT_UNREADABLE, /* or cannot be read, or is no file */
    TJ__FAULT_HEADER,     /* its header is damaged, or another's */
    TJ__FAULT_CUT,        /* it is shorter than its header says */
    TJ__FAULT_RECORDS,    /* bytes that hold no record, where there should be some */
    TJ__FAULT_CHAIN,      /* a whole record that does not follow the one before it */
    TJ__FAULT_NOT_ZERO,   /* bytes where nothing was ever written */
    TJ__FAULT_BEYOND      /* bytes behind the end that its header says: nothing needs them */
} tj__fault_kind;

typedef struct tj__log_fault {
    tj__fault_kind kind;
    tj_status status; /* TJ_CORRUPT; of TJ__FAULT_UNREADABLE why it could not be read; of
                         TJ__FAULT_BEYOND TJ_OK */
    uint64_t ordinal;
    uint64_t offset; /* first byte, and the first that is not concerned */
    uint64_t end;
    uint64_t lost_first; /* commits that are not whole; first above last: none */
    uint64_t lost_last;  /* UINT64_MAX: nothing tells how many */
    int os_errno;        /* of TJ__FAULT_UNREADABLE; 0: not the system's */
    char path[TJ__SEGMENT_PATH_SIZE];
    char why[TJ_ERROR_MESSAGE_SIZE]; /* a clause */
} tj__log_fault;

/* A whole record; its views are valid during the call. */
typedef struct tj__swept_record {
    const tj__record *record;
    const tj__segment_header *header; /* as it is, or was, where it is damaged */
    tj__position end;                 /* behind the record */
    uint64_t offset;
    bool unbroken; /* it follows the one before it, or is the first of all */
} tj__swept_record;

typedef struct tj__sweep {
    const char *directory;
    tj_uuid journal_id;
    uint64_t first_segment;
    /* Sees a whole record, seals included. */
    tj_status (*record)(void *context, const tj__swept_record *seen, tj_error *error);
    /* Is told of a fault, before the record behind it. */
    tj_status (*fault)(void *context, const tj__log_fault *fault, tj_error *error);
    void *context;
    uint64_t until; /* not beyond this commit: a writer is at work there. UINT64_MAX: to the end */
} tj__sweep;

typedef struct tj__swept {
    uint64_t first_sequence; /* of the oldest whole record; 0: none */
    tj__position end;        /* behind the last whole record */
    uint64_t segments;       /* that are there, prepared ones included */
    uint64_t last_begun;     /* ordinal, 0: none */
    uint64_t records;
    uint64_t bytes;       /* of all files */
    uint64_t durable_max; /* the highest sequence that a record says was flushed */
    bool open;            /* the newest segment has no seal: */
    tj__log_fault tail;   /* what stands behind its last whole record, and why it is none */
} tj__swept;

/* TJ_OK however damaged the log is. TJ_FORMAT_NEWER when a newer version wrote some of it;
 * TJ_NOT_FOUND when there is no such directory; TJ_NOMEM; and what a callback returns. */
tj_status tj__log_sweep(const tj__sweep *sweep, tj__swept *out, tj_error *error);

#endif
