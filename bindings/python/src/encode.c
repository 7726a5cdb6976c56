/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Python objects as values of the library. Everything is copied into an arena: another thread may
 * change the objects while the library works without the GIL. What does not fit its field is a
 * TypeError, or the library's own error, that begins with the field's name. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>

/* The first block is small: most calls encode little, and it is zeroed. */
#define BLOCK_SIZE_FIRST ((size_t)1 << 10)
#define BLOCK_SIZE ((size_t)64 << 10)

typedef struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
} arena_block;

void *arena_try(arena *memory, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    arena_block *block = memory->blocks;
    if (!block || block->size - block->used < size) {
        size_t usual = block ? BLOCK_SIZE : BLOCK_SIZE_FIRST;
        size_t room = size > usual ? size : usual;
        block = calloc(1, sizeof *block + room);
        if (!block) {
            return NULL;
        }
        block->size = room;
        block->next = memory->blocks;
        memory->blocks = block;
    }
    void *taken = (char *)block->data + block->used;
    block->used += size;
    return taken;
}

void *arena_take(arena *memory, size_t size)
{
    void *taken = arena_try(memory, size);
    return taken ? taken : PyErr_NoMemory();
}

void arena_drop(arena *memory)
{
    while (memory->blocks) {
        arena_block *next = memory->blocks->next;
        free(memory->blocks);
        memory->blocks = next;
    }
}

static bool wrong_type(PyObject *value, const char *wanted)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
    if (name) {
        PyErr_Format(PyExc_TypeError, "%s is needed, not %U", wanted, name);
        Py_DECREF(name);
    }
    return false;
}

/* ---- single values ------------------------------------------------------------------------- */

bool text_view(PyObject *value, tj_str *out)
{
    if (!PyUnicode_Check(value)) {
        return wrong_type(value, "str");
    }
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(value, &size);
    *out = (tj_str){data, data ? (size_t)size : 0};
    return data;
}

bool text_or_none(PyObject *value, tj_str *out)
{
    if (value == Py_None) {
        *out = (tj_str){NULL, 0};
        return true;
    }
    return text_view(value, out);
}

bool encode_text(arena *memory, PyObject *value, tj_str *out)
{
    tj_str text;
    if (!text_or_none(value, &text)) {
        return false;
    }
    char *copy = text.data ? arena_take(memory, text.size + 1) : NULL;
    if (copy) {
        memcpy(copy, text.data, text.size);
    }
    *out = (tj_str){copy, text.size};
    return copy || !text.data;
}

bool encode_json(arena *memory, PyObject *value, tj_str *out)
{
    PyObject *text = PyObject_CallFunctionObjArgs(python.json_dumps, value, NULL);
    bool done = text && encode_text(memory, text, out);
    Py_XDECREF(text);
    return done;
}

static bool parse_symbol(tj_str text, tj_identity *out)
{
    tj_error error;
    error_clear(&error);
    tj_status status = tj_identity_parse(text, out, &error);
    return status == TJ_OK || raise_error(status, &error);
}

bool symbol_view(PyObject *value, tj_identity *out)
{
    tj_str text;
    return text_or_none(value, &text) && parse_symbol(text, out);
}

bool encode_symbol(arena *memory, PyObject *value, tj_identity *out)
{
    tj_str text;
    return encode_text(memory, value, &text) && parse_symbol(text, out);
}

static bool parse_decimal(PyObject *text, tj_decimal *out)
{
    tj_str digits;
    tj_error error;
    error_clear(&error);
    if (!text_view(text, &digits)) {
        return false;
    }
    tj_status status = tj_decimal_parse(digits, out, &error);
    return status == TJ_OK || raise_error(status, &error);
}

/* A decimal whose text has an exponent: written out, when it has few enough digits for it. */
static PyObject *written_out(PyObject *value)
{
    PyObject *adjusted = PyObject_CallMethod(value, "adjusted", NULL);
    long magnitude = adjusted ? PyLong_AsLong(adjusted) : -1;
    Py_XDECREF(adjusted);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (magnitude > TJ_DECIMAL_DIGITS_MAX || magnitude < -TJ_DECIMAL_SCALE_MAX) {
        return raise_text(TJ_LIMIT,
                          "a decimal has at most 34 digits, at most 56 of them behind the "
                          "point");
    }
    PyObject *form = PyUnicode_FromString("f");
    PyObject *text = form ? PyObject_Format(value, form) : NULL;
    Py_XDECREF(form);
    return text;
}

