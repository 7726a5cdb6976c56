/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * record --socket: many programs write through one. One thread serves all clients: it takes the
 * lines that are there, submits them together, so that they share a flush, and sends each client
 * its answers. A line that comes alone is committed on this thread, which is quickest. What comes
 * while others are in flight is gathered for the next flush, which costs as much as a few commits.
 */
#include "record/client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <tesser/async.h>

const option_spec option_socket = {
    .name = "socket",
    .value = "PATH",
    .help = "take lines from the clients of this Unix socket, until SIGTERM or SIGINT"};
const option_spec option_socket_group = {
    .name = "socket-group",
    .value = "GROUP",
    .help = "let members of this group connect to it too; else only this user and root"};

#define CLIENTS_MAX 256
#define LINES_A_ROUND 64 /* of one client, before the others' turn */
#define GOODBYE_MS 2000  /* for answers that clients have not read, at the end */
#define CROWDED_MS 100   /* until it is tried again to let one in, where files are short */

/* So many lines, of so many bytes together, wait for the flush of those before them. */
#define GATHERED_MAX 64
#define GATHERED_SIZE_MAX ((size_t)256 << 10)

/* A line that was taken and is not submitted yet. */
typedef struct gathered_line {
    reply *to;
    tj_txn *txn;
    tj_commit_options options;
} gathered_line;

typedef struct recorder {
    command_line *cli;
    tj_store *store;
    const char *path;
    bool has_group;
    gid_t group;
    int listener;
    client *clients;
    size_t client_count;
    size_t in_flight;
    bool crowded;
    bool closed; /* the store takes nothing more */
    tj_error failure;
    gathered_line gathered[GATHERED_MAX];
    size_t gathered_count;
    size_t gathered_size; /* of the lines, in bytes */
} recorder;

static recorder *serving; /* that completions belong to */
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ---- the socket ----------------------------------------------------------------------------- */

static tj_status read_group(recorder *r, tj_error *error)
{
    const char *name = option_value(r->cli, &option_socket_group);
    if (!name) {
        return TJ_OK;
    }
    const struct group *found = getgrnam(name);
    if (!found) {
        return usage_error(r->cli, error, "--socket-group: there is no group '%s'", name);
    }
    r->has_group = true;
    r->group = found->gr_gid;
    return TJ_OK;
}

static tj_status address_of(recorder *r, struct sockaddr_un *address, tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (tj_path_check(r->path, &cause) != TJ_OK) {
        return usage_error(r->cli, error, "--socket: %s", cause.message);
    }
    if (strlen(r->path) == 0 || strlen(r->path) >= sizeof address->sun_path) {
        return usage_error(r->cli, error, "--socket: a path has 1 to %zu bytes, this one %zu",
                           sizeof address->sun_path - 1, strlen(r->path));
    }
    strcpy(address->sun_path, r->path);
    return TJ_OK;
}

/* What a recorder that was killed left behind is taken away; anything else is not ours. */
static tj_status clear_place(const recorder *r, const struct sockaddr_un *address, tj_error *error)
{
    struct stat there;
    if (lstat(r->path, &there) != 0) {
        return errno == ENOENT ? TJ_OK : fail_errno(error, errno, "looking at %s", r->path);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return fail(error, TJ_EXISTS, "%s is there and is no socket: it is not replaced", r->path);
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return fail_errno(error, errno, "making a socket");
    }
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(probe);
    if (!refused) {
        return fail(error, TJ_BUSY, "another program listens at %s", r->path);
    }
    return unlink(r->path) == 0 ? TJ_OK : fail_errno(error, errno, "removing the old %s", r->path);
}

/* Nobody else can connect before its group and mode are set. */
static tj_status listen_at(recorder *r, const struct sockaddr_un *address, tj_error *error)
{
    r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->listener < 0) {
        return fail_errno(error, errno, "making a socket");
    }
    mode_t mask = umask(0177);
    int bound = bind(r->listener, (const struct sockaddr *)address, sizeof *address);
    int failed = errno;
    umask(mask);
    if (bound != 0) {
        close(r->listener);
        r->listener = -1;
        return fail_errno(error, failed, "making the socket %s", r->path);
    }
    if (r->has_group && (chown(r->path, (uid_t)-1, r->group) != 0 || chmod(r->path, 0660) != 0)) {
        return fail_errno(error, errno, "giving %s to the group", r->path);
    }
    return listen(r->listener, CLIENTS_MAX) == 0
               ? TJ_OK
               : fail_errno(error, errno, "listening at %s", r->path);
}

