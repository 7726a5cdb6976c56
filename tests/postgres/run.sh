#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a test against the server that server.sh has started.
# Usage: run.sh PLACE PROGRAM [ARGUMENT...]
set -euo pipefail
place=$1
shift
if [ ! -f "$place" ]; then
    echo "SKIPPED: there is no PostgreSQL server to test with; scripts/setup.sh --ci installs one."
    exit 77
fi
directory=$(cat "$place")
export TJ_POSTGRES_DIRECTORY=$directory TJ_POSTGRES_URL="host=$directory user=postgres dbname=postgres"
exec "$@"
