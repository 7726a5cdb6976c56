#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs the Debian packages that are missing; says nothing when none is.
# Usage: scripts/setup.sh [--ci] [--rust] [--page] [--python] [--ha] [--packages] [--image]
#   --ci    adds what the extra builds of .ci/run need
#   --rust  adds what the published Tesser crates need to be built
#   --ha    adds what three machines with Patroni need
#   --packages  adds what makes and checks Debian packages
#   --image  adds what builds and runs the container image
#   --page  adds what looks at the page of `serve`
#   --python  adds what the Python package needs to be built for Debian's own Python
set -euo pipefail

packages=(build-essential cmake ninja-build pkg-config python3
    liblmdb-dev libxxhash-dev libintelrdfpmath-dev uuid-dev libtoml11-dev libsqlite3-dev libzstd-dev zstd libcmocka-dev
    libcairo2-dev libsmartcols-dev libmicrohttpd-dev less tmux e2fsprogs xfsprogs btrfs-progs)
for option in "$@"; do
    case $option in
        --ci) packages+=(clang clang-format libclang-rt-14-dev llvm strace faketime prometheus
            libpq-dev postgresql) ;;
        --rust) packages+=(libssl-dev) ;;
        --page) packages+=(chromium chromium-driver) ;;
        --python) packages+=(python3-dev python3-venv python3-setuptools python3-wheel) ;;
        --ha) packages+=(libpq-dev postgresql etcd-server iproute2 python3-venv) ;;
        --packages) packages+=(debhelper libpq-dev lintian debootstrap systemd systemd-container strace) ;;
        --image) packages+=(podman runc debootstrap) ;;
        *) echo "scripts/setup.sh has no option $option; see its first lines." >&2; exit 64 ;;
    esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "Not a Debian system. Needed are, by their Debian names: ${packages[*]}"
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Packages are missing. As root: apt-get update && apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1; then
        cat "$log" >&2
        echo "apt-get $1 failed." >&2
        exit 1
    fi
}
apt update
apt install --no-install-recommends "${missing[@]}"
