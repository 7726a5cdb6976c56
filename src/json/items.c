/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Arrays of the caller in the order of their identities, and errors that name a step. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "json/encode.h"

#define PATH_SIZE 320

static size_t put_step(const tj__json_step *step, char out[PATH_SIZE])
{
    size_t used = step->up ? put_step(step->up, out) : 0;
    if (!step->up) {
        return 0;
    }
    char quote[TJ__QUOTE_SIZE];
    int more = 0;
    if (step->name.data && step->name.size <= TJ__QUOTE_TEXT_MAX) {
        more = snprintf(out + used, PATH_SIZE - used, "%s%.*s", used ? "." : "",
                        (int)step->name.size, step->name.data);
    } else if (step->name.data) {
        more = snprintf(out + used, PATH_SIZE - used, "[%s]", tj__text_quote(step->name, quote));
    } else {
        more = snprintf(out + used, PATH_SIZE - used, "[%zu]", step->index);
    }
    used += more > 0 ? (size_t)more : 0;
    return used < PATH_SIZE ? used : PATH_SIZE - 1;
}

tj_status tj__json_fail_step(tj__json_output *out, const tj__json_step *step, tj_status status,
                             const char *format, ...)
{
    char path[PATH_SIZE] = "";
    char message[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    size_t used = put_step(step, path);
    (void)tj__fail(out->error, status, "%s%s%s", path, used ? ": " : "", message);
    tj__error_place(out->error, "%s", path);
    return status;
}

tj_status tj__json_relay_step(tj__json_output *out, const tj__json_step *step, tj_status status)
{
    return status == TJ_OK
               ? TJ_OK
               : tj__json_fail_step(out, step, status, "%s", out->error ? out->error->message : "");
}

static int by_key(const void *a, const void *b)
{
    const tj__json_item *left = a;
    const tj__json_item *right = b;
    return tj__str_compare(left->key, right->key);
}

/* The canonical text of an identity member: in the buffer, or the member's own text. */
static tj_status key_of(const tj__json_field *identity, const char *value,
                        char buffer[TJ__JSON_KEY_SIZE], tj_str *key, tj_error *error)
{
    const void *at = value + identity->offset;
    size_t size = 0;
    if (identity->kind == TJ__JSON_IDENTITY) {
        TJ_TRY(tj__identity_check(*(const tj_identity *)at, error));
        size = tj_identity_format(*(const tj_identity *)at, buffer);
    } else if (identity->kind == TJ__JSON_EXCHANGE) {
        TJ_TRY(tj__exchange_canonical(*(const tj_str *)at, buffer, &size, error));
    } else if (identity->kind == TJ__JSON_UUID) {
        tj_uuid_format(*(const tj_uuid *)at, buffer);
        size = TJ_UUID_TEXT_SIZE - 1;
    } else {
        *key = *(const tj_str *)at;
        return TJ_OK;
    }
    *key = (tj_str){buffer, size};
    return TJ_OK;
}

static tj_status find_repeat(tj__json_output *out, const tj__json_step *step,
                             const tj__json_field *identity, const tj__json_item *items,
                             size_t count)
{
    char quote[TJ__QUOTE_SIZE];
    for (size_t i = 1; i < count; i++) {
        if (tj_str_equal(items[i - 1].key, items[i].key)) {
            return tj__json_fail_step(out, step, TJ_INVALID, "%s %s stands twice",
                                      identity->name.data, tj__text_quote(items[i].key, quote));
        }
    }
    return TJ_OK;
}

static tj_status fail_nomem(tj__json_output *out, const tj__json_step *step)
{
    return tj__json_fail_step(out, step, TJ_NOMEM, "no memory left while writing JSON");
}

/* Sets the key of an item; canonical text is kept in the scratch arena. */
static tj_status set_key(tj__json_output *out, const tj__json_step *step,
                         const tj__json_field *identity, tj__json_item *item)
{
    char buffer[TJ__JSON_KEY_SIZE];
    const tj__json_step element = {step, {NULL, 0}, item->index};
    TJ_TRY(tj__json_relay_step(out, &element,
                               key_of(identity, item->value, buffer, &item->key, out->error)));
    if (item->key.data == buffer) {
        item->key = tj__arena_str(out->scratch, item->key);
        return item->key.data ? TJ_OK : fail_nomem(out, step);
    }
    return TJ_OK;
}

tj_status tj__json_sort_items(tj__json_output *out, const tj__json_step *step,
                              const tj__json_field *identity, const void *array, size_t count,
                              size_t size, tj__json_item **items)
{
    if (!array && count > 0) {
        return tj__json_fail_step(out, step, TJ_MISUSE, "it is NULL, and should hold %zu", count);
    }
    tj__json_item *list = tj__arena_array(out->scratch, count, sizeof *list);
    if (!list) {
        return fail_nomem(out, step);
    }
    for (size_t i = 0; i < count; i++) {
        list[i].value = (const char *)array + i * size;
        list[i].index = i;
        TJ_TRY(set_key(out, step, identity, &list[i]));
    }
    if (count > 1) {
        qsort(list, count, sizeof *list, by_key);
    }
    *items = list;
    return find_repeat(out, step, identity, list, count);
}
