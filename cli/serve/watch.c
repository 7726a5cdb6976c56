/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * serve: what those are told who look on: the newest commit, whether a writer lives, and whether
 * the journal can be opened at all, or since when it cannot. An open one is looked at, which costs
 * little; opening one in a directory afresh walks its pages, as the next writer will.
 */
#include "serve/serve.h"

#include <stdlib.h>

#define FRESH_MS 10000
#define RETRY_MS 2000

static void let_go(journal_watch *w)
{
    if (w->open) {
        (void)journal_close(&w->journal, TJ_OK, NULL);
        w->open = false;
    }
}

void watch_end(journal_watch *w)
{
    let_go(w);
    free(w->told);
    w->told = NULL;
}

/* Of a journal in a directory nobody may have it open meanwhile, else it would be shared. */
static tj_status open_afresh(journal_watch *w, desk *d, tj_error *error)
{
    command_line *run = run_new(w->cli, w->cli->command);
    bool in_directory = w->cli->journal[0] != '\0';
    if (in_directory) {
        pthread_rwlock_wrlock(&d->gate);
    }
    let_go(w);
    tj_status status = journal_open(run, ACCESS_READ, &w->journal, error);
    if (in_directory) {
        pthread_rwlock_unlock(&d->gate);
    }
    w->open = status == TJ_OK;
    w->opened_at_ms = now_ms();
    if (!w->open) {
        (void)journal_close(&w->journal, status, NULL);
    }
    free(run);
    return status;
}

static tj_status look(journal_watch *w, desk *d, tj_store_info *info, tj_error *error)
{
    bool on_server = w->open && w->journal.config.type == TJ_ENGINE_POSTGRES;
    bool fresh = on_server || (w->open && now_ms() - w->opened_at_ms < FRESH_MS);
    tj_status status = fresh ? TJ_OK : open_afresh(w, d, error);
    return status == TJ_OK ? tj_store_info_get(w->journal.store, info, error) : status;
}

static void note(journal_watch *w, tj_status status, const tj_store_info *info)
{
    if (status == TJ_OK) {
        w->failed_at = 0;
        w->sequence = info->sequence;
    } else if (w->failed_at == 0) {
        w->failed_at = tj_time_now();
    }
}

/* One line, without the line feed that ends a document. */
static char *tell(const journal_watch *w, tj_status status, const tj_store_info *info,
                  const tj_error *error)
{
    char *text = NULL;
    size_t size = 0;
    output out = {.stream = need(open_memstream(&text, &size))};
    json_writer json = {.out = &out};
    json_open(&json, NULL, '{');
    json_text(&json, "status", tj_str_of(status == TJ_OK ? "OK" : tj_status_name(status)));
    if (status == TJ_OK) {
        json_unsigned(&json, "sequence", info->sequence);
        json_bool(&json, "writer_alive", info->writer_alive);
        json_bool(&json, "space_low", info->lmdb.space_low || reserve_in_use(info));
    } else {
        json_text(&json, "error", tj_str_of(error->message));
        json_time(&json, "since", w->failed_at);
        if (w->sequence > 0) {
            json_unsigned(&json, "sequence", w->sequence);
        }
    }
    json_close(&json, '}');
    need(fclose(out.stream) == 0 ? text : NULL);
    text[size - 1] = '\0';
    return text;
}

const char *watch_look(journal_watch *w, desk *d)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store_info info = TJ_STORE_INFO_INIT;
    if (w->told && !w->open && now_ms() - w->opened_at_ms < RETRY_MS) {
        return NULL;
    }
    tj_status status = look(w, d, &info, &error);
    note(w, status, &info);
    char *text = tell(w, status, &info, &error);
    if (status != TJ_OK) {
        let_go(w);
    }
    if (w->told && strcmp(w->told, text) == 0) {
        free(text);
        return NULL;
    }
    free(w->told);
    return w->told = text;
}
