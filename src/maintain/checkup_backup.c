/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How old the backups are that the journal knows of. */
#include <inttypes.h>

#include <tesser/time.h>

#include "backup/note.h"
#include "maintain/checkup.h"

#define DAY_NS INT64_C(86400000000000)
#define MINUTE_NS INT64_C(60000000000)
/* What a person would want to have again. */
#define AGE_MAX_DAYS 2
/* A backup is good because it was restored, now and then. */
#define PROOF_AGE_MAX_DAYS 30

static int64_t days_since(tj_time then)
{
    int64_t age = tj_time_now() - then;
    return age > 0 ? age / DAY_NS : 0;
}

/* Made under a clock that was ahead; or it is behind now. */
static bool is_to_come(tj_time then)
{
    return then - tj_time_now() > MINUTE_NS;
}

static void tell_future(tj__examinee *x, const tj__noted_backup *backup, const char *command)
{
    char time[TJ_TIME_TEXT_SIZE];
    tj_time_format(backup->at, time);
    tj__checkup_add(x, "backup", TJ_HEALTH_WARNING,
                    tj__checkup_command(x, "tesser-journal %s -j %s %s", command,
                                        tj__checkup_word(x, x->path),
                                        tj__checkup_word(x, backup->directory)),
                    "the newest, in %s, is of %s, which is still to come: the clock was wrong "
                    "then, or is now, and its age is not known",
                    backup->directory, time);
}

static void judge(tj__examinee *x, const tj__backup_note *note)
{
    int64_t age = days_since(note->made.at);
    const char *directory = note->made.directory;
    if (is_to_come(note->made.at)) {
        tell_future(x, &note->made, "backup");
    } else if (is_to_come(note->proven.at)) {
        tell_future(x, &note->proven, "backup verify");
    } else if (age > AGE_MAX_DAYS) {
        tj__checkup_add(x, "backup", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal backup -j %s %s",
                                            tj__checkup_word(x, x->path),
                                            tj__checkup_word(x, directory)),
                        "the newest, in %s, is %" PRId64 " days old, of commit %" PRIu64, directory,
                        age, note->made.sequence);
    } else if (note->proven.at == 0 || days_since(note->proven.at) > PROOF_AGE_MAX_DAYS) {
        tj__checkup_add(x, "backup", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal backup verify -j %s %s",
                                            tj__checkup_word(x, x->path),
                                            tj__checkup_word(x, directory)),
                        "the newest, in %s, is of commit %" PRIu64
                        ", and none was restored for a proof in the last %d days",
                        directory, note->made.sequence, PROOF_AGE_MAX_DAYS);
    } else {
        tj__checkup_add(x, "backup", TJ_HEALTH_OK, NULL,
                        "the newest, in %s, is of commit %" PRIu64 ", and one of commit %" PRIu64
                        " was proven",
                        directory, note->made.sequence, note->proven.sequence);
    }
}

void tj__checkup_backup(tj__examinee *x)
{
    tj__backup_note note;
    tj__backup_note_read(x->path, &note);
    if (note.made.at != 0) {
        judge(x, &note);
    } else if (x->has_info && x->info.sequence == 0) {
        tj__checkup_add(x, "backup", TJ_HEALTH_OK, NULL, "there is no commit to back up yet");
    } else {
        tj__checkup_add(x, "backup", TJ_HEALTH_WARNING,
                        tj__checkup_command(x, "tesser-journal backup -j %s DIRECTORY",
                                            tj__checkup_word(x, x->path)),
                        "the journal knows of none");
    }
}
