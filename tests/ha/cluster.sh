# SPDX-License-Identifier: MIT OR Apache-2.0
# Three machines, as contrib/ha sets them up: each is a network namespace with etcd, Patroni and PostgreSQL, on
# a bridge that the writer's namespace has. All of it is in namespaces of its own for processes, mounts and the
# network, so that nothing of it outlives the script, or is seen by anything else.
# To be sourced: `cluster_enter "$@"` comes first, then `cluster_start`.

patroni_version=4.1.5
nodes="1 2 3"
ttl=20 # as in contrib/ha/patroni.yml
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pg_bin=/usr/lib/postgresql/15/bin

say() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }
die() {
    echo "FAILED: $*" >&2
    exit 1
}
skipped() {
    echo "SKIPPED: $*"
    echo "1 skipped in 0.0s" # .ci/run reads this line
    exit 77
}

# ---- what it stands in ---------------------------------------------------------------------------

check_needs() {
    [ "$(id -u)" = 0 ] || skipped "three machines need root, for their network namespaces."
    unshare --mount --net --pid --fork true 2>/dev/null || skipped "no namespaces are allowed here."
    command -v ip >/dev/null || skipped "iproute2 is not installed; scripts/setup.sh --ha installs it."
    command -v etcd >/dev/null || skipped "etcd is not installed; scripts/setup.sh --ha installs it."
    [ -x $pg_bin/postgres ] || skipped "PostgreSQL 15 is not installed; scripts/setup.sh --ha installs it."
}

# Kept in build/, since fetching it takes longer than all three machines do.
install_patroni() {
    local venv=$project/build/patroni-$patroni_version
    patroni_packages=$venv/packages
    [ ! -d "$patroni_packages" ] || return 0
    rm -rf "$venv"
    mkdir -p "$venv"
    /usr/bin/python3 -m venv "$venv" >"$venv/log" 2>&1 &&
        "$venv/bin/pip" install -q "patroni[etcd3]==$patroni_version" psycopg2-binary >>"$venv/log" 2>&1 ||
        skipped "Patroni $patroni_version cannot be installed: $(tail -n 1 "$venv/log")"
    mv "$venv"/lib/python3*/site-packages "$patroni_packages"
}

# Starts the script again in namespaces; what still runs there ends with it.
cluster_enter() {
    if [ -z "${TJ_HA_PATRONI:-}" ]; then
        check_needs
        install_patroni
        TJ_HA_PATRONI=$patroni_packages exec unshare --mount --net --pid --fork --kill-child --mount-proc \
            bash "$0" "$@"
    fi
    began=$SECONDS
    mkdir -p /run/netns
    mount -t tmpfs none /run/netns
    mount -t tmpfs none /dev/shm
    cluster=/dev/shm/cluster
    mkdir "$cluster"
    trap 'cluster_stop $?' EXIT
    cp -r "$TJ_HA_PATRONI" "$cluster/python" # the server's user may not see this directory
    build_network
}

