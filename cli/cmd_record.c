/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* record: JSON lines in, one durable commit and one answer for each. */
#include "record/record.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <tesser/async.h>

/* How many lines may wait for the disk at once. */
#define IN_FLIGHT_MAX 1024

static const option_spec keep_going_option = {
    .name = "keep-going",
    .letter = 'k',
    .help = "go on after a line that failed; exit with its code at the end"};

/*
 * While another line is there already, a line is submitted and not waited for, so that all of them
 * share a flush; a line alone is committed on this thread, which is quickest. Answers come in the
 * order of the lines: commits that were submitted end in order, and a line that cannot be committed
 * is answered when none of them is left.
 */
typedef struct recorder {
    command_line *cli;
    tj_store *store;
    line_reader reader;
    bool more;
    uint64_t lines[IN_FLIGHT_MAX]; /* their numbers, from answered to submitted */
    uint64_t submitted;
    uint64_t answered;
    uint64_t unsure_first; /* the first commit whose answer may be lost, 0 for none */
    tj_status failure;     /* the first one, which is the one that is reported */
    tj_error *error;
} recorder;

static void answer(recorder *r, tj_status status, uint64_t sequence, uint64_t line,
                   const tj_error *error)
{
    if (status == TJ_OK) {
        r->unsure_first = r->unsure_first ? r->unsure_first : sequence;
        note_commits(r->cli, r->unsure_first, sequence);
        record_durable(&r->cli->out, sequence);
    } else {
        record_refused(&r->cli->out, line, error);
    }
}

/* Without --keep-going the first failure is also the last. */
static void note_failed(recorder *r, tj_status status, uint64_t line, const tj_error *cause)
{
    if (r->failure == TJ_OK) {
        r->failure = fail_line(r->error, status, NULL, line, cause);
    }
    r->more = r->more && given(r->cli, &keep_going_option);
}

/* Answers leave at once: whoever waits for one must not wait for the next line. */
static void send_answers(recorder *r)
{
    out_flush(&r->cli->out);
    r->unsure_first = r->cli->out.os_errno == 0 ? 0 : r->unsure_first;
}

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    recorder *r = context;
    uint64_t line = r->lines[r->answered++ % IN_FLIGHT_MAX];
    answer(r, status, sequence, line, error);
    if (status != TJ_OK) {
        note_failed(r, status, line, error);
    }
}

static void take_answers(recorder *r, uint32_t wait_ms)
{
    size_t count = 0;
    if (tj_store_complete(r->store, wait_ms, &count, NULL) == TJ_OK && count > 0) {
        send_answers(r);
    }
}

static void take_all_answers(recorder *r)
{
    while (r->answered < r->submitted) {
        take_answers(r, 1000);
    }
}

/* Takes the transaction. */
static tj_status commit(recorder *r, tj_txn *txn, const tj_commit_options *options, tj_error *error)
{
    bool another = false;
    tj_error ignored; /* of reading: the next line says so */
    (void)line_ready(&r->reader, &another, &ignored);
    if (another || r->answered < r->submitted) {
        r->lines[r->submitted % IN_FLIGHT_MAX] = r->reader.number;
        tj_status status = tj_txn_submit(txn, options, on_done, r, NULL, error);
        r->submitted += status == TJ_OK;
        return status;
    }
    uint64_t sequence = 0;
    tj_status status = tj_txn_commit(txn, options, &sequence, error);
    if (status == TJ_OK) {
        answer(r, TJ_OK, sequence, r->reader.number, NULL);
        send_answers(r);
    }
    return status;
}

static tj_status record_line(recorder *r, tj_str line, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_status status = record_begin(r->store, line, &txn, &options, error);
    return status == TJ_OK ? commit(r, txn, &options, error) : status;
}

