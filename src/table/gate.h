/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A gate: any number of transactions inside, or one change of the map alone.
 *
 * A pthread_rwlock would not do: a transaction may end in another thread than it began in, and
 * either preference has a hang in it. Preferring readers starves the change; preferring the change
 * stops a thread that is inside and asks to enter again. So newcomers wait for a change that is
 * asked for, but only so long, and a change gives up when those inside stay too long.
 */
#ifndef TJ_TABLE_GATE_H
#define TJ_TABLE_GATE_H

#include <pthread.h>
#include <stdbool.h>

#define TJ__GATE_NEWCOMER_MS 1000
#define TJ__GATE_CHANGE_MS 10000

typedef struct tj__gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned inside;
    unsigned waiting; /* changes asked for */
    bool closed;      /* a change is under way */
} tj__gate;

void tj__gate_init(tj__gate *gate);
void tj__gate_dispose(tj__gate *gate); /* nobody is inside */
void tj__gate_enter(tj__gate *gate);
void tj__gate_leave(tj__gate *gate);
/* Waits until nobody is inside, and keeps everybody out. False after TJ__GATE_CHANGE_MS. */
bool tj__gate_close(tj__gate *gate);
void tj__gate_open(tj__gate *gate);

#endif
