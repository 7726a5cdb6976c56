/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* serve: a page that shows a journal, and what stands behind it as JSON. */
#include "serve/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN_DEFAULT "127.0.0.1:7788"
#define BACKLOG 1024
#define TICK_NS 250000000
#define TOKEN_SIZE_MIN 16
#define TOKEN_SIZE_MAX 512

static const option_spec listen_option = {
    .name = "listen",
    .value = "ADDRESS:PORT",
    .help = "where to listen (default: " LISTEN_DEFAULT "); port 0 takes one that is free. An "
            "address that other machines reach needs a token"};
static const option_spec token_option = {
    .name = "token-file",
    .value = "FILE",
    .help = "only who knows the text in this file is answered: as a password, or as a bearer "
            "token"};

/* ---- where to listen ---------------------------------------------------------------------- */

typedef struct place {
    char host[256];
    char port[16];
    bool loopback;
} place;

static tj_status parse_listen(command_line *cli, place *out, tj_error *error)
{
    const char *text =
        given(cli, &listen_option) ? option_value(cli, &listen_option) : LISTEN_DEFAULT;
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[' && colon && colon > text && colon[-1] == ']';
    const char *host = text + bracketed;
    size_t size = colon ? (size_t)(colon - host) - bracketed : 0;
    char *end = NULL;
    unsigned long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10)
                                                                     : UINT16_MAX + 1UL;
    if (size == 0 || size >= sizeof out->host || port > UINT16_MAX || *end ||
        (!bracketed && memchr(host, ':', size))) {
        return usage_error(cli, error,
                           "--listen is \"%s\"; expected ADDRESS:PORT, e.g. " LISTEN_DEFAULT
                           " or [::1]:7788",
                           text);
    }
    snprintf(out->host, sizeof out->host, "%.*s", (int)size, host);
    snprintf(out->port, sizeof out->port, "%lu", port);
    return TJ_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    }
    const struct sockaddr_in *four = (const void *)address;
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static int bind_socket(const struct addrinfo *found)
{
    int on = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)) {
        int os_errno = errno;
        close(fd);
        errno = os_errno;
        fd = -1;
    }
    return fd;
}

/* The port that was taken, as a text. */
static void read_port(int fd, place *at)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0) {
        (void)getnameinfo((struct sockaddr *)&bound, size, NULL, 0, at->port, sizeof at->port,
                          NI_NUMERICSERV);
    }
}

static tj_status open_socket(command_line *cli, place *at, bool has_token, int *out,
                             tj_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(at->host, at->port, &hints, &found);
    if (code != 0) {
        return usage_error(cli, error, "--listen names %s: %s", at->host, gai_strerror(code));
    }
    at->loopback = is_loopback(found->ai_addr);
    tj_status status = TJ_OK;
    if (!at->loopback && !has_token) {
        status = usage_error(cli, error,
                             "%s can be reached from other machines: give --token-file FILE, whose "
                             "text they must know, or listen on 127.0.0.1",
                             at->host);
    }
    if (status == TJ_OK && (*out = bind_socket(found)) < 0) {
        status = fail_errno(error, errno, "listening on %s port %s%s", at->host, at->port,
                            errno == EADDRINUSE ? ": another program has it; choose another port "
                                                  "with --listen"
                                                : "");
    }
    freeaddrinfo(found);
    if (status == TJ_OK) {
        read_port(*out, at);
    }
    return status;
}

/* ---- the token ---------------------------------------------------------------------------- */

/* What a request can hold in a line of its own. */
static bool is_token(tj_str text)
{
    bool plain = text.size >= TOKEN_SIZE_MIN && text.size <= TOKEN_SIZE_MAX;
    for (size_t i = 0; i < text.size && plain; i++) {
        plain = (unsigned char)text.data[i] >= 0x20 && text.data[i] != 0x7f;
    }
    return plain;
}

/* Released with free; NULL when none is asked for. */
static tj_status read_token(command_line *cli, char **out, tj_error *error)
{
    const char *file = option_value(cli, &token_option);
    struct stat found;
    size_t size = 0;
    if (!file) {
        return TJ_OK;
    }
    if (stat(file, &found) == 0 && (found.st_mode & 0007) != 0) {
        char *word = word_text(file);
        tj_status refused =
            fail(error, TJ_INVALID,
                 "%s can be read by everybody, and its text lets in: chmod 600 %s", file, word);
        free(word);
        return refused;
    }
    tj_status status = input_read(file, out, &size, error);
    if (status != TJ_OK) {
        return status;
    }
    tj_str text = trimmed((tj_str){*out, size});
    if (!is_token(text)) {
        return fail(error, TJ_INVALID,
                    "%s holds no token: one line of %d to %d characters that nobody guesses", file,
                    TOKEN_SIZE_MIN, TOKEN_SIZE_MAX);
    }
    memmove(*out, text.data, text.size);
    (*out)[text.size] = '\0';
    return TJ_OK;
}

