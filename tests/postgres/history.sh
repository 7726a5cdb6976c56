# SPDX-License-Identifier: MIT OR Apache-2.0
# What was committed, to be compared with that of a copy: without the epoch, which is each journal's own, and
# without the members that are named in $own.
history() {
    run 0 "$@" history --json
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    commits = json.loads(line)
    for commit in commits if isinstance(commits, list) else commits.get("commits", [commits]):
        commit.pop("epoch", None)
        for own in sys.argv[2:]:
            commit.pop(own, None)
        print(json.dumps(commit, sort_keys=True))' "$out" ${own:-}
}
