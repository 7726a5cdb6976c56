#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a test that stops and starts its server, with one of its own.
# Usage: with_server.sh PROGRAM [ARGUMENT...]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
place=$(mktemp -u "${TMPDIR:-/tmp}/tj-postgres-place-XXXXXX")
"$here/server.sh" start "$place" || exit $?
trap '"$here/server.sh" stop "$place"' EXIT
export TJ_POSTGRES_SERVER="$here/server.sh"
"$here/run.sh" "$place" "$@"
