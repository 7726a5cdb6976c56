/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a URL may say. A password stands in configuration files, process lists and messages, so one
 * that is in the URL is refused, also where it is malformed: a text that cannot be parsed is never
 * quoted, and neither is what libpq says of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "postgres/internal.h"

/* PostgreSQL cuts longer names. */
#define SCHEMA_SIZE_MAX 63

static tj_status refuse_password(tj_error *error)
{
    return tj__fail(error, TJ_INVALID,
                    "journal.url holds a password, which others could read: take it out, and put "
                    "it into ~/.pgpass, a file that passfile names, or a service file");
}

/* "user:password@": what stands before the last @ holds no colon otherwise. Or "password=". */
static bool has_password(const char *url)
{
    static const char keyword[] = "password";
    for (const char *found = url; (found = strcasestr(found, keyword)) != NULL;) {
        found += sizeof keyword - 1;
        if (found[strspn(found, " \t")] == '=') {
            return true;
        }
    }
    const char *authority = strstr(url, "://");
    const char *at = authority ? strrchr(authority, '@') : NULL;
    const char *colon = authority ? strchr(authority + 3, ':') : NULL;
    return at && colon && colon < at;
}

static const char *value_of(const tj__pg_option *options, const char *keyword)
{
    for (; options->keyword; options++) {
        if (strcmp(options->keyword, keyword) == 0) {
            return options->value && options->value[0] ? options->value : NULL;
        }
    }
    return NULL;
}

static bool is_local(tj_str host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    if (host.size == 0 || host.data[0] == '/' || host.data[0] == '@') {
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tj_str_equal(host, tj_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool all_local(const char *hosts)
{
    while (hosts) {
        const char *comma = strchr(hosts, ',');
        size_t size = comma ? (size_t)(comma - hosts) : strlen(hosts);
        if (!is_local((tj_str){hosts, size})) {
            return false;
        }
        hosts = comma ? comma + 1 : NULL;
    }
    return true;
}

/* libpq's own default goes over to plain text when a server asks for it. */
static bool must_verify(const tj__pg_option *options)
{
    const char *host = value_of(options, "host");
    const char *address = value_of(options, "hostaddr");
    bool said = value_of(options, "sslmode") || getenv("PGSSLMODE");
    bool service = value_of(options, "service") || getenv("PGSERVICE");
    host = host ? host : getenv("PGHOST");
    return !said && !service && !(all_local(host) && all_local(address));
}

tj_status tj__postgres_check(const tj_config *config, tj_error *error)
{
    const tj_postgres_config *given = &config->postgres;
    if (!given->url || !given->url[0]) {
        return tj__fail(error, TJ_MISUSE,
                        "a journal on PostgreSQL needs journal.url, such as "
                        "\"postgres://user@host/database\"");
    }
    if (has_password(given->url)) {
        return refuse_password(error);
    }
    if (!given->schema[0] || strlen(given->schema) > SCHEMA_SIZE_MAX || !given->name[0] ||
        strlen(given->name) > TJ_BOOK_SIZE_MAX) {
        return tj__fail(error, TJ_INVALID,
                        "journal.schema has 1 to %d bytes, and journal.name 1 to %d",
                        SCHEMA_SIZE_MAX, TJ_BOOK_SIZE_MAX);
    }
    return TJ_OK;
}

tj_status tj__pg_check_url(const tj__libpq *pq, const char *url, bool *verify, tj_error *error)
{
    char *message = NULL;
    tj__pg_option *options = pq->parse(url, &message);
    pq->memory_free(message);
    if (!options) {
        return tj__fail(error, TJ_INVALID,
                        "journal.url is nothing that libpq understands; write it as "
                        "postgres://user@host/database, or as host=... dbname=... user=...");
    }
    bool secret = value_of(options, "password") || value_of(options, "sslpassword");
    *verify = must_verify(options);
    pq->options_free(options);
    return secret ? refuse_password(error) : TJ_OK;
}
