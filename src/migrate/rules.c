/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --map: [PLACE.]CODE[#N]=TARGET. */
#include <stdlib.h>
#include <strings.h>

#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "migrate/gather.h"

static tj_status bad_rule(const char *text, const char *reason, tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    return tj__fail(error, TJ_INVALID,
                    "the map %s %s; it is CODE=EXCHANGE:CODE, or for the N-th member under a "
                    "repeated key PLACE.CODE#N=EXCHANGE:CODE or PLACE.CODE#N=-",
                    tj__text_quote(tj_str_of(text), quoted), reason);
}

/* A code or an identity of a map that is none, and why. */
static tj_status bad_part(const char *text, tj_str part, const char *reason, const tj_error *cause,
                          tj_error *error)
{
    char quoted[TJ__QUOTE_SIZE];
    return part.size == 0 ? bad_rule(text, reason, error)
                          : tj__fail(error, cause->status, "the map %s: %s",
                                     tj__text_quote(tj_str_of(text), quoted), cause->message);
}

/* Where the name of a map ends in "last_prices.BTCUSDT"; 0 when none stands there. A code can hold
 * points, so only the names that there are count. */
static size_t place_size(tj_str text)
{
    static const char *const names[] = {"last_prices.", "positions.", "balances."};
    size_t start = 0;
    const char sub_accounts[] = "sub_accounts.";
    if (text.size > sizeof sub_accounts &&
        !memcmp(text.data, sub_accounts, sizeof sub_accounts - 1)) {
        start = sizeof sub_accounts - 1;
        while (start < text.size && text.data[start] != '.') {
            start++;
        }
        start++;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(names[i]);
        if (start < text.size && text.size - start > size &&
            !memcmp(text.data + start, names[i], size)) {
            return start + size - 1;
        }
    }
    return 0;
}

static tj_status read_occurrence(const char *text, tj_str *code, size_t *occurrence,
                                 tj_error *error)
{
    const char *mark = memrchr(code->data, '#', code->size);
    size_t value = 0;
    if (!mark) {
        return TJ_OK;
    }
    for (const char *digit = mark + 1; digit < code->data + code->size; digit++) {
        if (*digit < '0' || *digit > '9' || value > 100000000) {
            return bad_rule(text, "has no number behind its #", error);
        }
        value = value * 10 + (size_t)(*digit - '0');
    }
    if (value == 0) {
        return bad_rule(text, "has no number from 1 on behind its #", error);
    }
    code->size = (size_t)(mark - code->data);
    *occurrence = value;
    return TJ_OK;
}

static tj_status read_rule(const char *text, tj__map_rule *rule, tj_error *error)
{
    const char *equals = strchr(text, '=');
    if (!equals) {
        return bad_rule(text, "has no =", error);
    }
    tj_str from = {text, (size_t)(equals - text)};
    tj_str to = tj_str_of(equals + 1);
    tj_error cause = TJ_ERROR_INIT;
    TJ_TRY(read_occurrence(text, &from, &rule->occurrence, error));
    size_t place = rule->occurrence > 0 ? place_size(from) : 0;
    if (place > 0) {
        rule->place = (tj_str){from.data, place};
        from = (tj_str){from.data + place + 1, from.size - place - 1};
    }
    if (tj__identity_is_ccxt(from)) {
        rule->code = (tj_identity){{NULL, 0}, from};
    } else if (tj_identity_parse(from, &rule->code, &cause) != TJ_OK) {
        return bad_part(text, from, "names no code before its =", &cause, error);
    }
    if (rule->occurrence == 0 && rule->code.exchange.size > 0) {
        return bad_rule(text, "starts from a code that has an exchange already", error);
    }
    rule->leave_out = rule->occurrence > 0 && tj_str_equal(to, TJ_STR("-"));
    const char no_target[] = "does not end in an exchange and a code";
    if (!rule->leave_out && tj_identity_parse(to, &rule->target, &cause) != TJ_OK) {
        return bad_part(text, to, no_target, &cause, error);
    }
    if (!rule->leave_out && rule->target.exchange.size == 0) {
        return bad_rule(text, no_target, error);
    }
    return TJ_OK;
}

static bool same_letters(tj_str a, tj_str b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

/* Of two that name the same, one would be passed over without a word. */
static tj_status check_once(const tj__gathering *all, const char *text, const tj__map_rule *rule,
                            tj_error *error)
{
    for (size_t i = 0; i < all->rule_count; i++) {
        const tj__map_rule *other = &all->rules[i];
        if (other->occurrence == rule->occurrence &&
            same_letters(other->code.code, rule->code.code) &&
            same_letters(other->code.exchange, rule->code.exchange) &&
            tj_str_equal(other->place, rule->place)) {
            return bad_rule(text, "names a code that another map names already", error);
        }
    }
    return TJ_OK;
}

tj_status tj__rules_read(tj__gathering *all, tj_error *error)
{
    const tj_import_options *options = all->options;
    if (options->exchange) {
        char canonical[TJ_EXCHANGE_SIZE_MAX + 1];
        size_t size = 0;
        TJ_TRY(tj__exchange_canonical(tj_str_of(options->exchange), canonical, &size, error));
        if (strchr(options->exchange, '/')) {
            return tj__fail(error, TJ_INVALID, "the exchange \"%s\" holds a slash, as none does",
                            canonical);
        }
    }
    all->rules = tj__arena_array(all->arena, options->map_count, sizeof *all->rules);
    if (!all->rules) {
        return tj__fail(error, TJ_NOMEM, "no memory for %zu maps", options->map_count);
    }
    for (size_t i = 0; i < options->map_count; i++) {
        if (!options->maps[i]) {
            return tj__fail(error, TJ_MISUSE, "map %zu is NULL", i + 1);
        }
        TJ_TRY(read_rule(options->maps[i], &all->rules[i], error));
        TJ_TRY(check_once(all, options->maps[i], &all->rules[i], error));
        all->rule_count = i + 1;
    }
    return TJ_OK;
}

const tj__map_rule *tj__rule_of_repeat(const tj__gathering *all, tj_str place, tj_identity code,
                                       size_t occurrence)
{
    for (size_t i = 0; i < all->rule_count; i++) {
        tj__map_rule *rule = &all->rules[i];
        if (rule->occurrence == occurrence && tj_identity_compare(rule->code, code) == 0 &&
            (!rule->place.data || tj_str_equal(rule->place, place))) {
            rule->used = true;
            return rule;
        }
    }
    return NULL;
}

static bool is_for(const tj__map_rule *rule, tj_str code)
{
    tj_identity id = {{NULL, 0}, code};
    return rule->occurrence == 0 &&
           (tj__identity_is_ccxt(code) ? same_letters(rule->code.code, code)
                                       : tj_identity_compare(rule->code, id) == 0);
}

const tj__map_rule *tj__rule_of_code(const tj__gathering *all, tj_str code)
{
    for (size_t i = 0; i < all->rule_count; i++) {
        if (is_for(&all->rules[i], code)) {
            all->rules[i].used = true;
            return &all->rules[i];
        }
    }
    return NULL;
}

bool tj__rules_name_ccxt(void *context, tj_str text, tj_identity *out)
{
    const tj__gathering *all = context;
    *out = (tj_identity){TJ__NAMED_LATER, text};
    return tj__identity_is_ccxt(text) && (all->options->exchange || tj__rule_of_code(all, text)) &&
           tj__identity_check(*out, NULL) == TJ_OK;
}

tj_status tj__rules_note_unused(tj__gathering *all, tj_error *error)
{
    for (size_t i = 0; i < all->rule_count; i++) {
        if (!all->rules[i].used) {
            TJ_TRY(tj__gathering_note(all, &all->remarks, SIZE_MAX,
                                      tj_str_of(all->options->maps[i]), error,
                                      "this map met nothing in the sources"));
        }
    }
    return TJ_OK;
}
