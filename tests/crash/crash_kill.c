/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kill -9 of a recording process at random moments, round after round on the same journal.
 *
 *   crash_kill PATH-OF-tesser-journal [ROUNDS [SEED]]
 *
 * A round feeds `tesser-journal record` with lines and reads its answers, until the process is
 * killed. Line n writes two prices, the strategy's state, an algorithm and a ledger entry, all
 * with n in them. Afterwards a read-only view, and at the end of all rounds a writer, must show
 * all of these of one and the same line, which is none before the last one that was answered and
 * none after the last one that was sent, and the ledger must hold each line up to it once. What was
 * not answered is sent again, with the same commit id, so that it counts once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash/check.h"
#include "crash/support.h"
#include "support/orphan.h"

#define LINES_AHEAD_MAX 32
#define ROUND_US_MAX 120000
#define ALGO_ID "0a1b2c3d-0000-4000-8000-000000000001"

typedef struct run {
    const char *program;
    char work[256];
    char config[300];
    char journal[300];
    uint64_t sent;     /* the last line given to the process of this round */
    uint64_t sent_max; /* the last line given to any */
    uint64_t answered; /* the last line that was acknowledged */
    uint64_t found;    /* the last line that a view has shown, and the ledger was checked up to */
    uint64_t unopened; /* rounds that ended before the first answer */
} run;

/* The process of one round, and what is under way between it and us. */
typedef struct recorder {
    pid_t pid;
    int to;
    int from;
    char out[2048]; /* the line that is being sent */
    size_t out_size;
    size_t out_done;
    char in[4096]; /* answers, as far as they have come */
    size_t in_size;
} recorder;

/* ---- one process ------------------------------------------------------------------------- */

/* In the child: what the program says goes to a file. */
static void become(const run *r, const char *command)
{
    char log[300];
    snprintf(log, sizeof log, "%s/messages", r->work);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0660);
    dup2(fd, STDERR_FILENO);
    execl(r->program, r->program, command, "--config", r->config, (char *)NULL);
    _exit(127);
}

static void init(const run *r)
{
    int status = 0;
    pid_t child = fork_dependent();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        become(r, "init");
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        die("%s init ended with status %d", r->program, status);
    }
}

static void start(const run *r, recorder *p)
{
    int input[2];
    int output[2];
    if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
        die("no pipes: %s", strerror(errno));
    }
    p->pid = fork_dependent();
    if (p->pid == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        become(r, "record");
    }
    if (p->pid < 0) {
        die("no process: %s", strerror(errno));
    }
    close(input[0]);
    close(output[1]);
    p->to = input[1];
    p->from = output[0];
    fcntl(p->to, F_SETFL, O_NONBLOCK);
    fcntl(p->from, F_SETFL, O_NONBLOCK);
}

static void next_line(run *r, recorder *p)
{
    uint64_t n = ++r->sent;
    r->sent_max = n > r->sent_max ? n : r->sent_max;
    p->out_done = 0;
    p->out_size = (size_t)snprintf(
        p->out, sizeof p->out,
        "{\"id\":\"0a1b2c3d-0000-4000-a000-%012" PRIu64
        "\",\"last_prices\":{\"venue:AAA\":\"%" PRIu64 "\",\"venue:BBB\":\"%" PRIu64
        "\"},\"strategy_state\":{\"line\":%" PRIu64 "},\"algos\":{\"" ALGO_ID
        "\":{\"plugin\":\"TWAP\",\"payload\":{\"line\":%" PRIu64
        ",\"pad\":\"%0*u\"}}},\"ledger\":[{\"id\":\"0a1b2c3d-0000-4000-9000-%012" PRIu64
        "\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"exchange\":\"venue\",\"asset\":\"USDT\","
        "\"amount\":\"1\",\"entry_type\":\"fee\",\"reference_id\":\"line-%" PRIu64 "\"}]}\n",
        n, n, n, n, n, (int)(n * 131 % 900 + 1), 0u, n, n);
}

static void send_lines(run *r, recorder *p)
{
    if (p->out_done == p->out_size) {
        next_line(r, p);
    }
    ssize_t wrote = write(p->to, p->out + p->out_done, p->out_size - p->out_done);
    if (wrote > 0) {
        p->out_done += (size_t)wrote;
    } else if (errno != EAGAIN && errno != EPIPE) {
        die("sending a line: %s", strerror(errno));
    }
}

