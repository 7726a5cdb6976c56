/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* check: whether all is well, as an exit code, for monitoring. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <tesser/history.h>
#include <tesser/maintain.h>

#define NS_PER_S 1000000000
/* LMDB is brought up to date when it is once so far behind; at four times savers wait. */
#define LAG_FACTOR 3

static const option_spec writer_option = {.name = "writer", .help = "a writer must be running"};
static const option_spec max_lag_option = {
    .name = "max-lag",
    .value = "SIZE",
    .help = "how far LMDB may be behind a running writer, e.g. 64MiB (default: three times the "
            "configured lag_bytes, where savers will soon have to wait)"};
static const option_spec min_free_option = {
    .name = "min-free",
    .value = "SIZE",
    .help = "space that must be free (default: what the journal will soon need)"};
static const option_spec max_backup_age_option = {
    .name = "max-backup-age",
    .value = "SPAN",
    .help = "how old the newest backup may be that the journal knows of, e.g. 26h"};
static const option_spec min_history_option = {
    .name = "min-history",
    .value = "SPAN",
    .help = "states must be kept for so long, e.g. 30d or 12h, once the journal is that old"};

/* ---- values ------------------------------------------------------------------------------- */

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

/* A whole number and a unit, with nothing or a blank between. */
static tj_status option_amount(command_line *cli, const option_spec *option, const unit *units,
                               const char *example, uint64_t most, uint64_t *amount,
                               tj_error *error)
{
    const char *text = option_value(cli, option);
    char *end = NULL;
    if (!text) {
        return TJ_OK;
    }
    uint64_t number = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    end = end && *end == ' ' ? end + 1 : end;
    for (; number > 0 && units->name; units++) {
        if (strcmp(end, units->name) == 0 && number <= most / units->factor) {
            *amount = number * units->factor;
            return TJ_OK;
        }
    }
    return usage_error(cli, error, "--%s is \"%s\"; expected %s", option->name, text, example);
}

static tj_status option_size(command_line *cli, const option_spec *option, uint64_t *bytes,
                             tj_error *error)
{
    static const unit units[] = {{"", 1},
                                 {"B", 1},
                                 {"KiB", (uint64_t)1 << 10},
                                 {"MiB", (uint64_t)1 << 20},
                                 {"GiB", (uint64_t)1 << 30},
                                 {"TiB", (uint64_t)1 << 40},
                                 {NULL, 0}};
    return option_amount(cli, option, units,
                         "bytes, or a size such as 64MiB or 2GiB, at most 8388607TiB", INT64_MAX,
                         bytes, error);
}

static tj_status option_span(command_line *cli, const option_spec *option, uint64_t *seconds,
                             tj_error *error)
{
    static const unit units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
    return option_amount(cli, option, units, "a span such as 90s, 30min, 12h or 7d, at most 36500d",
                         (uint64_t)36500 * 86400, seconds, error);
}

typedef struct check_bounds {
    uint64_t max_lag;
    uint64_t min_free;
    uint64_t max_backup_age_s;
    uint64_t min_history_s;
} check_bounds;

static tj_status read_bounds(command_line *cli, check_bounds *out, tj_error *error)
{
    *out = (check_bounds){0};
    tj_status status = option_size(cli, &max_lag_option, &out->max_lag, error);
    if (status == TJ_OK) {
        status = option_size(cli, &min_free_option, &out->min_free, error);
    }
    if (status == TJ_OK) {
        status = option_span(cli, &max_backup_age_option, &out->max_backup_age_s, error);
    }
    if (status == TJ_OK) {
        status = option_span(cli, &min_history_option, &out->min_history_s, error);
    }
    return status;
}

/* ---- findings ----------------------------------------------------------------------------- */

/* What was found is told line by line; the exit code is that of the first. */
typedef struct findings {
    command_line *cli;
    json_writer json;
} findings;

