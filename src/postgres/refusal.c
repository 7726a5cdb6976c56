/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A server that does not let in, told from one that is away: trying again later would not help.
 *
 * libpq gives no code for a connection that failed, so its words are looked at. A server that says
 * them in another language is taken for one that is away, which says the same without the advice.
 */
#include <string.h>

#include "base/error.h"
#include "postgres/internal.h"

static const struct {
    const char *words;
    tj_status status;
    const char *advice;
} refusals[] = {
    {"no password supplied", TJ_INVALID,
     "put the role's password into ~/.pgpass, which only its owner may read (chmod 600), or into "
     "the file that passfile or PGPASSFILE names"},
    {"pg_hba.conf", TJ_INVALID,
     "the server's pg_hba.conf must let this role into this database from here"},
    {"authentication failed", TJ_INVALID,
     "see the role in journal.url, and its password in ~/.pgpass, PGPASSFILE or the service file"},
    {"is not permitted to log in", TJ_INVALID, "name a role in journal.url that may"},
    {"FATAL:  role \"", TJ_INVALID, "create the role, or name another one in journal.url"},
    {"permission denied for database", TJ_INVALID, "grant connect on it to the role"},
    {"FATAL:  database \"", TJ_NOT_FOUND, "create it, or name another one in journal.url"},
    {"SSL was required", TJ_INVALID,
     "switch ssl on at the server, or say sslmode in journal.url where the way there is trusted"},
    {"certificate", TJ_INVALID,
     "sslrootcert names the file with the authority that has signed the server's certificate, "
     "which must have the host's name"},
    {"invalid sslmode value", TJ_INVALID, "verify-full is the one to have"},
    {"definition of service", TJ_INVALID, "see ~/.pg_service.conf, or what PGSERVICEFILE names"},
};

tj_status tj__pg_judge_refusal(tj_status status, tj_error *error)
{
    if (status != TJ_UNAVAILABLE || !error) {
        return status;
    }
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strstr(error->message, refusals[i].words)) {
            error->status = refusals[i].status;
            tj__error_context(error, "%s", refusals[i].advice);
            return error->status;
        }
    }
    return status;
}
