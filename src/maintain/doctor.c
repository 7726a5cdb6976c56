/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A checkup: what a journal stands on, and how it does. Nothing is judged that was not measured. */
#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "base/text.h"
#include "journal/journal.h"
#include "maintain/checkup.h"
#include "store/store.h"

static tj_status no_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "no memory for a checkup");
}

static tj_status fill(tj__examinee *x, tj_checkup *checkup, tj_error *error)
{
    TJ_TRY(tj__error_pass(error, &x->failure));
    checkup->path = tj__arena_str(x->arena, tj_str_of(x->path));
    checkup->health = x->worst;
    checkup->count = x->items.size / sizeof *checkup->items;
    checkup->items = tj__arena_alloc(x->arena, x->items.size);
    if (x->failed || x->items.failed || !checkup->path.data || !checkup->items) {
        return no_memory(error);
    }
    memcpy(checkup->items, x->items.data, x->items.size);
    return TJ_OK;
}

static tj_status look_at_directory(tj__examinee *x, tj_checkup *checkup, tj_error *error)
{
    char word[TJ__WORD_SIZE];
    bool there = false;
    struct stat found;
    TJ_TRY(tj__journal_path(x->config->path, x->path, sizeof x->path, error));
    TJ_TRY(tj__path_look(x->path, &there, &found, error));
    if (!there || !S_ISDIR(found.st_mode)) {
        return tj__fail(error, TJ_NOT_FOUND,
                        "there is no journal at %s: `tesser-journal init -j %s` creates one",
                        x->path, tj__word(x->path, word));
    }
    tj__checkup_journal(x);
    tj__checkup_backup(x);
    tj__checkup_disk(x);
    tj__checkup_files(x);
    tj__checkup_process(x);
    return fill(x, checkup, error);
}

static tj_status look(tj__examinee *x, tj_checkup *checkup, tj_error *error)
{
    if (x->config->type != TJ_ENGINE_POSTGRES) {
        return look_at_directory(x, checkup, error);
    }
    tj__checkup_server(x);
    return fill(x, checkup, error);
}

tj_status tj_doctor(const tj_config *config, const tj_doctor_options *options, tj_checkup **report,
                    tj_error *error)
{
    tj_config complete;
    tj_doctor_options own = TJ_DOCTOR_OPTIONS_INIT;
    if (!config || !report) {
        return tj__fail(error, TJ_MISUSE,
                        "no configuration says which journal is meant, or there is no place to "
                        "return the report in");
    }
    *report = NULL;
    if (options) {
        TJ_TRY(
            tj__sized_read(options, &own, "the doctor's options", "TJ_DOCTOR_OPTIONS_INIT", error));
    }
    TJ_TRY(tj__config_complete(config, &complete, error));
    if (complete.type == TJ_ENGINE_MEMORY || (complete.type == TJ_ENGINE_LMDB && !complete.path)) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "only a journal that has a path or a server can be looked at: a store in "
                        "memory has none");
    }
    void *object = NULL;
    tj__examinee x = {.config = &complete, .measure_flush = !own.skip_flush, .worst = TJ_HEALTH_OK};
    x.arena = tj__arena_new(sizeof(tj_checkup), &object);
    if (!x.arena) {
        return no_memory(error);
    }
    tj_status status = look(&x, object, error);
    tj__buffer_dispose(&x.items);
    if (status != TJ_OK) {
        tj__arena_free_object(object);
        return status;
    }
    *report = object;
    return TJ_OK;
}

void tj_checkup_free(tj_checkup *checkup)
{
    tj__arena_free_object(checkup);
}