static void found(findings *f, int code, const char *format, ...) TJ_PRINTF(3, 4);
static void found(findings *f, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(format, arguments);
    va_end(arguments);
    if (given(f->cli, &option_json)) {
        json_open(&f->json, NULL, '{');
        json_text(&f->json, "name", tj_str_of(exit_code_name(code)));
        json_unsigned(&f->json, "exit_code", (uint64_t)code);
        json_text(&f->json, "message", tj_str_of(text));
        json_close(&f->json, '}');
    } else {
        out_trouble(&f->cli->out, "%s: %s", exit_code_name(code), text);
    }
    f->cli->exit_code = f->cli->exit_code ? f->cli->exit_code : code;
    free(text);
}

static void check_space(findings *f, const check_bounds *bounds, const tj_store_info *info)
{
    char left[SIZE_TEXT_SIZE];
    char wanted[SIZE_TEXT_SIZE];
    const char *free_now = size_text(info->lmdb.free_bytes, left);
    if (reserve_in_use(info)) {
        found(f, EXIT_SPACE_LOW,
              "%s free, and the reserve is in use: only critical commits and deletes are taken; "
              "free space on the disk of %s",
              free_now, info->path);
    } else if (info->lmdb.space_low) {
        found(f, EXIT_SPACE_LOW,
              "%s free, less than the journal will soon need: free space on the disk of %s",
              free_now, info->path);
    } else if (info->lmdb.free_bytes < bounds->min_free) {
        found(f, EXIT_SPACE_LOW, "%s free, less than %s: free space on the disk of %s", free_now,
              size_text(bounds->min_free, wanted), info->path);
    }
}

static void check_writer(findings *f, const tj_store_info *info)
{
    if (given(f->cli, &writer_option) && !info->writer_alive) {
        found(f, EXIT_WRITER_DEAD, "no process writes to %s%s%s: start the runtime", info->path,
              info->writer[0] ? "; the last was " : "", info->writer);
    }
}

/* What no writer has to catch up with, the next one does when it opens. */
static void check_lag(findings *f, const check_bounds *bounds, const tj_config *config,
                      const tj_store_info *info)
{
    char behind[SIZE_TEXT_SIZE];
    char wanted[SIZE_TEXT_SIZE];
    bool server = info->type == TJ_ENGINE_POSTGRES;
    uint64_t usual = server ? TJ_POSTGRES_LAG_BYTES_DEFAULT : TJ_LAG_BYTES_DEFAULT;
    uint64_t lag_bytes = server ? config->postgres.lag_bytes : config->lmdb.lag_bytes;
    uint64_t max_lag =
        bounds->max_lag ? bounds->max_lag : LAG_FACTOR * (lag_bytes ? lag_bytes : usual);
    uint64_t lag = server ? info->postgres.lag_bytes : info->lmdb.lag_bytes;
    if (info->writer_alive && lag > max_lag) {
        found(f, EXIT_LAG,
              "%s %s of log behind, more than %s: the %s is slower than what is saved, or %s was "
              "stopped",
              server ? "the rows are" : "LMDB is", size_text(lag, behind),
              size_text(max_lag, wanted), server ? "server" : "disk", info->writer);
    }
}

/* Why commits wait for a standby, or would; NULL: they do not, or this role is not shown. */
static const char *standby_trouble(const tj_store_info *info, const tj_standby_list *standbys)
{
    if (standbys_count(standbys).is_missing) {
        return "no standby takes commits that synchronous_standby_names asks for, and they wait";
    }
    bool none_wanted = standbys->wanted.size == 0 && !standbys->is_behind; /* its primary knows */
    return none_wanted && info->durability == TJ_DURABILITY_REPLICATED
               ? "durability is \"replicated\", and synchronous_standby_names is empty"
               : NULL;
}

static void check_standby(findings *f, const tj_store_info *info, const tj_standby_list *standbys)
{
    const char *trouble = standby_trouble(info, standbys);
    if (trouble) {
        found(f, EXIT_UNREPLICATED, "%s: %s; start one, or see why pg_stat_replication has none",
              info->path, trouble);
    }
    if (info->postgres.unreplicated > 0) {
        found(f, EXIT_UNREPLICATED,
              "%" PRIu32 " %s of %s %s acknowledged that no standby is known to have: "
              "pg_stat_replication on the server shows which standbys take commits",
              info->postgres.unreplicated, plural(info->postgres.unreplicated, "commit", "commits"),
              info->path, plural(info->postgres.unreplicated, "is", "are"));
    }
}

