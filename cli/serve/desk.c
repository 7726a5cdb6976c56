/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * serve: who works at what is asked. Requests wait in two lanes, each with a thread of its own. An
 * answer is given again for a while, to whoever asks the same: twice as long as it took to make,
 * and at least a tenth of a second. So however many ask, the journal is not read all the time. Who
 * is told that something is new gets a new answer: what was begun before is not given again.
 */
#include "serve/serve.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define KEPT_MS 100
#define KEPT_FACTOR 2
/* Larger answers are not kept. */
#define KEPT_SIZE_MAX ((size_t)8 << 20)
/* Behind every writer that has not asked to be as patient. */
#define PATIENCE 10

/* ---- answers that are kept ---------------------------------------------------------------- */

static answer *kept_find(const desk *d, const char *url)
{
    int64_t now = now_ms();
    for (size_t i = 0; i < KEPT_MAX; i++) {
        const kept_answer *kept = &d->kept[i];
        if (kept->url && kept->until_ms > now && strcmp(kept->url, url) == 0) {
            return answer_hold(kept->answer);
        }
    }
    return NULL;
}

static void kept_drop(kept_answer *kept)
{
    free(kept->url);
    answer_release(kept->answer);
    *kept = (kept_answer){0};
}

/* In the place of the one that is gone soonest. */
static void kept_put(desk *d, const char *url, answer *made, int64_t cost_ms)
{
    kept_answer *place = &d->kept[0];
    for (size_t i = 1; i < KEPT_MAX; i++) {
        place = d->kept[i].until_ms < place->until_ms ? &d->kept[i] : place;
    }
    if (made->size > KEPT_SIZE_MAX) {
        return;
    }
    kept_drop(place);
    int64_t span = KEPT_FACTOR * cost_ms > KEPT_MS ? KEPT_FACTOR * cost_ms : KEPT_MS;
    *place = (kept_answer){need(strdup(url)), answer_hold(made), now_ms() + span};
}

void desk_forget(desk *d)
{
    pthread_mutex_lock(&d->lock);
    d->news++;
    for (size_t i = 0; i < KEPT_MAX; i++) {
        kept_drop(&d->kept[i]);
    }
    pthread_mutex_unlock(&d->lock);
}

/* ---- lanes -------------------------------------------------------------------------------- */

static answer *make_answer(desk *d, const request *asked, int64_t *cost_ms)
{
    int64_t began = now_ms();
    pthread_rwlock_rdlock(&d->gate);
    answer *made = request_answer(d->cli, asked);
    pthread_rwlock_unlock(&d->gate);
    *cost_ms = now_ms() - began;
    return made;
}

/* The desk's lock is held, but not while the answer is made. */
static void work_at(desk *d, job *asked)
{
    int64_t cost_ms = 0;
    uint64_t news = d->news;
    asked->answer =
        d->ending ? answer_refuse(503, "the server ends") : kept_find(d, asked->request.url);
    if (!asked->answer) {
        pthread_mutex_unlock(&d->lock);
        asked->answer = make_answer(d, &asked->request, &cost_ms);
        pthread_mutex_lock(&d->lock);
        if (d->news == news) {
            kept_put(d, asked->request.url, asked->answer, cost_ms);
        }
    }
    asked->done(asked);
}

static void *run_lane(void *context)
{
    lane *l = context;
    desk *d = l->desk;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), PATIENCE); /* of this thread alone */
    pthread_mutex_lock(&d->lock);
    for (;;) {
        while (!l->first && !d->ending) {
            pthread_cond_wait(&l->changed, &d->lock);
        }
        job *next = l->first;
        if (!next) {
            break;
        }
        l->first = next->next;
        l->last = l->first ? l->last : &l->first;
        l->length--;
        work_at(d, next);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

bool desk_take(desk *d, job *asked)
{
    lane *l = &d->lanes[asked->request.past];
    if (d->ending || l->length == LANE_LENGTH_MAX) {
        return false;
    }
    asked->next = NULL;
    *l->last = asked;
    l->last = &asked->next;
    l->length++;
    pthread_cond_signal(&l->changed);
    return true;
}

/* ---- beginning and end -------------------------------------------------------------------- */

tj_status desk_start(desk *d, const command_line *cli, tj_error *error)
{
    *d = (desk){.cli = cli};
    pthread_mutex_init(&d->lock, NULL);
    pthread_rwlock_init(&d->gate, NULL);
    for (size_t i = 0; i < 2; i++) {
        lane *l = &d->lanes[i];
        l->desk = d;
        l->last = &l->first;
        pthread_cond_init(&l->changed, NULL);
        int code = pthread_create(&l->thread, NULL, run_lane, l);
        if (code != 0) {
            return fail_errno(error, code, "starting a thread");
        }
    }
    return TJ_OK;
}

void desk_stop(desk *d)
{
    pthread_mutex_lock(&d->lock);
    d->ending = true;
    for (size_t i = 0; i < 2; i++) {
        pthread_cond_signal(&d->lanes[i].changed);
    }
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(d->lanes[i].thread, NULL);
    }
    desk_forget(d);
}
