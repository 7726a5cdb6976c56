#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bash completes the program's words in a terminal, as bash-completion loads what is installed.

Usage: complete.py [COMMAND...]   (what bash is run by, such as chroot DIRECTORY)
"""

import os
import pty
import select
import sys
import time

TYPED = {  # and what the line must be after the tabulator
    "tesser-journal stat": "tesser-journal stat",  # status or state
    "tesser-journal statu": "tesser-journal status ",
    "tesser-journal state sh": "tesser-journal state show ",
    "tesser-journal -j j check --wr": "tesser-journal -j j check --writer ",
}


def until(terminal, wanted):
    """What the terminal shows, up to what is wanted."""
    shown = ""
    end = time.monotonic() + 60
    while wanted not in shown:
        if time.monotonic() > end or not select.select([terminal], [], [], 60)[0]:
            sys.exit(f"{wanted!r} is not shown, but {shown!r}")
        shown += os.read(terminal, 4096).decode()
    return shown


def main():
    child, terminal = pty.fork()
    if child == 0:
        command = [*sys.argv[1:], "bash", "--norc", "--noprofile", "-i"]
        os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "ready", "HOME": "/"})
    until(terminal, "ready")
    os.write(terminal, b". /usr/share/bash-completion/bash_completion; PS1=again\n")
    until(terminal, "\nagain")
    for typed, wanted in TYPED.items():
        # Completed, the line is made the word of an echo: Ctrl-A goes to its front, Ctrl-E behind it.
        os.write(terminal, typed.encode() + b"\t\x01echo '<\x05>'\n")
        until(terminal, f"\n<{wanted}>\r\nagain")
    os.write(terminal, b"exit\n")
    os.waitpid(child, 0)


main()