/* Those that the journal knows of. */
static tj_status check_backup(findings *f, const check_bounds *bounds, const tj_store_info *info,
                              tj_error *error)
{
    char time[TJ_TIME_TEXT_SIZE];
    tj_known_backups *known = NULL;
    if (bounds->max_backup_age_s == 0) {
        return TJ_OK;
    }
    tj_status status = tj_known_backups_read(info->path, &known, error);
    if (status != TJ_OK) {
        return status;
    }
    tj_time made_at = known->newest.at;
    int64_t age = tj_time_now() - made_at;
    tj_time_format(made_at, time);
    if (made_at == 0) {
        char *word = word_text(info->path);
        found(f, EXIT_BACKUP_OLD,
              "no backup is known: `tesser-journal backup -j %s DIRECTORY` makes one", word);
        free(word);
    } else if (is_to_come(made_at)) {
        found(f, EXIT_BACKUP_OLD,
              "the newest backup is of %s, in %s, and that time is still to come: the clock was "
              "wrong then, or is now, so its age is not known until another one is made",
              time, known->newest.directory.data);
    } else if (age > (int64_t)bounds->max_backup_age_s * NS_PER_S) {
        found(f, EXIT_BACKUP_OLD,
              "the newest backup is of %s, in %s: see why no newer one was made", time,
              known->newest.directory.data);
    }
    tj_known_backups_free(known);
    return TJ_OK;
}

static void check_history(findings *f, const check_bounds *bounds, const tj_store_info *info)
{
    char time[TJ_TIME_TEXT_SIZE];
    char *missing = missing_text(info);
    int64_t wanted_ns = (int64_t)bounds->min_history_s * NS_PER_S;
    tj_time_format(info->lmdb.oldest_time, time);
    if (missing) {
        found(f, EXIT_HISTORY_SHORT, "%s", missing);
    } else if (bounds->min_history_s > 0 && info->lmdb.oldest_sequence > 0 &&
               tj_time_now() - info->lmdb.oldest_time < wanted_ns) {
        found(f, EXIT_HISTORY_SHORT,
              "states are kept from %s on only: raise history_size or history_age", time);
    }
    free(missing);
}

/* From when on a server has states: none of its log may be kept, and the newest state is there. */
static tj_status oldest_on_server(tj_store *store, const tj_store_info *info, tj_time *oldest,
                                  tj_error *error)
{
    tj_history_range range;
    *oldest = info->sequence_time;
    if (info->postgres.oldest_sequence < info->sequence) {
        tj_status status = tj_history_range_get(store, &range, error);
        *oldest = status == TJ_OK ? range.time_first : 0;
        return status;
    }
    return TJ_OK;
}

static tj_status check_history_of_server(findings *f, const check_bounds *bounds, tj_store *store,
                                         const tj_store_info *info, tj_error *error)
{
    char time[TJ_TIME_TEXT_SIZE];
    tj_time oldest = 0;
    if (bounds->min_history_s == 0 || info->postgres.oldest_sequence == 0) {
        return TJ_OK;
    }
    tj_status status = oldest_on_server(store, info, &oldest, error);
    if (status == TJ_OK && tj_time_now() - oldest < (int64_t)bounds->min_history_s * NS_PER_S) {
        tj_time_format(oldest, time);
        found(f, EXIT_HISTORY_SHORT,
              "states are kept from %s on only: let `tesser-journal prune` leave more", time);
    }
    return status;
}

static tj_status look(findings *f, const check_bounds *bounds, const open_journal *journal,
                      const tj_store_info *info, tj_error *error)
{
    tj_standby_list *standbys = NULL;
    tj_status status = tj_store_standbys(journal->store, &standbys, error);
    if (status != TJ_OK) {
        return status;
    }
    bool as_json = given(f->cli, &option_json);
    if (as_json) {
        json_open(&f->json, NULL, '{');
        json_text(&f->json, "path", tj_str_of(info->path));
        json_unsigned(&f->json, "sequence", info->sequence);
        json_open(&f->json, "findings", '[');
    }
    bool server = info->type == TJ_ENGINE_POSTGRES;
    if (!server) {
        check_space(f, bounds, info);
    }
    check_writer(f, info);
    check_lag(f, bounds, &journal->config, info);
    if (server) {
        check_standby(f, info, standbys);
        status = check_history_of_server(f, bounds, journal->store, info, error);
    } else {
        status = check_backup(f, bounds, info, error);
        check_history(f, bounds, info);
    }
    if (as_json) {
        json_close(&f->json, ']');
        json_bool(&f->json, "well", f->cli->exit_code == 0);
        json_close(&f->json, '}');
    } else if (f->cli->exit_code == 0) {
        out_line(&f->cli->out, "well: %s at commit %" PRIu64, info->path, info->sequence);
    }
    tj_standby_list_free(standbys);
    return status;
}

