/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* status: what every journal tells. */
#include "status/status.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S 1000000000

static const char *durability_name(tj_durability durability)
{
    return durability == TJ_DURABILITY_OS           ? "os"
           : durability == TJ_DURABILITY_REPLICATED ? "replicated"
                                                    : "sync";
}

void status_print_head(const tj_store_info *info, output *out)
{
    char id[TJ_UUID_TEXT_SIZE];
    char time[TJ_TIME_TEXT_SIZE];
    tj_uuid_format(info->journal_id, id);
    tj_time_format(info->sequence_time, time);
    out_heading(out, "Journal");
    out_pair(out, "Path", "%s", info->path);
    out_pair(out, "Engine", "%s", tj_engine_type_name(info->type));
    out_pair(out, "Format", "%" PRIu32, info->format_version);
    out_pair(out, "Id", "%s", id);
    out_pair(out, "Durability", "%s", durability_name(info->durability));
    if (info->sequence == 0) {
        out_pair(out, "Commit", "none yet");
    } else {
        out_pair(out, "Commit", "%" PRIu64 ", %s", info->sequence, time);
    }
}

void status_print_clock(const tj_store_info *info, output *out)
{
    char span[SPAN_TEXT_SIZE];
    if (info->clock_behind_ns >= NS_PER_S) {
        out_alarm(out, true);
        out_pair(out, "Clock",
                 "%s behind the newest commit: it was once ahead, and new commits get "
                 "times from there on",
                 span_text(info->clock_behind_ns, span));
        out_alarm(out, false);
    }
}

void status_print_writer(const tj_store_info *info, output *out)
{
    if (info->writer_alive && info->writer[0]) { /* which begins with its pid */
        out_pair(out, "Writer", "running: %s", info->writer);
    } else if (info->writer_alive) {
        out_pair(out, "Writer", "running, pid %" PRId64, info->writer_pid);
    } else if (info->writer[0]) {
        out_pair(out, "Writer", "none; the last was %s", info->writer);
    } else {
        out_pair(out, "Writer", "none");
    }
}

void status_print_books(const tj_book_list *books, output *out)
{
    out_format(out, "\n");
    out_heading(out, "Books (%zu)", books->count);
    if (books->count > 0) {
        text_table table = books_table(books);
        table_print_whole(&table, out);
    }
}

void status_json_head(const tj_store_info *info, json_writer *json)
{
    json_text(json, "path", tj_str_of(info->path));
    json_text(json, "engine", tj_str_of(tj_engine_type_name(info->type)));
    json_unsigned(json, "format", info->format_version);
    json_uuid(json, "journal_id", info->journal_id);
    json_text(json, "durability", tj_str_of(durability_name(info->durability)));
    json_unsigned(json, "sequence", info->sequence);
    if (info->sequence > 0) {
        json_time(json, "sequence_time", info->sequence_time);
    } else {
        json_null(json, "sequence_time");
    }
    json_unsigned(json, "clock_behind_ns", (uint64_t)info->clock_behind_ns);
}

void status_json_optional(json_writer *json, const char *key, int64_t number)
{
    if (number > 0) {
        json_unsigned(json, key, (uint64_t)number);
    } else {
        json_null(json, key);
    }
}

void status_json_writer(const tj_store_info *info, json_writer *json)
{
    json_open(json, "writer", '{');
    json_bool(json, "alive", info->writer_alive);
    status_json_optional(json, "pid", info->writer_pid);
    json_text(json, "description", tj_str_of(info->writer));
    json_close(json, '}');
}
