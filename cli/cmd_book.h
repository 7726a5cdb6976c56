/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A list of books as a table and as JSON. */
#ifndef TJ_CLI_CMD_BOOK_H
#define TJ_CLI_CMD_BOOK_H

#include "cli.h"

text_table books_table(const tj_book_list *books);
void books_json(const tj_book_list *books, json_writer *json, const char *key);

#endif