/* Reads and records one line; it may wait for it. */
static void take_line(recorder *r)
{
    tj_str line = {NULL, 0};
    tj_error error = TJ_ERROR_INIT;
    bool more = false;
    tj_status status = line_next(&r->reader, &line, &more, &error);
    bool input_failed = status != TJ_OK && status != TJ_LIMIT;
    r->more = more && !input_failed;
    if (status == TJ_OK && more && trimmed(line).size > 0) {
        status = record_line(r, line, &error);
    }
    if (status == TJ_OK) {
        return;
    }
    take_all_answers(r);
    if (!input_failed) {
        cut_line_one(&error);
        answer(r, status, 0, r->reader.number, &error);
        send_answers(r);
    }
    note_failed(r, status, r->reader.number, &error);
}

/* Until a line or an answer is there. */
static void wait_for_either(const recorder *r)
{
    struct pollfd either[] = {{.fd = r->reader.fd, .events = POLLIN},
                              {.fd = tj_store_completion_fd(r->store), .events = POLLIN}};
    (void)poll(either, 2, either[1].fd < 0 ? 1 : -1);
}

static tj_status record_lines(recorder *r)
{
    while (r->more && r->cli->out.os_errno == 0) {
        uint64_t in_flight = r->submitted - r->answered;
        bool ready = false;
        tj_error ignored; /* line_next says it again */
        if (in_flight == 0 || line_ready(&r->reader, &ready, &ignored) != TJ_OK) {
            take_line(r);
        } else if (ready && in_flight < IN_FLIGHT_MAX) {
            take_line(r);
            take_answers(r, 0);
        } else {
            wait_for_either(r);
            take_answers(r, ready ? 1000 : 0);
        }
    }
    take_all_answers(r);
    if (r->failure != TJ_OK && r->cli->out.os_errno == 0) {
        forget_durable(r->cli); /* the answers tell what was committed; this tells what was not */
    }
    return r->failure;
}

static tj_status run_record(command_line *cli, tj_error *error)
{
    open_journal journal;
    recorder r = {.cli = cli, .more = true, .error = error};
    r.reader = (line_reader){.fd = STDIN_FILENO, .name = input_name("-")};
    if (given(cli, &option_socket_group) && !given(cli, &option_socket)) {
        return usage_error(cli, error, "--socket-group is for --socket");
    }
    tj_status status = journal_open(cli, ACCESS_WRITE, &journal, error);
    if (status == TJ_OK && given(cli, &option_socket)) {
        status = record_socket(cli, journal.store, error);
    } else if (status == TJ_OK) {
        r.store = journal.store;
        status = record_lines(&r);
    }
    free(r.reader.data);
    return journal_close(&journal, status, error);
}

const command_spec command_record = {
    .name = "record",
    .summary = "commit JSON lines from standard input or a socket, one commit per line",
    .text =
        "Each line is an object, every member optional: book, id (a UUID: the same id is never "
        "applied twice), state (a whole LiveState), portfolio, portfolio_equity, last_candle_ts, "
        "strategy_state, execution_checkpoint, extra, ledger (a list), and maps from key to new "
        "value, or to null to delete: orders, positions, balances, last_prices, sub_accounts, "
        "algos. "
        "Each is answered by {\"seq\":N} as soon as it is durable, or by "
        "{\"error\":\"...\",\"line\":N} with nothing of it applied. The first error ends it, "
        "unless "
        "--keep-going is given. Blank lines are skipped; a line may have 64 MiB. "
        "With --socket up to 256 programs at once send lines (1 MiB at most) and get the answers "
        "to their own ones, in order; a line that failed ends nothing. SIGTERM ends it: what was "
        "taken is answered. Who is not let in is told why.",
    .example = "echo '{\"last_prices\":{\"binance_perp:BTCUSDT\":\"64000.10\"}}' | "
               "tesser-journal --journal ./journal record",
    .options = (const option_spec *const[]){&keep_going_option, &option_socket,
                                            &option_socket_group, NULL},
    .writes = true,
    .server = true,
    .run = run_record,
};
