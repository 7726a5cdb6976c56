/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* status: of a journal on PostgreSQL. */
#include "cmd_status.h"

#include <inttypes.h>

static void print_server(const tj_store_info *info, output *out)
{
    char size[SIZE_TEXT_SIZE];
    const tj_postgres_info *server = &info->postgres;
    status_print_head(info, out);
    out_pair(out, "Applied to rows", "%" PRIu64 ", %" PRIu64 " commits behind, %s of log",
             server->applied_sequence, info->sequence - server->applied_sequence,
             size_text(server->lag_bytes, size));
    status_print_clock(info, out);
    out_pair(out, "Server", "PostgreSQL %" PRIu32 ".%" PRIu32, server->server_version / 10000,
             server->server_version % 10000);
    if (server->unreplicated > 0) {
        out_alarm(out, true);
        out_pair(out, "Unreplicated",
                 "%" PRIu32 " commits are acknowledged that no standby is known to have",
                 server->unreplicated);
        out_alarm(out, false);
    }
    out_pair(out, "State", "%s, of all journals in the schema", size_text(info->state_bytes, size));
    out_pair(out, "Epoch", "%" PRIu64, server->epoch);
    status_print_writer(info, out);
}

static void json_server(const tj_store_info *info, json_writer *json)
{
    const tj_postgres_info *server = &info->postgres;
    status_json_head(info, json);
    json_unsigned(json, "applied_sequence", server->applied_sequence);
    json_unsigned(json, "lag_bytes", server->lag_bytes);
    json_unsigned(json, "server_version", server->server_version);
    json_unsigned(json, "unreplicated", server->unreplicated);
    json_unsigned(json, "state_bytes", info->state_bytes);
    json_unsigned(json, "epoch", server->epoch);
    status_json_writer(info, json);
}

void tell_server(command_line *cli, const tj_store_info *info, const tj_book_list *books)
{
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_server(info, &json);
        books_json(books, &json, "books");
        json_close(&json, '}');
        return;
    }
    print_server(info, &cli->out);
    status_print_books(books, &cli->out);
}
