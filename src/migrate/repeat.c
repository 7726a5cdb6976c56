/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Finds keys that stand twice, takes the answer from the options, and writes the map anew. */
#include "migrate/repeat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "migrate/stale.h"
#include "json/check.h"
#include "json/dom.h"
#include "json/schema.h"

#define PLACE_SIZE (TJ_EXCHANGE_SIZE_MAX * 2 + 64)
/* Bytes of a value that the error shows. */
#define SHOWN_SIZE_MAX 120

typedef struct member {
    const tj__json_node *node;
    char key[TJ__JSON_KEY_SIZE]; /* canonical; "" when it is none */
    size_t index;                /* in the map */
    size_t occurrence;           /* among those with its key, from 1 */
    bool repeated;
    tj_str left_out; /* why an option leaves it out; absent: it stays */
} member;

typedef struct resolving {
    tj__gathering *all;
    size_t source;
    tj__json_doc *doc;
    tj__buffer *out;
    const tj__json_node *portfolio; /* NULL when there is none */
    const char *copied_to;          /* what stands before it in the text is in out */
    size_t unresolved;              /* keys that no rule resolves, each of them noted */
} resolving;

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for the members of a snapshot");
}

/* ---- finding repeats ----------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const member *left = a;
    const member *right = b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int by_index(const void *a, const void *b)
{
    const member *left = a;
    const member *right = b;
    return (left->index > right->index) - (left->index < right->index);
}

/* Numbers the members under each key; returns how many stand under a repeated one. */
static size_t number_members(member *members, size_t count)
{
    size_t repeated = 0;
    qsort(members, count, sizeof *members, by_key);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && members[i].key[0] && !strcmp(members[i].key, members[i - 1].key);
        bool more =
            i + 1 < count && members[i].key[0] && !strcmp(members[i].key, members[i + 1].key);
        members[i].occurrence = again ? members[i - 1].occurrence + 1 : 1;
        members[i].repeated = again || more;
        repeated += members[i].repeated;
    }
    return repeated;
}

static member *members_of(const tj__json_node *map)
{
    member *members = calloc(map->count + 1, sizeof *members);
    size_t index = 0;
    for (const tj__json_node *each = map->first; each && members; each = each->next) {
        tj_identity id;
        members[index].node = each;
        members[index].index = index;
        if (tj_identity_parse(each->name, &id, NULL) == TJ_OK) {
            (void)tj_identity_format(id, members[index].key);
        }
        index++;
    }
    return members;
}

/* ---- complaining --------------------------------------------------------------------------- */

static void show_value(tj__buffer *out, tj_str value)
{
    size_t size = value.size < SHOWN_SIZE_MAX ? value.size : SHOWN_SIZE_MAX;
    tj__put_bytes(out, value.data, size);
    tj__put_cstr(out, size < value.size ? "..." : "");
}

/* In the report: last_prices.BTCUSDT: 2 values: #1 "2.20", #2 "1.10"; say ... with --map ... --map
 * ... */
static tj_status complain(resolving *r, const char *place, const member *first, size_t count,
                          tj_error *error)
{
    tj__buffer text = {0};
    char what[PLACE_SIZE + TJ__JSON_KEY_SIZE + 2];
    tj_report_note note = {.source = tj__gathering_source(r->all, r->source)->path};
    tj_identity id;
    TJ_TRY(tj_identity_parse(tj_str_of(first->key), &id, error));
    r->unresolved++;
    (void)snprintf(what, sizeof what, "%s.%s", place, first->key);
    tj__put_format(&text, "%zu values: ", count);
    for (size_t i = 0; i < count; i++) {
        tj__put_format(&text, "%s#%zu ", i > 0 ? ", " : "", i + 1);
        show_value(&text, first[i].node->raw);
    }
    tj__put_cstr(&text, "; say which is which with");
    for (size_t i = 0; i < count; i++) {
        tj__put_format(&text, " --map %s#%zu=EXCHANGE:%.*s", what, i + 1, (int)id.code.size,
                       id.code.data);
    }
    tj_str whole = {(const char *)text.data, text.size};
    tj_status status =
        text.failed ? no_memory(error) : tj__gathering_keep(r->all, whole, &note.reason, error);
    tj__buffer_dispose(&text);
    TJ_TRY(status);
    TJ_TRY(tj__gathering_keep(r->all, tj_str_of(what), &note.what, error));
    return tj__gathering_add(&r->all->repeated, &note, sizeof note, error);
}

/* Whether --map says of each member under a key what it is; one that alone is not left out needs no
 * telling apart. */
static bool is_mapped(const resolving *r, const char *place, const member *first, size_t count)
{
    tj_identity code = {{NULL, 0}, {NULL, 0}};
    size_t mapped = 0;
    size_t left_out = 0;
    if (tj_identity_parse(tj_str_of(first->key), &code, NULL) != TJ_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const tj__map_rule *rule =
            tj__rule_of_repeat(r->all, tj_str_of(place), code, first[i].occurrence);
        mapped += rule != NULL;
        left_out += rule && rule->leave_out;
    }
    return mapped == count || left_out + 1 == count;
}

