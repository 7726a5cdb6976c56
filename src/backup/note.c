/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The words of a note, and the file that holds them. */
#include "backup/note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define MADE "made "
#define PROVEN "proven "
#define CHECKSUM "checksum "
#define CHECKSUM_SIZE (sizeof CHECKSUM - 1 + 16 + 1)
/* Two paths, each byte of which may be written as three. */
#define NOTE_SIZE_MAX ((size_t)8 * PATH_MAX)

/* ---- words --------------------------------------------------------------------------------- */

static void put_line(tj__buffer *out, const char *word, const tj__noted_backup *backup)
{
    char time[TJ_TIME_TEXT_SIZE];
    if (backup->at == 0) {
        return;
    }
    tj_time_format(backup->at, time);
    tj__put_format(out, "%s%" PRIu64 " %s ", word, backup->sequence, time);
    for (const char *at = backup->directory; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < ' ' || byte == 0x7f || byte == '%') {
            tj__put_format(out, "%%%02X", byte);
        } else {
            tj__put_u8(out, byte);
        }
    }
    tj__put_u8(out, '\n');
}

void tj__backup_note_encode(const tj__backup_note *note, tj__buffer *out)
{
    size_t start = out->size;
    put_line(out, MADE, &note->made);
    put_line(out, PROVEN, &note->proven);
    if (!out->failed) {
        uint64_t hash = tj__hash(out->data + start, out->size - start);
        tj__put_format(out, CHECKSUM "%016" PRIx64 "\n", hash);
    }
}

static bool get_directory(tj_str text, char out[PATH_MAX])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            char hex[3] = {0};
            if (text.size - i < 3) {
                return false;
            }
            memcpy(hex, text.data + i + 1, 2);
            byte = (char)strtoul(hex, NULL, 16);
            i += 2;
        }
        if (size + 1 >= PATH_MAX || byte == '\0') {
            return false;
        }
        out[size++] = byte;
    }
    out[size] = '\0';
    return size > 0;
}

/* Takes what is before the next byte `end` off the front. */
static bool get_word(tj_str *rest, char end, tj_str *word)
{
    const char *at = rest->size > 0 ? memchr(rest->data, end, rest->size) : NULL;
    if (!at) {
        return false;
    }
    *word = (tj_str){rest->data, (size_t)(at - rest->data)};
    rest->data = at + 1;
    rest->size -= word->size + 1;
    return true;
}

/* A line that begins with another word is none of ours; *out stays. */
static bool get_line(tj_str *rest, const char *word, tj__noted_backup *out)
{
    tj_str line;
    tj_str number;
    tj_str time;
    char digits[21] = {0};
    size_t size = strlen(word);
    if (rest->size < size || memcmp(rest->data, word, size) != 0) {
        return true;
    }
    if (!get_word(rest, '\n', &line)) {
        return false;
    }
    line = (tj_str){line.data + size, line.size - size};
    if (!get_word(&line, ' ', &number) || number.size == 0 || number.size >= sizeof digits ||
        !get_word(&line, ' ', &time) || tj_time_parse(time, &out->at, NULL) != TJ_OK) {
        return false;
    }
    memcpy(digits, number.data, number.size);
    out->sequence = strtoull(digits, NULL, 10);
    return get_directory(line, out->directory);
}

static bool checksum_matches(tj__bytes bytes)
{
    char expected[CHECKSUM_SIZE + 1];
    if (bytes.size < CHECKSUM_SIZE) {
        return false;
    }
    size_t size = bytes.size - CHECKSUM_SIZE;
    snprintf(expected, sizeof expected, CHECKSUM "%016" PRIx64 "\n", tj__hash(bytes.data, size));
    return memcmp(bytes.data + size, expected, CHECKSUM_SIZE) == 0;
}

