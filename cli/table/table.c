/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The cells of a table: what programs are told, and what people are shown. */
#include "table/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

/* Takes both texts. */
static void add(text_table *table, char *value, char *shown)
{
    size_t count = table->cell_count;
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? 2 * count : 1;
        table->cells = need(realloc(table->cells, capacity * sizeof *table->cells));
    }
    table->cells[table->cell_count++] = (table_cell){.value = value, .shown = shown};
}

void table_text(text_table *table, tj_str text)
{
    if (text.size > 0 && memchr(text.data, 0, text.size)) { /* which a value cannot hold */
        add(table, safe_text(text), safe_text(text));
        return;
    }
    char *value = need(malloc(text.size + 1));
    if (text.size > 0) {
        memcpy(value, text.data, text.size);
    }
    value[text.size] = '\0';
    add(table, value, safe_text(text));
}

void table_format(text_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(format, arguments);
    va_end(arguments);
    add(table, text, safe_text(tj_str_of(text)));
}

void table_none(text_table *table)
{
    add(table, NULL, need(strdup("-")));
}

void table_number(text_table *table, uint64_t number)
{
    table_format(table, "%" PRIu64, number);
}

void table_size(text_table *table, uint64_t bytes)
{
    char text[SIZE_TEXT_SIZE];
    char *value = NULL;
    need(asprintf(&value, "%" PRIu64, bytes) < 0 ? NULL : value);
    add(table, value, need(strdup(size_text(bytes, text))));
}

void table_time(text_table *table, tj_time time)
{
    char text[TJ_TIME_TEXT_SIZE];
    tj_time_format(time, text);
    table_text(table, tj_str_of(text));
}

void table_decimal(text_table *table, tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal_format(value, text);
    table_text(table, tj_str_of(text));
}

void table_money(text_table *table, tj_decimal value)
{
    table_decimal(table, value);
    table_tone_set(table, tj_decimal_sign(value) < 0 ? TONE_BAD : TONE_PLAIN);
}

void table_tone_set(text_table *table, table_tone tone)
{
    table->cells[table->cell_count - 1].tone = tone;
}

size_t table_rows(const text_table *table)
{
    return table->cell_count / table->column_count;
}

void table_dispose(text_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i].value);
        free(table->cells[i].shown);
    }
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
}
