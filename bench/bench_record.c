/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Lines from a pipe through `tesser-journal record`, from its start to the last answer, beside one
 * program that submits the same commits itself, as many at once. They take turns.
 *
 *   bench_record [directory [rounds [lines]]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tesser/async.h>

#include "support.h"

#define IN_FLIGHT 1024
#define LINE_SIZE (BENCH_PAYLOAD_SIZE + 128)

typedef struct bench {
    char directory[BENCH_PATH_SIZE];
    char program[BENCH_PATH_SIZE];
    char *text;
    size_t size;
    size_t lines;
    int to_recorder;
} bench;

/* ---- submitted ------------------------------------------------------------------------------ */

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    size_t *done = context;
    (void)sequence;
    bench_must(status, error, "submitting");
    ++*done;
}

static void submit(tj_store *store, size_t number, size_t *done)
{
    char payload[BENCH_PAYLOAD_SIZE];
    tj_error error = TJ_ERROR_INIT;
    tj_txn *txn = NULL;
    tj_uuid id = bench_algo_id(0, number % BENCH_ALGO_COUNT);
    bench_payload(payload, number);
    tj_algo_state state = {TJ_STR("twap"), {payload, sizeof payload}};
    bench_must(tj_txn_begin(store, &txn, &error), &error, "beginning");
    bench_must(tj_txn_put_algo(txn, &id, &state, &error), &error, "putting");
    bench_must(tj_txn_submit(txn, NULL, on_done, done, NULL, &error), &error, "submitting");
}

static void submit_all(const bench *b)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = bench_store_open(b->directory, "submitted", NULL);
    size_t done = 0;
    for (size_t i = 0; i < b->lines; i++) {
        submit(store, i, &done);
        while (i + 1 - done >= IN_FLIGHT) {
            bench_must(tj_store_complete(store, 1000, NULL, &error), &error, "completing");
        }
    }
    bench_must(tj_store_drain(store, 0, &error), &error, "draining");
    bench_store_close(store);
}

/* ---- recorded ------------------------------------------------------------------------------- */

static void write_lines(bench *b)
{
    b->text = malloc(b->lines * LINE_SIZE);
    if (!b->text) {
        bench_die("the lines", "no memory");
    }
    for (size_t i = 0; i < b->lines; i++) {
        char payload[BENCH_PAYLOAD_SIZE], id[TJ_UUID_TEXT_SIZE];
        bench_payload(payload, i);
        tj_uuid_format(bench_algo_id(0, i % BENCH_ALGO_COUNT), id);
        b->size += (size_t)snprintf(b->text + b->size, LINE_SIZE,
                                    "{\"algos\":{\"%s\":{\"plugin\":\"twap\",\"payload\":%.*s}}}\n",
                                    id, BENCH_PAYLOAD_SIZE, payload);
    }
}

static void *feed(void *context)
{
    const bench *b = context;
    for (size_t sent = 0; sent < b->size;) {
        ssize_t put = write(b->to_recorder, b->text + sent, b->size - sent);
        if (put <= 0) {
            bench_die("writing lines", "the recorder ended");
        }
        sent += (size_t)put;
    }
    close(b->to_recorder);
    return NULL;
}

static pid_t start_recorder(bench *b, int *answers)
{
    int in[2], out[2];
    char journal[BENCH_PATH_SIZE];
    bench_join(journal, b->directory, "recorded");
    pid_t child = pipe(in) == 0 && pipe(out) == 0 ? fork() : -1;
    if (child < 0) {
        bench_die("starting the recorder", b->program);
    }
    if (child == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execl(b->program, b->program, "-j", journal, "record", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    b->to_recorder = in[1];
    *answers = out[0];
    return child;
}

static void record_all(bench *b)
{
    static char answers[65536];
    int fd = -1;
    int outcome = 0;
    size_t count = 0;
    pthread_t feeder;
    pid_t recorder = start_recorder(b, &fd);
    if (pthread_create(&feeder, NULL, feed, b) != 0) {
        bench_die("starting a thread", "there are too many");
    }
    for (ssize_t got = 1; (got = read(fd, answers, sizeof answers)) > 0;) {
        for (ssize_t i = 0; i < got; i++) {
            count += answers[i] == '\n';
        }
    }
    close(fd);
    pthread_join(feeder, NULL);
    waitpid(recorder, &outcome, 0);
    if (count != b->lines || outcome != 0) {
        bench_die("recording", "a line has no answer");
    }
}

int main(int argc, char **argv)
{
    static bench b;
    static bench_series submitted, recorded;
    size_t rounds = bench_argument(argc, argv, 2, 7);
    const char *slash = strrchr(argv[0], '/');
    b.lines = bench_argument(argc, argv, 3, 100000);
    bench_directory(argc, argv, b.directory);
    snprintf(b.program, sizeof b.program, "%.*s../cli/tesser-journal",
             slash ? (int)(slash - argv[0]) + 1 : 0, argv[0]);
    bench_store_close(bench_store_open(b.directory, "submitted", NULL));
    bench_store_close(bench_store_open(b.directory, "recorded", NULL));
    write_lines(&b);
    for (size_t round = 0; round < rounds; round++) {
        uint64_t start = bench_now_ns();
        submit_all(&b);
        uint64_t middle = bench_now_ns();
        record_all(&b);
        bench_add(&submitted, (double)(middle - start) / 1e6);
        bench_add(&recorded, (double)(bench_now_ns() - middle) / 1e6);
    }
    bench_print("submitted from C", "ms", &submitted);
    bench_print("recorded from a pipe", "ms", &recorded);
    bench_series ratio = bench_ratio(&recorded, &submitted);
    bench_goal_at_most("record", "recorded to submitted", &ratio, 2, "x");
    free(b.text);
    bench_remove(b.directory);
    return 0;
}
