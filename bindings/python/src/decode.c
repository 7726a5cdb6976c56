/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Values of the library as Python objects. */
#include "native.h"

#include <time.h>

#define NS_PER_S 1000000000

static const void *at(const void *data, size_t offset)
{
    return (const char *)data + offset;
}

static PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

PyObject *decode_text(tj_str text)
{
    return text.data ? PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "strict") : none();
}

static PyObject *decode_symbol(const tj_identity *id)
{
    char text[TJ_IDENTITY_TEXT_SIZE];
    size_t size = tj_identity_format(*id, text);
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)size);
}

static PyObject *decode_decimal(tj_decimal value)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    size_t size = tj_decimal_format(value, text);
    return PyObject_CallFunction(python.decimal, "s#", text, (Py_ssize_t)size);
}

PyObject *decode_uuid(tj_uuid id)
{
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    return PyObject_CallFunction(python.uuid, "s", text);
}

/* By the form in which datetime pickles itself: a third of the time of its other constructors. */
PyObject *decode_time(tj_time time)
{
    bool before = time % NS_PER_S < 0; /* the earliest second begins before the earliest time */
    time_t seconds = (time_t)(time / NS_PER_S - before);
    unsigned micros = (unsigned)((time % NS_PER_S + (before ? NS_PER_S : 0)) / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    int year = utc.tm_year + 1900;
    const char bytes[10] = {(char)(year >> 8), (char)year,           (char)(utc.tm_mon + 1),
                            (char)utc.tm_mday, (char)utc.tm_hour,    (char)utc.tm_min,
                            (char)utc.tm_sec,  (char)(micros >> 16), (char)(micros >> 8),
                            (char)micros};
    PyObject *made =
        PyObject_CallFunction(python.time, "y#O", bytes, (Py_ssize_t)sizeof bytes, python.utc);
    PyObject *ns = made ? PyLong_FromLongLong(time) : NULL;
    if (!ns || PyObject_SetAttrString(made, "_ns", ns) < 0) {
        Py_CLEAR(made);
    }
    Py_XDECREF(ns);
    return made;
}

static PyObject *decode_json(tj_str text)
{
    return text.data
               ? PyObject_CallFunction(python.json_loads, "s#", text.data, (Py_ssize_t)text.size)
               : none();
}

static PyObject *decode_choice(const field *member, int chosen)
{
    return chosen == 0 ? none() : PyUnicode_InternFromString(member->names[chosen - 1]);
}

PyObject *decode_list(const record *kind, const void *data, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *item = decode_record(kind, at(data, i * kind->size));
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *decode_map(const record *kind, const void *data, size_t count)
{
    PyObject *map = PyDict_New();
    for (size_t i = 0; map && i < count; i++) {
        PyObject *item = decode_record(kind, at(data, i * kind->size));
        PyObject *key = item ? PyObject_GetAttr(item, kind->fields[0].attribute) : NULL;
        if (!key || PyDict_SetItem(map, key, item) < 0) {
            Py_CLEAR(map);
        }
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return map;
}

static PyObject *decode_prices(const tj_price *prices, size_t count)
{
    PyObject *map = PyDict_New();
    for (size_t i = 0; map && i < count; i++) {
        PyObject *key = decode_symbol(&prices[i].symbol);
        PyObject *price = key ? decode_decimal(prices[i].price) : NULL;
        if (!price || PyDict_SetItem(map, key, price) < 0) {
            Py_CLEAR(map);
        }
        Py_XDECREF(key);
        Py_XDECREF(price);
    }
    return map;
}

static PyObject *decode_texts(const tj_str *texts, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *text = decode_text(texts[i]);
        if (!text || PyList_SetItem(list, (Py_ssize_t)i, text) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *decode_many(const field *member, const void *data)
{
    const void *items = *(void *const *)at(data, member->offset);
    size_t count = *(const size_t *)at(data, member->other);
    switch (member->kind) {
    case FIELD_LIST:
        return decode_list(member->record, items, count);
    case FIELD_MAP:
        return decode_map(member->record, items, count);
    case FIELD_PRICES:
        return decode_prices(items, count);
    default:
        return decode_texts(items, count);
    }
}

PyObject *decode_field(const field *member, const void *data)
{
    const void *value = at(data, member->offset);
    if (member->optional && member->other != NO_OTHER && !*(const bool *)at(data, member->other)) {
        return none();
    }
    switch (member->kind) {
    case FIELD_TEXT:
        return decode_text(*(const tj_str *)value);
    case FIELD_SYMBOL:
        return decode_symbol(value);
    case FIELD_DECIMAL:
        return decode_decimal(*(const tj_decimal *)value);
    case FIELD_TIME:
        return decode_time(*(const tj_time *)value);
    case FIELD_CHOICE:
        return decode_choice(member, *(const int *)value);
    case FIELD_FLAG:
        return PyBool_FromLong(*(const bool *)value);
    case FIELD_NUMBER:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)value);
    case FIELD_UUID:
        return decode_uuid(*(const tj_uuid *)value);
    case FIELD_JSON:
        return decode_json(*(const tj_str *)value);
    case FIELD_RECORD:
        return decode_record(member->record, value);
    default:
        return decode_many(member, data);
    }
}

PyObject *decode_record(const record *kind, const void *data)
{
    PyObject *made = PyType_GenericNew(kind->type, NULL, NULL);
    for (size_t i = 0; made && i < kind->count; i++) {
        PyObject *value = decode_field(&kind->fields[i], data);
        if (!value || PyObject_SetAttr(made, kind->fields[i].attribute, value) < 0) {
            Py_CLEAR(made);
        }
        Py_XDECREF(value);
    }
    return made;
}
