/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Columns: how each kind of field is laid out in Arrow.
 *
 * Decimals become decimal128 with the largest scale among them, where all fit its 38 digits; else
 * texts. They become floating-point numbers only when that was asked for. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#define DECIMAL128_DIGITS 38

__extension__ typedef unsigned __int128 wide;

static const void *cell(const column *self, const void *rows, size_t stride, size_t row)
{
    return (const char *)rows + row * stride + self->shift;
}

static const void *cell_value(const column *self, const void *data)
{
    return (const char *)data + self->member->offset;
}

static bool present(const field *member, const void *data)
{
    const char *base = data;
    if (member->other != NO_OTHER) {
        return *(const bool *)(base + member->other);
    }
    switch (member->kind) {
    case FIELD_TEXT:
    case FIELD_JSON:
        return ((const tj_str *)(base + member->offset))->data != NULL;
    case FIELD_CHOICE:
        return *(const int *)(base + member->offset) != 0;
    case FIELD_UUID:
        return !member->optional || !tj_uuid_is_nil(*(const tj_uuid *)(base + member->offset));
    default:
        return true;
    }
}

static bool mark_absent(column *self, const void *rows, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (present(self->member, cell(self, rows, stride, i))) {
            continue;
        }
        if (!self->valid) {
            self->valid = malloc(count / 8 + 1);
            if (!self->valid) {
                return false;
            }
            memset(self->valid, 0xff, count / 8 + 1);
        }
        self->valid[i / 8] &= (uint8_t) ~(1u << (i % 8));
        self->nulls++;
    }
    return true;
}

static bool is_valid(const column *self, size_t row)
{
    return !self->valid || (self->valid[row / 8] >> (row % 8) & 1);
}

/* ---- texts --------------------------------------------------------------------------------- */

#define SHORT_SIZE \
    (TJ_IDENTITY_TEXT_SIZE > TJ_DECIMAL_TEXT_SIZE ? TJ_IDENTITY_TEXT_SIZE : TJ_DECIMAL_TEXT_SIZE)

/* The text of a value; short ones are written into the buffer. */
static tj_str text_of(const field *member, const void *value, char buffer[SHORT_SIZE])
{
    switch (member->kind) {
    case FIELD_SYMBOL:
        return (tj_str){buffer, tj_identity_format(*(const tj_identity *)value, buffer)};
    case FIELD_DECIMAL:
        return (tj_str){buffer, tj_decimal_format(*(const tj_decimal *)value, buffer)};
    case FIELD_CHOICE:
        return tj_str_of(member->names[*(const int *)value - 1]);
    case FIELD_UUID:
        tj_uuid_format(*(const tj_uuid *)value, buffer);
        return tj_str_of(buffer);
    default:
        return *(const tj_str *)value;
    }
}

static bool grow(column *self, size_t *room, size_t needed)
{
    if (needed > INT32_MAX) {
        return false;
    }
    if (needed > *room) {
        *room = needed * 2;
        char *larger = realloc(self->values, *room);
        if (!larger) {
            return false;
        }
        self->values = larger;
    }
    return true;
}

static bool fill_texts(column *self, const void *rows, size_t stride, size_t count)
{
    char buffer[SHORT_SIZE];
    size_t used = 0, room = count * 16 + 1;
    snprintf(self->format, sizeof self->format, "u");
    self->values = malloc(room);
    self->offsets = malloc((count + 1) * sizeof *self->offsets);
    for (size_t i = 0; i < count && self->values && self->offsets; i++) {
        self->offsets[i] = (int32_t)used;
        if (is_valid(self, i)) {
            const void *value = cell_value(self, cell(self, rows, stride, i));
            tj_str text = text_of(self->member, value, buffer);
            if (!grow(self, &room, used + text.size)) {
                return false;
            }
            memcpy(self->values + used, text.data, text.size);
            used += text.size;
        }
    }
    if (!self->values || !self->offsets) {
        return false;
    }
    self->offsets[count] = (int32_t)used;
    return true;
}

/* ---- decimals ------------------------------------------------------------------------------ */

typedef struct parts {
    bool negative;
    wide coefficient;
    unsigned scale;
} parts;

static parts parts_of(tj_decimal value)
{
    parts of;
    uint64_t high, low;
    tj_decimal_to_parts(value, &of.negative, &high, &low, &of.scale);
    of.coefficient = (wide)high << 64 | low;
    return of;
}

/* Whether the number fits at that scale, and what it then is. */
static bool rescale(parts *of, unsigned scale)
{
    wide bound = 1;
    for (unsigned i = 0; i < DECIMAL128_DIGITS; i++) {
        bound *= 10;
    }
    for (; of->scale < scale; of->scale++) {
        if (of->coefficient >= bound / 10) {
            return false;
        }
        of->coefficient *= 10;
    }
    return true;
}