/* Leaves out what the options say is stale; complains when they do not tell. */
static tj_status decide(resolving *r, const char *place, member *first, size_t count,
                        tj_error *error)
{
    tj__stale stale;
    tj_identity code;
    TJ_TRY(tj_identity_parse(tj_str_of(first->key), &code, error));
    const tj__json_node **nodes = calloc(count, sizeof *nodes);
    if (!nodes) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        nodes[i] = first[i].node;
    }
    tj_status status = tj__stale_decide(r->all, tj_str_of(place), code.code, r->portfolio, nodes,
                                        count, &stale, error);
    free(nodes);
    TJ_TRY(status);
    if (!stale.decided) {
        return complain(r, place, first, count, error);
    }
    for (size_t i = 0; i < count; i++) {
        if (i != stale.kept) {
            TJ_TRY(tj__gathering_keep(r->all, tj_str_of(stale.why), &first[i].left_out, error));
        }
    }
    return TJ_OK;
}

/* Settles each repeated key of a map. members are sorted by key. */
static tj_status settle_map(resolving *r, const char *place, member *members, size_t count,
                            tj_error *error)
{
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && members[i].repeated && !strcmp(members[i].key, members[end].key)) {
            end++;
        }
        if (members[i].repeated && !is_mapped(r, place, &members[i], end - i)) {
            TJ_TRY(decide(r, place, &members[i], end - i, error));
        }
        i = end;
    }
    return TJ_OK;
}

/* ---- rewriting ----------------------------------------------------------------------------- */

/* The value with its own symbol or currency replaced, if it is an object that has one. */
static void put_value(tj__buffer *out, const tj__json_node *value, tj_str identity)
{
    const tj__json_node *own = tj__json_find(value, TJ_STR("symbol"));
    if (!own) {
        own = tj__json_find(value, TJ_STR("currency"));
    }
    if (!own) {
        tj__put_str(out, value->raw);
        return;
    }
    const char *end = value->raw.data + value->raw.size;
    const char *behind = own->raw.data + own->raw.size;
    tj__put_bytes(out, value->raw.data, (size_t)(own->raw.data - value->raw.data));
    tj__json_put_string(out, identity);
    tj__put_bytes(out, behind, (size_t)(end - behind));
}

static tj_status put_member(resolving *r, const char *place, const member *each, bool *first,
                            tj_error *error)
{
    char target[TJ_IDENTITY_TEXT_SIZE];
    tj_identity code;
    const tj__map_rule *rule = NULL;
    if (each->repeated) {
        TJ_TRY(tj_identity_parse(tj_str_of(each->key), &code, error));
        rule = tj__rule_of_repeat(r->all, tj_str_of(place), code, each->occurrence);
    }
    if ((rule && rule->leave_out) || each->left_out.data) {
        char what[PLACE_SIZE + TJ_IDENTITY_TEXT_SIZE + 32];
        (void)snprintf(what, sizeof what, "%s.%s#%zu", place, each->key, each->occurrence);
        size_t shown = each->node->raw.size < 400 ? each->node->raw.size : 400;
        return tj__gathering_note(r->all, &r->all->lost, r->source, tj_str_of(what), error,
                                  "left out by %s; its value: %.*s",
                                  each->left_out.data ? each->left_out.data : "--map", (int)shown,
                                  each->node->raw.data);
    }
    tj__put_cstr(r->out, *first ? "" : ",");
    *first = false;
    if (!rule) {
        tj__put_str(r->out, tj__json_raw_name(r->doc, each->node));
        tj__put_u8(r->out, ':');
        tj__put_str(r->out, each->node->raw);
        return TJ_OK;
    }
    (void)tj_identity_format(rule->target, target);
    tj__json_put_string(r->out, tj_str_of(target));
    tj__put_u8(r->out, ':');
    put_value(r->out, each->node, tj_str_of(target));
    return TJ_OK;
}

static tj_status rewrite_map(resolving *r, const char *place, const tj__json_node *map,
                             member *members, tj_error *error)
{
    bool first = true;
    qsort(members, map->count, sizeof *members, by_index);
    tj__put_bytes(r->out, r->copied_to, (size_t)(map->raw.data - r->copied_to));
    tj__put_u8(r->out, '{');
    for (size_t i = 0; i < map->count; i++) {
        TJ_TRY(put_member(r, place, &members[i], &first, error));
    }
    tj__put_u8(r->out, '}');
    r->copied_to = map->raw.data + map->raw.size;
    return TJ_OK;
}

static tj_status resolve_map(resolving *r, const char *place, const tj__json_node *map,
                             tj_error *error)
{
    if (!map || map->type != TJ__JSON_OBJECT) {
        return TJ_OK;
    }
    member *members = members_of(map);
    if (!members) {
        return no_memory(error);
    }
    tj_status status = TJ_OK;
    if (number_members(members, map->count) > 0) {
        status = settle_map(r, place, members, map->count, error);
        status = status == TJ_OK ? rewrite_map(r, place, map, members, error) : status;
    }
    free(members);
    return status;
}

