/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal that was copied, or put back from a copy: writer.lock bears the mark of another place.
 * The one that it was copied from may have gone on, and have handed out numbers that this one does
 * not know of. So each counter skips more than can be, once: in a commit that is durable before
 * this place's own mark replaces the other.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tesser/counter.h>

#include "base/error.h"
#include "base/layers.h"
#include "base/text.h"
#include "history/replay.h"
#include "journal/internal.h"
#include "rows/body.h"
#include "rows/value.h"

static const char note[] = "opened in another place than before, as a copy is: counters skip";

typedef struct skipping {
    tj__buffer body;
    uint32_t counters;
} skipping;

static tj_status skip(void *context, const tj__row *row, tj_error *error)
{
    skipping *s = context;
    uint8_t value[TJ__COUNTER_VALUE_SIZE] = {TJ__COUNTER_VERSION};
    uint64_t next = 0;
    TJ_TRY(tj__counter_get(row->value, &next, error));
    uint64_t room = TJ__COUNTER_MAX - next;
    tj__store_u64(value + 1, next + (room < TJ_COUNTER_COPY_SKIP ? room : TJ_COUNTER_COPY_SKIP));
    tj__change change = {TJ__CHANGE_PUT, row->key, tj__bytes_of(value, sizeof value)};
    tj__body_put(&s->body, &change);
    s->counters++;
    return s->body.failed ? tj__fail(error, TJ_NOMEM, "no memory for the counters") : TJ_OK;
}

/* Those that LMDB has, and over them what the log says behind its position. */
static tj_status scan_counters(tj__journal *journal, const tj__position *end,
                               tj__env_snapshot *snapshot, const tj__position *from,
                               tj__rowmap *newer, skipping *s, tj_error *error)
{
    static const uint8_t table = TJ__TABLE_COUNTERS;
    tj__log_reader *reader = NULL;
    tj__layers layers;
    TJ_TRY(tj__log_reader_open(journal->log_path, &journal->superblock.journal_id, from, &reader,
                               error));
    tj_status status =
        tj__replay(reader, end->sequence, TJ__TABLE_BIT(TJ__TABLE_COUNTERS), newer, error);
    tj__log_reader_close(reader);
    TJ_TRY(status);
    tj__layers_init(&layers, tj__env_snapshot_rows(snapshot), newer, end->sequence);
    return tj__rows_scan_prefix(&layers.rows, tj__bytes_of(&table, 1), false, skip, s, error);
}

static tj_status find_counters(tj__journal *journal, const tj__position *end, skipping *s,
                               tj_error *error)
{
    tj__env_snapshot *snapshot = NULL;
    tj__position from;
    tj__rowmap *newer = tj__rowmap_new();
    if (!newer) {
        return tj__fail(error, TJ_NOMEM, "no memory for the counters");
    }
    tj_status status = tj__journal_snapshot_begin(journal, &snapshot, &from, error);
    if (status == TJ_OK) {
        status = scan_counters(journal, end, snapshot, &from, newer, s, error);
    }
    tj__env_snapshot_end(snapshot);
    tj__rowmap_free(newer);
    return status;
}

static bool make_space(void *context)
{
    return tj__journal_make_space(context);
}

static tj_status append(tj__journal *journal, const tj__position *end, const skipping *s,
                        uint64_t *sequence, tj_error *error)
{
    tj__log_writer_options options = {.directory = journal->log_path,
                                      .journal_id = journal->superblock.journal_id,
                                      .epoch = journal->epoch,
                                      .segment_size = journal->config.lmdb.segment_size_bytes,
                                      .durability = TJ_DURABILITY_SYNC,
                                      .make_space = make_space,
                                      .context = journal};
    tj__commit_record commit = {.note = tj__bytes_of(note, sizeof note - 1),
                                .change_count = s->counters,
                                .body = tj__buffer_bytes(&s->body)};
    return tj__log_append_once(&options, end, &commit, sequence, error);
}

static tj_status append_or_make_space(tj__journal *journal, const tj__position *end,
                                      const skipping *s, uint64_t *sequence, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    tj_status status = append(journal, end, s, sequence, &failure);
    while (status == TJ_FULL && tj__journal_make_space(journal)) {
        status = append(journal, end, s, sequence, &failure);
    }
    return status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}

static void tell(const tj__journal *journal, bool skipped, uint64_t sequence)
{
    char word[TJ__WORD_SIZE];
    char skips[160] = "";
    if (skipped) {
        snprintf(skips, sizeof skips,
                 "So that no number is handed out twice, its counters skip %" PRIu64
                 " numbers (commit %" PRIu64 "). ",
                 TJ_COUNTER_COPY_SKIP, sequence);
    }
    tj__trace(&journal->config, TJ_TRACE_WARNING,
              "%s is a copy, or was put back from one: its writer.lock was written in another "
              "place. %sThe original, if there is one, has the same "
              "journal id; `tesser-journal restore %s --into NEW` makes another journal of it",
              journal->path, skips, tj__word(journal->path, word));
}

tj_status tj__journal_skip_counters(tj__journal *journal, const tj__position *end, bool *skipped,
                                    tj_error *error)
{
    skipping s = {{0}, 0};
    uint64_t sequence = 0;
    tj_status status = find_counters(journal, end, &s, error);
    if (status == TJ_OK && s.counters > 0) {
        status = append_or_make_space(journal, end, &s, &sequence, error);
    }
    tj__buffer_dispose(&s.body);
    TJ_TRY(status);
    *skipped = s.counters > 0;
    tell(journal, *skipped, sequence);
    return TJ_OK;
}