/* A server looks after its own disk, and is backed up by its own means. */
static tj_status refuse_bounds(command_line *cli, const tj_store_info *info, tj_error *error)
{
    const option_spec *none = given(cli, &min_free_option)         ? &min_free_option
                              : given(cli, &max_backup_age_option) ? &max_backup_age_option
                                                                   : NULL;
    if (!none || info->type != TJ_ENGINE_POSTGRES) {
        return TJ_OK;
    }
    return usage_error(cli, error,
                       "--%s is for journals in directories: the server knows its own "
                       "disk and its backups",
                       none->name);
}

/* After an error ext4 refuses every writer, and is still mounted for writing. On a read-only mount
 * a writer may have another one. */
static tj_status refuse_failed_disk(const tj_store_info *info, tj_error *error)
{
    struct statvfs mounted;
    char *path = NULL;
    if (info->type != TJ_ENGINE_LMDB) {
        return TJ_OK;
    }
    need(asprintf(&path, "%s/writer.lock", info->path) < 0 ? NULL : path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool failed = fd < 0 && errno == EROFS && statvfs(path, &mounted) == 0 &&
                  (mounted.f_flag & ST_RDONLY) == 0;
    free(path);
    if (fd >= 0) {
        close(fd);
    }
    return failed ? fail(error, TJ_READONLY,
                         "the disk of %s takes no writes any more, though it is mounted for them: "
                         "the kernel's log (dmesg) tells which error it was; unmount it and check "
                         "it with fsck",
                         info->path)
                  : TJ_OK;
}

static tj_status run_check(command_line *cli, tj_error *error)
{
    open_journal journal;
    check_bounds bounds;
    tj_book_list *books = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    findings f = {.cli = cli, .json = {.out = &cli->out}};
    tj_status status = read_bounds(cli, &bounds, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open_whole(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_store_info_get(journal.store, &info, error);
    }
    if (status == TJ_OK) {
        status = refuse_bounds(cli, &info, error);
    }
    if (status == TJ_OK) {
        status = refuse_failed_disk(&info, error);
    }
    if (status == TJ_OK) {
        status =
            tj_store_books(journal.store, &books, error); /* every row of their states is whole */
    }
    if (status == TJ_OK) {
        status = rows_verify(&info, error);
    }
    if (status == TJ_OK) {
        status = look(&f, &bounds, &journal, &info, error);
    }
    tj_book_list_free(books);
    return journal_close(&journal, status, error);
}

const command_spec command_check = {
    .name = "check",
    .server = true,
    .summary = "whether all is well, as an exit code, for monitoring",
    .text =
        "A journal that no writer could open ends it as it would end the writer, with 13 to "
        "25, and a state of which a row is damaged with 19; where data.mdb has at most 8 MiB, "
        "so does a damaged row of algorithms or of the ledger. Else each finding is a line, and "
        "the exit code that of the first: 40 space is "
        "low, 41 no writer, 42 LMDB lags behind, 43 the backup is too old, 44 history is too "
        "short, 45 commits are on no standby, or wait for one. 0: all is well. "
        "Cheap enough for every few seconds, beside a running writer; it writes nothing but a "
        "reader slot. Larger tables and the log that is behind LMDB are for 'verify'.",
    .example = "tesser-journal --journal ./journal check --writer --min-free 2GiB "
               "--max-backup-age 26h",
    .options = (const option_spec *const[]){&writer_option, &max_lag_option, &min_free_option,
                                            &max_backup_age_option, &min_history_option, NULL},
    .run = run_check,
};
