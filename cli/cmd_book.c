/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* book list, and the table of books that status shows too. */
#include "cmd_book.h"

#include <inttypes.h>

void books_print(const tj_book_list *books, output *out)
{
    static const table_column columns[] = {{"book", ALIGN_LEFT},         {"positions", ALIGN_RIGHT},
                                           {"open orders", ALIGN_RIGHT}, {"algos", ALIGN_RIGHT},
                                           {"ledger", ALIGN_RIGHT},      {"rows", ALIGN_RIGHT}};
    text_table table = {columns, sizeof columns / sizeof columns[0], NULL, 0};
    for (size_t i = 0; i < books->count; i++) {
        const tj_book_info *book = &books->books[i];
        table_text(&table, book->name);
        table_cell(&table, "%zu", book->position_count);
        table_cell(&table, "%zu", book->open_order_count);
        table_cell(&table, "%zu", book->algo_count);
        table_cell(&table, "%" PRIu64, book->ledger_sequence);
        table_cell(&table, "%zu", book->state_row_count);
    }
    table_print(&table, 0, out);
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
    tj_status status = journal_open(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_store_books(journal.store, &books, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        books_json(books, &json, NULL);
    } else if (status == TJ_OK && books->count == 0) {
        out_line(&cli->out, "no books yet: nothing was ever saved in %s", journal.config.path);
    } else if (status == TJ_OK) {
        books_print(books, &cli->out);
    }
    tj_book_list_free(books);
    return journal_close(&journal, status, error);
}

const command_spec command_book_list = {
    .name = "book list",
    .summary = "the books of the journal with their counts",
    .example = "tesser-journal --journal ./journal book list",
    .run = run_book_list,
};
