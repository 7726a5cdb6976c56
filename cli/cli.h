/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the commands share. */
#ifndef TJ_CLI_CLI_H
#define TJ_CLI_CLI_H

#include <sys/types.h>
#include <time.h>

#include <tesser/config.h>
#include <tesser/history.h>

#include "options.h"
#include "table/table.h"

/* ---- failures (report.c) ---- */

/* Fills in the error and returns the status. */
tj_status fail(tj_error *error, tj_status status, const char *format, ...) TJ_PRINTF(3, 4);
/* As fail for a failed system call; its text stands first. */
tj_status fail_errno(tj_error *error, int os_errno, const char *format, ...) TJ_PRINTF(3, 4);
/* Fails with the cause of one line of a text that is read line by line: "name:7: ...", "line 7:
 * ..." without a name. A place inside that line is told without its own line, which is always the
 * first. */
tj_status fail_line(tj_error *error, tj_status status, const char *name, uint64_t number,
                    const tj_error *cause);
/* Cuts "line 1, " out of the place that an error of a single line names. */
void cut_line_one(tj_error *error);
/* Says on standard error what failed and what to do; returns the exit code. */
int report_failure(const command_line *cli, tj_status status, const tj_error *error);
/* The same as JSON. */
void failure_json(const command_line *cli, tj_status status, const tj_error *error, output *out);
/* Notes what is durable from here on, as the beginning of a sentence: "book x is created". */
void note_durable(command_line *cli, const char *format, ...) TJ_PRINTF(2, 3);
void note_commit(command_line *cli, uint64_t sequence);
/* Several, up to this one; who did not get their answers is not known. */
void note_commits(command_line *cli, uint64_t first, uint64_t sequence);
/* What was noted is told already. */
void forget_durable(command_line *cli);
/* The trace callback; its context is the cli. */
void report_trace(void *context, tj_trace_level level, const char *message);

typedef struct exit_code {
    int code;
    const char *name;
    const char *meaning;
} exit_code;

extern const exit_code exit_code_table[];
extern const size_t exit_code_count;
/* Of a code that is in the table. */
const char *exit_code_name(int code);

/* ---- the journal (open.c) ---- */

typedef enum access_mode {
    ACCESS_READ,  /* looks on and writes nothing */
    ACCESS_WRITE, /* the journal must be there */
    ACCESS_CREATE
} access_mode;

typedef struct open_journal {
    tj_config config;
    tj_store *store;
    const char *book; /* the one that is meant, never NULL */
    bool in_past;     /* --at was given: */
    tj_moment at;
} open_journal;

/* Fills in the configuration that the options, ./tesser.toml or the environment give, and opens
 * nothing. Whatever it returns, journal_close is called afterwards. */
tj_status journal_configure(command_line *cli, access_mode mode, open_journal *out,
                            tj_error *error);
/* Whoever looks at a page waits for one answer of a server, and no longer. */
void journal_hurry(tj_config *config);
/* Opens the journal that the options, ./tesser.toml or the environment name. Whatever it returns,
 * journal_close is called afterwards. */
tj_status journal_open(command_line *cli, access_mode mode, open_journal *out, tj_error *error);
/* The same for a command about the whole journal: a book that was named must be there all the same.
 * TJ_NOT_FOUND. Commands that look into the files of one that may be damaged open no store. */
tj_status journal_open_whole(command_line *cli, access_mode mode, open_journal *out,
                             tj_error *error);
/* For a command that looks at now or --at, and may print tables: what is wrong with those options
 * is said before anything is opened. Whatever it returns, journal_close is called afterwards. */
tj_status journal_look(command_line *cli, open_journal *out, tj_error *error);
tj_status journal_load_state(const open_journal *journal, tj_live_state **out, tj_error *error);
/* Whether only critical commits and deletes are taken. One that no writer has opened yet, as after
 * a restore, has no reserve: the next writer makes it. */
