/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Findings: a bounded list in one arena. */
#include "repair/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "rows/key.h"

static tj_finding *add(tj__findings *findings, tj_finding_kind kind, const char *sentence)
{
    findings->damaged = findings->damaged || kind == TJ_FINDING_DAMAGE;
    findings->unchecked = findings->unchecked || kind == TJ_FINDING_UNCHECKED;
    if (findings->items.size >= TJ__FINDINGS_MAX * sizeof(tj_finding)) {
        findings->left_out++;
        return NULL;
    }
    tj_finding finding = {.kind = kind,
                          .sentence = tj__arena_str(findings->arena, tj_str_of(sentence))};
    if (!finding.sentence.data) {
        findings->items.failed = true;
        return NULL;
    }
    tj__put_bytes(&findings->items, &finding, sizeof finding);
    return findings->items.failed
               ? NULL
               : (tj_finding *)(void *)(findings->items.data + findings->items.size) - 1;
}

tj_finding *tj__findings_add(tj__findings *findings, tj_finding_kind kind, const char *format, ...)
{
    char sentence[2 * TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return add(findings, kind, sentence);
}

tj_finding *tj__findings_add_error(tj__findings *findings, tj_finding_kind kind,
                                   const tj_error *error)
{
    tj_finding *finding = add(findings, kind, error->message);
    char place[TJ_ERROR_PLACE_SIZE];
    snprintf(place, sizeof place, "%s", error->place);
    char *colon = strrchr(place, ':');
    bool has_offset = colon && colon[1] >= '0' && colon[1] <= '9';
    uint64_t offset = has_offset ? strtoull(colon + 1, NULL, 10) : 0;
    if (has_offset) {
        *colon = '\0';
    }
    if (place[0] != '\0') {
        tj__finding_at(findings, finding, place, offset);
    }
    tj__finding_because(findings, finding, error->os_errno);
    return finding;
}

void tj__finding_because(tj__findings *findings, const tj_finding *finding, int os_errno)
{
    bool denied = os_errno == EACCES || os_errno == EPERM;
    bool passing = os_errno == EMFILE || os_errno == ENFILE;
    if (finding && denied && !findings->denied.data) {
        findings->denied = finding->sentence;
    }
    if (finding && passing && !findings->passing.data) {
        findings->passing = finding->sentence;
    }
}

static tj_str keep(const tj__findings *findings, const char *text)
{
    return tj__arena_str(findings->arena, tj_str_of(text)); /* absent when memory is short */
}

void tj__finding_at(const tj__findings *findings, tj_finding *finding, const char *file,
                    uint64_t offset)
{
    if (finding) {
        finding->file = keep(findings, file);
        finding->offset = offset;
    }
}

void tj__finding_about(const tj__findings *findings, tj_finding *finding, tj__bytes row_key,
                       uint64_t sequence)
{
    char text[TJ__KEY_TEXT_SIZE];
    if (finding) {
        tj__key_describe(row_key, text);
        finding->key = keep(findings, text);
        finding->sequence_first = finding->sequence_last = sequence;
    }
}

bool tj__findings_failed(const tj__findings *findings)
{
    return findings->items.failed;
}

bool tj__findings_settle(tj__findings *findings, tj_finding **out, size_t *count)
{
    *count = findings->items.size / sizeof(tj_finding);
    *out = tj__arena_array(findings->arena, *count, sizeof(tj_finding));
    if (!*out || findings->items.failed) {
        return false;
    }
    if (*count > 0) {
        memcpy(*out, findings->items.data, findings->items.size);
    }
    return true;
}

void tj__findings_dispose(tj__findings *findings)
{
    tj__buffer_dispose(&findings->items);
}
