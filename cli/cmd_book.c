/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* book list, and the table of books that status shows too. */
#include "cmd_book.h"

text_table books_table(const tj_book_list *books)
{
    static const table_column columns[] = {
        {"book", ALIGN_LEFT, true, 0},          {"positions", ALIGN_RIGHT, false, 0},
        {"open orders", ALIGN_RIGHT, false, 0}, {"algos", ALIGN_RIGHT, false, 2},
        {"ledger", ALIGN_RIGHT, false, 3},      {"rows", ALIGN_RIGHT, false, 4}};
    text_table table = {TEXT_TABLE(columns)};
    for (size_t i = 0; i < books->count; i++) {
        const tj_book_info *book = &books->books[i];
        table_text(&table, book->name);
        table_number(&table, book->position_count);
        table_number(&table, book->open_order_count);
        table_number(&table, book->algo_count);
        table_number(&table, book->ledger_sequence);
        table_number(&table, book->state_row_count);
    }
    return table;
}

void books_json(const tj_book_list *books, json_writer *json, const char *key)
{
    json_open(json, key, '[');
    for (size_t i = 0; i < books->count; i++) {
        const tj_book_info *book = &books->books[i];
        json_open(json, NULL, '{');
        json_text(json, "name", book->name);
        json_unsigned(json, "positions", book->position_count);
        json_unsigned(json, "open_orders", book->open_order_count);
        json_unsigned(json, "algos", book->algo_count);
        json_unsigned(json, "ledger_sequence", book->ledger_sequence);
        json_unsigned(json, "state_rows", book->state_row_count);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static tj_status run_book_list(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_book_list *books = NULL;
    tj_status status = tables_check(cli, error);
    if (status != TJ_OK) {
        return status;
    }
    status = journal_open_whole(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_store_books(journal.store, &books, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        books_json(books, &json, NULL);
    } else if (status == TJ_OK && books->count == 0) {
        out_line(&cli->out, "no books yet: nothing was ever saved in %s", journal.config.path);
    } else if (status == TJ_OK) {
        text_table table = books_table(books);
        status = tables_show(cli, &table, 1, error);
    }
    tj_book_list_free(books);
    return journal_close(&journal, status, error);
}

const command_spec command_book_list = {
    .name = "book list",
    .summary = "the books of the journal with their counts",
    .example = "tesser-journal --journal ./journal book list",
    .options = (const option_spec *const[]){TABLE_OPTIONS, NULL},
    .pages = true,
    .server = true,
    .run = run_book_list,
};