static tj_status open_socket(recorder *r, tj_error *error)
{
    struct sockaddr_un address;
    tj_status status = read_group(r, error);
    status = status == TJ_OK ? address_of(r, &address, error) : status;
    status = status == TJ_OK ? clear_place(r, &address, error) : status;
    return status == TJ_OK ? listen_at(r, &address, error) : status;
}

/* ---- who may connect ------------------------------------------------------------------------
 * The mode of the socket says the same; but who may change that must not be able to let others in.
 */

static bool in_group(int fd, gid_t own, gid_t wanted)
{
    gid_t groups[1024];
    socklen_t size = sizeof groups;
    if (own == wanted) {
        return true;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) {
        return false;
    }
    for (size_t i = 0; i < size / sizeof *groups; i++) {
        if (groups[i] == wanted) {
            return true;
        }
    }
    return false;
}

static bool may_record(const recorder *r, int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    *uid = peer.uid;
    return peer.uid == geteuid() || peer.uid == 0 ||
           (r->has_group && in_group(fd, peer.gid, r->group));
}

static void turn_away(int fd, uid_t uid)
{
    char text[128];
    int size =
        snprintf(text, sizeof text,
                 "{\"error\":\"user %u may not record here: see --socket-group\",\"line\":0}\n",
                 (unsigned)uid);
    (void)send(fd, text, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

static void let_in(recorder *r)
{
    while (r->client_count < CLIENTS_MAX) {
        uid_t uid = 0;
        int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            r->crowded = errno != EAGAIN && errno != ECONNABORTED && errno != EINTR;
            return;
        }
        if (!may_record(r, fd, &uid)) {
            turn_away(fd, uid);
            continue;
        }
        client *c = client_new(fd);
        c->next = r->clients;
        r->clients = c;
        r->client_count++;
    }
}

/* ---- committing ------------------------------------------------------------------------------ */

static void settle(recorder *r, reply *to, tj_status status, uint64_t sequence,
                   const tj_error *error)
{
    if (status == TJ_OK) {
        reply_durable(to, sequence);
        return;
    }
    reply_refused(to, error);
    if (status == TJ_CLOSED && !r->closed) {
        r->closed = true;
        r->failure = *error;
    }
}

static void on_done(void *context, tj_status status, uint64_t sequence, const tj_error *error)
{
    serving->in_flight--;
    settle(serving, context, status, sequence, error);
}

static void submit(recorder *r, reply *to, tj_txn *txn, const tj_commit_options *options)
{
    tj_error error = TJ_ERROR_INIT;
    tj_status status = tj_txn_submit(txn, options, on_done, to, NULL, &error);
    r->in_flight += status == TJ_OK;
    if (status != TJ_OK) {
        settle(r, to, status, 0, &error);
    }
}

static void submit_gathered(recorder *r)
{
    for (size_t i = 0; i < r->gathered_count; i++) {
        submit(r, r->gathered[i].to, r->gathered[i].txn, &r->gathered[i].options);
    }
    r->gathered_count = r->gathered_size = 0;
}

/* What is gathered, unless others are in flight. */
static void commit_gathered(recorder *r)
{
    uint64_t sequence = 0;
    tj_error error = TJ_ERROR_INIT;
    if (r->in_flight > 0) {
        return;
    }
    if (r->gathered_count == 1) {
        tj_status status =
            tj_txn_commit(r->gathered->txn, &r->gathered->options, &sequence, &error);
        settle(r, r->gathered->to, status, sequence, &error);
        r->gathered_count = r->gathered_size = 0;
    }
    submit_gathered(r);
}

static void take_line(recorder *r, client *c, tj_str line)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_error error = TJ_ERROR_INIT;
    reply *to = client_reply(c);
    tj_status status = record_begin(r->store, line, &txn, &options, &error);
    if (status != TJ_OK) {
        cut_line_one(&error);
        settle(r, to, status, 0, &error);
        return;
    }
    r->gathered[r->gathered_count++] = (gathered_line){to, txn, options};
    r->gathered_size += line.size;
    if (r->gathered_count == GATHERED_MAX || r->gathered_size >= GATHERED_SIZE_MAX) {
        submit_gathered(r);
    }
}

static void take_lines(recorder *r, client *c)
{
    c->held = false;
    for (size_t taken = 0; client_may_take(c); taken++) {
        tj_str line = {NULL, 0};
        tj_error error = TJ_ERROR_INIT;
        bool more = false;
        if (taken == LINES_A_ROUND || r->in_flight >= IN_FLIGHT_MAX) {
            c->held = true;
            return;
        }
        if (client_next(c, &line, &more, &error) != TJ_OK) {
            reply_refused(client_reply(c), &error);
        } else if (!more) {
            return;
        } else if (trimmed(line).size > 0) {
            take_line(r, c, line);
        }
    }
    c->held = !c->ended && !c->gone;
}

