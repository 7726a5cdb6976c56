/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From record to record and from segment to segment, with a reason where there is no next one. */
#include "log/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/tail.h"
#include "log/window.h"

/*
 * Beside a live writer the bytes at the position may be a record that is being written: a torn view
 * of it fails its checksum, as a torn record on disk does. Only bytes read during the same call are
 * judged as the end of the log; bytes from an older block are read again first. So a call made
 * after a record is known to be written finds it.
 */
struct tj__log_reader {
    char *directory;
    tj_uuid journal_id;
    tj__position position;
    tj__window window; /* of the position's segment; not open before the first read */
    bool begun;        /* the segment's header was read and belongs here */
    tj__segment_header header;
    uint64_t end_ordinal;       /* of a segment that is not to be read */
    tj__record seal;            /* that was followed last */
    tj__segment_opener *opener; /* NULL: the files of a journal */
    void *opener_context;
    char why[TJ_ERROR_MESSAGE_SIZE];
};

static bool possible_position(const tj__position *position)
{
    return position->ordinal >= 1 && position->ordinal <= TJ__ORDINAL_MAX &&
           position->offset >= TJ__SEGMENT_HEADER_SIZE && position->offset % TJ__RECORD_ALIGN == 0;
}

tj_status tj__log_reader_open(const char *directory, const tj_uuid *journal_id,
                              const tj__position *from, tj__log_reader **out, tj_error *error)
{
    *out = NULL;
    if (!possible_position(from)) {
        return tj__fail(error, TJ_CORRUPT,
                        "segment %" PRIu64 ", offset %" PRIu64 " is no place of a record",
                        from->ordinal, from->offset);
    }
    tj__log_reader *reader = malloc(sizeof *reader);
    if (!reader) {
        return tj__fail(error, TJ_NOMEM, "no memory to read the log %s", directory);
    }
    *reader = (tj__log_reader){.directory = strdup(directory),
                               .journal_id = *journal_id,
                               .position = *from,
                               .end_ordinal = TJ__ORDINAL_MAX + UINT64_C(1),
                               .window = TJ__WINDOW_INIT};
    tj_status status = TJ_OK;
    if (!reader->directory) {
        status = tj__fail(error, TJ_NOMEM, "no memory to read the log %s", directory);
        goto done;
    }
    status = tj__segment_path(reader->window.path, directory, from->ordinal, error);

done:
    if (status != TJ_OK) {
        tj__log_reader_close(reader);
        return status;
    }
    *out = reader;
    return TJ_OK;
}

void tj__log_reader_close(tj__log_reader *reader)
{
    if (!reader) {
        return;
    }
    tj__window_dispose(&reader->window);
    free(reader->directory);
    free(reader);
}

void tj__log_reader_end_before(tj__log_reader *reader, uint64_t ordinal)
{
    reader->end_ordinal = ordinal;
}

void tj__log_reader_forget(tj__log_reader *reader)
{
    tj__window_forget(&reader->window);
}

const tj__position *tj__log_reader_position(const tj__log_reader *reader)
{
    return &reader->position;
}

void tj__log_reader_open_by(tj__log_reader *reader, tj__segment_opener *opener, void *context)
{
    reader->opener = opener;
    reader->opener_context = context;
}

const tj__segment_header *tj__log_reader_header(const tj__log_reader *reader)
{
    return &reader->header;
}

const tj__record *tj__log_reader_seal(const tj__log_reader *reader)
{
    return &reader->seal;
}

const char *tj__log_reader_path(const tj__log_reader *reader)
{
    return reader->window.path;
}

const char *tj__log_reader_why(const tj__log_reader *reader)
{
    return reader->why;
}

tj_status tj__log_reader_tail(tj__log_reader *reader, tj__log_tail *tail, tj_error *error)
{
    return tj__log_tail_scan(reader->directory, &reader->journal_id, &reader->position, tail,
                             error);
}

/* Sets why the log ends here; false, for the callers that then return it. */
TJ_PRINTF(2, 3) static bool ends(tj__log_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->why, sizeof reader->why, format, arguments);
    va_end(arguments);
    return false;
}

/* At the start of a segment: its header must continue what is before it. A segment is begun only
 * behind a seal that is durable, so no crash leaves another header: the file is from another time
 * of this log. */
static tj_status check_header_continues(const tj__log_reader *reader,
                                        const tj__segment_header *header, tj_error *error)
{
    const tj__position *position = &reader->position;
    tj_error cause = TJ_ERROR_INIT;
    if (header->chain_hash != position->hash) {
        tj__fail(&cause, TJ_CONFLICT,
                 "%s follows a segment that ends with hash %016" PRIx64
                 ", the one before it here ends with %016" PRIx64,
                 reader->window.path, header->chain_hash, position->hash);
    } else if (header->first_sequence != position->sequence + 1) {
        tj__fail(&cause, TJ_CONFLICT,
                 "%s begins with commit %" PRIu64 ", though the last one before it is %" PRIu64,
                 reader->window.path, header->first_sequence, position->sequence);
    }
    if (cause.status == TJ_OK) {
        return TJ_OK;
    }
    tj__error_place(&cause, "%s", reader->window.path);
    return tj__segment_header_misplaced(&cause, error);
}

