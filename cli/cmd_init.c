/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* init: creates a journal, or a book in it. The only command that creates anything unasked. */
#include "cli.h"

#include <tesser/maintain.h>

static const option_spec print_sql_option = {
    .name = "print-sql",
    .help = "of a journal on PostgreSQL: create nothing, print what an administrator runs for it"};

typedef struct creation {
    bool journal; /* what was created */
    bool book;
    bool migrated; /* only its schema is newer than before */
} creation;

/* TJ_OK when a journal could be created here, because there is none. */
static tj_status check_absent(command_line *cli, tj_error *error)
{
    open_journal found;
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_status status = journal_open(cli, ACCESS_READ, &found, error);
    if (status == TJ_NOT_FOUND && !cli->usage) {
        return journal_close(&found, TJ_OK, error);
    }
    if (status == TJ_OK) {
        status = tj_store_info_get(found.store, &info, error);
    }
    if (status == TJ_OK) {
        status = fail(error, TJ_EXISTS,
                      "a journal is already at %s; give --book NAME to create a further book in it",
                      info.path);
    }
    return journal_close(&found, status, error);
}

/* Opens the journal that is there for a further book, or creates one. */
static tj_status open_or_create(command_line *cli, open_journal *out, creation *made,
                                tj_error *error)
{
    if (given(cli, &option_book)) {
        tj_status status = journal_open(cli, ACCESS_WRITE, out, error);
        if (status != TJ_NOT_FOUND) {
            return status;
        }
        (void)journal_close(out, status, error);
    } else {
        tj_status status = check_absent(cli, error);
        made->migrated = status == TJ_UNSUPPORTED;
        if (status != TJ_OK && !made->migrated) {
            *out = (open_journal){0};
            return status;
        }
    }
    /* What a schema of an earlier version is opened for in vain, is done by who may create one. */
    made->journal = !made->migrated;
    return journal_open(cli, ACCESS_CREATE, out, error);
}

static void tell(command_line *cli, const open_journal *journal, const creation *made,
                 const tj_store_info *info)
{
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "path", tj_str_of(info->path));
        json_uuid(&json, "journal_id", info->journal_id);
        json_bool(&json, "journal_created", made->journal);
        json_bool(&json, "book_created", made->book);
        if (made->migrated) {
            json_bool(&json, "migrated", true);
        }
        if (made->book) {
            json_text(&json, "book", tj_str_of(journal->book));
        }
        json_close(&json, '}');
        return;
    }
    if (made->journal) {
        out_line(&cli->out, "created journal %s", info->path);
    }
    if (made->migrated) {
        out_line(&cli->out, "brought the schema of %s to format version %u", info->path,
                 (unsigned)info->format_version);
    }
    if (made->book) {
        out_line(&cli->out, "created book %s in %s", journal->book, info->path);
    }
}

static tj_status print_sql(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_text text = {0};
    tj_status status = journal_configure(cli, ACCESS_READ, &journal, error);
    const char *schema = journal.config.postgres.schema;
    if (status == TJ_OK && journal.config.type != TJ_ENGINE_POSTGRES) {
        status = usage_error(cli, error, "--print-sql is for a journal on PostgreSQL");
    }
    if (status == TJ_OK) {
        status = tj_postgres_sql(schema ? schema : TJ_POSTGRES_SCHEMA_DEFAULT, &text, error);
    }
    if (status == TJ_OK) {
        out_bytes(&cli->out, (tj_str){text.data, text.size});
    }
    tj_text_dispose(&text);
    return journal_close(&journal, status, error);
}

static tj_status run_init(command_line *cli, tj_error *error)
{
    if (given(cli, &print_sql_option)) {
        return print_sql(cli, error);
    }
    open_journal journal;
    creation made = {.book = given(cli, &option_book)};
    tj_store_info info = TJ_STORE_INFO_INIT;
    tj_status status = open_or_create(cli, &journal, &made, error);
    if (status == TJ_OK && made.book) {
        status = tj_store_book_create(journal.store, journal.book, error);
    }
    if (status == TJ_OK) {
        note_durable(
            cli, made.migrated ? "%s%s%s %s is brought to this version" : "%s%s%s %s is created",
            made.book ? "book " : "journal", made.book ? journal.book : "", made.book ? " in" : "",
            journal.config.path);
    }
    if (status == TJ_OK) {
        status = tj_store_info_get(journal.store, &info, error);
    }
    if (status == TJ_OK) {
        tell(cli, &journal, &made, &info);
    }
    return journal_close(&journal, status, error);
}

const command_spec command_init = {
    .name = "init",
    .summary = "create a journal, or a further book in one",
    .text =
        "Without --book it creates the journal and refuses one that is already there. With --book "
        "it "
        "creates the journal when there is none, and that book in it. The very first book needs no "
        "such call: the first save creates it. A further one does, so that a misspelt name never "
        "starts from empty. On PostgreSQL it brings a schema of an earlier version to this one, "
        "which "
        "ends its writers.",
    .example = "tesser-journal --journal ./journal init\n"
               "tesser-journal --journal ./journal init --book alpha",
    .options = (const option_spec *const[]){&print_sql_option, NULL},
    .writes = true,
    .server = true,
    .run = run_init,
};