/* ---- serving --------------------------------------------------------------------------------- */

enum { POLL_LISTENER, POLL_COMPLETIONS, POLL_CLIENTS };

/* Returns how many milliseconds to wait at most. */
static int what_to_poll(recorder *r, struct pollfd *fds)
{
    int wait_ms = r->crowded ? CROWDED_MS : -1;
    wait_ms = r->gathered_count > 0 && r->in_flight == 0 ? 0 : wait_ms;
    bool room = r->client_count < CLIENTS_MAX && !r->crowded;
    r->crowded = false;
    fds[POLL_LISTENER] = (struct pollfd){.fd = room ? r->listener : -1, .events = POLLIN};
    fds[POLL_COMPLETIONS] =
        (struct pollfd){.fd = tj_store_completion_fd(r->store), .events = POLLIN};
    struct pollfd *at = &fds[POLL_CLIENTS];
    for (const client *c = r->clients; c; c = c->next, at++) {
        bool may_take = client_may_take(c) && r->in_flight < IN_FLIGHT_MAX;
        wait_ms = may_take && c->held ? 0 : wait_ms;
        *at = (struct pollfd){
            .fd = c->gone || c->peeked > 0 ? -1 : c->fd,
            .events = (short)((may_take ? POLLIN : 0) | (c->out_size > 0 ? POLLOUT : 0))};
    }
    return wait_ms;
}

static void serve_clients(recorder *r, const struct pollfd *fds)
{
    const struct pollfd *at = &fds[POLL_CLIENTS];
    for (client *c = r->clients; c; c = c->next, at++) {
        if ((at->revents & POLLERR) || (at->revents & (POLLHUP | POLLIN)) == POLLHUP) {
            c->gone = true; /* it closed both sides, and nothing that may be read now is left */
            continue;
        }
        if (at->revents & POLLIN && !c->held) { /* what is there comes first, or it would pile up */
            client_fetch(c);
        }
        take_lines(r, c);
    }
    commit_gathered(r);
}

static void send_answers(recorder *r)
{
    tj_status taken = tj_store_complete(r->store, 0, NULL, NULL);
    (void)taken;
    for (client **link = &r->clients; *link;) {
        client *c = *link;
        client_send(c);
        if (client_done(c)) {
            *link = c->next;
            r->client_count--;
            client_free(c);
        } else {
            link = &c->next;
        }
    }
}

/* The signals come while it waits, and at no other moment. */
static void serve(recorder *r, const sigset_t *while_waiting)
{
    struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];
    while (!stopped && !r->closed) {
        int wait_ms = what_to_poll(r, fds);
        struct timespec wait = {.tv_nsec = (long)wait_ms * 1000000};
        if (ppoll(fds, POLL_CLIENTS + r->client_count, wait_ms < 0 ? NULL : &wait, while_waiting) <
            0) {
            for (size_t i = 0; i < POLL_CLIENTS + r->client_count; i++) {
                fds[i].revents = 0;
            }
        }
        serve_clients(r, fds);
        send_answers(r);
        if (fds[POLL_LISTENER].revents) { /* behind those whose places in fds are known */
            let_in(r);
        }
    }
}

/* What was taken is answered; who does not read is not waited for long. */
static void say_goodbye(recorder *r)
{
    struct pollfd fds[POLL_CLIENTS + CLIENTS_MAX];
    submit_gathered(r);
    tj_status drained = tj_store_drain(r->store, 0, NULL);
    (void)drained; /* the answers say what became of each line */
    for (client *c = r->clients; c; c = c->next) {
        c->ended = true;
    }
    send_answers(r);
    for (int left = GOODBYE_MS; r->clients && left > 0; left -= 50) {
        what_to_poll(r, fds);
        (void)poll(&fds[POLL_CLIENTS], r->client_count, 50);
        send_answers(r);
    }
    while (r->clients) {
        client *next = r->clients->next;
        client_free(r->clients);
        r->clients = next;
    }
}

tj_status record_socket(command_line *cli, tj_store *store, tj_error *error)
{
    recorder r = {.cli = cli,
                  .store = store,
                  .path = option_value(cli, &option_socket),
                  .listener = -1,
                  .failure = TJ_ERROR_INIT};
    const struct sigaction stop = {.sa_handler = on_signal};
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    tj_status status = open_socket(&r, error);
    if (status == TJ_OK) {
        serving = &r;
        out_line(&cli->out, "recording from %s", r.path);
        out_flush(&cli->out);
        serve(&r, &before);
        say_goodbye(&r);
    }
    if (r.listener >= 0) {
        close(r.listener);
        unlink(r.path);
    }
    if (r.closed) {
        *error = r.failure;
        return TJ_CLOSED;
    }
    return status;
}
