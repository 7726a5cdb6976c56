/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables as comma-separated values, quoted as in RFC 4180, for spreadsheet programs and scripts. */
#include "table/table.h"

/* A text that begins with one of these is a formula to spreadsheet programs. */
#define FORMULA_STARTS "=+-@\t\r"

/* A name that somebody else has chosen must not become a formula: it gets an apostrophe, as people
 * write it there. So does one that looks as if it had got one. Numbers stay what they are. */
static bool needs_apostrophe(const char *text)
{
    char first = text[strspn(text, "'")];
    return first && strchr(FORMULA_STARTS, first);
}

static void field(output *out, const char *text, bool is_text)
{
    const char *apostrophe = is_text && needs_apostrophe(text) ? "'" : "";
    if (!text[strcspn(text, "\",\r\n")]) {
        out_format(out, "%s%s", apostrophe, text);
        return;
    }
    out_format(out, "\"%s", apostrophe);
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "\"");
        out_bytes(out, (tj_str){at, plain});
        out_format(out, at[plain] ? "\"\"" : "");
        at += plain + (at[plain] != '\0');
    }
    out_format(out, "\"");
}

static void line(const text_table *table, const table_choice *choice, const table_cell *cells,
                 output *out)
{
    for (size_t i = 0; i < choice->column_count; i++) {
        const table_column *column = &table->columns[choice->columns[i]];
        const char *value = cells ? cells[choice->columns[i]].value : column->title;
        out_format(out, "%s", i > 0 ? "," : "");
        field(out, value ? value : "", cells && column->align == ALIGN_LEFT);
        if (choice->column_count == 1 && (!value || !value[0])) {
            out_format(out, "\"\""); /* an empty line would be no row */
        }
    }
    out_format(out, "\n");
}

void table_csv(const text_table *table, const table_choice *choice, output *out)
{
    line(table, choice, NULL, out);
    for (size_t row = 0; row < choice->row_count; row++) {
        line(table, choice, table->cells + choice->rows[row] * table->column_count, out);
    }
}
