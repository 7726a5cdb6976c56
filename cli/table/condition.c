/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What --where and --sort compare. */
#include "table/condition.h"

#include <string.h>

#include <tesser/time.h>

/* ---- values ------------------------------------------------------------------------------- */

key key_of(const char *value)
{
    key read = {.kind = KEY_NONE, .text = value ? value : ""};
    if (!value) {
        return read;
    }
    if (tj_decimal_parse(tj_str_of(value), &read.decimal, NULL) == TJ_OK) {
        read.kind = KEY_DECIMAL;
    } else if (tj_time_parse(tj_str_of(value), &read.time, NULL) == TJ_OK) {
        read.kind = KEY_TIME;
    } else {
        read.kind = KEY_TEXT;
    }
    return read;
}

int key_compare(const key *a, const key *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    switch (a->kind) {
    case KEY_DECIMAL:
        return tj_decimal_compare(a->decimal, b->decimal);
    case KEY_TIME:
        return (a->time > b->time) - (a->time < b->time);
    default:
        return strcmp(a->text, b->text);
    }
}

/* ---- conditions --------------------------------------------------------------------------- */

/* The two-character ones first: of "<=" the first character alone is one, too. */
static const char *const relations[] = {"!=", "<=", ">=", "<", ">", "=", "~"};
#define RELATION_COUNT (sizeof relations / sizeof *relations)

bool condition_parse(const char *text, condition *out)
{
    size_t size = strcspn(text, "!<>=~");
    for (size_t i = 0; i < RELATION_COUNT; i++) {
        size_t length = strlen(relations[i]);
        if (strncmp(text + size, relations[i], length) == 0) {
            const char *value = text + size + length;
            *out = (condition){{text, size}, (relation)i, key_of(value)};
            /* "==" and "<>" are no comparisons: a value that begins like one is found by "~". */
            return size > 0 &&
                   (out->relation == RELATION_PART || !strchr("=<>~", value[0]) || !value[0]);
        }
    }
    return false;
}

/* An id "007" is not the id "7", nor a text that holds a time another one of the same moment.
 * "BTCUSDT" is the one of every exchange. */
static bool is_same(table_align align, const char *value, const key *wanted)
{
    const char *code = strchr(value, ':');
    key read = key_of(value);
    return align == ALIGN_LEFT
               ? strcmp(value, wanted->text) == 0 || (code && strcmp(code + 1, wanted->text) == 0)
               : key_compare(&read, wanted) == 0;
}

bool condition_holds(const condition *asked, table_align align, const char *value)
{
    key read = key_of(value);
    const char *text = value ? value : "";
    /* Texts that look like a number or a time stand beside others, in the order of --sort. */
    bool comparable = align == ALIGN_LEFT ? value != NULL : read.kind == asked->wanted.kind;
    int order = comparable ? key_compare(&read, &asked->wanted) : 0;
    switch (asked->relation) {
    case RELATION_EQUAL:
        return is_same(align, text, &asked->wanted);
    case RELATION_NOT:
        return !is_same(align, text, &asked->wanted);
    case RELATION_PART:
        return strstr(text, asked->wanted.text) != NULL;
    case RELATION_LESS:
        return comparable && order < 0;
    case RELATION_LOW:
        return comparable && order <= 0;
    case RELATION_MORE:
        return comparable && order > 0;
    case RELATION_HIGH:
    default:
        return comparable && order >= 0;
    }
}

bool condition_fits(const condition *asked, table_align align)
{
    bool equality = asked->relation == RELATION_EQUAL || asked->relation == RELATION_NOT;
    return align == ALIGN_LEFT || asked->relation == RELATION_PART ||
           (equality && !asked->wanted.text[0]) ||
           asked->wanted.kind == (align == ALIGN_TIME ? KEY_TIME : KEY_DECIMAL);
}
