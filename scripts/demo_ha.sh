#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A paper-trading runtime whose journal is on three machines: the leader is killed, then the next leader is
# frozen and thawed, and the runtime ends with the same digest as one that nothing happened to.
# Usage: scripts/demo_ha.sh BUILD-DIRECTORY [SEED]
set -euo pipefail
source "$(dirname "$0")/../tests/ha/cluster.sh"
cluster_enter "$1" "${2:-$RANDOM}"
build=$(cd "$1" && pwd)
seed=$2
events=600
runtime=$build/examples/paper_runtime
config=$project/contrib/ha/tesser.toml
export TESSER_JOURNAL_NAME=desk
cd "$cluster"

newest() {
    local number
    number=$(sql trading -At -c "select max(seq) from tesser.log" 2>/dev/null || true)
    echo "${number:-0}"
}

has_traded() { [ "$(newest)" -ge "$1" ]; }

# As a supervisor does: what a runtime was told of its journal ends it, and it is started again.
trade() {
    until "$runtime" --config "$config" --seed "$seed" --events $events --pace 100 >traded 2>said; do
        grep -v '^  ' said | head -n 1 | cut -c 1-300 >>ends
        sleep 1
    done
}

printf '[journal]\ntype = "memory"\n' >memory.toml
undisturbed=$("$runtime" --config memory.toml --seed "$seed" --events $events 2>/dev/null)
echo "A paper-trading runtime: $events events, seed $seed. Undisturbed, in memory:"
echo "        $undisturbed"
echo "Three machines with PostgreSQL 15, Patroni $patroni_version and etcd (contrib/ha), each in a network of its own:"
cluster_start "$build"
first=$(leader)
say "pg$first leads, pg$(sync_standby) has every commit before it is acknowledged"

: >ends
trade &
trading=$!
wait_until 30 "trading" has_traded 50
say "trading: $(newest) commits. The machine of pg$first is lost, without a word"
lose_machine "$first"
wait_until $((ttl + 40)) "a new leader" has_traded 1
second=$(leader)
say "pg$second leads now; it has $(newest) commits"
before=$(newest)
wait_until 60 "trading on pg$second" has_traded $((before + 20))
say "the runtime trades on: $(newest) commits. pg$first comes back, as a standby"
start_node "$first"
wait_until 120 "three machines again" is_whole

before=$(newest)
wait_until 30 "trading" has_traded $((before + 20))
say "pg$first has caught up: $(newest) commits. The machine of pg$second is frozen for 40 s"
frozen_at=$SECONDS
freeze "$second"
wait_until $((ttl + 40)) "a new leader" has_traded 1
third=$(leader)
before=$(newest)
wait_until 60 "trading on pg$third" has_traded $((before + 20))
say "pg$third leads, and the runtime trades on: $(newest) commits"
sleep $((40 - (SECONDS - frozen_at) > 0 ? 40 - (SECONDS - frozen_at) : 0))
thaw "$second"
say "pg$second is thawed, and believes that it leads"
wait_until 120 "three machines again" is_whole
[ "$(leader)" = "$third" ] || die "the thawed machine has taken the lead back"
say "it has learned better: pg$third leads, pg$second follows"
wait $trading
if [ -s ends ]; then
    say "the runtime was told that its database is away, ended, and was started again, $(wc -l <ends) times. First:"
    echo "        $(head -n 1 ends)"
fi
say "the runtime has ended. From the journal:"
echo "        $(cat traded)"
[ "$(cat traded)" = "$undisturbed" ] || die "the digests differ"
echo "The same digest. $(newest) commits, none lost; the log is verified:"
"$build/cli/tesser-journal" --config "$config" verify --deep | sed 's/^/        /'
