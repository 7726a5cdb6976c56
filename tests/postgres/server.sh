#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A throw-away PostgreSQL server for the tests: a cluster in a temporary directory, run by the user
# postgres (or by whoever is not root), reached by a Unix socket in that directory and by nothing else.
# Usage: server.sh start|stop PLACE             PLACE is a file that then holds the directory's name
#        server.sh halt|resume DIRECTORY        as in a crash, and back
#        server.sh standby DIRECTORY            a standby of it, at port 5433 of the same directory
#        server.sh end DIRECTORY                ends the standby
set -euo pipefail
action=$1 place=$2

server_bin() { # the newest version's programs
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    if [ -n "$found" ] && [ -x "$found/initdb" ]; then
        echo "$found"
    elif command -v initdb >/dev/null; then
        dirname "$(readlink -f "$(command -v initdb)")"
    fi
}

as_owner() { # no server runs as root
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
    else
        "$@"
    fi
}

stop() {
    [ -f "$place" ] || return 0
    local directory
    directory=$(cat "$place")
    rm -f "$place"
    [ -d "$directory/data" ] || return 0
    for cluster in data standby; do
        as_owner "$bin/pg_ctl" -D "$directory/$cluster" -m immediate -w stop >/dev/null 2>&1 || true
    done
    rm -rf "$directory"
}

standby() {
    cd "$place"
    as_owner "$bin/pg_basebackup" -h "$place" -U postgres -D "$place/standby" -R -c fast --no-sync
    echo 'port = 5433' >>"$place/standby/postgresql.conf"
    as_owner "$bin/pg_ctl" -D "$place/standby" -l "$place/standby.log" -w start >/dev/null \
        || { cat "$place/standby.log"; exit 1; }
}

bin=$(server_bin)
if [ -z "$bin" ]; then
    echo "SKIPPED: no PostgreSQL server is installed; scripts/setup.sh --ci installs postgresql."
    exit 77
fi
if [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
    echo "SKIPPED: root runs no server, and there is no user postgres."
    exit 77
fi
case $action in
    halt) as_owner "$bin/pg_ctl" -D "$place/data" -m immediate -w stop >/dev/null; exit ;;
    standby) standby; exit ;;
    end) cd "$place" && as_owner "$bin/pg_ctl" -D "$place/standby" -m immediate -w stop >/dev/null; exit ;;
    resume) as_owner "$bin/pg_ctl" -D "$place/data" -l "$place/server.log" -w start >/dev/null; exit ;;
esac
stop
[ "$action" = start ] || exit 0

base=${TMPDIR:-/tmp}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || base=/dev/shm
directory=$(mktemp -d "$base/tj-postgres-XXXXXX")
chmod 755 "$directory"
[ "$(id -u)" != 0 ] || chown postgres "$directory"
cd "$directory"
as_owner "$bin/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync \
    >"$directory/initdb.log" 2>&1 || { cat "$directory/initdb.log"; exit 1; }
cat >>"$directory/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$directory'
max_connections = 200
shared_buffers = 64MB
END
as_owner "$bin/pg_ctl" -D "$directory/data" -l "$directory/server.log" -w start >/dev/null \
    || { cat "$directory/server.log"; exit 1; }
echo "$directory" >"$place"
echo "A server of $("$bin/postgres" --version) listens in $directory."
