/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What status tells of every journal (common.c), of one in a directory, and of one on a server. */
#ifndef TJ_CLI_STATUS_STATUS_H
#define TJ_CLI_STATUS_STATUS_H

#include "cmd_book.h"

void status_print_head(const tj_store_info *info, output *out);
void status_print_clock(const tj_store_info *info, output *out);
void status_print_writer(const tj_store_info *info, output *out);
void status_print_books(const tj_book_list *books, output *out);
void status_json_head(const tj_store_info *info, json_writer *json);
void status_json_writer(const tj_store_info *info, json_writer *json);
/* 0 is said as null. */
void status_json_optional(json_writer *json, const char *key, int64_t number);

tj_status tell_directory(command_line *cli, const open_journal *journal, const tj_store_info *info,
                         const tj_book_list *books, tj_error *error);
tj_status tell_server(command_line *cli, const open_journal *journal, const tj_store_info *info,
                      const tj_book_list *books, tj_error *error);

#endif
