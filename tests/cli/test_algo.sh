# SPDX-License-Identifier: MIT OR Apache-2.0
# algo list, show, save and delete.
source "$(dirname "$0")/lib.sh"
a=11111111-2222-4333-8444-555555555555
b=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee

run 0 -j j init
run 0 -j j algo list
out_is "Algorithms (0)"
run 13 -j j algo show $a

run 0 -j j algo save $a --plugin TWAP <<<'  {"pending": 2,  "p":1.50} '
out_is "saved algorithm $a in book default; commit 1"
printf '{"algo_type":"ICEBERG","state":[1,  2]}' >record.json
run 0 -j j algo save $b record.json --json
json "$out" 'd == {"id": "'$b'", "book": "default", "was_there": False, "seq": "2"}'
run 0 -j j algo save $b - <<<'{"plugin":"ICEBERG","payload":[1,  2]}'
out_is "replaced algorithm $b in book default; commit $(grep -oE '[0-9]+$' "$out")"

run 0 -j j algo list
out_is "Algorithms (2)
  id                                    payload  plugin
  $a     25 B  TWAP
  $b      7 B  ICEBERG"
run 0 -j j algo list --json
json "$out" 'd["book"] == "default" and d["quarantined"] == []'
json "$out" 'd["algos"]["'$a'"] == {"algo_type": "TWAP", "state": {"pending": "2", "p": "1.50"}}'
json "$out" 'sorted(d["algos"]) == ["'$a'", "'$b'"]'

# The payload keeps its bytes.
run 0 -j j algo show $a
out_is "Algorithm
  Id                   $a
  Plugin               TWAP
  Payload              25 B

{\"pending\": 2,  \"p\":1.50}"
run 0 -j j algo show ${b^^} --json
out_is '{"algo_type":"ICEBERG","state":[1,  2]}'
# What is shown can be saved.
run 0 -j j init --book other
"$TESSER_JOURNAL" -j j algo show $b --json | "$TESSER_JOURNAL" -j j -b other algo save $b >"$out"
run 0 -j j -b other algo show $b --json
out_is '{"algo_type":"ICEBERG","state":[1,  2]}'
run 0 -j j -b other algo list --json
json "$out" 'list(d["algos"]) == ["'$b'"]'

run 0 -j j algo delete $a
out_has "deleted algorithm $a in book default; commit"
run 0 -j j algo delete $a --json
json "$out" 'd["was_there"] is False'
run 13 -j j algo show $a
err_has "$a"

# Refusals.
run 26 -j j algo save $a --plugin TWAP <<<'{"pending":'
run 13 -j j algo save $a missing.json
run 2 -j j algo save $a --plugin ''
run 26 -j j algo save $a <<<'{"plugin":"TWAP"}'
err_has "standard input: "
run 21 -j j algo save $a --plugin "$(printf 'x%.0s' {1..257})" <<<'{}'
run 2 -j j algo save 1234 <<<'{}'
run 2 -j j algo delete ${a}0
run 0 -j j algo list --json
json "$out" 'list(d["algos"]) == ["'$b'"]'
