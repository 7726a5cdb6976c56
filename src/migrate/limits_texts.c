/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What stands in a book as JSON, and the ids of its ledger. Tesser's JSON reader stops at 128
 * levels. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "migrate/checking.h"
#include "migrate/findings.h"

#define JSON_DEPTH_MAX 127

/* ---- texts --------------------------------------------------------------------------------- */

/* How deep a valid JSON text is nested. */
static size_t depth_of(tj_str json)
{
    size_t depth = 0;
    size_t deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.size; i++) {
        char letter = json.data[i];
        if (quoted) {
            i += letter == '\\';
            quoted = letter != '"';
        } else if (letter == '"') {
            quoted = true;
        } else if (letter == '{' || letter == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (letter == '}' || letter == ']') {
            depth--;
        }
    }
    return deepest;
}

/* A text that is written as it is, and what Tesser does when it cannot read it. */
typedef struct kept_text {
    const char *what;
    tj_str json;
    size_t inside; /* levels around it where it is written */
    const char *refuses;
} kept_text;

static void note_findings(tj__checking *c, const char *what, const tj__finding *found, bool refused,
                          const char *reason)
{
    if (found->count == 0) {
        return;
    }
    char others[48] = "";
    if (found->count > 1) {
        (void)snprintf(others, sizeof others, " (%zu such in all)", found->count);
    }
    tj__checking_note(c, refused, what, "%s: %s%s", found->first, reason, others);
}

static void check_text(tj__checking *c, const kept_text *text)
{
    tj__finding found[TJ__FINDING_KINDS];
    char reason[128];
    if (!text->json.data || c->status != TJ_OK) {
        return;
    }
    if (depth_of(text->json) + text->inside > JSON_DEPTH_MAX) {
        tj__checking_note(c, true, text->what,
                          "its JSON is nested deeper than Tesser reads (%d levels); %s",
                          JSON_DEPTH_MAX, text->refuses);
    }
    c->status = tj__findings_of(text->json, found, c->error);
    (void)snprintf(reason, sizeof reason, "a larger number than Tesser reads; %s", text->refuses);
    note_findings(c, text->what, &found[TJ__FINDING_REFUSED], true, reason);
    note_findings(c, text->what, &found[TJ__FINDING_WIDE], true,
                  "an integer of more than 64 bits, which becomes a float in Tesser");
    note_findings(c, text->what, &found[TJ__FINDING_ROUNDED], true,
                  "more digits than the float keeps that it becomes in Tesser");
    note_findings(c, text->what, &found[TJ__FINDING_MINUS_ZERO], true,
                  "an integer, which becomes the float -0.0 in Tesser");
    note_findings(c, text->what, &found[TJ__FINDING_REPEATED], true,
                  "of members with one name Tesser keeps the last");
    note_findings(c, text->what, &found[TJ__FINDING_BESIDE], false,
                  "Tesser's reader takes a neighbouring float, off by one in the last bit");
}

void tj__limits_check_texts(tj__checking *c, const tj__exported *book)
{
    kept_text state = {"strategy_state", book->state->strategy_state, 1,
                       "it refuses the whole state and starts from defaults"};
    check_text(c, &state);
    for (size_t i = 0; i < book->algos->count; i++) {
        char what[TJ_UUID_TEXT_SIZE + 16] = "algorithm ";
        tj_uuid_format(book->algos->records[i].id, what + strlen(what));
        kept_text payload = {what, book->algos->records[i].state.payload, 1,
                             "it refuses all algorithms and does not start"};
        check_text(c, &payload);
    }
    for (size_t i = 0; i < book->ledger->count; i++) {
        const tj_ledger_entry *entry = &book->ledger->entries[i];
        char what[64];
        (void)snprintf(what, sizeof what, "ledger entry %" PRIu64, entry->sequence);
        kept_text meta = {what, entry->meta, 0, "it refuses every query that meets the entry"};
        check_text(c, &meta);
        if (entry->sequence > INT64_MAX) {
            tj__checking_note(c, true, what, "its sequence is above what Tesser's table holds");
        }
    }
}

/* ---- the ledger's ids ----------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const tj_ledger_entry *left = *(const tj_ledger_entry *const *)a;
    const tj_ledger_entry *right = *(const tj_ledger_entry *const *)b;
    int order = tj_uuid_compare(left->id, right->id);
    return order != 0 ? order
                      : (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void note_again(tj__checking *c, const tj_ledger_entry *entry, const tj_ledger_entry *first)
{
    char what[64];
    char id[TJ_UUID_TEXT_SIZE];
    char amount[TJ_DECIMAL_TEXT_SIZE];
    (void)snprintf(what, sizeof what, "ledger entry %" PRIu64, entry->sequence);
    tj_uuid_format(entry->id, id);
    (void)tj_decimal_format(entry->amount, amount);
    tj__checking_note(c, true, what,
                      "its id %s is that of entry %" PRIu64
                      " too, and Tesser's table holds an id once: this "
                      "one, of %s, is left out",
                      id, first->sequence, amount);
}

/* Of the entries with one id the first is written, as Tesser's own table would have it. */
void tj__limits_check_ids(tj__checking *c, tj__exported *book)
{
    size_t count = book->ledger->count;
    tj_ledger_entry **sorted = malloc((count + 1) * sizeof *sorted);
    book->left_out = calloc(count + 1, sizeof *book->left_out);
    if (!sorted || !book->left_out) {
        free(sorted);
        if (c->status == TJ_OK) {
            c->status = tj__fail(c->error, TJ_NOMEM, "no memory for the ids of %zu entries", count);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &book->ledger->entries[i];
    }
    qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (tj_uuid_compare(sorted[first]->id, sorted[i]->id) != 0) {
            first = i;
            continue;
        }
        note_again(c, sorted[i], sorted[first]);
        book->left_out[sorted[i] - book->ledger->entries] = true;
        c->report->ledger_count--;
    }
    free(sorted);
}
