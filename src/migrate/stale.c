/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Decides by the exchange's own sub-account, or by the newer time. */
#include "migrate/stale.h"

#include <stdio.h>

#include <tesser/time.h>

#include "base/error.h"
#include "migrate/same.h"

static const tj__json_node *member_of(const tj__json_node *object, tj_str name)
{
    return object ? tj__json_find(object, name) : NULL;
}

/* ---- --exchange: what the exchange's own sub-account holds ----------------------------------- */

static const tj__json_node *sub_account(const tj__json_node *portfolio, const char *exchange)
{
    const tj__json_node *accounts = member_of(portfolio, TJ_STR("sub_accounts"));
    for (const tj__json_node *each = accounts ? accounts->first : NULL; each; each = each->next) {
        if (tj__exchange_same(each->name, tj_str_of(exchange))) {
            return each;
        }
    }
    return NULL;
}

/* The one value under this code. */
static const tj__json_node *only_value(const tj__json_node *map, tj_str code)
{
    const tj__json_node *found = NULL;
    for (const tj__json_node *each = map ? map->first : NULL; each; each = each->next) {
        tj_identity id;
        if (tj_identity_parse(each->name, &id, NULL) != TJ_OK || !tj_str_equal(id.code, code)) {
            continue;
        }
        if (found) {
            return NULL;
        }
        found = each;
    }
    return found;
}

static tj_status by_exchange(const char *exchange, const tj__json_node *held,
                             const tj__json_node *const *members, size_t count, tj__stale *out,
                             tj_error *error)
{
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = false;
        TJ_TRY(tj__json_text_same(members[i]->raw, held->raw, &same, error));
        out->kept = same ? i : out->kept;
        matches += same;
    }
    out->decided = matches == 1;
    (void)snprintf(out->why, sizeof out->why, "--exchange: #%zu is what sub-account %.80s holds",
                   out->kept + 1, exchange);
    return TJ_OK;
}

/* ---- --newest -------------------------------------------------------------------------------- */

static bool time_of(const tj__json_node *member, tj_time *time)
{
    const tj__json_node *at = member_of(member, TJ_STR("updated_at"));
    return at && at->type == TJ__JSON_STRING && tj_time_parse(at->text, time, NULL) == TJ_OK;
}

static void by_time(const tj__json_node *const *members, size_t count, tj__stale *out)
{
    tj_time newest = 0;
    bool tied = false;
    for (size_t i = 0; i < count; i++) {
        tj_time time = 0;
        if (!time_of(members[i], &time)) {
            return;
        }
        tied = i > 0 && (time == newest || (tied && time < newest));
        if (i == 0 || time > newest) {
            newest = time;
            out->kept = i;
        }
    }
    out->decided = !tied;
    (void)snprintf(out->why, sizeof out->why, "--newest: #%zu was updated later", out->kept + 1);
}

tj_status tj__stale_decide(const tj__gathering *all, tj_str map, tj_str code,
                           const tj__json_node *portfolio, const tj__json_node *const *members,
                           size_t count, tj__stale *out, tj_error *error)
{
    const tj_import_options *options = all->options;
    const tj__json_node *accounts = member_of(portfolio, TJ_STR("sub_accounts"));
    *out = (tj__stale){.kept = 0};
    if (accounts && accounts->count > 1) {
        return TJ_OK; /* several venues: each may have its own */
    }
    if (options->exchange) {
        const tj__json_node *account = sub_account(portfolio, options->exchange);
        const tj__json_node *held = only_value(member_of(account, map), code);
        if (held) {
            TJ_TRY(by_exchange(options->exchange, held, members, count, out, error));
        }
    }
    if (!out->decided && options->newest && tj_str_equal(map, TJ_STR("last_prices"))) {
        *out = (tj__stale){.decided = true, .kept = TJ__STALE_NONE};
        (void)snprintf(
            out->why, sizeof out->why,
            "--newest: nothing tells which price is newer, and the next tick brings one");
    } else if (!out->decided && options->newest) {
        by_time(members, count, out);
    }
    return TJ_OK;
}
