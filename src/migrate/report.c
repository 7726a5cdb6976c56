/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reports as JSON. */
#include <inttypes.h>
#include <stdlib.h>

#include <tesser/migrate.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "json/check.h"

static void put_name(tj__buffer *out, const char *name)
{
    uint8_t last = out->size > 0 ? out->data[out->size - 1] : '{';
    tj__put_cstr(out, last == '{' || last == '[' ? "" : ",");
    tj__put_format(out, "\"%s\":", name);
}

/* A path may be no UTF-8, which JSON must be: its bytes are then taken for characters. */
static void put_bytes_as_text(tj__buffer *out, tj_str text)
{
    tj__put_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        tj__put_format(out, "\\u%04x", (unsigned)(unsigned char)text.data[i]);
    }
    tj__put_u8(out, '"');
}

static void put_text(tj__buffer *out, const char *name, tj_str text)
{
    put_name(out, name);
    if (!text.data) {
        tj__put_cstr(out, "null");
    } else if (tj__text_is_utf8(text)) {
        tj__json_put_string(out, text);
    } else {
        put_bytes_as_text(out, text);
    }
}

static void put_number(tj__buffer *out, const char *name, uint64_t number)
{
    put_name(out, name);
    tj__put_format(out, "%" PRIu64, number);
}

static void put_truth(tj__buffer *out, const char *name, bool truth)
{
    put_name(out, name);
    tj__put_cstr(out, truth ? "true" : "false");
}

static void put_hex(tj__buffer *out, const char *name, tj_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    put_name(out, name);
    tj__put_u8(out, '"');
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        tj__put_u8(out, (uint8_t)digits[byte >> 4]);
        tj__put_u8(out, (uint8_t)digits[byte & 15]);
    }
    tj__put_u8(out, '"');
}

static void open_list(tj__buffer *out, const char *name)
{
    put_name(out, name);
    tj__put_u8(out, '[');
}

static void open_item(tj__buffer *out)
{
    tj__put_cstr(out, out->data && out->data[out->size - 1] == '[' ? "{" : ",{");
}

static void put_notes(tj__buffer *out, const char *name, const tj_report_note *notes, size_t count)
{
    open_list(out, name);
    for (size_t i = 0; i < count; i++) {
        open_item(out);
        put_text(out, "source", notes[i].source);
        put_text(out, "what", notes[i].what);
        put_text(out, "reason", notes[i].reason);
        tj__put_u8(out, '}');
    }
    tj__put_u8(out, ']');
}

static const char *kind_name(tj_source_kind kind)
{
    static const char *const names[] = {[TJ_SOURCE_LMDB] = "lmdb",
                                        [TJ_SOURCE_SQLITE] = "sqlite",
                                        [TJ_SOURCE_SNAPSHOT] = "snapshot",
                                        [TJ_SOURCE_ALGOS] = "algorithms",
                                        [TJ_SOURCE_LEDGER] = "ledger"};
    return names[kind];
}

static void put_sources(tj__buffer *out, const tj_import_report *report)
{
    open_list(out, "sources");
    for (size_t i = 0; i < report->source_count; i++) {
        const tj_import_source *source = &report->sources[i];
        open_item(out);
        put_text(out, "path", source->path);
        put_text(out, "kind", tj_str_of(kind_name(source->kind)));
        put_text(out, "layout", source->layout);
        put_truth(out, "state", source->has_state);
        put_number(out, "algorithms", source->algo_count);
        put_number(out, "ledger_entries", source->ledger_count);
        put_number(out, "quarantined", source->quarantined_count);
        tj__put_u8(out, '}');
    }
    tj__put_u8(out, ']');
}

static void put_quarantined(tj__buffer *out, const tj_import_report *report)
{
    open_list(out, "quarantined");
    for (size_t i = 0; i < report->quarantined_count; i++) {
        const tj_quarantined *item = &report->quarantined[i];
        open_item(out);
        put_text(out, "name", item->name);
        put_text(out, "source", item->source);
        put_text(out, "reason", item->reason);
        put_hex(out, "raw_hex", item->raw);
        tj__put_u8(out, '}');
    }
    tj__put_u8(out, ']');
}

static void put_state(tj__buffer *out, const tj_import_report *report)
{
    put_name(out, "state");
    if (!report->has_state) {
        tj__put_cstr(out, "null");
        return;
    }
    tj__put_u8(out, '{');
    put_number(out, "open_orders", report->open_order_count);
    put_number(out, "positions", report->position_count);
    put_number(out, "balances", report->balance_count);
    put_number(out, "last_prices", report->last_price_count);
    put_truth(out, "strategy_state", report->has_strategy_state);
    put_number(out, "unqualified_codes", report->unqualified_count);
    tj__put_u8(out, '}');
}

static void put_import(tj__buffer *out, const tj_import_report *report)
{
    tj__put_u8(out, '{');
    put_text(out, "book", report->book);
    put_truth(out, "dry_run", report->dry_run);
    if (!report->dry_run) {
        put_number(out, "seq", report->sequence);
    }
    put_sources(out, report);
    put_state(out, report);
    put_number(out, "algorithms", report->algo_count);
    put_number(out, "ledger_entries", report->ledger_count);
    put_number(out, "ledger_entries_kept", report->ledger_kept_count);
    put_quarantined(out, report);
    put_notes(out, "remarks", report->remarks, report->remark_count);
    put_notes(out, "lost", report->lost, report->lost_count);
    put_notes(out, "repeated", report->repeated, report->repeated_count);
    tj__put_u8(out, '}');
}

static void put_export(tj__buffer *out, const tj_export_report *report)
{
    tj__put_u8(out, '{');
    put_text(out, "book", report->book);
    put_text(out, "directory", report->directory);
    put_truth(out, "dry_run", report->dry_run);
    put_number(out, "seq", report->sequence);
    put_number(out, "open_orders", report->open_order_count);
    put_number(out, "positions", report->position_count);
    put_number(out, "algorithms", report->algo_count);
    put_number(out, "ledger_entries", report->ledger_count);
    put_number(out, "qualified_codes", report->qualified_count);
    put_notes(out, "lost", report->lost, report->lost_count);
    put_number(out, "need_force", report->refused_count);
    tj__put_u8(out, '}');
}

/* Takes the buffer's memory, with a NUL behind the text. */
static tj_status finish(tj__buffer *buffer, tj_text *out, tj_error *error)
{
    tj__put_u8(buffer, 0);
    if (buffer->failed) {
        tj__buffer_dispose(buffer);
        return tj__fail(error, TJ_NOMEM, "no memory to write a report");
    }
    *out = (tj_text){(char *)buffer->data, buffer->size - 1};
    return TJ_OK;
}

tj_status tj_import_report_to_json(const tj_import_report *report, tj_text *out, tj_error *error)
{
    tj__buffer buffer = {0};
    if (!report || !out) {
        return tj__fail(error, TJ_MISUSE, "no report, or no place to return the text in");
    }
    *out = (tj_text){NULL, 0};
    put_import(&buffer, report);
    return finish(&buffer, out, error);
}

tj_status tj_export_report_to_json(const tj_export_report *report, tj_text *out, tj_error *error)
{
    tj__buffer buffer = {0};
    if (!report || !out) {
        return tj__fail(error, TJ_MISUSE, "no report, or no place to return the text in");
    }
    *out = (tj_text){NULL, 0};
    put_export(&buffer, report);
    return finish(&buffer, out, error);
}
