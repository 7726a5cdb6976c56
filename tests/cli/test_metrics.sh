# SPDX-License-Identifier: MIT OR Apache-2.0
# metrics: what Prometheus reads, and that the alerts in contrib/ fire when they must, in a real Prometheus.
source "$(dirname "$0")/lib.sh"
contrib=$(dirname "$script")/../../contrib

value() { awk -v name="tesser_journal_$1{journal=\"$PWD/$2\"}" '$1 == name { print $2 }' "${3:-$out}"; }

run 0 -j j init
for i in $(seq 50); do
    echo '{"last_prices":{"a:X":"'$i'"}}'
done >lines
run 0 -j j record <lines
! "$TESSER_JOURNAL" -j j record <<<'{"book":"nowhere","portfolio_equity":"1"}' >"$out" 2>"$err" || fail "a wrong book"
run 0 -j j metrics
[ "$(value up j)" = 1 ] && [ "$(value sequence j)" = 50 ] && [ "$(value writer_alive j)" = 0 ] || fail "gauges"
grep -qF 'tesser_journal_refused_total{journal="'"$PWD"'/j",status="NOT_FOUND"} 1' "$out" || fail "what was refused"
run 0 -j j record <lines
run 0 -j j metrics
[ "$(value commit_seconds_count j)" = 50 ] && [ "$(value flush_commits_sum j)" = 50 ] || fail "the newest writer's counts"
[ "$(value log_written_bytes_total j)" -gt 4000 ] || fail "bytes"
cp "$out" metrics.txt
! "$TESSER_JOURNAL" -j $'a\xff' metrics >"$out" 2>"$err" || fail "a journal that is not there"
grep -q $'tesser_journal_up{journal=".*a\xef\xbf\xbd"} 0' "$out" || fail "a path that is no UTF-8: $(head -3 "$out")"

# A file is replaced also when the journal cannot be opened, which it then says.
run 0 -j j metrics --output j.prom
cut -d' ' -f1 metrics.txt | cmp -s - <(cut -d' ' -f1 j.prom) || fail "the file"
run 43 check -j j --max-backup-age 1d
out_has 'BACKUP_OLD: no backup is known'
run 0 -j j backup kept
run 0 -j j metrics
[ "$(value backup_timestamp_seconds j | cut -d. -f1)" -gt 1700000000 ] || fail "the backup's time"
mv j/data.mdb gone
run 19 -j j metrics --output j.prom
[ "$(value up j j.prom)" = 0 ] && [ "$(value open_status j j.prom)" = 9 ] || fail "not opened: $(cat j.prom)"
mv gone j/data.mdb
run 0 check -j j --max-backup-age 1d
sleep 1.1
run 43 check -j j --max-backup-age 1s
out_has "BACKUP_OLD: the newest backup is of "
# One that was made under a clock that was ahead has no age, and is not the newest for years.
if command -v faketime >/dev/null; then
    faketime '2031-05-01 00:00:00' "$TESSER_JOURNAL" -j j backup ahead >"$out"
    run 43 check -j j --max-backup-age 1d
    out_has "that time is still to come"
    run 0 status -j j
    out_has "at 2031-05-01T00:00:0"
    run 5 doctor -j j
    out_has "is still to come"
    run 0 -j j backup ahead
    run 0 check -j j --max-backup-age 1d
else
    echo "not tried: a backup under a clock that was ahead (no faketime)"
fi

command -v promtool >/dev/null && command -v prometheus >/dev/null || skip "prometheus is not installed: its reading and the alerts"
promtool check metrics <metrics.txt >"$out" 2>&1 || fail "promtool check metrics"
[ ! -s "$out" ] || fail "promtool has something to say"
promtool check rules "$contrib/prometheus/tesser-journal.rules.yml" >"$out" 2>&1 || fail "promtool check rules"
# The dashboard's queries, as rules.
python3 -c 'import json, sys
queries = [target["expr"] for panel in json.load(sys.stdin)["panels"] for target in panel["targets"]]
queries = [query.replace("$__rate_interval", "5m").replace("$journal", ".*") for query in queries]
rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))' \
    <"$contrib/grafana/tesser-journal.json" >queries.yml || fail "the dashboard"
promtool check rules queries.yml >"$out" 2>&1 || fail "the dashboard's queries"
grep -oE 'tesser_journal_[a-z_]+' "$contrib/prometheus/tesser-journal.rules.yml" "$contrib/grafana/tesser-journal.json" -h |
    sort -u | grep -vxE 'tesser_journal_(standby.*|unreplicated_.*)' | # of a server: tests/postgres/test_watched.sh
    while read -r name; do
    run 0 -j j metrics
    grep -qE "^($name[{]|# TYPE $name )" "$out" || fail "there is no metric $name"
done