/* False at the end of the answers, or when one is not an acknowledgement. */
static bool read_answers(run *r, recorder *p)
{
    ssize_t got = read(p->from, p->in + p->in_size, sizeof p->in - 1 - p->in_size);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    p->in_size += (size_t)got;
    p->in[p->in_size] = '\0';
    char *line = p->in;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strncmp(line, "{\"seq\":", 7) != 0) {
            fprintf(stderr, "VIOLATION: line %" PRIu64 " was answered with %s\n", r->answered + 1,
                    line);
            return false;
        }
        r->answered++;
    }
    p->in_size -= (size_t)(line - p->in);
    memmove(p->in, line, p->in_size);
    return true;
}

/* Talks to the process until the moment comes. False: it ended, or failed, before. */
static bool talk(run *r, recorder *p, double until)
{
    for (double now = seconds_now(); now < until; now = seconds_now()) {
        bool more = r->sent - r->answered < LINES_AHEAD_MAX || p->out_done < p->out_size;
        struct pollfd ends[2] = {{.fd = p->from, .events = POLLIN},
                                 {.fd = more ? p->to : -1, .events = POLLOUT}};
        struct timespec rest = {0, (long)((until - now) * 1e9)};
        if (ppoll(ends, 2, &rest, NULL) <= 0) {
            continue;
        }
        if (ends[0].revents != 0 && !read_answers(r, p)) {
            return false;
        }
        if ((ends[1].revents & POLLOUT) != 0) {
            send_lines(r, p);
        }
    }
    return true;
}

static void show_messages(const run *r)
{
    char path[300];
    char text[4096];
    snprintf(path, sizeof path, "%s/messages", r->work);
    FILE *file = fopen(path, "r");
    while (file && fgets(text, sizeof text, file)) {
        fputs(text, stderr);
    }
    if (file) {
        fclose(file);
    }
}

/* Kills the process, and reads what it had answered before. */
static bool finish(run *r, recorder *p, bool good)
{
    int status = 0;
    kill(p->pid, SIGKILL);
    waitpid(p->pid, &status, 0);
    fcntl(p->from, F_SETFL, 0);
    if (good) {
        ssize_t before;
        do {
            before = (ssize_t)r->answered;
        } while (read_answers(r, p) && (ssize_t)r->answered > before);
    }
    close(p->to);
    close(p->from);
    if (!good || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fprintf(stderr,
                "VIOLATION: the recording process ended by itself, with status %d; it said:\n",
                status);
        show_messages(r);
        return false;
    }
    return true;
}

/* ---- what is there afterwards ------------------------------------------------------------ */

static bool wrong(const char *what, uint64_t expected, tj_str found)
{
    fprintf(stderr, "VIOLATION: %s of line %" PRIu64 ": found %.*s\n", what, expected,
            (int)(found.size < 200 ? found.size : 200), found.size > 0 ? found.data : "nothing");
    return false;
}

static bool prices_are_of(const tj_live_state *state, uint64_t line)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal expected = tj_decimal_int((int64_t)line);
    for (size_t i = 0; i < state->last_price_count; i++) {
        if (!tj_decimal_identical(state->last_prices[i].price, expected)) {
            tj_decimal_format(state->last_prices[i].price, text);
            return wrong("a price", line, tj_str_of(text));
        }
    }
    return state->last_price_count == 2 || wrong("two prices", line, TJ_STR("another number"));
}

static bool algo_is_of(tj_store *store, uint64_t line)
{
    char expected[64];
    tj_uuid id;
    tj_error error = TJ_ERROR_INIT;
    tj_algo_record *record = NULL;
    if (tj_uuid_parse(TJ_STR(ALGO_ID), &id, &error) != TJ_OK ||
        tj_algo_load(tj_store_algo_repository(store, NULL), &id, &record, &error) != TJ_OK) {
        return wrong("the algorithm", line, tj_str_of(error.message));
    }
    int size = snprintf(expected, sizeof expected, "{\"line\":%" PRIu64 ",", line);
    tj_str payload = record->state.payload;
    bool right = payload.size > (size_t)size && memcmp(payload.data, expected, (size_t)size) == 0;
    right = right || wrong("the algorithm", line, payload);
    tj_algo_record_free(record);
    return right;
}

