#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Where packages are missing, configuring names all of them at once, as Debian does; the lists of packages have them all.
set -euo pipefail
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

code=0
cmake -S "$source" -B "$scratch/build" -DTJ_TESTS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_toml11=ON \
    -DCMAKE_FIND_ROOT_PATH=/nowhere -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY >"$scratch/said" 2>&1 || code=$?
said=$(tr -s ' \n' ' ' <"$scratch/said")
all="libtoml11-dev liblmdb-dev uuid-dev libsqlite3-dev libsmartcols-dev libzstd-dev libintelrdfpmath-dev libxxhash-dev"
if [ $code -eq 0 ] || [[ $said != *"Missing are, by their Debian names: $all."*"make setup"* ]]; then
    echo "exit code $code; it said: $said"
    exit 1
fi

# Whatever else builds it installs them, too.
for list in scripts/setup.sh debian/control contrib/docker/Dockerfile; do
    for package in $all; do
        grep -qw -e "$package" "$source/$list" || { echo "$list lacks $package"; exit 1; }
    done
done