bool tj__backup_note_decode(tj__bytes bytes, tj__backup_note *out)
{
    *out = (tj__backup_note){0};
    if (checksum_matches(bytes)) {
        tj_str rest = {(const char *)bytes.data, bytes.size - CHECKSUM_SIZE};
        if (get_line(&rest, MADE, &out->made) && get_line(&rest, PROVEN, &out->proven) &&
            rest.size == 0) {
            return true;
        }
    }
    *out = (tj__backup_note){0};
    return false;
}

/* ---- the file ------------------------------------------------------------------------------ */

void tj__backup_note_read(const char *journal, tj__backup_note *out)
{
    char path[PATH_MAX];
    tj__buffer bytes = {0};
    *out = (tj__backup_note){0};
    if (tj__path_join(path, sizeof path, journal, TJ__BACKUP_NOTE_NAME, NULL) == TJ_OK &&
        tj__file_read_own(path, NOTE_SIZE_MAX, &bytes, NULL) == TJ_OK) {
        (void)tj__backup_note_decode(tj__buffer_bytes(&bytes), out);
    }
    tj__buffer_dispose(&bytes);
}

static tj_status write_file(const char *path, const char *journal, const tj__buffer *bytes,
                            tj_error *error)
{
    int fd = -1;
    TJ_TRY(tj__file_create(path, O_WRONLY | O_TRUNC, journal, &fd, error));
    tj_status status = tj__file_write_at(fd, path, bytes->data, bytes->size, 0, error);
    if (status == TJ_OK) {
        status = tj__file_sync_data(fd, path, error);
    }
    tj__file_close(fd);
    return status;
}

static tj_status write_note(const char *journal, const tj__backup_note *note, tj_error *error)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    tj__buffer bytes = {0};
    TJ_TRY(tj__path_join(path, sizeof path, journal, TJ__BACKUP_NOTE_NAME, error));
    TJ_TRY(tj__path_join(temporary, sizeof temporary, journal, TJ__BACKUP_NOTE_NAME ".tmp", error));
    tj__backup_note_encode(note, &bytes);
    tj_status status = bytes.failed ? tj__fail(error, TJ_NOMEM, "no memory to write %s", path)
                                    : write_file(temporary, journal, &bytes, error);
    tj__buffer_dispose(&bytes);
    TJ_TRY(status);
    TJ_TRY(tj__file_rename(temporary, path, error));
    return tj__directory_sync(journal, error);
}

/* Whether the new one says more than what is known. The clock may have been set back. */
static bool take(tj__noted_backup *known, const tj__noted_backup *next, int64_t renew_ns)
{
    if (!next || next->at == 0 || next->sequence < known->sequence) {
        return false;
    }
    bool same = strcmp(next->directory, known->directory) == 0;
    int64_t age = next->at - known->at;
    if (same && (age == 0 || (age > 0 && age < renew_ns))) {
        return false;
    }
    *known = *next;
    return true;
}

static tj_status lock(int fd, const char *journal, tj_error *error)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return TJ_OK;
    }
    return errno == EWOULDBLOCK
               ? tj__fail(error, TJ_BUSY, "another process writes to %s/" TJ__BACKUP_NOTE_NAME,
                          journal)
               : tj__fail_errno(error, errno, "locking %s", journal);
}

/* Two backups may end at the same time. */
tj_status tj__backup_note_add(const char *journal, const tj__noted_backup *made,
                              const tj__noted_backup *proven, int64_t renew_ns, tj_error *error)
{
    int fd = -1;
    tj__backup_note note;
    TJ_TRY(tj__file_open(journal, O_RDONLY | O_DIRECTORY, &fd, error));
    tj_status status = lock(fd, journal, error);
    if (status == TJ_OK) {
        tj__backup_note_read(journal, &note);
        bool news = take(&note.made, made, renew_ns);
        news = take(&note.proven, proven, 0) || news;
        status = news ? write_note(journal, &note, error) : TJ_OK;
    }
    tj__file_close(fd);
    return status;
}