# What only a server has, from figures that are written down.
cat >server.yml <<YML
rule_files: ["$contrib/prometheus/tesser-journal.rules.yml"]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - {series: 'tesser_journal_standby_missing{journal="gone"}', values: "0 0 1x20"}
      - {series: 'tesser_journal_standby_missing{journal="well"}', values: "0 0 1 0x19"}
      - {series: 'tesser_journal_unreplicated_bytes{journal="slow"}', values: "0 0 67108865x20"}
      - {series: 'tesser_journal_unreplicated_bytes{journal="well"}', values: "67108864x22"}
      - {series: 'tesser_journal_unreplicated_commits{journal="alone"}', values: "0 0 3x20"}
      - {series: 'tesser_journal_unreplicated_commits{journal="well"}', values: "0x22"}
    promql_expr_test:
      - {expr: 'ALERTS{alertstate="firing"}', eval_time: 1m}
      - expr: 'count by (alertname, journal) (ALERTS{alertstate="firing"})'
        eval_time: 10m
        exp_samples:
          - {labels: '{alertname="TesserJournalStandbyMissing", journal="gone"}', value: 1}
          - {labels: '{alertname="TesserJournalStandbyBehind", journal="slow"}', value: 1}
          - {labels: '{alertname="TesserJournalUnreplicated", journal="alone"}', value: 1}
YML
promtool test rules server.yml >"$out" 2>&1 || fail "the alerts of a server"

# Five journals: one well, and one for each thing that can be wrong.
sed -e 's/for: [0-9]*m/for: 0s/' -e 's/24 \* 1024 \* 1024/4096/' "$contrib/prometheus/tesser-journal.rules.yml" >rules.yml
writers=()
writer() { # writer JOURNAL CONFIG: one that lives, on descriptor $fd
    local config=$2
    rm -f ask
    mkfifo ask
    "$TESSER_JOURNAL" --config "$config" record <ask >"$1.answers" 2>"$1.err" &
    writers+=($!)
    exec {fd}>ask
}
config() { printf '[journal]\npath = "%s"\nsegment_size = "64 KiB"\nlag_ms = %d\n' "$1" "${2:-50}" >"$3"; }
for name in well slow old; do
    config $name $([ $name = slow ] && echo 3600000 || echo 50) $name.toml
    run 0 --config $name.toml init
    writer $name $name.toml
    cat lines >&"$fd"
done
config dead 50 dead.toml
run 0 --config dead.toml init
expected="TesserJournalBackupOld TesserJournalLag"
if [ "$(id -u)" = 0 ] && mkdir mnt && mount -t tmpfs -o size=8m none mnt 2>/dev/null; then
    config mnt/full 50 full.toml
    run 0 --config full.toml init
    run 0 --config full.toml backup full.kept
    writer full full.toml
    head -c 16m /dev/zero >mnt/filler 2>/dev/null || true
    expected+=" TesserJournalSpaceLow"
else
    echo "not tried: a full disk (no mount)"
fi
expected+=" TesserJournalWriterDead"
for _ in $(seq 100); do
    [ "$(cat well.answers slow.answers old.answers | wc -l)" -lt 150 ] || break
    sleep 0.05
done
for name in well slow old dead; do
    run 0 --config $name.toml backup $name.kept
done
{
    "$TESSER_JOURNAL" --config well.toml metrics
    "$TESSER_JOURNAL" --config slow.toml metrics
    "$TESSER_JOURNAL" --config old.toml metrics |
        awk '/^tesser_journal_backup_timestamp_seconds/ { $2 -= 200000 } { print }'
    "$TESSER_JOURNAL" --config dead.toml metrics
    [ ! -e full.toml ] || "$TESSER_JOURNAL" --config full.toml metrics
} | python3 -c 'import sys
seen, order = {}, []
for line in sys.stdin:  # one family after the other, as one exporter would tell them
    if line.startswith("#"):
        name = line.split()[2]
    if name not in seen:
        order.append(name)
    if line not in seen.setdefault(name, []):
        seen[name].append(line)
print("".join("".join(seen[name]) for name in order), end="")' >page
promtool check metrics <page >"$out" 2>&1 || fail "promtool check metrics of five journals"
cat >prometheus.yml <<YML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: journals
    static_configs: [{targets: ["127.0.0.1:PORT"]}]
YML
cat >alerts.py <<'PY'
"""Serves the page to a Prometheus, and waits for the alerts: exactly these."""
import http.server, json, signal, socket, subprocess, sys, threading, time, urllib.request
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open("page", "rb").read()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
text = open("prometheus.yml").read().replace("PORT", str(server.server_port))
open("prometheus.yml", "w").write(text)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
child = subprocess.Popen(["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                          f"--web.listen-address=127.0.0.1:{port}"],
                         stdout=open("prometheus.log", "w"), stderr=subprocess.STDOUT)
wanted, firing = sorted(sys.argv[1:]), None
try:
    for _ in range(240):
        time.sleep(0.25)
        try:
            answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/alerts"))
        except OSError:
            continue
        firing = {(a["labels"]["alertname"], a["labels"]["journal"].rsplit("/", 1)[1])
                  for a in answer["data"]["alerts"] if a["state"] == "firing"}
        if sorted({name for name, _ in firing}) == wanted:
            break
finally:
    child.send_signal(signal.SIGTERM)
    child.wait()
assert sorted({name for name, _ in firing or ()}) == wanted, (firing, open("prometheus.log").read()[-2000:])
of = {"TesserJournalBackupOld": "old", "TesserJournalLag": "slow", "TesserJournalSpaceLow": "full",
      "TesserJournalWriterDead": "dead"}
assert firing == {(name, of[name]) for name in wanted}, firing
PY
code=0
python3 alerts.py $expected >"$out" 2>"$err" || code=$?
kill "${writers[@]}" 2>/dev/null || true
{ wait "${writers[@]}" || true; } 2>/dev/null
[ ! -e full.toml ] || umount mnt
[ $code -eq 0 ] || fail "the alerts"
echo "firing: $expected"