/* ---- the maps of a snapshot, in the order of the text -------------------------------------- */

static tj_status resolve_owner(resolving *r, const char *prefix, const tj__json_node *owner,
                               tj_error *error);

static tj_status resolve_sub_accounts(resolving *r, const tj__json_node *accounts, tj_error *error)
{
    for (const tj__json_node *each = accounts->first; each; each = each->next) {
        char prefix[PLACE_SIZE];
        (void)snprintf(
            prefix, sizeof prefix, "sub_accounts.%.*s.",
            (int)(each->name.size < TJ_EXCHANGE_SIZE_MAX ? each->name.size : TJ_EXCHANGE_SIZE_MAX),
            each->name.data);
        TJ_TRY(resolve_owner(r, prefix, each, error));
    }
    return TJ_OK;
}

static tj_status resolve_owner(resolving *r, const char *prefix, const tj__json_node *owner,
                               tj_error *error)
{
    bool portfolio = prefix[0] == '\0';
    for (const tj__json_node *each = owner->first; each; each = each->next) {
        char place[PLACE_SIZE + 16];
        bool map = tj_str_equal(each->name, TJ_STR("positions")) ||
                   tj_str_equal(each->name, TJ_STR("balances"));
        if (map) {
            (void)snprintf(place, sizeof place, "%s%.*s", prefix, (int)each->name.size,
                           each->name.data);
            TJ_TRY(resolve_map(r, place, each, error));
        } else if (portfolio && each->type == TJ__JSON_OBJECT &&
                   tj_str_equal(each->name, TJ_STR("sub_accounts"))) {
            TJ_TRY(resolve_sub_accounts(r, each, error));
        }
    }
    return TJ_OK;
}

static tj_status resolve_all(resolving *r, const tj__json_node *root, tj_error *error)
{
    for (const tj__json_node *each = root->first; each; each = each->next) {
        if (tj_str_equal(each->name, TJ_STR("portfolio")) && each->type == TJ__JSON_OBJECT) {
            TJ_TRY(resolve_owner(r, "", each, error));
        } else if (tj_str_equal(each->name, TJ_STR("last_prices"))) {
            TJ_TRY(resolve_map(r, "last_prices", each, error));
        }
    }
    return TJ_OK;
}

/* All of them when they fit into a sentence; the report has them in any case. */
static tj_status refuse(const resolving *r, tj_error *error)
{
    const char *path = tj__gathering_source(r->all, r->source)->path.data;
    const tj_report_note *notes = TJ__ITEMS(tj_report_note, r->all->repeated);
    const char *advice =
        r->all->again ? "(=- instead of an exchange leaves that one out)"
                      : "(=- instead of an exchange leaves that one out; where one venue has a "
                        "code twice, --newest or --exchange leave out the stale one)";
    size_t size = notes[0].what.size + notes[0].reason.size;
    if (r->unresolved == 1 && size < TJ_ERROR_MESSAGE_SIZE / 2) {
        return tj__fail(error, TJ_INVALID, "%s: %s holds %s %s", path, notes[0].what.data,
                        notes[0].reason.data, advice);
    }
    return tj__fail(error, TJ_INVALID,
                    "%s holds %zu codes more than once, of which the report tells, beginning with "
                    "%s: say which is which with --map %s",
                    path, r->unresolved, notes[0].what.data, advice);
}

static tj_status finish(resolving *r, tj_str json, tj_error *error)
{
    if (r->out->failed) {
        return no_memory(error);
    }
    if (r->unresolved > 0) {
        return refuse(r, error);
    }
    if (r->out->size > 0) {
        tj__put_bytes(r->out, r->copied_to, (size_t)(json.data + json.size - r->copied_to));
    }
    return r->out->failed ? no_memory(error) : TJ_OK;
}

tj_status tj__repeats_resolve(tj__gathering *all, size_t source, tj_str json, tj__buffer *out,
                              tj_error *error)
{
    tj__json_doc *doc = NULL;
    tj_status status =
        tj__json_parse(json, NULL, TJ__JSON_SHAPE_STRUCT(&tj__json_live_state), &doc, NULL);
    if (status != TJ_OK) {
        return TJ_OK; /* whoever decodes it says what is wrong, better than could be said here */
    }
    resolving r = {.all = all, .source = source, .doc = doc, .out = out, .copied_to = json.data};
    r.portfolio = tj__json_find(doc->root, TJ_STR("portfolio"));
    status = doc->root->type == TJ__JSON_OBJECT ? resolve_all(&r, doc->root, error) : TJ_OK;
    if (status == TJ_OK) {
        status = finish(&r, json, error);
    }
    tj__json_doc_free(doc);
    return status;
}
