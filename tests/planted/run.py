#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plants faults (faults.py) one at a time, and demands that the tests named with each turn red.

    run.py SOURCE BUILD                every fault: minutes; `make planted`
    run.py SOURCE BUILD --some N       N of them, chosen by TJ_SEED or the time
    run.py SOURCE BUILD --only WORDS   those whose name holds these words

The changed file alone is compiled again, as the build compiles it, and takes its place in the link of each test.
"""
import json
import os
import random
import shlex
import subprocess
import sys
import time

from faults import FAULTS

TEST_SECONDS_MAX = 120


class Broken(Exception):
    pass


class Skipped(Exception):
    pass


def quiet(command, cwd):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode != 0:
        raise Broken("%s\n%s" % (shlex.join(command), done.stdout))
    return done.stdout


def plant(fault, source, directory):
    """The changed file's path."""
    with open(os.path.join(source, fault.file)) as file:
        text = file.read()
    if text.count(fault.old) != 1:
        raise Broken("it no longer fits (check/planted)")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, os.path.basename(fault.file))
    with open(path, "w") as file:
        file.write(text.replace(fault.old, fault.new))
    return path


def compile_changed(fault, source, build, path):
    original = os.path.join(source, fault.file)
    with open(os.path.join(build, "compile_commands.json")) as file:
        entries = [e for e in json.load(file) if e["file"] == original]
    if not entries:
        raise Broken("the build does not compile %s" % fault.file)
    words = shlex.split(entries[0]["command"])
    changed = path + ".o"
    words = [path if word == original else word for word in words]
    words[words.index("-o") + 1] = changed
    # What a fault leaves unused is no mistake here.
    quiet(words + ["-Wno-error", "-iquote", os.path.dirname(original)], entries[0]["directory"])
    return changed


def link(fault, build, target, changed):
    lines = quiet(["ninja", "-t", "commands", target], build).splitlines()
    words = shlex.split(lines[-1].replace(": && ", "", 1).rsplit(" && ", 1)[0])
    mine = "/" + fault.file + ".o"
    program = os.path.join(os.path.dirname(changed), os.path.basename(target))
    linked = []
    for word in words:
        if word.endswith(mine):
            word = changed
        elif word == "libtesser-journal.a":
            linked.append(changed)  # before the archive, whose own member is then not taken
        linked.append(word)
    linked[linked.index("-o") + 1] = program
    quiet(linked, build)
    return program


def targets(build):
    """Every program of the tests by its name."""
    found = {}
    for line in quiet(["ninja", "-t", "targets", "all"], build).splitlines():
        path = line.split(":")[0]
        if path.startswith("tests/") and "." not in os.path.basename(path):
            found.setdefault(os.path.basename(path), path)
    return found


def turns_red(source, program, arguments):
    """A test that hangs is red. One of a journal on PostgreSQL runs with a server of its own."""
    command = [program] + arguments
    on_server = os.path.basename(program).startswith("test_postgres_")
    if on_server:
        command[:0] = ["bash", os.path.join(source, "tests", "postgres", "with_server.sh")]
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return True
    if on_server and done.returncode == 77:
        raise Skipped
    return done.returncode not in (0, 77)


def try_fault(fault, source, build, known):
    directory = os.path.join(build, "planted", fault.name.replace(" ", "-"))
    changed = compile_changed(fault, source, build, plant(fault, source, directory))
    unnoticed = []
    for test in fault.red:
        name, *arguments = test.split()
        if name not in known:
            raise Broken("there is no test program %s" % name)
        program = link(fault, build, known[name], changed)
        if not turns_red(source, program, arguments):
            unnoticed.append(test)
    return unnoticed


def chosen(options):
    if options[:1] == ["--some"]:
        seed = int(os.environ.get("TJ_SEED", time.time()))
        print("TJ_SEED=%d repeats this run" % seed)
        return random.Random(seed).sample(FAULTS, int(options[1]))
    if options[:1] == ["--only"]:
        return [f for f in FAULTS if options[1] in f.name]
    return FAULTS


def main():
    source, build = (os.path.realpath(path) for path in sys.argv[1:3])
    bad = 0
    known = targets(build)
    faults = chosen(sys.argv[3:])
    for fault in faults:
        try:
            unnoticed = try_fault(fault, source, build, known)
            answer = "NOT NOTICED by " + ", ".join(unnoticed) if unnoticed else "noticed"
        except Skipped:
            unnoticed, answer = [], "SKIPPED: there is no PostgreSQL server to test with"
        except Broken as why:
            unnoticed, answer = [fault], "BROKEN: %s" % why
        bad += bool(unnoticed)
        print("%s: %s" % (fault.name, answer), flush=True)
    print("%d faults planted, %d not noticed" % (len(faults), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
