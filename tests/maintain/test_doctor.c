/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A checkup: what is measured, what is wrong, and the command that mends it. */
#include "journal/journal_fixture.h"

#include <sys/resource.h>

#include "backup/note.h"
#include "store/store.h"
#include "support/orphan.h"

#include "journal/child.h"

static tj_checkup *look(fixture *f)
{
    tj_checkup *checkup = NULL;
    assert_ok(tj_doctor(&f->config, NULL, &checkup, &err));
    assert_non_null(checkup);
    return checkup;
}

/* The item of a name with this text in its sentence; it must be there. */
static const tj_checkup_item *item_of(const tj_checkup *checkup, const char *name, const char *text)
{
    for (size_t i = 0; i < checkup->count; i++) {
        const tj_checkup_item *item = &checkup->items[i];
        if (tj_str_equal(item->name, tj_str_of(name)) && strstr(item->sentence.data, text)) {
            return item;
        }
    }
    for (size_t i = 0; i < checkup->count; i++) {
        printf("%s: %s\n", checkup->items[i].name.data, checkup->items[i].sentence.data);
    }
    fail_msg("no item %s with \"%s\"", name, text);
    return NULL;
}

static void assert_item(fixture *f, const char *name, tj_health health, const char *text,
                        const char *command)
{
    tj_checkup *checkup = look(f);
    const tj_checkup_item *item = item_of(checkup, name, text);
    assert_int_equal(item->health, health);
    if (command) {
        assert_non_null(item->command.data);
        if (!strstr(item->command.data, command)) {
            fail_msg("\"%s\" lacks: %s", item->command.data, command);
        }
    } else {
        assert_null(item->command.data);
    }
    tj_checkup_free(checkup);
}

/* ---- what is well ---------------------------------------------------------------------------- */

static const char *const names[] = {"journal",  "writer",      "readers",   "clock",  "history",
                                    "data.mdb", "file system", "mount",     "flush",  "space",
                                    "inodes",   "permissions", "leftovers", "limits", "versions"};

static void everything_is_looked_at_and_nothing_is_changed(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 3);
    char *before = digest(f->path);
    tj_checkup *checkup = look(f);
    char *after = digest(f->path);
    assert_string_equal(after, before);
    free(before);
    free(after);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)item_of(checkup, names[i], "");
    }
    assert_int_equal(item_of(checkup, "journal", "its newest commit is 3")->health, TJ_HEALTH_OK);
    assert_int_equal(item_of(checkup, "writer", "no process writes")->health, TJ_HEALTH_OK);
    (void)item_of(checkup, "flush", " ms");
    (void)item_of(checkup, "versions", tj_version());
    tj_checkup_free(checkup);
}

static void flushes_need_not_be_measured(void **state)
{
    fixture *f = *state;
    tj_doctor_options options = TJ_DOCTOR_OPTIONS_INIT;
    tj_checkup *checkup = NULL;
    options.skip_flush = true;
    open_and_save(f, 1, 1);
    assert_ok(tj_doctor(&f->config, &options, &checkup, &err));
    for (size_t i = 0; i < checkup->count; i++) {
        assert_false(tj_str_equal(checkup->items[i].name, TJ_STR("flush")));
    }
    tj_checkup_free(checkup);
}

static void a_writer_is_named_and_its_limits_are_looked_at(void **state)
{
    fixture *f = *state;
    char text[64];
    open_and_save(f, 1, 1);
    child writer = child_start("save", f->path, "2");
    child_expect(&writer, "saved");
    snprintf(text, sizeof text, "process %lld writes to it", (long long)writer.pid);
    assert_item(f, "writer", TJ_HEALTH_OK, text, NULL);
    snprintf(text, sizeof text, "the writer, process %lld,", (long long)writer.pid);
    assert_item(f, "limits", TJ_HEALTH_OK, text, NULL);
    assert_item(f, "journal", TJ_HEALTH_OK, "its newest commit is 3", NULL);
    child_kill(&writer);
}

/* ---- what is not ----------------------------------------------------------------------------- */

static void a_damaged_journal_is_looked_at_too(void **state)
{
    fixture *f = *state;
    char command[PATH_TEXT_SIZE + 64];
    open_and_save(f, 1, 3);
    shell("rm %s/data.mdb", f->path);
    f->damaged = true;
    snprintf(command, sizeof command, "tesser-journal verify -j %s --deep", f->path);
    assert_item(f, "journal", TJ_HEALTH_WRONG, "data.mdb", command);
    assert_item(f, "clock", TJ_HEALTH_UNKNOWN, "cannot be opened", NULL);
    assert_item(f, "space", TJ_HEALTH_OK, "are free", NULL);
    assert_item(f, "versions", TJ_HEALTH_OK, "SQLite", NULL);
    tj_checkup *checkup = look(f);
    assert_int_equal(checkup->health, TJ_HEALTH_WRONG);
    tj_checkup_free(checkup);
}

static void a_copy_is_told(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 3);
    shell("cp -r %s %s.copy && rm -r %s && mv %s.copy %s", f->path, f->path, f->path, f->path,
          f->path);
    assert_item(f, "writer", TJ_HEALTH_WARNING, "is a copy", "tesser-journal restore");
    assert_item(f, "writer", TJ_HEALTH_WARNING,
                "of a damaged one `tesser-journal repair` keeps more", "tesser-journal restore");
}

static int child_look_on(const char *path)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    tj__reading reading;
    config.path = path;
    config.read_only = true;
    child_must(tj_store_open(&config, &store, &error), &error);
    child_must(tj__reading_begin_all(&reading, store, &error), &error);
    say("open");
    return child_wait();
}

