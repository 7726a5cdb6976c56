/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Creating what is not there: the schema, in one transaction, and the journal's row. */
#include <stdio.h>
#include <string.h>

#include <tesser/maintain.h>

#include "base/error.h"
#include "postgres/internal.h"
#include "postgres/sql.h"

/* So many statements at most in one of the texts. */
#define STATEMENTS_MAX 64
/* Whoever creates a schema, one after another. */
#define CREATION_LOCK "select pg_advisory_xact_lock(1414156105)"

/* ---- the texts -------------------------------------------------------------------------- */

static void put_with_schema(tj__buffer *out, const char *text, const char *schema)
{
    static const char placeholder[] = "@schema@";
    const char *at;
    while ((at = strstr(text, placeholder)) != NULL) {
        tj__put_bytes(out, text, (size_t)(at - text));
        tj__pg_identifier(out, schema);
        text = at + sizeof placeholder - 1;
    }
    tj__put_cstr(out, text);
}

/* What brings a schema of the version at this place to the next one. */
static const char *const migrations[TJ__PG_FORMAT_VERSION] = {NULL, tj__pg_migrate_2_sql};

/* Behind a migration: running writers of before find another fence, and stop. The log is locked, so
 * that its newest rows stay that. */
static const char ends_writers[] =
    "update @schema@.journal set epoch = epoch + 1, holder = '', hinted = false\n\n"
    "update @schema@.log l set fence = j.epoch from @schema@.journal j where l.journal = j.journal "
    "and l.seq = (select max(seq) from @schema@.log m where m.journal = j.journal)\n\n";

/* Everything that brings a schema to the newest version. */
static void put_migration(tj__buffer *out, const char *schema, int version)
{
    put_with_schema(out, "lock table @schema@.log in exclusive mode\n\n", schema);
    for (; version < TJ__PG_FORMAT_VERSION; version++) {
        put_with_schema(out, migrations[version], schema);
        tj__put_cstr(out, "\n");
    }
    put_with_schema(out, ends_writers, schema);
    put_with_schema(out, "update @schema@.format set version = ", schema);
    tj__put_format(out, "%d\n", TJ__PG_FORMAT_VERSION);
}

/* Everything that makes a schema. */
static void put_script(tj__buffer *out, const char *schema)
{
    put_with_schema(out, tj__pg_schema_sql, schema);
    tj__put_cstr(out, "\n");
    put_with_schema(out, tj__pg_views_sql, schema);
    tj__put_cstr(out, "\n");
    tj__put_format(out, "insert into ");
    tj__pg_identifier(out, schema);
    tj__put_format(out, ".format(version) values (%d)\n", TJ__PG_FORMAT_VERSION);
}

/* Cuts a text into statements where a line is empty; NULs take the place of the line's end. */
static int split(char *text, tj__pg_query *queries, int max)
{
    int count = 0;
    while (text && *text) {
        char *end = strstr(text, "\n\n");
        if (end) {
            *end = '\0';
        }
        TJ_ASSERT(count < max);
        queries[count++] = tj__pg_sql(text);
        text = end ? end + 2 : NULL;
    }
    return count;
}

/* Its statements with what ends each; `begin` stands before every line. */
static void put_printed(tj__buffer *out, char *text, const char *begin)
{
    tj__pg_query statements[STATEMENTS_MAX];
    int count = split(text, statements, STATEMENTS_MAX);
    for (int i = 0; i < count; i++) {
        char *statement = (char *)statements[i].sql;
        for (char *line = strtok(statement, "\n"); line; line = strtok(NULL, "\n")) {
            tj__put_format(out, "%s%s\n", begin, line);
        }
        out->size--;
        tj__put_cstr(out, ";\n\n");
    }
}

/* In one transaction. */
static void put_transaction(tj__buffer *out, tj__buffer *script, const char *begin)
{
    tj__put_u8(script, 0);
    if (script->failed) {
        out->failed = true;
    } else {
        tj__put_format(out, "%sbegin;\n\n", begin);
        put_printed(out, (char *)script->data, begin);
        tj__put_format(out, "%scommit;\n\n", begin);
    }
    tj__buffer_dispose(script);
}

tj_status tj_postgres_sql(const char *schema, tj_text *out, tj_error *error)
{
    tj__buffer script = {0};
    tj__buffer roles = {0};
    tj__buffer migration = {0};
    tj__buffer printed = {0};
    if (!schema || !out) {
        return tj__fail(error, TJ_MISUSE, "an argument that must not be NULL is NULL");
    }
    put_script(&script, schema);
    put_with_schema(&roles, tj__pg_roles_sql, schema);
    put_migration(&migration, schema, 1);
    put_transaction(&printed, &script, "");
    put_transaction(&printed, &roles, "-- ");
    tj__put_cstr(&printed, "/* A schema of format version 1 is brought to this one instead by\n\n");
    put_transaction(&printed, &migration, "");
    tj__put_cstr(&printed, "*/\n");
    tj__put_u8(&printed, 0);
    if (printed.failed) {
        tj__buffer_dispose(&printed);
        return tj__fail(error, TJ_NOMEM, "no memory for the statements of a schema");
    }
    *out = (tj_text){(char *)printed.data, printed.size - 1};
    return TJ_OK;
}

/* ---- creating --------------------------------------------------------------------------- */

