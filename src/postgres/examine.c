/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a server says of itself, judged: for a checkup. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "postgres/internal.h"

/* A clock that is further off is worth a look; less is what a round trip may hide. */
#define CLOCK_OFF_MAX_NS INT64_C(1000000000)
#define SESSIONS_SPARE 8
/* A snapshot that is so many transactions old keeps dead rows from being cleared away. */
#define SNAPSHOT_AGE_MAX 1000000

enum { VERSION, FSYNC, PAGES, CLOCK, SESSIONS, SESSIONS_MAX, SNAPSHOT, APPENDS, PUTS, ENCRYPTED };

static const char query_sql[] =
    "select current_setting('server_version'), (current_setting('fsync') = 'on')::int4, "
    "(current_setting('full_page_writes') = 'on')::int4, "
    "(extract(epoch from clock_timestamp()) * 1000000)::int8, (select count(*)::int4 from "
    "pg_stat_activity where backend_type = 'client backend'), "
    "current_setting('max_connections')::int4, (select coalesce(max(age(backend_xmin)), 0)::int4 "
    "from pg_stat_activity), (has_table_privilege('log', 'insert') and "
    "has_column_privilege('log', 'fence', 'update') and has_column_privilege('journal', 'epoch', "
    "'update'))::int4, has_table_privilege('raw_state', 'insert, update, delete')::int4, "
    "coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)::int4";

typedef struct examination {
    const tj__postgres *postgres;
    tj__pg_session reader; /* of the result; not open */
    tj__pg_result *row;
    const tj_standby_list *standbys;
    int64_t clock_off_ns;
    tj__postgres_tell *tell;
    void *context;
} examination;

static void say(const examination *x, const char *name, tj_health health, const char *format, ...)
    TJ_PRINTF(4, 5);
