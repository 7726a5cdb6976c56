/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What status tells of every journal, and of one on a server. */
#ifndef TJ_CLI_CMD_STATUS_H
#define TJ_CLI_CMD_STATUS_H

#include "cmd_book.h"

void status_print_head(const tj_store_info *info, output *out);
void status_print_clock(const tj_store_info *info, output *out);
void status_print_writer(const tj_store_info *info, output *out);
void status_print_books(const tj_book_list *books, output *out);
void status_json_head(const tj_store_info *info, json_writer *json);
void status_json_writer(const tj_store_info *info, json_writer *json);

#define SPAN_TEXT_SIZE 64
/* Days and hours, or what is less: enough to tell a second from a year. */
const char *span_text(int64_t ns, char out[SPAN_TEXT_SIZE]);
/* More than a clock may be set by: it was ahead then, or is behind now. */
bool is_to_come(tj_time time);

tj_status tell_server(command_line *cli, const open_journal *journal, const tj_store_info *info,
                      const tj_book_list *books, tj_error *error);

#endif
