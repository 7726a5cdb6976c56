#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The image of contrib/docker: built and run by the commands that stand in its Dockerfile, on a Debian that
# fresh_debian.sh makes, so that no registry is asked. A recorder in it is stopped, killed and started again, and looked
# at from beside. What cannot be done here is skipped, and said. Usage: test_image.sh
set -euo pipefail
here=$(dirname "$(realpath "$0")")
cd "$here/../.."
dockerfile=contrib/docker/Dockerfile
passed=0
ok() {
    echo "$*"
    passed=$((passed + 1))
}
skip() { # .ci/run reads the last line
    echo "skipped: the image ($*)"
    echo "$passed passed, 1 skipped in $SECONDS.0s"
    exit 0
}
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
command -v podman >/dev/null && command -v runc >/dev/null || skip "no podman, or no runc"
debian=$("$here/fresh_debian.sh") || skip "a fresh Debian: $debian"

scratch=$(mktemp -d /var/tmp/tj-image-XXXXXX)
# Apart from whatever else podman holds on this machine.
storage=(podman --root "$scratch/storage" --runroot "$scratch/run" --tmpdir "$scratch/tmp" --cgroup-manager cgroupfs
    --runtime runc)
"${storage[@]}" info >/dev/null 2>&1 || storage+=(--storage-driver vfs)
finished() {
    "${storage[@]}" rm --force --all >/dev/null 2>&1 || true
    grep -o " $scratch/[^ ]*" /proc/mounts | sort -r | xargs -r umount || true
    rm -rf "$scratch"
}
trap finished EXIT

# As the Dockerfile says it. Without systemd podman cannot run the health check by the clock, and complains.
docker() {
    local command=$1
    shift
    case $command in
    build) set -- build --isolation chroot --network host --pull=never --format docker "$@" ;;
    run) set -- run --network none --ulimit nofile=4096 --ulimit nproc=4096 "$@" ;;
    *) set -- "$command" "$@" ;;
    esac
    "${storage[@]}" "$@" 2> >(grep -v 'systemd connection' >&2 || true)
}
# said PATTERN: the Dockerfile's own command.
said() {
    local line
    line=$(sed -n 's/^#   \(docker .*\)/\1/p' $dockerfile | grep -e "$1") || fail "$dockerfile does not say how to: $1"
    eval "$line"
}
# refused CODE WORDS COMMAND...: the exit code, and what the sentence says.
refused() {
    local code=0 expected=$1 words=$2
    shift 2
    "$@" >"$scratch/out" 2>&1 || code=$?
    [ "$code" = "$expected" ] || fail "exit code $code, not $expected: $* $(cat "$scratch/out")"
    grep -q -e "$words" "$scratch/out" || fail "it does not say \"$words\": $(cat "$scratch/out")"
}
beside=(docker run --rm -v journal:/var/lib/tesser-journal)
socket() { # the recorder's, when it listens
    local path
    path=$(docker volume inspect socket --format '{{.Mountpoint}}')/socket
    until docker logs recorder 2>/dev/null | grep -c recording | grep -qx "$1"; do
        [ "$(docker inspect recorder --format '{{.State.Status}}')" = running ] || fail "the recorder ended"
        sleep 0.1
    done
    echo "$path"
}

docker import "$debian" docker.io/library/debian:12 >"$scratch/log" 2>&1 || skip "podman import: $(tail -1 "$scratch/log")"
docker tag docker.io/library/debian:12 docker.io/library/debian:12-slim
docker run --rm debian:12 true >"$scratch/log" 2>&1 || skip "no container can be run: $(tail -1 "$scratch/log")"
said 'docker build' >"$scratch/log" 2>&1 || fail "the build: $(tail -20 "$scratch/log")"
ok "built from the Dockerfile: $(docker images --format '{{.Size}}' tesser-journal)"

refused 13 "tesser-journal init" "${beside[@]}" tesser-journal check
said ' init$' >/dev/null
said 'docker run -d' >/dev/null
path=$(socket 1)
python3 examples/socket/client.py "$path" >"$scratch/out"
grep -q 'commit 1, then 100 up to 101' "$scratch/out" || fail "the recorder's answers: $(cat "$scratch/out")"
[ "$(docker exec recorder id -u)" = 990 ] || fail "the recorder is $(docker exec recorder id)"
said 'docker exec' >"$scratch/out"
grep -q 'Writer  *running' "$scratch/out" || fail "status beside the recorder: $(cat "$scratch/out")"
docker healthcheck run recorder || fail "the health check is red"
ok "it records into the volume, as no root, and is healthy"

refused 15 "held by another writer (pid 1, program tesser-journal" "${beside[@]}" tesser-journal record
refused 15 "pid namespace" "${beside[@]}" tesser-journal status
"${beside[@]}" --pid container:recorder tesser-journal check >/dev/null || fail "check, in the recorder's pid namespace"
if [ "$(docker info --format '{{.Store.GraphDriverName}}')" = overlay ]; then
    refused 25 overlayfs docker run --rm -e TESSER_JOURNAL_PATH=/tmp/journal tesser-journal init
fi
ok "a second writer is refused, and a journal beside the volume"

docker stop --time 60 recorder >/dev/null
[ "$(docker inspect recorder --format '{{.State.ExitCode}}')" = 0 ] || fail "SIGTERM does not end it cleanly"
docker start recorder >/dev/null
path=$(socket 2)
docker kill recorder >/dev/null
docker start recorder >/dev/null
path=$(socket 3)
echo '{"last_prices":{"binance_perp:BTCUSDT":"64000.20"}}' | python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
print(s.makefile().readline(), end="")' "$path" | grep -qx '{"seq":102}' || fail "after a stop and a kill it does not go on"
docker rm --force recorder >/dev/null
"${beside[@]}" tesser-journal state show --where symbol=BTCUSDT >"$scratch/out"
grep -q 64000.20 "$scratch/out" || fail "the state is not there: $(cat "$scratch/out")"
ok "stopped, killed and started again, it goes on; the state outlives its container"
echo "$passed passed in $SECONDS.0s"