/* What a header that cannot be used means. At the start of the records it may be one that never
 * got to the disk, and the log ends. Behind records it was on disk, so it is damage. A newer
 * version, or a whole header of another log, is never an end: somebody's records are there. */
static tj_status refuse_header(tj__log_reader *reader, const tj_error *cause, tj_error *error)
{
    if (cause->status == TJ_FORMAT_NEWER) {
        tj__fail(error, TJ_FORMAT_NEWER, "%s", cause->message);
        tj__error_place(error, "%s", reader->window.path);
        return TJ_FORMAT_NEWER;
    }
    if (cause->status == TJ_CONFLICT) {
        return tj__segment_header_misplaced(cause, error);
    }
    if (reader->position.offset == TJ__SEGMENT_HEADER_SIZE) {
        ends(reader, "%s",
             cause->status == TJ_NOT_FOUND ? "the next segment is prepared but not begun"
                                           : cause->message);
        return TJ_OK;
    }
    tj__fail(error, TJ_CORRUPT, "%s: though records stand in it before offset %" PRIu64,
             cause->message, reader->position.offset);
    tj__error_place(error, "%s", reader->window.path);
    return TJ_CORRUPT;
}

/* The log ends in a file that is shorter than it was: a segment has its whole length before it is
 * begun, and is never shortened. What is gone may have been more than the zeros behind the
 * records. */
static tj_status cut_off(const tj__log_reader *reader, uint64_t size, tj_error *error)
{
    const tj__position *position = &reader->position;
    tj__fail(error, TJ_CORRUPT,
             "%s was cut off: it has %" PRIu64 " bytes and had %" PRIu64 " or more, and commits "
             "after %" PRIu64 " may be gone with the rest: put the file back as it was, or "
             "repair the journal",
             reader->window.path, reader->window.file_size, size, position->sequence);
    tj__error_place(error, "%s:%" PRIu64, reader->window.path, reader->window.file_size);
    return TJ_CORRUPT;
}

/* Reads and checks the header of the position's segment; sets reader->begun, or why not. */
static tj_status read_header(tj__log_reader *reader, tj_error *error)
{
    tj__window *window = &reader->window;
    tj__bytes view;
    tj_error cause = TJ_ERROR_INIT;
    tj__segment_header header;
    TJ_TRY(tj__window_refresh(window, error));
    TJ_TRY(tj__window_view(window, 0, TJ__SEGMENT_HEADER_SIZE, &view, error));
    if (view.size < TJ__SEGMENT_HEADER_SIZE) {
        return cut_off(reader, TJ__SEGMENT_HEADER_SIZE, error);
    }
    if (tj__segment_header_decode(view.data, &reader->journal_id, reader->position.ordinal, &header,
                                  window->path, &cause) != TJ_OK) {
        return refuse_header(reader, &cause, error);
    }
    if (reader->position.offset == TJ__SEGMENT_HEADER_SIZE) {
        TJ_TRY(check_header_continues(reader, &header, error));
    }
    reader->header = header;
    reader->begun = true;
    /* It may have been made longer for a large record, and begun, since its length was asked
     * for. */
    return window->file_size < header.segment_size ? tj__window_refresh(window, error) : TJ_OK;
}

static tj_status open_window(const tj__log_reader *reader, uint64_t ordinal, tj__window *window,
                             tj_error *error)
{
    char path[TJ__SEGMENT_PATH_SIZE];
    int fd = -1;
    if (!reader->opener) {
        return tj__window_open(window, reader->directory, ordinal, error);
    }
    TJ_TRY(reader->opener(reader->opener_context, ordinal, path, &fd, error));
    return tj__window_take(window, fd, path, error);
}

/* Makes the position's segment ready for reading records; reader->begun says whether it is. */
static tj_status enter_segment(tj__log_reader *reader, tj_error *error)
{
    if (reader->window.fd < 0) {
        tj__window opened;
        TJ_TRY(open_window(reader, reader->position.ordinal, &opened, error));
        reader->window = opened;
    }
    return reader->begun ? TJ_OK : read_header(reader, error);
}

/* Reads what stands at the position. */
static tj_status look(tj__log_reader *reader, tj__frame_state *state, tj__record *record,
                      uint64_t *size, tj_error *error)
{
    const tj__window *window = &reader->window;
    uint64_t offset = reader->position.offset;
    uint64_t limit = window->file_size < reader->header.segment_size ? window->file_size
                                                                     : reader->header.segment_size;
    uint64_t rest = offset < limit ? limit - offset : 0;
    size_t wanted = 2 * TJ__RECORD_ALIGN;
    for (;;) {
        tj__bytes view;
        TJ_TRY(tj__window_view(&reader->window, offset, wanted, &view, error));
        view.size = view.size < rest ? view.size : (size_t)rest;
        *state = tj__record_decode(view, &reader->journal_id, reader->position.ordinal, offset,
                                   record, size);
        if (*state != TJ__FRAME_SHORT || *size > rest || *size <= wanted) {
            return TJ_OK;
        }
        wanted = (size_t)*size;
    }
}