static tj_status run_script(tj__pg_session *session, tj__buffer *text, tj_error *error)
{
    tj__pg_query queries[STATEMENTS_MAX + 3];
    queries[0] = tj__pg_sql("begin");
    queries[1] = tj__pg_sql(CREATION_LOCK);
    int count = 2 + split((char *)text->data, queries + 2, STATEMENTS_MAX);
    queries[count++] = tj__pg_sql("commit");
    tj_status status = tj__pg_do(session, queries, count, TJ__PG_STATEMENT_MS, error);
    if (status != TJ_OK && session->conn) {
        tj__pg_query rollback = tj__pg_sql("rollback");
        (void)tj__pg_do(session, &rollback, 1, TJ__PG_STATEMENT_MS, NULL);
    }
    return status;
}

static tj_status create_schema(tj__postgres *postgres, tj__pg_session *session, tj_error *error)
{
    tj__buffer text = {0};
    put_script(&text, postgres->schema);
    tj__put_u8(&text, 0);
    tj_status status = text.failed ? tj__fail(error, TJ_NOMEM, "no memory for the schema")
                                   : run_script(session, &text, error);
    tj__buffer_dispose(&text);
    if (status == TJ_READONLY) {
        tj__error_context(
            error,
            "creating schema \"%s\": open the journal once with a role that may create "
            "it, and grant this one what docs/POSTGRES.md lists",
            postgres->schema);
    }
    return status;
}

/* ---- migrating -------------------------------------------------------------------------- */

static tj_status read_version(tj__pg_session *session, int32_t *version, tj_error *error)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select version from format");
    TJ_TRY(tj__pg_ask(session, &query, 1, &result, TJ__PG_STATEMENT_MS, error));
    *version = session->pq->rows(result) == 1 ? tj__pg_get_int4(session, result, 0, 0)
                                              : TJ__PG_FORMAT_VERSION;
    tj__pg_clear(session, &result, 1);
    return TJ_OK;
}

/* The first statement fails where another one has been quicker. */
static tj_status run_migration(tj__postgres *postgres, tj__pg_session *session, int version,
                               tj_error *error)
{
    tj__buffer text = {0};
    put_migration(&text, postgres->schema, version);
    tj__put_u8(&text, 0);
    tj_status status = text.failed ? tj__fail(error, TJ_NOMEM, "no memory for the schema")
                                   : run_script(session, &text, error);
    tj__buffer_dispose(&text);
    if (status != TJ_OK) {
        tj__error_context(
            error,
            "bringing schema \"%s\" from format version %d to %d, which the role that "
            "owns it may",
            postgres->schema, version, TJ__PG_FORMAT_VERSION);
    }
    return status;
}

static tj_status migrate(tj__postgres *postgres, tj__pg_session *session, tj_error *error)
{
    int32_t version = 0;
    TJ_TRY(read_version(session, &version, error));
    if (version < 1 || version >= TJ__PG_FORMAT_VERSION) {
        return TJ_OK; /* a newer one is refused by who looks */
    }
    tj_error failure = TJ_ERROR_INIT;
    int32_t after = version;
    tj_status status = run_migration(postgres, session, version, &failure);
    /* Another one may have done it meanwhile. */
    if (status != TJ_OK && session->conn && read_version(session, &after, NULL) == TJ_OK &&
        after > version) {
        return TJ_OK;
    }
    if (status == TJ_OK) {
        tj__trace(&postgres->config, TJ_TRACE_INFO, "schema %s was brought to format version %d",
                  postgres->schema, TJ__PG_FORMAT_VERSION);
    }
    return tj__error_pass(error, &failure);
}

/* ---- the journal ------------------------------------------------------------------------ */

static tj_status is_there(tj__pg_session *session, const char *schema, bool *there, tj_error *error)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select 1 from pg_catalog.pg_class c join "
                                    "pg_catalog.pg_namespace n on n.oid = c.relnamespace where "
                                    "n.nspname = $1::text and c.relname = 'format'");
    tj__pg_text(&query, schema);
    TJ_TRY(tj__pg_ask(session, &query, 1, &result, TJ__PG_STATEMENT_MS, error));
    *there = session->pq->rows(result) > 0;
    tj__pg_clear(session, &result, 1);
    return TJ_OK;
}

/* The journal's row, and the row of the log that its first commit hangs on to. */
static tj_status create_journal(tj__postgres *postgres, tj__pg_session *session, tj_error *error)
{
    tj_uuid id = tj_uuid_generate();
    tj__pg_query query = tj__pg_sql(
        "with j as (insert into journal(name, id) values ($1::text, $2::uuid) on conflict do "
        "nothing returning journal) insert into log(journal, seq, fence, epoch, at, changes, hash, "
        "note, body) select journal, 0, 0, 0, 0, 0, $3::int8, '', '' from j");
    tj__pg_text(&query, postgres->name);
    tj__pg_bytes(&query, tj__bytes_of(id.bytes, sizeof id.bytes));
    tj__pg_int8(&query, tj__pg_first_hash(&id));
    return tj__pg_do(session, &query, 1, TJ__PG_STATEMENT_MS, error);
}

tj_status tj__pg_create(tj__postgres *postgres, tj__pg_session *session, tj_error *error)
{
    bool there = false;
    TJ_TRY(is_there(session, postgres->schema, &there, error));
    if (!there) {
        tj_error failure = TJ_ERROR_INIT;
        tj_status status = create_schema(postgres, session, &failure);
        /* Another one may have created it meanwhile. */
        if (status != TJ_OK &&
            (!session->conn || is_there(session, postgres->schema, &there, NULL) != TJ_OK ||
             !there)) {
            return tj__error_pass(error, &failure);
        }
    }
    TJ_TRY(migrate(postgres, session, error));
    return create_journal(postgres, session, error);
}
