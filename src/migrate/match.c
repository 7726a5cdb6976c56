/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Proving a JSON value by its bytes. The value leads: it says what type comes next, and the bytes
 * must be what that type and value encode to. Without it there is no telling where they end.
 */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "base/error.h"
#include "migrate/bincode.h"
#include "json/dom.h"

typedef struct matching {
    tj__reader in;
    locale_t plain; /* where the decimal point is a point */
    bool no_memory;
} matching;

static bool match_value(matching *m, const tj__json_node *node);

static bool next_is(matching *m, const void *data, size_t size)
{
    tj__bytes found = tj__get_bytes(&m->in, size);
    return !m->in.failed && (size == 0 || memcmp(found.data, data, size) == 0);
}

static bool match_u64(matching *m, uint64_t value)
{
    return tj__get_u64(&m->in) == value && !m->in.failed;
}

static bool match_text(matching *m, tj_str text)
{
    return match_u64(m, text.size) && next_is(m, text.data, text.size);
}

/* The number as serde_json holds it: u64, else i64, else f64; -0 is a float. */
static uint64_t number_bits(const matching *m, tj_str number)
{
    char copy[512];
    char *end = NULL;
    double real = 0;
    uint64_t bits = 0;
    size_t size = number.size < sizeof copy - 1 ? number.size : sizeof copy - 1;
    memcpy(copy, number.data, size);
    copy[size] = '\0';
    if (!strpbrk(copy, ".eE") && strcmp(copy, "-0") != 0) {
        errno = 0;
        bits = copy[0] == '-' ? (uint64_t)strtoll(copy, &end, 10) : strtoull(copy, &end, 10);
        if (errno == 0) {
            return bits;
        }
    }
    real = strtod_l(copy, &end, m->plain);
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static bool match_array(matching *m, const tj__json_node *array)
{
    if (!match_u64(m, array->count)) {
        return false;
    }
    for (const tj__json_node *each = array->first; each; each = each->next) {
        if (!match_value(m, each)) {
            return false;
        }
    }
    return true;
}

/* The member that the next key names and that was not used yet. It is mostly the next one. */
static const tj__json_node *take_member(const tj__json_node *object, tj_str name,
                                        const tj__json_node *likely, size_t likely_at, bool *used)
{
    if (likely && !used[likely_at] && tj_str_equal(likely->name, name)) {
        used[likely_at] = true;
        return likely;
    }
    size_t at = 0;
    for (const tj__json_node *each = object->first; each; each = each->next, at++) {
        if (!used[at] && tj_str_equal(each->name, name)) {
            used[at] = true;
            return each;
        }
    }
    return NULL;
}

static bool match_members(matching *m, const tj__json_node *object, bool *used)
{
    const tj__json_node *likely = object->first;
    for (size_t i = 0; i < object->count; i++) {
        uint64_t size = tj__get_u64(&m->in);
        if (m->in.failed || size > m->in.rest.size) {
            return false;
        }
        tj__bytes key = tj__get_bytes(&m->in, (size_t)size);
        tj_str name = {(const char *)key.data, key.size};
        const tj__json_node *member = take_member(object, name, likely, i, used);
        if (!member || !match_value(m, member)) {
            return false;
        }
        likely = likely ? likely->next : NULL;
    }
    return true;
}

static bool match_object(matching *m, const tj__json_node *object)
{
    if (!match_u64(m, object->count)) {
        return false;
    }
    bool *used = calloc(object->count + 1, sizeof *used);
    m->no_memory = m->no_memory || !used;
    bool matches = used && match_members(m, object, used);
    free(used);
    return matches;
}

static bool match_value(matching *m, const tj__json_node *node)
{
    switch (node->type) {
    case TJ__JSON_NULL:
        return true;
    case TJ__JSON_BOOLEAN:
        return next_is(m, node->truth ? "\1" : "\0", 1);
    case TJ__JSON_NUMBER:
        return match_u64(m, number_bits(m, node->text));
    case TJ__JSON_STRING:
        return match_text(m, node->text);
    case TJ__JSON_ARRAY:
        return match_array(m, node);
    case TJ__JSON_OBJECT:
        return match_object(m, node);
    }
    TJ_ASSERT(false);
    return false;
}

tj_status tj__bincode_match(tj_str json, tj__bytes bytes, bool *matches, size_t *size,
                            tj_error *error)
{
    tj__json_doc *doc = NULL;
    matching m = {.in = {.rest = bytes}, .plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (m.plain == (locale_t)0) {
        return tj__fail(error, TJ_NOMEM, "no memory to compare a strategy's state");
    }
    tj_status status = tj__json_parse(json, "strategy_state",
                                      TJ__JSON_SHAPE_LEVELS(TJ_JSON_DEPTH_MAX), &doc, error);
    if (status == TJ_OK) {
        *matches = match_value(&m, doc->root);
        *size = bytes.size - m.in.rest.size;
        status = m.no_memory ? tj__fail(error, TJ_NOMEM, "no memory to compare a strategy's state")
                             : TJ_OK;
    }
    tj__json_doc_free(doc);
    freelocale(m.plain);
    return status;
}
