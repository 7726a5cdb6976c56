/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The server of a journal: reaching it, naming it, and not waiting for one that is away. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/thread.h"
#include "postgres/internal.h"

/* A server that has been away for so long is not waited for any more. */
#define REFUSE_AFTER_NS UINT64_C(1000000000)

tj_status tj__pg_explain(const tj__postgres *postgres, tj_status status, tj_error *error)
{
    if (status != TJ_OK && error) {
        tj__error_context(error, "journal \"%s\" on PostgreSQL", postgres->name);
        tj__error_place(error, "%s", postgres->place);
    }
    return status;
}

uint64_t tj__pg_patience_end(const tj__postgres *postgres)
{
    return tj__monotonic_ns() + tj__pg_patience_ms(postgres) * UINT64_C(1000000);
}

tj_status tj__pg_connect(tj__postgres *postgres, tj__pg_session *session, tj_error *error)
{
    return tj__pg_open(session, &postgres->target, error);
}

void tj__pg_note_server(tj__postgres *postgres, const tj__pg_session *session)
{
    char server[512];
    tj__pg_server(session, server, sizeof server);
    snprintf(postgres->place, sizeof postgres->place, "%s %s.%s", server, postgres->schema,
             postgres->name);
}

void tj__pg_note_away(tj__postgres *postgres, uint64_t since_ns, const tj_error *reason)
{
    if (atomic_load(&postgres->away_since_ns) == 0) {
        uint64_t ago = tj__monotonic_ns() - since_ns;
        atomic_store(&postgres->away_since, tj_time_now() - (tj_time)ago);
        atomic_store(&postgres->away_since_ns, since_ns);
        tj__trace(&postgres->config, TJ_TRACE_WARNING,
                  "the server of journal %s takes no commits, which wait: %s", postgres->place,
                  reason->message);
        tj__helper_notice(&postgres->helper);
    }
}

bool tj__pg_end_away(tj__postgres *postgres)
{
    atomic_store(&postgres->away_since, 0);
    return atomic_exchange(&postgres->away_since_ns, 0) != 0;
}

void tj__pg_note_back(tj__postgres *postgres)
{
    if (tj__pg_end_away(postgres)) {
        tj__trace(&postgres->config, TJ_TRACE_INFO, "the server of journal %s takes commits again",
                  postgres->place);
    }
}

tj_status tj__pg_refuse_away(tj__postgres *postgres, tj_error *error)
{
    uint64_t since = atomic_load(&postgres->away_since_ns);
    uint64_t away = since == 0 ? 0 : tj__monotonic_ns() - since;
    if (away < REFUSE_AFTER_NS) {
        return TJ_OK;
    }
    return tj__fail(error, TJ_UNAVAILABLE,
                    "not applied: the server of journal %s has taken no commits for %" PRIu64 " s",
                    postgres->place, away / 1000000000u);
}