bool encode_decimal(PyObject *value, tj_decimal *out)
{
    bool whole = PyLong_Check(value) && !PyBool_Check(value);
    if (!whole && PyObject_IsInstance(value, python.decimal) != 1) {
        return wrong_type(value, "decimal.Decimal or int");
    }
    PyObject *text = PyObject_Str(value);
    tj_str digits = {"", 0};
    bool known = text && text_view(text, &digits);
    if (known && memchr(digits.data, 'E', digits.size)) {
        Py_DECREF(text);
        text = written_out(value);
        known = text;
    }
    bool done = known && parse_decimal(text, out);
    Py_XDECREF(text);
    return done;
}

bool encode_time(PyObject *value, tj_time *out)
{
    PyObject *ns = PyObject_CallFunctionObjArgs(python.to_ns, value, NULL);
    *out = ns ? PyLong_AsLongLong(ns) : 0;
    Py_XDECREF(ns);
    return !PyErr_Occurred();
}

bool encode_uuid(PyObject *value, tj_uuid *out)
{
    if (PyObject_IsInstance(value, python.uuid) != 1) {
        return wrong_type(value, "uuid.UUID");
    }
    PyObject *bytes = PyObject_GetAttrString(value, "bytes");
    if (!bytes) {
        return false;
    }
    memcpy(out->bytes, PyBytes_AsString(bytes), sizeof out->bytes);
    Py_DECREF(bytes);
    return true;
}

static bool encode_number(PyObject *value, uint64_t *out)
{
    if (!PyLong_Check(value)) {
        return wrong_type(value, "int");
    }
    *out = PyLong_AsUnsignedLongLong(value);
    return !PyErr_Occurred();
}

bool encode_moment(PyObject *value, tj_moment *out)
{
    *out = (tj_moment)TJ_MOMENT_INIT;
    if (value == Py_None) {
        return true;
    }
    if (PyLong_Check(value)) {
        return encode_number(value, &out->sequence);
    }
    if (PyUnicode_Check(value)) {
        tj_str text;
        tj_error error = TJ_ERROR_INIT;
        if (!text_view(value, &text)) {
            return false;
        }
        tj_status status = tj_moment_parse(text, out, &error);
        return status == TJ_OK || raise_error(status, &error);
    }
    out->has_time = true;
    return encode_time(value, &out->time);
}

