/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A writer that notes what was acknowledged, and those notes compared with the journal.
 *
 *   ha_writer write CONFIG NOTES   commits one numbered ledger entry after the other until SIGTERM;
 *                                  of each that is acknowledged NOTES has number, sequence, time
 *   ha_writer check CONFIG NOTES   1: an entry of NOTES is not in the journal, or is there twice
 *
 * A commit whose end is not known is tried again with its id, as a runtime does. Only TJ_CLOSED
 * ends the writer: it says why, and exits with 3.
 */
#include <tesser/journal.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BETWEEN_US 500
#define RETRY_US 20000
#define CLOSED 3

static volatile sig_atomic_t stop;
static tj_error error = TJ_ERROR_INIT;

static void on_term(int number)
{
    (void)number;
    stop = 1;
}

static void must(tj_status status)
{
    if (status != TJ_OK) {
        fprintf(stderr, "ha_writer: %s\n", error.message);
        exit(status == TJ_CLOSED ? CLOSED : 1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_us(long us)
{
    struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

static tj_uuid id_of(uint64_t number)
{
    tj_uuid id = {.bytes = {0xa0}};
    for (int i = 0; i < 8; i++) {
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    }
    return id;
}

static uint64_t number_of(const tj_uuid *id)
{
    uint64_t number = 0;
    for (int i = 8; i < 16; i++) {
        number = number << 8 | id->bytes[i];
    }
    return number;
}

/* What the library says of its server. */
static void trace(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%" PRIu64 " %s\n", now_ms(), message);
}

/* ---- writing -------------------------------------------------------------------------------- */

static tj_status commit(tj_store *store, uint64_t number, uint64_t *sequence)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_ledger_entry entry = {.id = id_of(number),
                             .time = tj_time_now(),
                             .exchange = TJ_STR("binance_perp"),
                             .amount = tj_decimal_int((int64_t)number),
                             .type = TJ_LEDGER_FEE};
    options.commit_id = id_of(number);
    must(tj_identity_parse(TJ_STR("USDT"), &entry.asset, &error));
    must(tj_txn_begin(store, &txn, &error));
    must(tj_txn_append_ledger(txn, &entry, &error));
    return tj_txn_commit(txn, &options, sequence, &error);
}

/* Says the first cause of each pause. */
static void commit_until_acknowledged(tj_store *store, uint64_t number, uint64_t *sequence)
{
    uint64_t begun = now_ms();
    bool told = false;
    tj_status status = commit(store, number, sequence);
    while (status == TJ_UNKNOWN || status == TJ_UNAVAILABLE) {
        if (!told) {
            fprintf(stderr, "%" PRIu64 " entry %" PRIu64 " after %" PRIu64 " ms: %s\n", now_ms(),
                    number, now_ms() - begun, error.message);
            told = true;
        }
        pause_us(RETRY_US);
        status = commit(store, number, sequence);
    }
    must(status);
}

static int write_entries(const tj_config *config, const char *notes)
{
    tj_store *store = NULL;
    struct sigaction term = {.sa_handler = on_term};
    FILE *out = fopen(notes, "we");
    if (!out) {
        fprintf(stderr, "ha_writer: %s: %s\n", notes, strerror(errno));
        return 1;
    }
    (void)sigaction(SIGTERM, &term, NULL);
    must(tj_store_open(config, &store, &error));
    for (uint64_t number = 1; !stop; number++) {
        uint64_t sequence = 0;
        commit_until_acknowledged(store, number, &sequence);
        fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", number, sequence, now_ms());
        (void)fflush(out);
        pause_us(BETWEEN_US);
    }
    (void)fclose(out);
    must(tj_store_close(store, &error));
    return 0;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* How often each number is in the journal. */
static unsigned char *count_entries(const tj_config *config, uint64_t *newest)
{
    tj_store *store = NULL;
    tj_ledger_list *list = NULL;
    must(tj_store_open(config, &store, &error));
    must(tj_ledger_find(tj_store_ledger_repository(store, NULL), NULL, &list, &error));
    *newest = list->count > 0 ? number_of(&list->entries[list->count - 1].id) : 0;
    unsigned char *times = calloc(*newest + 1, 1);
    if (!times) {
        fprintf(stderr, "ha_writer: no memory\n");
        exit(1);
    }
    for (size_t i = 0; i < list->count; i++) {
        uint64_t number = number_of(&list->entries[i].id);
        if (number <= *newest && times[number] < 2) {
            times[number]++;
        }
    }
    tj_ledger_list_free(list);
    must(tj_store_close(store, &error));
    return times;
}

static int check_entries(const tj_config *config, const char *notes)
{
    uint64_t newest = 0;
    uint64_t acknowledged = 0;
    uint64_t lost = 0;
    uint64_t twice = 0;
    uint64_t before = 0;
    uint64_t silence = 0;
    uint64_t number = 0;
    uint64_t sequence = 0;
    uint64_t time = 0;
    unsigned char *times = count_entries(config, &newest);
    FILE *in = fopen(notes, "re");
    if (!in) {
        fprintf(stderr, "ha_writer: %s: %s\n", notes, strerror(errno));
        free(times);
        return 1;
    }
    while (fscanf(in, "%" SCNu64 " %" SCNu64 " %" SCNu64, &number, &sequence, &time) == 3) {
        acknowledged++;
        lost += number > newest || times[number] == 0;
        silence = before != 0 && time - before > silence ? time - before : silence;
        before = time;
    }
    for (uint64_t i = 1; i <= newest; i++) {
        twice += times[i] > 1;
    }
    (void)fclose(in);
    free(times);
    printf("acknowledged=%" PRIu64 " newest=%" PRIu64 " lost=%" PRIu64 " twice=%" PRIu64
           " silence_ms=%" PRIu64 "\n",
           acknowledged, newest, lost, twice, silence);
    return acknowledged == 0 || lost > 0 || twice > 0;
}

int main(int argc, char **argv)
{
    tj_config config = TJ_CONFIG_INIT;
    bool writes = argc == 4 && strcmp(argv[1], "write") == 0;
    if (!writes && !(argc == 4 && strcmp(argv[1], "check") == 0)) {
        fprintf(stderr, "usage: ha_writer write|check CONFIG NOTES\n");
        return 2;
    }
    must(tj_config_load(argv[2], &config, &error));
    config.read_only = !writes;
    config.trace = writes ? trace : NULL;
    int code = writes ? write_entries(&config, argv[3]) : check_entries(&config, argv[3]);
    tj_config_dispose(&config);
    return code;
}