static void say(const examination *x, const char *name, tj_health health, const char *format, ...)
{
    char sentence[TJ_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    x->tell(x->context, name, health, sentence);
}

static int32_t number(const examination *x, int column)
{
    return tj__pg_get_int4(&x->reader, x->row, 0, column);
}

static void text(const examination *x, int column, char *out, size_t size)
{
    tj__bytes value = tj__pg_get_bytes(&x->reader, x->row, 0, column);
    snprintf(out, size, "%.*s", (int)value.size, (const char *)value.data);
}

static void examine_server(const examination *x)
{
    char version[64];
    text(x, VERSION, version, sizeof version);
    say(x, "server", TJ_HEALTH_OK, "PostgreSQL %s at %s%s", version, x->postgres->place,
        x->standbys->is_behind ? ", a standby: it takes no commits" : "");
    if (number(x, FSYNC) && number(x, PAGES)) {
        say(x, "flush", TJ_HEALTH_OK, "fsync and full_page_writes are on");
    } else {
        say(x, "flush", TJ_HEALTH_WRONG,
            "fsync or full_page_writes is off: a power cut loses commits; set both to on");
    }
    if (x->clock_off_ns > CLOCK_OFF_MAX_NS || x->clock_off_ns < -CLOCK_OFF_MAX_NS) {
        say(x, "clock", TJ_HEALTH_WARNING,
            "the server's clock is %.1f s %s this machine's: let both follow the same time servers",
            (double)(x->clock_off_ns < 0 ? -x->clock_off_ns : x->clock_off_ns) / 1e9,
            x->clock_off_ns < 0 ? "behind" : "ahead of");
    } else {
        say(x, "clock", TJ_HEALTH_OK, "the server's is this machine's");
    }
}

/* That commits wait for. */
static int count_standbys(const tj_standby_list *list)
{
    int count = 0;
    for (size_t i = 0; i < list->count; i++) {
        tj_str sync = list->standbys[i].sync;
        count += tj_str_equal(list->standbys[i].state, TJ_STR("streaming")) &&
                 (tj_str_equal(sync, TJ_STR("sync")) || tj_str_equal(sync, TJ_STR("quorum")));
    }
    return count;
}

static void examine_standbys(const examination *x)
{
    tj_str names = x->standbys->wanted;
    int count = count_standbys(x->standbys);
    bool wanted = tj__pg_replicates(x->postgres);
    if (names.size == 0) {
        say(x, "standby", wanted ? TJ_HEALTH_WRONG : TJ_HEALTH_OK,
            "synchronous_standby_names is empty: what is acknowledged is on one machine%s",
            wanted ? ", and durability \"replicated\" asks for two" : "");
    } else if (count == 0) {
        say(x, "standby", TJ_HEALTH_WARNING,
            "synchronous_standby_names is '%s', and no standby takes commits, or this role is not "
            "shown it (pg_read_all_stats)",
            names.data);
    } else {
        say(x, "standby", TJ_HEALTH_OK, "synchronous_standby_names is '%s', and %d take commits",
            names.data, count);
    }
}

static void examine_sessions(const examination *x)
{
    int32_t used = number(x, SESSIONS);
    int32_t most = number(x, SESSIONS_MAX);
    say(x, "sessions", used + SESSIONS_SPARE > most ? TJ_HEALTH_WARNING : TJ_HEALTH_OK,
        "%d of %d connections are taken; a writer needs up to 10", used, most);
    say(x, "encryption", TJ_HEALTH_OK, "the connection is %s",
        number(x, ENCRYPTED) ? "encrypted" : "not encrypted");
    if (number(x, SNAPSHOT) > SNAPSHOT_AGE_MAX) {
        say(x, "snapshots", TJ_HEALTH_WARNING,
            "a session has read for %d transactions: what changed since cannot be cleared away; "
            "end it, and set idle_in_transaction_session_timeout for its role",
            number(x, SNAPSHOT));
    } else {
        say(x, "snapshots", TJ_HEALTH_OK, "the oldest is %d transactions old", number(x, SNAPSHOT));
    }
}

static void examine_privileges(const examination *x)
{
    bool appends = number(x, APPENDS) == 1;
    bool puts = number(x, PUTS) == 1;
    if (appends != puts) {
        say(x, "permissions", TJ_HEALTH_WRONG,
            "the role may %s and not %s: docs/POSTGRES.md lists what a writer is granted",
            appends ? "append commits" : "change rows", appends ? "change rows" : "append commits");
    } else {
        say(x, "permissions", TJ_HEALTH_OK, "the role may %s", appends ? "write" : "read only");
    }
}

static tj_status examine(tj__postgres *postgres, const tj_standby_list *standbys,
                         tj__postgres_tell *tell, void *context, tj_error *error)
{
    examination x = {.postgres = postgres,
                     .reader = {.pq = postgres->target.pq},
                     .standbys = standbys,
                     .tell = tell,
                     .context = context};
    tj__pg_query query = tj__pg_sql(query_sql);
    tj_time before = tj_time_now();
    TJ_TRY(tj__pg_pool_ask(postgres, &query, 1, &x.row, error));
    tj_time middle = before + (tj_time_now() - before) / 2;
    x.clock_off_ns = (int64_t)tj__pg_get_int8(&x.reader, x.row, 0, CLOCK) * 1000 - middle;
    examine_server(&x);
    examine_standbys(&x);
    tj__pg_tell_patroni(postgres, tell, context);
    examine_sessions(&x);
    examine_privileges(&x);
    tj__pg_clear(&x.reader, &x.row, 1);
    return TJ_OK;
}

tj_status tj__postgres_examine(tj__postgres *postgres, tj__postgres_tell *tell, void *context,
                               tj_error *error)
{
    void *object = NULL;
    if (!tj__arena_new(sizeof(tj_standby_list), &object)) {
        return tj__fail(error, TJ_NOMEM, "no memory for a list of standbys");
    }
    tj_standby_list *standbys = object;
    standbys->is_shown = true;
    tj_status status = tj__postgres_standbys(postgres, standbys, error);
    if (status == TJ_OK) {
        status = examine(postgres, standbys, tell, context, error);
    }
    tj__arena_free_object(standbys);
    return status;
}
