#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Run by systemd in a fresh Debian that has booted (test_booted.sh): the units start, record, come back after a kill,
# back up and end. Its last line says that all of it was so.
exec >/proved 2>&1
set -ex
trap 'systemctl poweroff' EXIT
journal=/var/lib/tesser-journal/demo
unit=tesser-journal-recorder@demo
show() { systemctl show -p "$1" --value "$unit"; }
record() { # record LINE: the answer
    perl -MIO::Socket::UNIX -e '
        until ($s = IO::Socket::UNIX->new("/run/tesser-journal/demo/socket")) { select undef, undef, undef, 0.1 }
        print $s "$ARGV[0]\n"; $s->flush; print scalar <$s>' "$1"
}

su -s /bin/sh tesser-journal -c "tesser-journal init --journal $journal"
systemctl start "$unit"
record '{"last_prices":{"a:B":"1"}}' | grep -qx '{"seq":1}'
pid=$(show MainPID)
grep -Eq 'CapEff:.0+$' "/proc/$pid/status"
grep -q 'NoNewPrivs:.1' "/proc/$pid/status"
grep -q 'Seccomp:.2' "/proc/$pid/status"

kill -KILL "$pid"
until [ "$(show NRestarts)" = 1 ] && [ "$(show ActiveState)" = active ]; do sleep 0.1; done
record '{"last_prices":{"a:B":"2"}}' | grep -qx '{"seq":2}'

systemctl start tesser-journal-backup@demo
su -s /bin/sh tesser-journal -c 'tesser-journal backup verify /var/backups/tesser-journal/demo'
systemctl start tesser-journal-backup@demo.timer
systemctl is-active tesser-journal-backup@demo.timer
systemctl stop "$unit"
[ "$(show Result)" = success ]
tesser-journal -j "$journal" state show | grep -q 'B.* 2'
echo all of it