bool reserve_in_use(const tj_store_info *info);
/* What is missing of the log, and what that means; NULL where nothing is. Released with free. */
char *missing_text(const tj_store_info *info);
/* The standbys of a server in figures, where they are shown (status/server.c). */
typedef struct standby_figures {
    size_t streaming;
    size_t synchronous;    /* of them, those that commits wait for */
    uint64_t behind_bytes; /* of the one of them that has most */
    bool is_missing;       /* one that commits wait for */
} standby_figures;
standby_figures standbys_count(const tj_standby_list *list);
/* Closes; returns the given status, or when that is TJ_OK how closing went. */
tj_status journal_close(open_journal *journal, tj_status status, tj_error *error);
/* The rows of a small data.mdb, also those that an opening does not look into. TJ_CORRUPT. */
tj_status rows_verify(const tj_store_info *info, tj_error *error);
/* Replaces a file beside which nothing half-written is ever seen. A new one lets nobody in whom the
 * journal keeps out. */
tj_status journal_write_file(command_line *cli, const open_journal *journal, const char *file,
                             tj_str text, tj_error *error);
/* Commits when all that was put into txn succeeded, and notes it; else drops it. */
tj_status txn_finish(command_line *cli, tj_txn *txn, tj_status status, uint64_t *sequence,
                     tj_error *error);

/* ---- moments (moment.c) ---- */

extern const option_spec option_at;
/* Reads a moment; `what` names it in a failure, which has cli->usage set. */
tj_status parse_moment(command_line *cli, const char *what, const char *text, tj_moment *moment,
                       tj_error *error);
/* The same of an option; the newest commit when it was not given. */
tj_status option_moment(command_line *cli, const option_spec *option, tj_moment *moment,
                        tj_error *error);
/* Whether two of one kind end before they begin. */
bool moment_is_after(tj_moment first, tj_moment last);
#define SPAN_TEXT_SIZE 64
/* Days and hours, or what is less: enough to tell a second from a year. */
const char *span_text(int64_t ns, char out[SPAN_TEXT_SIZE]);
/* More than a clock may be set by: it was ahead then, or is behind now. */
bool is_to_come(tj_time time);

/* ---- changes (changes.c) ---- */

extern const option_spec option_kind, option_key;
/* Reads --kind, --key and --book into a query. A failure has cli->usage set. */
tj_status parse_filter(command_line *cli, tj_history_query *query, tj_error *error);
/* A change in lines; has_old: with its old value. */
void print_change(output *out, const tj_change *change, bool has_old);
/* The same as an element of a list. */
void json_change(json_writer *json, const tj_change *change, bool has_old);
/* Changes as tables: those of commits, and those between two moments. */
text_table history_table(void);
void table_commit(text_table *table, const tj_history_commit *commit, bool has_old);
text_table diff_table(void);
void table_change(text_table *table, const tj_change *change, bool has_old);

/* ---- forms of an answer that only the page asks for: no command lists them ---------------- */

extern const option_spec option_rows;   /* a table as columns and rows (table/json.c) */
extern const option_spec option_head;   /* of a state, without its lists (cmd_state_show.c) */
extern const option_spec option_list;   /* commits as one list (cmd_history.c) */
extern const option_spec option_points; /* a curve of at most so many points (cmd_equity.c) */

/* ---- files and standard input (input.c) ---- */

/* Longest line and longest file that is read. */
#define LINE_SIZE_MAX ((size_t)64 << 20)
#define INPUT_SIZE_MAX ((size_t)256 << 20)

/* "standard input" for "-". */
const char *input_name(const char *path);
/* The file that an option names, NULL for none and for "-": standard output. */
const char *file_given(const command_line *cli, const option_spec *option);
/* Reads a whole file, or standard input for "-". Released with free. */
tj_status input_read(const char *path, char **data, size_t *size, tj_error *error);
/* Replaces a file through a temporary one beside it, so that it is never half-written. Mode, owner
 * and group stay as they are; a new file gets new_mode. */
