/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A server that does not let in, where trying again later would not help, told from one that is
 * away; and of that one, why it may be.
 *
 * libpq gives no code for a connection that failed, so its words are looked at. A server that says
 * them in another language is taken for one that is away, which says the same without the advice.
 */
#include <stdio.h>
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

/* Of one that is away: what that may be, before libpq's words, which have the place. */
static const struct {
    const char *words;
    const char *cause;
} absences[] = {
    {"Connection refused",
     "no server listens there: start it, or correct host and port in journal.url"},
    {"failed: No such file", "no server listens at this socket: start it, or correct host, which "
                             "is the socket's directory, and port in journal.url"},
    {"could not translate host name",
     "no host of this name is known: correct host in journal.url, or see this machine's resolver"},
    {"timeout expired", "nothing answers there: the machine is down, a firewall is in between, or "
                        "host is another one's in journal.url"},
    {"No route to host", "no way leads there: see this machine's network, or correct host in "
                         "journal.url"},
    {"Network is unreachable", "no way leads there: see this machine's network, or correct host in "
                               "journal.url"},
    {"the database system is", "the server takes nobody in now: its log says what it waits for"},
};

static void explain_absence(tj_error *error)
{
    for (size_t i = 0; i < sizeof absences / sizeof *absences; i++) {
        if (strstr(error->message, absences[i].words)) {
            char said[sizeof error->message];
            memcpy(said, error->message, sizeof said);
            snprintf(error->message, sizeof error->message, "%s (%.*s)", absences[i].cause,
                     (int)(sizeof said - strlen(absences[i].cause) - sizeof " ()"), said);
            return;
        }
    }
}

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
    explain_absence(error);
    return status;
}
