/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* status: of a journal on PostgreSQL. */
#include "status/status.h"

#include <inttypes.h>

standby_figures standbys_count(const tj_standby_list *list)
{
    standby_figures figures = {.behind_bytes = UINT64_MAX};
    for (size_t i = 0; i < list->count; i++) {
        const tj_standby *standby = &list->standbys[i];
        if (tj_str_equal(standby->state, TJ_STR("streaming"))) {
            bool waited_for = tj_str_equal(standby->sync, TJ_STR("sync")) ||
                              tj_str_equal(standby->sync, TJ_STR("quorum"));
            figures.streaming++;
            figures.synchronous += waited_for;
            figures.behind_bytes = standby->behind_bytes < figures.behind_bytes
                                       ? standby->behind_bytes
                                       : figures.behind_bytes;
        }
    }
    figures.is_missing =
        list->wanted.size > 0 && list->is_shown && !list->is_behind && figures.synchronous == 0;
    return figures;
}

/* ---- for people --------------------------------------------------------------------------- */

static void print_standby(const tj_standby *standby, bool is_shown, output *out)
{
    char size[SIZE_TEXT_SIZE];
    tj_str name = standby->name.size > 0 ? standby->name : TJ_STR("without a name");
    if (!is_shown) {
        out_pair(out, "Standby",
                 "%.*s; how it does is not shown to this role: grant pg_read_all_stats to it",
                 (int)name.size, name.data);
        return;
    }
    out_pair(out, "Standby", "%.*s%s%.*s, %.*s, %.*s, %s behind", (int)name.size, name.data,
             standby->address.size > 0 ? " at " : "", (int)standby->address.size,
             standby->address.data, (int)standby->sync.size, standby->sync.data,
             (int)standby->state.size, standby->state.data, size_text(standby->behind_bytes, size));
}

static void print_standbys(const tj_standby_list *list, output *out)
{
    for (size_t i = 0; i < list->count; i++) {
        print_standby(&list->standbys[i], list->is_shown, out);
    }
    if (standbys_count(list).is_missing) {
        out_alarm(out, true);
        out_pair(out, "Standby",
                 "none that commits wait for, and synchronous_standby_names is '%.*s': they wait "
                 "until one is there",
                 (int)list->wanted.size, list->wanted.data);
        out_alarm(out, false);
    } else if (list->count == 0) {
        out_pair(out, "Standby",
                 !list->is_shown ? "not shown to this role"
                                 : "none: what is acknowledged is on one machine");
    }
}

static void print_unreplicated(const tj_store_info *info, output *out)
{
    if (info->postgres.unreplicated > 0) {
        out_alarm(out, true);
        out_pair(out, "Unreplicated",
                 "%" PRIu32 " %s acknowledged that no standby is known to have",
                 info->postgres.unreplicated,
                 plural(info->postgres.unreplicated, "commit is", "commits are"));
        out_alarm(out, false);
    }
}

static void print_away(const tj_store_info *info, output *out)
{
    char time[TJ_TIME_TEXT_SIZE];
    if (info->postgres.away_since != 0) {
        tj_time_format(info->postgres.away_since, time);
        out_alarm(out, true);
        out_pair(out, "Away since", "%s", time);
        out_alarm(out, false);
    }
}

static void print_seen(const tj_store_info *info, output *out)
{
    char span[SPAN_TEXT_SIZE];
    int64_t ago = tj_time_now() - info->postgres.writer_seen;
    if (info->writer[0] && info->postgres.writer_seen != 0) {
        out_pair(out, "Last sign of it", "%s ago", span_text(ago > 0 ? ago : 0, span));
    }
}

static void print_server(const tj_store_info *info, const tj_standby_list *standbys, output *out)
{
    char size[SIZE_TEXT_SIZE];
    const tj_postgres_info *server = &info->postgres;
    uint64_t behind = info->sequence - server->applied_sequence;
    status_print_head(info, out);
    out_pair(out, "Applied to rows", "%" PRIu64 ", %" PRIu64 " %s behind, %s of log",
             server->applied_sequence, behind, plural(behind, "commit", "commits"),
             size_text(server->lag_bytes, size));
    status_print_clock(info, out);
    out_pair(out, "Server", "PostgreSQL %" PRIu32 ".%" PRIu32 "%s", server->server_version / 10000,
             server->server_version % 10000,
             standbys->is_behind ? ", a standby: it takes no commits, and may be behind" : "");
    print_away(info, out);
    if (!standbys->is_behind) {
        print_standbys(standbys, out);
    }
    print_unreplicated(info, out);
    if (server->oldest_sequence == 0) {
        out_pair(out, "History", "from the first commit on");
    } else {
        out_pair(out, "History", "from commit %" PRIu64 " on", server->oldest_sequence);
    }
    out_pair(out, "State", "%s, of all journals in the schema", size_text(info->state_bytes, size));
    out_pair(out, "Epoch", "%" PRIu64, server->epoch);
    status_print_writer(info, out);
    print_seen(info, out);
}

/* ---- for programs ------------------------------------------------------------------------- */

static void optional_time(json_writer *json, const char *key, tj_time time)
{
    if (time != 0) {
        json_time(json, key, time);
    } else {
        json_null(json, key);
    }
}

static void optional_text(json_writer *json, const char *key, tj_str text)
{
    if (text.size > 0) {
        json_text(json, key, text);
    } else {
        json_null(json, key);
    }
}

static void json_standbys(const tj_standby_list *list, json_writer *json)
{
    json_bool(json, "server_is_standby", list->is_behind);
    json_text(json, "synchronous_standby_names", list->wanted);
    json_open(json, "standbys", '[');
    for (size_t i = 0; i < list->count; i++) {
        const tj_standby *standby = &list->standbys[i];
        json_open(json, NULL, '{');
        json_text(json, "name", standby->name);
        optional_text(json, "address", standby->address);
        optional_text(json, "state", standby->state);
        optional_text(json, "sync", standby->sync);
        if (list->is_shown) {
            json_unsigned(json, "behind_bytes", standby->behind_bytes);
        } else {
            json_null(json, "behind_bytes");
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_server(const tj_store_info *info, const tj_standby_list *standbys,
                        json_writer *json)
{
    const tj_postgres_info *server = &info->postgres;
    status_json_head(info, json);
    json_unsigned(json, "applied_sequence", server->applied_sequence);
    json_unsigned(json, "lag_bytes", server->lag_bytes);
    json_unsigned(json, "server_version", server->server_version);
    optional_time(json, "away_since", server->away_since);
    json_standbys(standbys, json);
    json_unsigned(json, "unreplicated", server->unreplicated);
    json_open(json, "history", '{');
    json_unsigned(json, "oldest_sequence", server->oldest_sequence);
    json_close(json, '}');
    json_unsigned(json, "state_bytes", info->state_bytes);
    json_unsigned(json, "epoch", server->epoch);
    status_json_writer(info, json);
    optional_time(json, "writer_seen", server->writer_seen);
}

tj_status tell_server(command_line *cli, const open_journal *journal, const tj_store_info *info,
                      const tj_book_list *books, tj_error *error)
{
    tj_standby_list *standbys = NULL;
    tj_status status = tj_store_standbys(journal->store, &standbys, error);
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_server(info, standbys, &json);
        books_json(books, &json, "books");
        json_close(&json, '}');
    } else if (status == TJ_OK) {
        print_server(info, standbys, &cli->out);
        status_print_books(books, &cli->out);
    }
    tj_standby_list_free(standbys);
    return status;
}
