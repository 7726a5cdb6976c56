/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Standard output: text and JSON; table.h has tables. After a failed write nothing more is written,
 * and the reason is kept for the end of the program. */
#ifndef TJ_CLI_OUTPUT_H
#define TJ_CLI_OUTPUT_H

#include <stdarg.h>
#include <stdio.h>

#include <tesser/time.h>
#include <tesser/uuid.h>

#define EXIT_USAGE 2
#define EXIT_PARTIAL 3
#define EXIT_DURABLE 4
#define EXIT_WARNING 5
#define EXIT_WRONG 6
#define EXIT_STATUS_BASE 10
/* What `check` finds, the most urgent first. */
#define EXIT_SPACE_LOW 40
#define EXIT_WRITER_DEAD 41
#define EXIT_LAG 42
#define EXIT_BACKUP_OLD 43
#define EXIT_HISTORY_SHORT 44
#define EXIT_UNREPLICATED 45

typedef struct output {
    FILE *stream;
    bool colour;
    size_t width; /* of the terminal; 0 where there is none, and lines may be as long as they are */
    int os_errno; /* of the first write that failed, 0 while all is well */
} output;

/* An output to a descriptor that may be non-blocking, or whose reader may be slow: it waits. Colour
 * only where a person looks at it: a terminal, and NO_COLOR is not set. */
output output_of(int fd);
/* Whether TERM names no terminal that can do more than write lines. */
bool is_dumb_terminal(void);
/* How wide the terminal is, 0 where there is none. */
size_t output_width(int fd);
/* Waits until a descriptor that said EAGAIN can go on. */
void wait_for(int fd, short events);
/* By a clock that nobody sets: for how long something has taken. */
int64_t now_ms(void);
/* How `need` ends the program: as JSON, and with what is durable by then, which may change. */
void need_tells(bool json, const char *durable);
void out_format(output *out, const char *format, ...) TJ_PRINTF(2, 3);
void out_bytes(output *out, tj_str bytes);
void out_flush(output *out);
/* A heading, bold on a terminal. */
void out_heading(output *out, const char *format, ...) TJ_PRINTF(2, 3);
/* One line of text, as safe_text has it. */
void out_line(output *out, const char *format, ...) TJ_PRINTF(2, 3);
/* The same of something that is wrong, red where there is colour. */
void out_trouble(output *out, const char *format, ...) TJ_PRINTF(2, 3);
/* Text as safe_text has it, except that line feeds and tabs lay it out and stay. */
void out_shown(output *out, tj_str text);
/* Until it is turned off again: what is wrong stands in red where there is colour. */
void out_alarm(output *out, bool on);
/* One line "  Name    value" of a summary; the value as safe_text has it. */
void out_pair(output *out, const char *name, const char *format, ...) TJ_PRINTF(3, 4);

/* Ends the program when memory is short: no journal is harmed by a process that stops. */
void *need(void *memory);
/* Formats into new memory. Released with free. */
char *text_format(const char *format, va_list arguments);
/* Bytes of the UTF-8 character at the front of a text that is not empty, 0 when it is none. */
size_t character_size(tj_str text);
/* Text as it can be shown on a terminal, by tj_text_visible. Released with free. */
char *safe_text(tj_str text);
/* Text as a word of a command that is advised, by tj_text_word. Released with free. */
char *word_text(const char *text);

/* The word for what is counted. */
const char *plural(uint64_t count, const char *one, const char *many);

#define SIZE_TEXT_SIZE 32
/* A size for people: "512 B", "1.5 MiB". */
const char *size_text(uint64_t bytes, char buffer[SIZE_TEXT_SIZE]);

/* ---- JSON ---- */

#define JSON_DEPTH_MAX 8

/* Writes compact JSON; a key is NULL inside a list. */
typedef struct json_writer {
    output *out;
    size_t depth;
    bool filled[JSON_DEPTH_MAX + 1]; /* whether something stands at this depth already */
} json_writer;

void json_open(json_writer *json, const char *key, char bracket);
void json_close(json_writer *json, char bracket);
void json_text(json_writer *json, const char *key, tj_str text);
void json_unsigned(json_writer *json, const char *key, uint64_t number);
void json_bool(json_writer *json, const char *key, bool value);
void json_time(json_writer *json, const char *key, tj_time time);
void json_uuid(json_writer *json, const char *key, tj_uuid id);
void json_hex(json_writer *json, const char *key, tj_str bytes);
void json_null(json_writer *json, const char *key);
/* Text that is JSON already. */
void json_raw(json_writer *json, const char *key, tj_str text);

#endif