static void slots_of_the_dead_are_counted(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 3);
    child reader = child_start("look", f->path, "");
    child_expect(&reader, "open");
    child_kill(&reader);
    assert_item(f, "readers", TJ_HEALTH_OK, "1 of 1022 reader slots are taken, 1 of them by dead",
                NULL);
}

static void modes_and_leftovers_are_told(void **state)
{
    fixture *f = *state;
    char command[PATH_TEXT_SIZE + 64];
    open_and_save(f, 1, 3);
    shell("chmod o+w %s/data.mdb", f->path);
    snprintf(command, sizeof command, "chmod -R o-w %s", f->path);
    assert_item(f, "permissions", TJ_HEALTH_WARNING, "everybody may write to", command);
    shell("chmod o-w %s/data.mdb", f->path);
    assert_item(f, "permissions", TJ_HEALTH_OK, "all files belong to", NULL);
    shell("mkdir %s/creating %s.restoring-12345678", f->path, f->path);
    assert_item(f, "leftovers", TJ_HEALTH_OK, "unfinished file", NULL);
    snprintf(command, sizeof command, "rm -r %s.restoring-12345678", f->path);
    assert_item(f, "leftovers", TJ_HEALTH_WARNING, "was building", command);
    shell("rmdir %s.restoring-12345678", f->path);
}

static void the_age_of_backups_is_told(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    char command[2 * PATH_TEXT_SIZE + 64];
    snprintf(path, sizeof path, "%s/backup", f->directory);
    open_and_save(f, 1, 3);
    snprintf(command, sizeof command, "tesser-journal backup -j %s DIRECTORY", f->path);
    assert_item(f, "backup", TJ_HEALTH_WARNING, "knows of none", command);
    fixture_open(f);
    assert_ok(tj_backup(f->store, path, NULL, NULL, &err));
    fixture_close(f);
    snprintf(command, sizeof command, "tesser-journal backup verify -j %s %s", f->path, path);
    assert_item(f, "backup", TJ_HEALTH_WARNING, "none was restored for a proof", command);
    tj_time old = tj_time_now() - INT64_C(5) * 86400 * 1000000000;
    tj__backup_note note = {.made = {.sequence = 3, .at = old}};
    snprintf(note.made.directory, sizeof note.made.directory, "%s", path);
    shell("rm %s/backups", f->path);
    assert_ok(tj__backup_note_add(f->path, &note.made, NULL, 0, &err));
    snprintf(command, sizeof command, "tesser-journal backup -j %s %s", f->path, path);
    assert_item(f, "backup", TJ_HEALTH_WARNING, "is 5 days old", command);
}

static void limits_that_are_too_low_are_wrong(void **state)
{
    fixture *f = *state;
    int status = 0;
    open_and_save(f, 1, 3);
    fflush(NULL);
    pid_t pid = fork_dependent();
    if (pid == 0) {
        struct rlimit low = {4096, 4096};
        (void)setrlimit(RLIMIT_FSIZE, &low);
        signal(SIGXFSZ, SIG_IGN);
        assert_item(f, "limits", TJ_HEALTH_WRONG, "may not make a file larger than 4.0 KiB",
                    "ulimit -f unlimited");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_log_that_may_outgrow_the_disk_is_told(void **state)
{
    fixture *f = *state;
    open_and_save(f, 1, 3);
    f->config.lmdb.history_size_bytes = (uint64_t)1 << 60;
    assert_item(f, "history", TJ_HEALTH_WARNING, "and may grow to 1.0 EiB", "tesser-journal prune");
    f->config.lmdb.history_size_bytes = (uint64_t)1 << 20;
    assert_item(f, "history", TJ_HEALTH_OK, "it is too early to tell", NULL);
}

static void wrong_calls_are_refused(void **state)
{
    fixture *f = *state;
    tj_checkup *checkup = NULL;
    tj_config memory = TJ_CONFIG_INIT;
    tj_doctor_options options = TJ_DOCTOR_OPTIONS_INIT;
    memory.type = TJ_ENGINE_MEMORY;
    assert_refused(tj_doctor(&f->config, NULL, &checkup, &err), TJ_NOT_FOUND,
                   "there is no journal at");
    assert_null(checkup);
    assert_refused(tj_doctor(&memory, NULL, &checkup, &err), TJ_UNSUPPORTED, "in memory");
    assert_refused(tj_doctor(NULL, NULL, &checkup, &err), TJ_MISUSE, "no configuration");
    assert_refused(tj_doctor(&f->config, NULL, NULL, &err), TJ_MISUSE, "no place");
    options.struct_size = 1;
    assert_refused(tj_doctor(&f->config, &options, &checkup, &err), TJ_MISUSE,
                   "TJ_DOCTOR_OPTIONS_INIT");
    tj_checkup_free(NULL);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[2], "save") == 0) {
        return child_save(argv[3], argv[4], TJ_DURABILITY_SYNC);
    }
    if (argc == 5 && strcmp(argv[2], "look") == 0) {
        return child_look_on(argv[3]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(everything_is_looked_at_and_nothing_is_changed),
        JOURNAL_TEST(flushes_need_not_be_measured),
        JOURNAL_TEST(a_writer_is_named_and_its_limits_are_looked_at),
        JOURNAL_TEST(a_damaged_journal_is_looked_at_too),
        JOURNAL_TEST(a_copy_is_told),
        JOURNAL_TEST(slots_of_the_dead_are_counted),
        JOURNAL_TEST(modes_and_leftovers_are_told),
        JOURNAL_TEST(the_age_of_backups_is_told),
        JOURNAL_TEST(limits_that_are_too_low_are_wrong),
        JOURNAL_TEST(a_log_that_may_outgrow_the_disk_is_told),
        JOURNAL_TEST(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
