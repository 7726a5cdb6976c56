/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The sweep: goes through a trace, and at every event builds images that a power cut might leave
 * there, and has each new one checked. From some images it records the recovery too, and sweeps
 * through that.
 *
 * It works in a child process, so that a library that crashes is a finding too. What is known lives
 * in memory that both share.
 */
#ifndef TJ_CRASH_SWEEP_H
#define TJ_CRASH_SWEEP_H

#include "crash/check.h"

typedef struct sweep_options {
    const char *work;       /* an existing directory to work in */
    const char *trace_path; /* named in the command that replays a finding */
    uint64_t seed;
    double seconds;            /* how long it may take; 0: until everything is done */
    unsigned random_images;    /* random subsets at each event */
    unsigned torn_samples;     /* places at which each write is torn */
    size_t write_back_events;  /* after so many the kernel writes back by itself; 0: never */
    unsigned recoveries_every; /* of so many checked images, the recovery of one is swept */
    uint64_t violations_max;   /* stops there */
    bool quiet;                /* count findings, keep and print nothing */
    bool replay;               /* only the image with this hash at this event, and its recovery */
    size_t replay_event;
    uint64_t replay_hash;
} sweep_options;

typedef struct sweep_counts {
    uint64_t events;
    uint64_t images;     /* built, the same one often */
    uint64_t distinct;   /* with different content */
    uint64_t checked;    /* opened, viewed, compared, written and opened again */
    uint64_t no_journal; /* of those, in which a view found no journal: creation had not ended */
    uint64_t recoveries; /* recorded and swept through */
    uint64_t violations;
    char first_why[256]; /* of the first violation */
} sweep_counts;

sweep_counts sweep_run(const sweep_options *options, const trace *t);

#endif