tj_status file_replace(const char *path, tj_str data, mode_t new_mode, tj_error *error);
/* Without the byte order mark and the JSON white space around it. */
tj_str trimmed(tj_str text);

/* Splits a stream into lines; the last one needs no newline. */
typedef struct line_reader {
    int fd;
    const char *name;
    size_t limit; /* of a line that ends the reading when it is longer; 0: LINE_SIZE_MAX, and it is
                     skipped */
    char *data;
    size_t start; /* of what was not handed out yet */
    size_t size;
    size_t capacity;
    size_t scanned; /* no newline stands before here */
    bool ended;
    uint64_t number; /* of the line handed out last, from 1 */
} line_reader;

/* Hands out the next line, valid until the next call. *more is false at the end. TJ_LIMIT for a
 * line that is too long: it is skipped, and the next call goes on behind it. */
tj_status line_next(line_reader *reader, tj_str *line, bool *more, tj_error *error);
/* Whether line_next would not wait. A line that was handed out is gone. */
tj_status line_ready(line_reader *reader, bool *ready, tj_error *error);
/* The same of what was read already, and reading more once, which waits where nothing is there. */
bool line_buffered(line_reader *reader);
tj_status line_fetch(line_reader *reader, tj_error *error);
/* The same from a socket, with recv's flags and without waiting: so many bytes. `more`: that was
 * not all that is there. */
tj_status line_receive(line_reader *reader, int flags, size_t *got, bool *more, tj_error *error);

/* ---- progress.c ---- */

/* A bar on standard error where that is a terminal, from the second second on. */
typedef struct progress_bar {
    time_t started_at;
    bool wanted;
    bool shown;
    int percent; /* as shown last */
} progress_bar;

progress_bar progress_begin(void);
/* A tj_progress_fn; its context is the bar. */
void progress_show(void *context, const char *what, uint64_t done, uint64_t total);
/* Takes the bar away. */
void progress_end(progress_bar *bar);

/* ---- watch.c ---- */

extern const option_spec option_watch;
/* Runs the command again and again, until a signal. Not a terminal: a usage error. */
tj_status watch(command_line *cli, tj_error *error);

/* ---- help.c ---- */

void version_print(output *out);
void help_overview(output *out);
void help_command(output *out, const command_spec *command);
void help_group(output *out, const char *group);
void help_exit_codes(output *out);
/* "-j, --journal PATH" */
void option_text(const option_spec *option, char *text, size_t size);

/* ---- man.c, complete.c ---- */

void man_program(output *out);
void man_command(output *out, const command_spec *command);
/* False for a shell that is not known. */
bool complete_print(output *out, const char *shell);

/* ---- the commands, cmd_<name>.c ---- */

extern const command_spec command_init;
extern const command_spec command_status;
extern const command_spec command_check;
extern const command_spec command_metrics;
extern const command_spec command_serve;
extern const command_spec command_verify;
extern const command_spec command_repair;
extern const command_spec command_state_show;
extern const command_spec command_state_export;
extern const command_spec command_state_import;
extern const command_spec command_history;
extern const command_spec command_diff;
extern const command_spec command_equity;
extern const command_spec command_rollback;
extern const command_spec command_algo_list;
extern const command_spec command_algo_show;
extern const command_spec command_algo_save;
extern const command_spec command_algo_delete;
extern const command_spec command_ledger_list;
extern const command_spec command_ledger_append;
extern const command_spec command_book_list;
extern const command_spec command_record;
extern const command_spec command_import;
extern const command_spec command_export;
extern const command_spec command_backup_list;
extern const command_spec command_backup_verify;
extern const command_spec command_backup;
extern const command_spec command_copy;
extern const command_spec command_follow;
extern const command_spec command_prune;
extern const command_spec command_compact;
extern const command_spec command_doctor;
extern const command_spec command_restore;
extern const command_spec command_quarantine_list;
extern const command_spec command_quarantine_show;
extern const command_spec command_quarantine_retry;
extern const command_spec command_quarantine_drop;
extern const command_spec command_help;
extern const command_spec command_version;

#endif
