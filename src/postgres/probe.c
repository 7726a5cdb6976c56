/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A server that takes long, told from a machine that is not there any more: another session is
 * asked of the same host, which then says whether anything is under way in the first one. */
#include "base/thread.h"
#include "postgres/session.h"

#define PROBE_MS 2000

static bool is_active(tj__pg_session *probe, int process)
{
    tj__pg_result *result = NULL;
    tj__pg_query query = tj__pg_sql("select 1 from pg_stat_activity where pid = $1::int4 and state "
                                    "<> 'idle'");
    tj__pg_int4(&query, process);
    if (tj__pg_ask(probe, &query, 1, &result, PROBE_MS, NULL) != TJ_OK) {
        return false;
    }
    bool active = probe->pq->rows(result) == 1;
    tj__pg_clear(probe, &result, 1);
    return active;
}

bool tj__pg_is_at_work(const tj__pg_session *session)
{
    tj__pg_host host;
    tj__pg_target target = *session->target;
    uint64_t until = tj__monotonic_ns() + PROBE_MS * UINT64_C(1000000);
    bool sooner = session->until != 0 && session->until < until;
    tj__pg_session probe = {.until = sooner ? session->until : until};
    if (!tj__pg_host_of(session, &host)) {
        return true; /* nobody can tell */
    }
    target.only = &host;
    target.reached = NULL;
    target.probe = NULL;
    target.writes = false;
    bool there = tj__pg_open(&probe, &target, NULL) == TJ_OK &&
                 is_active(&probe, session->pq->backend_pid(session->conn));
    tj__pg_close(&probe);
    if (!there && session->target->reached) {
        tj__pg_forget_host(session->target->reached, &host);
    }
    return there;
}