# The rest goes with the namespaces.
cluster_stop() {
    local kept=$project/build/ha-failed
    if [ "$1" != 0 ]; then
        rm -rf "$kept"
        mkdir -p "$kept"
        (cd "$cluster" && cp -r --parents node*/*.log ./*.notes ./*.said "$kept" 2>/dev/null) || true
        echo "What the machines and the writer said is in $kept." >&2
    fi
    exit "$1"
}

# ---- the network ---------------------------------------------------------------------------------

address() { echo "192.0.2.1$1"; }

build_network() {
    ip link set lo up
    ip link add switch type bridge
    ip addr add 192.0.2.1/24 dev switch
    ip link set switch up
    for node in $nodes; do
        ip netns add "node$node"
        ip link add "port$node" type veth peer name eth0 netns "node$node"
        ip link set "port$node" master switch
        ip link set "port$node" up
        ip -n "node$node" link set lo up
        ip -n "node$node" addr add "$(address "$node")/24" dev eth0
        ip -n "node$node" link set eth0 up
    done
}

# What two nodes send each other goes to nobody: nothing refuses it, as where a switch has failed.
cut_link() {
    ip -n "node$1" neigh replace "$(address "$2")" lladdr 02:00:00:00:00:99 dev eth0 nud permanent
    ip -n "node$2" neigh replace "$(address "$1")" lladdr 02:00:00:00:00:99 dev eth0 nud permanent
}
mend_link() {
    ip -n "node$1" neigh del "$(address "$2")" dev eth0
    ip -n "node$2" neigh del "$(address "$1")" dev eth0
}

# ---- machines ------------------------------------------------------------------------------------

in_node() { # NODE COMMAND..., as the servers' user
    local node=$1
    shift
    ip netns exec "node$node" setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
}

# The files of contrib/ha, for this node and these directories; there is no watchdog and no certificate here.
configure() {
    local node=$1 here=$cluster/node$1
    mkdir -p "$here"
    sed -e "s|^name: pg1|name: pg$node|" \
        -e "/^ *listen:\|^ *connect_address:/s|192.0.2.11|$(address "$node")|" \
        -e "s|/var/lib/postgresql/15/tesser|$here/data|" \
        -e "s|/var/lib/postgresql/patroni.pgpass|$here/pgpass|" \
        -e "s|/var/run/postgresql|$here|" \
        -e 's|peer$|trust|; s|hostssl|host   |; s|mode: required|mode: off|' \
        "$project/contrib/ha/patroni.yml" >"$here/patroni.yml"
    sed -e "/ETCD_NAME\|_URLS=/s|pg1|pg$node|; /_URLS=/s|192.0.2.11|$(address "$node")|" \
        -e "s|/var/lib/etcd/tesser|$here/etcd|" "$project/contrib/ha/etcd.env" >"$here/etcd.env"
    chown -R postgres "$here"
    chmod 600 "$here/patroni.yml"
}

start_etcd() {
    local node=$1 here=$cluster/node$1
    (
        set -a
        . "$here/etcd.env"
        in_node "$node" etcd >>"$here/etcd.log" 2>&1 </dev/null &
    )
}

start_patroni() {
    local node=$1 here=$cluster/node$1
    (
        cd "$here"
        PYTHONPATH=$cluster/python PYTHONDONTWRITEBYTECODE=1 \
            in_node "$node" /usr/bin/python3 -m patroni patroni.yml >>"$here/patroni.log" 2>&1 </dev/null &
    )
}

start_node() {
    ip link set "port$1" up
    start_etcd "$1"
    start_patroni "$1"
}

# All processes of a node, until none of them is left over.
signal_all() { # NODE SIGNAL
    for _ in 1 2 3; do
        ip netns pids "node$1" 2>/dev/null | xargs -r kill "-$2" 2>/dev/null || true
    done
}

lose_machine() { # silently: nobody hears that its connections end
    ip link set "port$1" down
    signal_all "$1" KILL
}
freeze() { signal_all "$1" STOP; }
thaw() { signal_all "$1" CONT; }

kill_etcd() { # NODE
    local pid
    for pid in $(ip netns pids "node$1"); do
        [ "$(cat /proc/"$pid"/comm 2>/dev/null)" != etcd ] || kill -9 "$pid"
    done
}

kill_primary() { kill -9 "$(head -n 1 "$cluster/node$1/data/postmaster.pid")"; }

# ---- what Patroni says ---------------------------------------------------------------------------

say_to_patroni() { # METHOD NODE PATH [BODY]: the answer's head and body
    timeout "${5:-2}" bash -c 'exec 3<>"/dev/tcp/$1/8008" &&
        printf "%s %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" "$0" "$2" "${#3}" "$3" >&3 && cat <&3' \
        "$1" "$(address "$2")" "$3" "${4:-}" 2>/dev/null || true
}
ask_patroni() { say_to_patroni GET "$1" "$2"; }
tell_patroni() { # METHOD NODE PATH BODY
    local said
    said=$(say_to_patroni "$@" 20)
    [[ $said == "HTTP/1.0 2"* ]] || die "Patroni does not do it: $said"
}

leader() { # the node that has the key, by Patroni's own word; nothing when none does
    for node in $nodes; do
        if [[ $(ask_patroni "$node" /primary) == "HTTP/1.0 200"* ]]; then
            echo "$node"
            return
        fi
    done
}

sync_standby() {
    for node in $nodes; do
        if [[ $(ask_patroni "$node" /sync) == "HTTP/1.0 200"* ]]; then
            echo "$node"
            return
        fi
    done
}

is_whole() { # a primary, and both others stream from it, one of them synchronously
    local said
    said=$(ask_patroni "${1:-1}" /cluster)
    [ "$(grep -o '"state": "streaming"' <<<"$said" | wc -l)" = 2 ] &&
        [ "$(grep -o '"role": "leader", "state": "running"' <<<"$said" | wc -l)" = 1 ] &&
        { [ -n "${asynchronous:-}" ] || [ -n "$(sync_standby)" ]; }
}

wait_until() { # SECONDS WHAT COMMAND...
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $until ] || die "$what did not come about"
        sleep 0.2
    done
}

# ---- the database --------------------------------------------------------------------------------

sql() { # DATABASE [OPTION...], on the primary; statements come on standard input
    local database=$1
    shift
    "$pg_bin/psql" -q -X -v ON_ERROR_STOP=1 -h "$cluster/node$(leader)" -U postgres "$@" "$database"
}

# As contrib/ha/README.md has it.
create_database() { # PROGRAM
    sql postgres -c 'create database trading'
    "$1" --config "$project/contrib/ha/tesser.toml" init --print-sql >"$cluster/schema.sql"
    sed -n '/^commit;/,$s/^-- //p' "$cluster/schema.sql" >"$cluster/roles.sql"
    sql trading -f "$cluster/schema.sql" -f "$cluster/roles.sql" -c "alter role tj_writer password 'change-writer'"
    echo '*:5432:trading:tj_writer:change-writer' >"$cluster/pgpass"
    chmod 600 "$cluster/pgpass"
    export PGPASSFILE=$cluster/pgpass PGSSLMODE=disable
}

cluster_start() { # BUILD-DIRECTORY
    for node in $nodes; do
        configure "$node"
        start_node "$node"
    done
    wait_until 120 "a cluster of three machines" is_whole
    create_database "$1/cli/tesser-journal"
}