/* As look, but never takes old bytes for the end. */
static tj_status look_anew(tj__log_reader *reader, tj__frame_state *state, tj__record *record,
                           uint64_t *size, tj_error *error)
{
    bool old = tj__window_holds(&reader->window, reader->position.offset);
    TJ_TRY(look(reader, state, record, size, error));
    if (*state == TJ__FRAME_VALID || !old) {
        return TJ_OK;
    }
    TJ_TRY(tj__window_refresh(&reader->window, error));
    return look(reader, state, record, size, error);
}

/* Whether a valid record is the one that comes next. A seal repeats the last commit's sequence and
 * time; a reader that began at the start of the segment may not know that time. */
static bool record_continues(tj__log_reader *reader, const tj__record *record)
{
    const tj__position *position = &reader->position;
    bool seal = record->type == TJ__RECORD_SEAL;
    if (record->previous_hash != position->hash) {
        return ends(reader,
                    "chain broken: the record follows one with hash %016" PRIx64
                    ", the record before it has hash %016" PRIx64,
                    record->previous_hash, position->hash);
    }
    if (record->sequence != position->sequence + !seal) {
        return ends(reader,
                    "sequence gap: the %s has sequence %" PRIu64 ", the last commit is %" PRIu64,
                    seal ? "seal" : "commit", record->sequence, position->sequence);
    }
    if (seal ? record->time < position->time : record->time <= position->time) {
        return ends(reader, "time runs back: the %s has time %" PRId64 ", the last commit %" PRId64,
                    seal ? "seal" : "commit", record->time, position->time);
    }
    return true;
}

static tj_status no_record(tj__log_reader *reader, tj__frame_state state, tj_error *error)
{
    if (!reader->opener && reader->window.file_size < reader->header.segment_size) {
        return cut_off(reader, reader->header.segment_size, error);
    }
    ends(reader, "%s", tj__frame_state_text(state));
    return TJ_OK;
}

static void pass_record(tj__log_reader *reader, const tj__record *record, uint64_t size)
{
    tj__position *position = &reader->position;
    position->sequence = record->sequence;
    position->time = record->time;
    position->hash = record->hash;
    position->epoch = record->epoch > position->epoch ? record->epoch : position->epoch;
    position->offset += size;
}

/* Goes on behind a seal. If its successor cannot be opened, the reader stays before the seal. */
static tj_status follow_seal(tj__log_reader *reader, const tj__record *seal, uint64_t size,
                             tj_error *error)
{
    tj__window successor;
    tj_status status = open_window(reader, reader->position.ordinal + 1, &successor, error);
    if (status == TJ_NOT_FOUND) {
        tj__error_context(error, "the log goes on there after sequence %" PRIu64, seal->sequence);
    }
    if (status != TJ_OK) {
        return status;
    }
    tj__window_dispose(&reader->window);
    reader->window = successor;
    reader->begun = false;
    reader->seal = *seal;
    reader->seal.body = reader->seal.note = tj__bytes_of(NULL, 0);
    pass_record(reader, seal, size);
    reader->position.ordinal++;
    reader->position.offset = TJ__SEGMENT_HEADER_SIZE;
    return TJ_OK;
}

tj_status tj__log_reader_next(tj__log_reader *reader, tj__log_next *next, tj__record *record,
                              tj_error *error)
{
    for (;;) {
        tj__frame_state state;
        tj__record found;
        uint64_t size = 0;
        if (reader->position.ordinal >= reader->end_ordinal) {
            ends(reader, "what follows is not to be read");
            break;
        }
        TJ_TRY(enter_segment(reader, error));
        if (!reader->begun) {
            break;
        }
        TJ_TRY(look_anew(reader, &state, &found, &size, error));
        if (state == TJ__FRAME_NEWER || state == TJ__FRAME_UNKNOWN) {
            return tj__record_refuse_newer(state, reader->window.path, reader->position.offset,
                                           error);
        }
        if (state != TJ__FRAME_VALID) {
            TJ_TRY(no_record(reader, state, error));
            break;
        }
        if (!record_continues(reader, &found)) {
            break;
        }
        if (found.type == TJ__RECORD_COMMIT) {
            pass_record(reader, &found, size);
            *record = found;
            *next = TJ__LOG_RECORD;
            return TJ_OK;
        }
        TJ_TRY(follow_seal(reader, &found, size, error));
    }
    *next = TJ__LOG_END;
    return TJ_OK;
}