/* ---- the command -------------------------------------------------------------------------- */

static void tell_place(command_line *cli, const place *at)
{
    bool six = strchr(at->host, ':') != NULL;
    char url[320];
    snprintf(url, sizeof url, "http://%s%s%s:%s/", six ? "[" : "", at->host, six ? "]" : "",
             at->port);
    if (given(cli, &option_json)) {
        json_writer json = {.out = &cli->out};
        json_open(&json, NULL, '{');
        json_text(&json, "url", tj_str_of(url));
        json_text(&json, "journal", tj_str_of(cli->journal[0] ? cli->journal : cli->server));
        json_close(&json, '}');
    } else {
        out_line(&cli->out, "%s shows %s, and changes nothing; Ctrl-C ends it", url,
                 cli->journal[0] ? cli->journal : cli->server);
        if (!at->loopback) {
            out_line(&cli->out, "what is sent is not encrypted: put a proxy with TLS before it "
                                "where others share the network");
        }
    }
    out_flush(&cli->out);
}

/* Until one of these signals. */
static void serve_until(http_server *server, const sigset_t *signals)
{
    const struct timespec tick = {.tv_nsec = TICK_NS};
    while (sigtimedwait(signals, NULL, &tick) < 0) {
        http_tick(server);
    }
}

static tj_status serve(command_line *cli, const place *at, const http_options *options,
                       tj_error *error)
{
    http_server *server = NULL;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all threads that begin from here on */
    tj_status status = http_start(options, &server, error);
    if (status != TJ_OK) {
        return status;
    }
    tell_place(cli, at);
    serve_until(server, &signals);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL); /* a second one does not wait */
    http_stop(server);
    return TJ_OK;
}

/* A journal that is damaged, or whose server is away, is shown as such; one that is not there is a
 * slip of the pen. */
static tj_status check_there(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_status status = journal_configure(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        tj_error cause = TJ_ERROR_INIT;
        journal_hurry(&journal.config);
        tj_status opened = tj_store_open(&journal.config, &journal.store, &cause);
        if (opened == TJ_NOT_FOUND) {
            *error = cause;
            status = opened;
        } else if (opened != TJ_OK) {
            report_trace(cli, TJ_TRACE_WARNING, cause.message);
        }
    }
    return journal_close(&journal, status, error);
}

static tj_status run_serve(command_line *cli, tj_error *error)
{
    place at = {.port = ""};
    http_options options = {.socket = -1, .cli = cli};
    char *token = NULL;
    tj_status status = parse_listen(cli, &at, error);
    if (status == TJ_OK) {
        status = http_load(error);
    }
    if (status == TJ_OK) {
        status = read_token(cli, &token, error);
    }
    if (status == TJ_OK) {
        status = check_there(cli, error);
    }
    if (status == TJ_OK) {
        status = open_socket(cli, &at, token != NULL, &options.socket, error);
    }
    if (status == TJ_OK) {
        options.token = token;
        status = serve(cli, &at, &options, error);
    }
    if (options.socket >= 0) {
        close(options.socket);
    }
    free(token);
    return status;
}

const command_spec command_serve = {
    .name = "serve",
    .server = true,
    .summary = "a page that shows the journal, for browsers and scripts",
    .text = "Equity over time, portfolio, positions, open orders, algorithms, ledger, every moment "
            "of the past, and how the journal is: beside any writer, and it writes nothing. The "
            "page "
            "follows the journal by itself, and says when its server is away. Behind it are "
            "/api/..., which answers what the command "
            "line says with --json (/api/openapi.json describes it), /metrics for Prometheus and "
            "/healthz. Only this machine is answered unless --listen and --token-file say "
            "otherwise. SIGINT and SIGTERM end it.",
    .example = "tesser-journal --journal ./journal serve --listen 127.0.0.1:7788",
    .options = (const option_spec *const[]){&listen_option, &token_option, NULL},
    .run = run_serve,
};
