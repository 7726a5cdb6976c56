/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* status: what can be told of a journal at one moment. */
#include "status/status.h"

static tj_status run_status(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_book_list *books = NULL;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_status status = journal_open_whole(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_store_info_get(journal.store, &info, error);
    }
    if (status == TJ_OK) {
        status = tj_store_books(journal.store, &books, error);
    }
    if (status == TJ_OK && info.type == TJ_ENGINE_POSTGRES) {
        status = tell_server(cli, &journal, &info, books, error);
    } else if (status == TJ_OK) {
        status = tell_directory(cli, &journal, &info, books, error);
    }
    tj_book_list_free(books);
    return journal_close(&journal, status, error);
}

const command_spec command_status = {
    .name = "status",
    .server = true,
    .summary = "what the journal holds, and who uses it",
    .text =
        "Works beside a running writer and after a crash; writes nothing but a reader slot. Of a "
        "journal on a server it also tells which standbys the server has and what they have "
        "not flushed yet, as far as the role is shown that. With --watch, what was seen last "
        "stays when the journal cannot be opened any more.",
    .example = "tesser-journal --journal ./journal status",
    .options = (const option_spec *const[]){&option_watch, NULL},
    .run = run_status,
};
