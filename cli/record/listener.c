/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The socket: its place, its mode, and who is let in. */
#include "record/listener.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG_MAX 256 /* that wait to be let in */

const option_spec option_socket = {
    .name = "socket",
    .value = "PATH",
    .help = "take lines from the clients of this Unix socket, until SIGTERM or SIGINT"};
const option_spec option_socket_group = {
    .name = "socket-group",
    .value = "GROUP",
    .help = "let members of this group connect to it too; else only this user and root"};

static tj_status read_group(listener *l, command_line *cli, tj_error *error)
{
    const char *name = option_value(cli, &option_socket_group);
    if (!name) {
        return TJ_OK;
    }
    const struct group *found = getgrnam(name);
    if (!found) {
        return usage_error(cli, error, "--socket-group: there is no group '%s'", name);
    }
    l->has_group = true;
    l->group = found->gr_gid;
    return TJ_OK;
}

static tj_status address_of(const listener *l, command_line *cli, struct sockaddr_un *address,
                            tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (tj_path_check(l->path, &cause) != TJ_OK) {
        return usage_error(cli, error, "--socket: %s", cause.message);
    }
    if (strlen(l->path) == 0 || strlen(l->path) >= sizeof address->sun_path) {
        return usage_error(cli, error, "--socket: a path has 1 to %zu bytes, this one %zu",
                           sizeof address->sun_path - 1, strlen(l->path));
    }
    strcpy(address->sun_path, l->path);
    return TJ_OK;
}

/* What a recorder that was killed left behind is taken away; anything else is not ours. */
static tj_status clear_place(const listener *l, const struct sockaddr_un *address, tj_error *error)
{
    struct stat there;
    if (lstat(l->path, &there) != 0) {
        return errno == ENOENT ? TJ_OK : fail_errno(error, errno, "looking at %s", l->path);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return fail(error, TJ_EXISTS, "%s is there and is no socket: it is not replaced", l->path);
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return fail_errno(error, errno, "making a socket");
    }
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(probe);
    if (!refused) {
        return fail(error, TJ_BUSY, "another program listens at %s", l->path);
    }
    return unlink(l->path) == 0 ? TJ_OK : fail_errno(error, errno, "removing the old %s", l->path);
}

/* Nobody else can connect before its group and mode are set: bind(2) makes it with the mode of the
 * descriptor. A umask would be that of the store's threads too, which make files. */
static tj_status listen_at(listener *l, const struct sockaddr_un *address, tj_error *error)
{
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0) {
        return fail_errno(error, errno, "making a socket");
    }
    if (fchmod(l->fd, 0600) != 0 ||
        bind(l->fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int failed = errno;
        close(l->fd);
        l->fd = -1;
        return fail_errno(error, failed, "making the socket %s", l->path);
    }
    if (l->has_group && (chown(l->path, (uid_t)-1, l->group) != 0 || chmod(l->path, 0660) != 0)) {
        return fail_errno(error, errno, "giving %s to the group", l->path);
    }
    return listen(l->fd, BACKLOG_MAX) == 0 ? TJ_OK
                                           : fail_errno(error, errno, "listening at %s", l->path);
}

tj_status listener_open(listener *l, command_line *cli, tj_error *error)
{
    struct sockaddr_un address;
    *l = (listener){.path = option_value(cli, &option_socket), .fd = -1};
    tj_status status = read_group(l, cli, error);
    status = status == TJ_OK ? address_of(l, cli, &address, error) : status;
    status = status == TJ_OK ? clear_place(l, &address, error) : status;
    return status == TJ_OK ? listen_at(l, &address, error) : status;
}

void listener_close(listener *l)
{
    if (l->fd >= 0) {
        close(l->fd);
        unlink(l->path);
    }
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

static bool may_record(const listener *l, int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    *uid = peer.uid;
    return peer.uid == geteuid() || peer.uid == 0 ||
           (l->has_group && in_group(fd, peer.gid, l->group));
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

int listener_accept(const listener *l, bool *crowded)
{
    *crowded = false;
    for (;;) {
        uid_t uid = 0;
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            *crowded = errno != EAGAIN && errno != ECONNABORTED && errno != EINTR;
            return -1;
        }
        if (may_record(l, fd, &uid)) {
            return fd;
        }
        turn_away(fd, uid);
    }
}
