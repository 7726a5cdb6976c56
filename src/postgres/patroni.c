/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Patroni beside the server, if it answers where it usually does: which version it has, since one
 * of them loses what was replicated, and whether it was told to leave the machines as they are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"
#include "postgres/internal.h"

#define PATRONI_PORT 8008
#define PATRONI_MS 500

/* ---- asking -------------------------------------------------------------------------------- */

/* A Unix socket's server is this machine's. */
static int open_socket(const char *address)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(PATRONI_PORT)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(PATRONI_PORT)};
    bool is_four = inet_pton(AF_INET, address[0] ? address : "127.0.0.1", &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, address, &six.sin6_addr) != 1) {
        return -1;
    }
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code = fd < 0    ? -1
               : is_four ? connect(fd, (const struct sockaddr *)&four, sizeof four)
                         : connect(fd, (const struct sockaddr *)&six, sizeof six);
    if (fd >= 0 && code != 0 && errno != EINPROGRESS) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool await(int fd, short events, uint64_t until)
{
    struct pollfd socket = {.fd = fd, .events = events};
    uint64_t now = tj__monotonic_ns();
    return now < until && poll(&socket, 1, (int)((until - now) / 1000000u)) == 1;
}

/* What it says of itself, as far as there is room; "" when it does not answer. */
static void ask(int fd, char *text, size_t size)
{
    static const char request[] = "GET /patroni HTTP/1.0\r\n\r\n";
    uint64_t until = tj__monotonic_ns() + PATRONI_MS * UINT64_C(1000000);
    size_t used = 0;
    ssize_t count = -1;
    if (await(fd, POLLOUT, until)) {
        count = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    }
    while (count > 0 && used + 1 < size && await(fd, POLLIN, until)) {
        count = recv(fd, text + used, size - 1 - used, 0);
        used += count > 0 ? (size_t)count : 0;
    }
    text[used] = '\0';
}

/* ---- what it says -------------------------------------------------------------------------- */

/* {..., "patroni": {"version": "4.1.5", ...}, "pause": true} */
static bool read_version(const char *text, int parts[3])
{
    static const char member[] = "\"version\":";
    const char *at = strstr(text, "\"patroni\":");
    at = at ? strstr(at, member) : NULL;
    at = at ? at + sizeof member - 1 : NULL;
    return at && sscanf(at, " \"%4d.%4d.%4d", &parts[0], &parts[1], &parts[2]) == 3;
}

/* Whose etcd3 driver lets a thawed primary take the lead back. */
static bool loses_commits(const int parts[3])
{
    return parts[0] < 3 || (parts[0] == 3 && parts[1] == 0 && parts[2] <= 2);
}

static const char *judge(const char *text, const int parts[3], tj_health *health)
{
    *health = TJ_HEALTH_WARNING;
    if (loses_commits(parts)) {
        return "over etcd3 a machine that was frozen takes the lead back, and replicated commits "
               "are lost: install a later one, or use it with `etcd:`";
    }
    if (strstr(text, "\"pause\": true")) {
        return "it is paused, and replaces no machine that is lost: `patronictl resume`";
    }
    *health = TJ_HEALTH_OK;
    return "it answers";
}

void tj__pg_tell_patroni(tj__postgres *postgres, tj__postgres_tell *tell, void *context)
{
    char text[8192] = "";
    char sentence[TJ_ERROR_MESSAGE_SIZE];
    int parts[3];
    tj_health health;
    tj__pg_host host;
    tj__pg_session *session = NULL;
    if (tj__pg_pool_take(postgres, tj__pg_patience_end(postgres), &session, NULL) != TJ_OK) {
        return;
    }
    int fd = tj__pg_host_of(session, &host) ? open_socket(host.address) : -1;
    tj__pg_pool_give(postgres, session);
    if (fd >= 0) {
        ask(fd, text, sizeof text);
        (void)close(fd);
    }
    if (read_version(text, parts)) {
        const char *verdict = judge(text, parts, &health);
        snprintf(sentence, sizeof sentence, "version %d.%d.%d at port %d: %s", parts[0], parts[1],
                 parts[2], PATRONI_PORT, verdict);
        tell(context, "patroni", health, sentence);
    }
}
