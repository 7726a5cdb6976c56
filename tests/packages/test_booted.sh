#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The systemd units under a real systemd: a copy of a fresh Debian gets the packages and is booted by systemd-nspawn.
# Exit code 77: that cannot be done here.
# Usage: test_booted.sh FRESH_ROOT PACKAGES
set -euo pipefail
here=$(dirname "$(realpath "$0")")
command -v systemd-nspawn >/dev/null || { echo "no systemd-nspawn"; exit 77; }
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/tj-booted-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
cp -a "$1" "$root"
rm -rf "$root/packages"
mkdir "$root/packages"
cp "$2"/*.deb "$root/packages"
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -c 'apt-get -qq update
    apt-get -qq install -y --no-install-recommends systemd systemd-sysv dbus /packages/*.deb' >"$scratch/apt" 2>&1 ||
    { tail -5 "$scratch/apt"; exit 1; }
install -m 755 "$here/in_booted.sh" "$root/prove"
printf '[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/prove\n' \
    >"$root/etc/systemd/system/prove.service"
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../prove.service "$root/etc/systemd/system/default.target.wants/prove.service"
timeout 300 systemd-nspawn -q -D "$root" --boot --register=no --keep-unit --private-network \
    -M "tj-booted-$$" >"$scratch/boot" 2>&1 </dev/null || true
[ -e "$root/proved" ] || { echo "systemd does not boot here: $(tail -1 "$scratch/boot")"; exit 77; }
[ "$(grep -v '^+' "$root/proved" | tail -1)" = "all of it" ] || { tail -12 "$root/proved"; exit 1; }
