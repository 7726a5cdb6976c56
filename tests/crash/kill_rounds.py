#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A recording process is killed (SIGKILL) again and again, on one journal.

Every line is one commit over several rows that all carry its number. After each kill a reader, and every
tenth round also the next writer, must show one number n in all of them: at least the last acknowledged
one, at most the last one sent.

Usage: kill_rounds.py PROGRAM [ROUNDS]     TJ_SEED repeats a run.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ALGOS = 40


def algo_id(number):
    return f"00000000-0000-4000-8000-{number % ALGOS:012d}"


def line_of(number):
    text = str(number)
    return json.dumps({
        "id": f"11111111-0000-4000-8000-{number:012d}",
        "portfolio_equity": f"{text}.50",
        "last_prices": {"binance_perp:BTCUSDT": text, "bybit_linear:BTCUSDT": text},
        "strategy_state": {"n": number},
        "algos": {algo_id(number): {"plugin": "TWAP", "payload": {"n": number}}},
        "ledger": [{"id": f"22222222-0000-4000-8000-{number:012d}", "sequence": number,
                    "timestamp": "2025-11-23T12:13:20Z", "exchange": "binance_perp",
                    "asset": "USDT", "amount": text, "entry_type": "fee",
                    "reference_id": text, "meta": None}],
    })


class Failure(Exception):
    pass


class Journal:
    def __init__(self, program, directory):
        self.program = program
        self.config = os.path.join(directory, "tesser.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write('[journal]\npath = "journal"\nsegment_size = "64 KiB"\nlag_ms = 5\n')
        self.run("init")

    def run(self, *arguments):
        done = subprocess.run([self.program, "-c", self.config, *arguments], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{arguments}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    def number(self):
        """The one number that all rows of the state carry."""
        state = json.loads(self.run("state", "export"))
        prices = state["last_prices"]
        if not prices:
            return 0
        numbers = {float(state["portfolio_equity"]) - 0.5, state["strategy_state"]["n"],
                   *(float(price) for price in prices.values())}
        if len(numbers) != 1 or len(prices) != 2:
            raise Failure(f"half a commit: {state}")
        return int(numbers.pop())

    def check_all(self, number):
        """Algorithms and ledger hold exactly what the first `number` lines wrote."""
        ledger = [json.loads(line) for line in self.run("ledger", "list", "--json").splitlines()]
        if len(ledger) == 1 and isinstance(ledger[0], list):
            ledger = ledger[0]
        if [int(entry["sequence"]) for entry in ledger] != list(range(1, number + 1)):
            raise Failure(f"the ledger does not hold 1 to {number}: {len(ledger)} entries")
        for last in range(max(1, number - ALGOS + 1), number + 1):
            shown = json.loads(self.run("algo", "show", algo_id(last), "--json"))
            if f'"n": {last}' not in json.dumps(shown):
                raise Failure(f"algorithm of line {last}: {shown}")


def send(pipe, first, sent):
    try:
        number = first
        while True:
            pipe.write(line_of(number).encode() + b"\n")
            pipe.flush()
            sent[0] = number
            number += 1
    except (BrokenPipeError, ValueError):
        pass


def round_of(journal, first, rng):
    """Records from line `first` on, is killed, and returns the last line acknowledged and sent."""
    process = subprocess.Popen([journal.program, "-c", journal.config, "record"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sent = [first - 1]
    sender = threading.Thread(target=send, args=(process.stdin, first, sent))
    sender.start()
    killer = threading.Timer(rng.uniform(0.0, 0.12), process.kill)
    killer.start()
    answers = process.stdout.read().decode()
    process.wait()
    killer.join()
    sender.join()
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass
    whole = [line for line in answers.split("\n")[:-1] if line]
    sequences = [json.loads(line)["seq"] for line in whole]
    if sequences != list(range(first, first + len(sequences))):
        raise Failure(f"the answers are not {first}, ...: {sequences[:3]} ... {sequences[-3:]}")
    return first + len(sequences) - 1, sent[0]


def main(program, rounds):
    seed = int(os.environ.get("TJ_SEED", time.time_ns() % 1000000))
    directory = tempfile.mkdtemp(prefix="tj-kill-")
    print(f"TJ_SEED={seed}, in {directory}", flush=True)
    rng = random.Random(seed)
    journal = Journal(program, directory)
    number = 0
    acknowledged_rounds = 0
    try:
        for index in range(rounds):
            acknowledged, sent = round_of(journal, number + 1, rng)
            acknowledged_rounds += acknowledged > number
            found = journal.number()
            if not acknowledged <= found <= sent:
                raise Failure(f"round {index}: {acknowledged} acknowledged, {sent} sent, "
                              f"{found} found")
            number = found
            if index % 10 == 9 or index == rounds - 1:
                journal.check_all(number)
    except Failure as failure:
        print(f"{failure}\nkept: {directory}; again: TJ_SEED={seed} {' '.join(sys.argv)}")
        return 1
    print(f"{rounds} kills, {number} commits, {acknowledged_rounds} rounds acknowledged some: every "
          "acknowledged line is there, none is half there")
    if acknowledged_rounds < rounds // 2:
        print("too few rounds acknowledged anything: this run proves little")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200))
