#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Ways to a server that asks for a password: those that libpq knows let in, and who is refused is told why and
# what to do, with the exit code of a configuration and not of a server that is away. No secret is told.
source "$(dirname "$0")/../cli/lib.sh"
unset PGPASSWORD PGSERVICE PGPASSFILE PGSERVICEFILE
export HOME=$work
url="host=$TJ_POSTGRES_DIRECTORY dbname=postgres"
config() { # URL
    printf '[journal]\ntype = "postgres"\nurl = "%s"\n' "$1" >ways.toml
}
refused() { # CODE SENTENCE ADVICE
    run "$1" --config ways.toml book list
    err_has "$2"
    err_has "$3"
    err_has 'Correct the call or its input.'
    run "$1" --config ways.toml status --json
    tail -1 "$err" >told # libpq itself warns of a password file that others may read
    json told "d['place'] == 'tesser.default' and d['exit_code'] == '$1'"
}

config "$url user=postgres"
run 0 --config ways.toml init
psql=$(ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
printf 'local all postgres,mute,ghost,shut trust\nlocal postgres app,gone scram-sha-256\n' >"$TJ_POSTGRES_DIRECTORY/data/pg_hba.conf"
"$psql" -q -X -v ON_ERROR_STOP=1 "$TJ_POSTGRES_URL" -c "create role app login password 'topsecret'" \
    -c 'grant usage on schema tesser to app' -c 'grant select on all tables in schema tesser to app' \
    -c 'create role other login' -c 'create role mute nologin' -c 'create role shut login' -c 'create database closed' \
    -c 'revoke connect on database closed from public' -c 'select pg_reload_conf()' >/dev/null

config "$url user=app"
for _ in $(seq 200); do # until the server has read its file
    "$TESSER_JOURNAL" --config ways.toml book list >"$out" 2>"$err" || break
    sleep 0.05
done
refused 26 'no password supplied' 'put the role'"'"'s password into ~/.pgpass'
PGPASSWORD=wrongsecret refused 26 'password authentication failed for user "app"' 'see the role in journal.url'
PGPASSWORD=topsecret run 0 --config ways.toml book list

echo '*:*:*:app:topsecret' >.pgpass
chmod 644 .pgpass
refused 26 'no password supplied' 'which only its owner may read (chmod 600)'
chmod 600 .pgpass
run 0 --config ways.toml book list
mv .pgpass elsewhere
config "$url user=app passfile=$work/elsewhere"
run 0 --config ways.toml book list
printf '[desk]\nhost=%s\ndbname=postgres\nuser=app\npassfile=%s\n' "$TJ_POSTGRES_DIRECTORY" "$work/elsewhere" >.pg_service.conf
config service=desk
run 0 --config ways.toml status
out_has 'Writer               none'
config service=nobody
refused 26 'definition of service "nobody" not found' 'see ~/.pg_service.conf'

config "$url user=other"
refused 26 'no pg_hba.conf entry' 'must let this role into this database from here'
config "$url user=mute"
refused 26 'role "mute" is not permitted to log in' 'name a role in journal.url that may'
config "$url user=ghost"
refused 26 'role "ghost" does not exist' 'create the role, or name another one in journal.url'
config "host=$TJ_POSTGRES_DIRECTORY dbname=closed user=shut"
refused 26 'permission denied for database "closed"' 'grant connect on it to the role'
config "host=$TJ_POSTGRES_DIRECTORY dbname=nowhere user=postgres"
refused 13 'database "nowhere" does not exist' 'create it, or name another one in journal.url'
config "$url user=postgres sslmode=nonsense"
refused 26 'invalid sslmode value: "nonsense"' 'verify-full is the one to have'
# Over a network the way is to be encrypted: a server that has no encryption, and one that cannot be proven.
cat >encrypts.py <<'END'
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    asked = server.accept()[0]
    asked.recv(8)
    asked.sendall(sys.argv[1].encode())
    asked.close()
END
encrypts() { # S|N REFUSED...: as a server answers that does, or does not
    "$python" -S encrypts.py "$1" >port &
    until [ -s port ]; do sleep 0.05; done
    config "host=127.0.0.1 port=$(cat port) dbname=postgres user=app sslmode=verify-full sslrootcert=$work/root.crt"
    refused "${@:2}"
    kill $!
    rm port
}
encrypts N 26 'server does not support SSL, but SSL was required' 'switch ssl on at the server'
encrypts S 26 "root certificate file \"$work/root.crt\" does not exist" 'sslrootcert names the file with the authority'
config "host=$work dbname=postgres user=postgres"
run 24 --config ways.toml book list
err_has "no server listens at this socket: start it, or correct host, which is the socket's directory"
err_has "$work/.s.PGSQL.5432\" failed: No such file or directory): journal \"default\" on PostgreSQL"
err_has 'Try again later.'

config "$url user=postgres"
# Patroni, where it answers: here somebody who says to be it, on a network where nobody else is.
cat >patroni.py <<'END'
import fcntl, os, socket, struct, subprocess, sys, threading
lo = socket.socket()
fcntl.ioctl(lo, 0x8914, struct.pack("16sh14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running
server = socket.create_server(("127.0.0.1", 8008))
def of(version, pause="false"):
    return '{"state": "running", "pause": %s, "patroni": {"version": "%s", "scope": "desk"}}' % (pause, version)
for body in (of("4.1.5"), of("4.1.5", "true"), of("3.0.2"), of("3.0.3"), of(f"{'3' * 9000}.0.1"), of("none"), ""):
    ended = threading.Event()
    def answer():
        asked = server.accept()[0]
        assert asked.recv(4096).startswith(b"GET /patroni ")
        asked.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body.encode())
        if not body:
            ended.wait()
        asked.close()
    thread = threading.Thread(target=answer)
    thread.start()
    done = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=20)
    ended.set()
    thread.join()
    print(done.stdout, "ended with", done.returncode)
END
apart=-n
[ "$(id -u)" = 0 ] || apart=-rn
if unshare $apart true 2>/dev/null; then
    unshare $apart "$python" -S patroni.py "$TESSER_JOURNAL" --config ways.toml doctor >"$out" 2>"$err" ||
        fail "nobody asks for Patroni"
    out_has 'ok       patroni: version 4.1.5 at port 8008: it answers'
    out_has 'warning  patroni: version 4.1.5 at port 8008: it is paused'
    out_has 'warning  patroni: version 3.0.2 at port 8008: over etcd3 a machine that was frozen'
    out_has 'ok       patroni: version 3.0.3 at port 8008: it answers'
    [ "$(grep -c 'patroni: ' "$out")" = 4 ] || fail "what has no version, or no end, is told of"
    [ "$(grep -c 'ended with [05]$' "$out")" = 7 ] || fail "doctor ends otherwise"
else
    echo "Skipped: what doctor says of Patroni, because this user may make no network of its own"
fi

# What is damaged there is not repaired by a command for directories.
echo '{"portfolio_equity": "1"}' >line
run 0 --config ways.toml record <line
"$psql" -q -X "$TJ_POSTGRES_URL" -c 'update tesser.raw_state set sum = sum + 1'
run 19 --config ways.toml state show
err_has 'restore the server from a backup of its own'
! grep -q 'repair' "$err" || fail "what is for directories is advised"
run 19 --config ways.toml verify
! grep -rqF -e topsecret -e wrongsecret "$out" "$err" "$TJ_POSTGRES_DIRECTORY/server.log" || fail "a secret is told"