static unsigned largest_scale(const column *self, const void *rows, size_t stride, size_t count)
{
    unsigned largest = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_valid(self, i)) {
            unsigned scale;
            const tj_decimal *value = cell_value(self, cell(self, rows, stride, i));
            tj_decimal_to_parts(*value, NULL, NULL, NULL, &scale);
            largest = scale > largest ? scale : largest;
        }
    }
    return largest;
}

/* Whether all fit; false also when memory is short, and then there are no values. */
static bool fill_decimals(column *self, const void *rows, size_t stride, size_t count)
{
    unsigned scale = largest_scale(self, rows, stride, count);
    wide *values = calloc(count + 1, sizeof *values);
    bool fits = values && scale <= DECIMAL128_DIGITS;
    for (size_t i = 0; i < count && fits; i++) {
        if (is_valid(self, i)) {
            const tj_decimal *value = cell_value(self, cell(self, rows, stride, i));
            parts of = parts_of(*value);
            fits = rescale(&of, scale);
            values[i] = of.negative ? -of.coefficient : of.coefficient;
        }
    }
    if (!fits) {
        free(values);
        return false;
    }
    snprintf(self->format, sizeof self->format, "d:%d,%u", DECIMAL128_DIGITS, scale);
    self->values = (char *)values;
    return true;
}

static bool fill_floats(column *self, const void *rows, size_t stride, size_t count)
{
    double *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count && values; i++) {
        char text[TJ_DECIMAL_TEXT_SIZE];
        const tj_decimal *value = cell_value(self, cell(self, rows, stride, i));
        if (is_valid(self, i) && tj_decimal_format(*value, text) > 0) {
            values[i] = strtod(text, NULL);
        }
    }
    snprintf(self->format, sizeof self->format, "g");
    self->values = (char *)values;
    return values;
}

/* ---- numbers, times, flags ----------------------------------------------------------------- */

static bool fill_words(column *self, const void *rows, size_t stride, size_t count,
                       const char *format)
{
    uint64_t *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count && values; i++) {
        if (is_valid(self, i)) {
            memcpy(&values[i], cell_value(self, cell(self, rows, stride, i)), sizeof *values);
        }
    }
    snprintf(self->format, sizeof self->format, "%s", format);
    self->values = (char *)values;
    return values;
}

static bool fill_flags(column *self, const void *rows, size_t stride, size_t count)
{
    self->values = calloc(count / 8 + 1, 1);
    for (size_t i = 0; i < count && self->values; i++) {
        if (*(const bool *)cell_value(self, cell(self, rows, stride, i))) {
            self->values[i / 8] = (char)(self->values[i / 8] | 1 << (i % 8));
        }
    }
    snprintf(self->format, sizeof self->format, "b");
    return self->values;
}

static bool fill(column *self, const void *rows, size_t stride, size_t count, bool floats)
{
    if (!mark_absent(self, rows, stride, count)) {
        return false;
    }
    switch (self->member->kind) {
    case FIELD_DECIMAL:
        return floats ? fill_floats(self, rows, stride, count)
                      : fill_decimals(self, rows, stride, count) ||
                            fill_texts(self, rows, stride, count);
    case FIELD_NUMBER:
        return fill_words(self, rows, stride, count, "L");
    case FIELD_TIME:
        return fill_words(self, rows, stride, count, "tsn:UTC");
    case FIELD_FLAG:
        return fill_flags(self, rows, stride, count);
    default:
        return fill_texts(self, rows, stride, count);
    }
}

/* ---- tables -------------------------------------------------------------------------------- */

/* The members of a row, those of structs in it at their place. */
static void add_columns(table *self, const record *kind, size_t shift, bool inner)
{
    for (size_t i = 0; i < kind->count; i++) {
        const field *member = &kind->fields[i];
        if (member->kind == FIELD_RECORD) {
            add_columns(self, member->record, shift + member->offset, true);
        } else if (!(inner && kind == &record_request && strcmp(member->name, "extra") == 0)) {
            self->columns[self->column_count++] =
                (column){.name = member->name, .member = member, .shift = shift};
        }
    }
}

table *table_new(const record *row, const void *rows, size_t count, bool floats)
{
    table *self = calloc(1, sizeof *self);
    if (!self) {
        PyErr_NoMemory();
        return NULL;
    }
    self->references = 1;
    self->row_count = count;
    add_columns(self, row, 0, false);
    for (size_t i = 0; i < self->column_count; i++) {
        if (!fill(&self->columns[i], rows, row->size, count, floats)) {
            table_release(self);
            PyErr_SetString(PyExc_MemoryError, "a column needs more memory than there is, or has "
                                               "more than 2 GiB of text");
            return NULL;
        }
    }
    return self;
}

void table_release(table *self)
{
    if (atomic_fetch_sub(&self->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < self->column_count; i++) {
        free(self->columns[i].valid);
        free(self->columns[i].values);
        free(self->columns[i].offsets);
    }
    free(self);
}