static bool encode_choice(const field *member, PyObject *value, int *out)
{
    tj_str text;
    if (value == Py_None && member->optional) {
        *out = 0;
        return true;
    }
    if (!text_view(value, &text)) {
        return false;
    }
    for (int i = 0; member->names[i]; i++) {
        if (tj_str_equal(text, tj_str_of(member->names[i]))) {
            *out = i + 1;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "%R is none of the values that it can have", value);
    return false;
}

bool encode_ledger_type(PyObject *value, tj_ledger_type *out)
{
    tj_ledger_entry entry = {0};
    for (size_t i = 0; i < record_ledger_entry.count; i++) {
        const field *member = &record_ledger_entry.fields[i];
        int chosen = 0;
        if (member->kind == FIELD_CHOICE && !encode_choice(member, value, &chosen)) {
            return false;
        }
        entry.type = chosen ? (tj_ledger_type)chosen : entry.type;
    }
    *out = entry.type;
    return true;
}

/* ---- many ---------------------------------------------------------------------------------- */

/* The items of any sequence, or the values of a dict, as a list of its own: whatever else happens
 * to the original, its length stays. */
static PyObject *items_of(const field *member, PyObject *value)
{
    if (member->kind == FIELD_MAP || member->kind == FIELD_PRICES) {
        if (!PyDict_Check(value)) {
            wrong_type(value, "dict");
            return NULL;
        }
        return PyDict_Items(value);
    }
    if (PyUnicode_Check(value) || PyBytes_Check(value)) {
        wrong_type(value, "list");
        return NULL;
    }
    return PySequence_List(value);
}

/* A dict's key must be what its value says of itself, in any spelling. */
static bool check_key(arena *memory, const field *first, PyObject *key, const void *item)
{
    const char *stored = (const char *)item + first->offset;
    bool same;
    if (first->kind == FIELD_SYMBOL) {
        tj_identity id;
        if (!encode_symbol(memory, key, &id)) {
            return false;
        }
        same = tj_identity_compare(id, *(const tj_identity *)stored) == 0;
    } else {
        tj_str text;
        if (!encode_text(memory, key, &text)) {
            return false;
        }
        same = tj_str_equal(text, *(const tj_str *)stored);
    }
    if (!same) {
        PyErr_Format(PyExc_ValueError, "the key %R holds a value with another %s", key,
                     first->name);
    }
    return same;
}

static bool encode_item(arena *memory, const field *member, PyObject *item, void *data)
{
    if (member->kind == FIELD_LIST) {
        return encode_record(memory, member->record, item, data);
    }
    if (member->kind == FIELD_TEXTS) {
        return item == Py_None ? wrong_type(item, "str") : encode_text(memory, item, data);
    }
    PyObject *key = PyTuple_GetItem(item, 0);
    PyObject *value = PyTuple_GetItem(item, 1);
    if (member->kind == FIELD_PRICES) {
        tj_price *price = data;
        return encode_symbol(memory, key, &price->symbol) && encode_decimal(value, &price->price);
    }
    return encode_record(memory, member->record, value, data) &&
           check_key(memory, &member->record->fields[0], key, data);
}

static size_t item_size(const field *member)
{
    switch (member->kind) {
    case FIELD_PRICES:
        return sizeof(tj_price);
    case FIELD_TEXTS:
        return sizeof(tj_str);
    default:
        return member->record->size;
    }
}

static bool encode_many(arena *memory, const field *member, PyObject *value, void *data)
{
    PyObject *items = items_of(member, value);
    size_t count = items ? (size_t)PyList_Size(items) : 0;
    char *array = items ? arena_take(memory, count * item_size(member)) : NULL;
    bool done = array;
    for (size_t i = 0; done && i < count; i++) {
        done = encode_item(memory, member, PyList_GetItem(items, (Py_ssize_t)i),
                           array + i * item_size(member));
    }
    Py_XDECREF(items);
    *(void **)((char *)data + member->offset) = array;
    *(size_t *)((char *)data + member->other) = count;
    return done;
}

/* ---- records ------------------------------------------------------------------------------- */

static bool encode_json_field(arena *memory, const field *member, PyObject *value, tj_str *out)
{
    if (value == Py_None && member->optional) {
        return true;
    }
    return encode_json(memory, value, out);
}

static bool encode_text_field(arena *memory, const field *member, PyObject *value, tj_str *out)
{
    if (value == Py_None && !member->optional) {
        return wrong_type(value, "str");
    }
    return encode_text(memory, value, out);
}

static bool encode_value(arena *memory, const field *member, PyObject *value, void *data)
{
    void *into = (char *)data + member->offset;
    if (member->optional && member->other != NO_OTHER) {
        *(bool *)((char *)data + member->other) = value != Py_None;
        if (value == Py_None) {
            return true;
        }
    }
    switch (member->kind) {
    case FIELD_TEXT:
        return encode_text_field(memory, member, value, into);
    case FIELD_SYMBOL:
        return encode_symbol(memory, value, into);
    case FIELD_DECIMAL:
        return encode_decimal(value, into);
    case FIELD_TIME:
        return encode_time(value, into);
    case FIELD_CHOICE:
        return encode_choice(member, value, into);
    case FIELD_FLAG:
        *(bool *)into = value == Py_True;
        return PyBool_Check(value) || wrong_type(value, "bool");
    case FIELD_NUMBER:
        return encode_number(value, into);
    case FIELD_UUID:
        return encode_uuid(value, into);
    case FIELD_JSON:
        return encode_json_field(memory, member, value, into);
    case FIELD_RECORD:
        return encode_record(memory, member->record, value, into);
    default:
        return encode_many(memory, member, value, data);
    }
}

/* Puts the field's name before the message of the exception that is set. */
static void name_the_field(const record *kind, const field *member)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *arguments = PyObject_GetAttrString(value, "args");
    if (arguments && PyTuple_Check(arguments) && PyTuple_Size(arguments) > 0 &&
        PyUnicode_Check(PyTuple_GetItem(arguments, 0)) &&
        !PyErr_GivenExceptionMatches(type, PyExc_UnicodeError)) {
        PyObject *named = PyUnicode_FromFormat("%s.%s: %U", kind->name, member->name,
                                               PyTuple_GetItem(arguments, 0));
        PyObject *renewed = named ? PyTuple_Pack(1, named) : NULL;
        if (renewed) {
            PyObject_SetAttrString(value, "args", renewed);
        }
        Py_XDECREF(renewed);
        Py_XDECREF(named);
    }
    Py_XDECREF(arguments);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

bool encode_record(arena *memory, const record *kind, PyObject *value, void *data)
{
    if (PyObject_IsInstance(value, (PyObject *)kind->type) != 1) {
        return wrong_type(value, kind->name);
    }
    for (size_t i = 0; i < kind->count; i++) {
        const field *member = &kind->fields[i];
        PyObject *attribute = PyObject_GetAttr(value, member->attribute);
        bool done = attribute && encode_value(memory, member, attribute, data);
        Py_XDECREF(attribute);
        if (!done) {
            name_the_field(kind, member);
            return false;
        }
    }
    return true;
}