/* Every line from `first` to `last` once, in order, and nothing behind. */
static bool ledger_holds(tj_store *store, uint64_t first, uint64_t last)
{
    tj_error error = TJ_ERROR_INIT;
    tj_ledger_list *entries = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.sequence_first = first;
    if (tj_ledger_find(tj_store_ledger_repository(store, NULL), &query, &entries, &error) !=
        TJ_OK) {
        return wrong("the ledger", last, tj_str_of(error.message));
    }
    bool right = entries->count == last + 1 - first;
    for (size_t i = 0; i < entries->count && right; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "line-%" PRIu64, first + i);
        right = entries->entries[i].sequence == first + i &&
                tj_str_equal(entries->entries[i].reference, tj_str_of(expected));
    }
    tj_ledger_list_free(entries);
    return right || wrong("the ledger", last, TJ_STR("other entries"));
}

/* The line in the strategy's state; 0: nothing was stored yet. */
static uint64_t line_of(const tj_live_state *state)
{
    if (state->strategy_state.size < 9) {
        return 0;
    }
    return strtoull(state->strategy_state.data + 8, NULL, 10);
}

static bool shows_one_line(run *r, tj_store *store, uint64_t ledger_first)
{
    tj_error error = TJ_ERROR_INIT;
    tj_live_state *state = NULL;
    if (tj_state_load(tj_store_state_repository(store, NULL), &state, &error) != TJ_OK) {
        return wrong("the state", r->answered, tj_str_of(error.message));
    }
    uint64_t line = line_of(state);
    bool right = line >= r->answered && line >= r->found && line <= r->sent_max;
    if (!right) {
        fprintf(stderr,
                "VIOLATION: line %" PRIu64 " was found, but %" PRIu64 " were answered and %" PRIu64
                " sent\n",
                line, r->answered, r->sent_max);
    }
    right = right && (line == 0 || (prices_are_of(state, line) && algo_is_of(store, line) &&
                                    ledger_holds(store, ledger_first, line)));
    tj_live_state_free(state);
    r->found = line;
    return right;
}

static bool look(run *r, bool read_only, uint64_t ledger_first)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = r->journal;
    config.read_only = read_only;
    config.must_exist = true;
    tj_status status = tj_store_open(&config, &store, &error);
    if (status != TJ_OK) {
        return wrong("the journal", r->answered, tj_str_of(error.message));
    }
    bool right = shows_one_line(r, store, ledger_first);
    if (tj_store_close(store, &error) != TJ_OK) {
        right = wrong("closing", r->answered, tj_str_of(error.message));
    }
    return right;
}

/* ---- rounds ------------------------------------------------------------------------------ */

static bool one_round(run *r, uint64_t *random)
{
    recorder p = {0};
    uint64_t before = r->answered;
    uint64_t checked = r->found;
    /* Every fourth round dies while it opens. */
    uint64_t limit = random_below(random, 4) == 0 ? ROUND_US_MAX / 10 : ROUND_US_MAX;
    start(r, &p);
    bool good = talk(r, &p, seconds_now() + (double)random_below(random, limit) / 1e6);
    good = finish(r, &p, good);
    r->unopened += r->answered == before;
    good = good && look(r, true, checked + 1);
    r->sent = r->answered;
    return good;
}

static void write_config(run *r)
{
    snprintf(r->config, sizeof r->config, "%s/tesser.toml", r->work);
    snprintf(r->journal, sizeof r->journal, "%s/journal", r->work);
    FILE *file = must(fopen(r->config, "w"));
    fprintf(file, "[journal]\ntype = \"lmdb\"\npath = \"journal\"\nsegment_size = \"64 KiB\"\n"
                  "lag_bytes = 16384\nlag_ms = 5\n");
    fclose(file);
}

int main(int argc, char **argv)
{
    static run r;
    if (argc < 2) {
        die("usage: crash_kill PATH-OF-tesser-journal [ROUNDS [SEED]]");
    }
    uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 200;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : seed_given((uint64_t)time(NULL));
    uint64_t random = seed;
    r.program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    make_work_directory(r.work);
    write_config(&r);
    init(&r);
    printf("TJ_SEED=%" PRIu64 " repeats this run, in %s\n", seed, r.work);
    bool good = true;
    uint64_t done = 0;
    for (; done < rounds && good; done++) {
        good = one_round(&r, &random);
    }
    good = good && look(&r, false, 1) && look(&r, true, 1);
    printf("%" PRIu64 " kills, %" PRIu64 " lines kept, %" PRIu64
           " rounds killed before their first answer: %s\n",
           done, r.found, r.unopened, good ? "nothing lost, nothing half-written" : "VIOLATION");
    if (!good) {
        printf("again: crash_kill %s %" PRIu64 " %" PRIu64 "; the journal is kept in %s\n",
               r.program, rounds, seed, r.work);
        return 1;
    }
    directory_remove(r.work);
    return 0;
}
