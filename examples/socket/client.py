#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Records through another program's journal, with Python's standard library alone.

    tesser-journal -j ./journal record --socket ./journal.sock &
    python3 client.py ./journal.sock
"""

import json
import socket
import sys


class Recorder:
    """A connection to `tesser-journal record --socket`. Changes are as its --help has them."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._answers = self._socket.makefile("r", encoding="utf-8")

    def record(self, *changes):
        """Records each change as one commit; durable on return. Gives their sequences.

        All are sent before the first answer is read, so that they share flushes. A refused change raises
        ValueError; those beside it are recorded all the same.
        """
        self._socket.sendall("".join(json.dumps(change) + "\n" for change in changes).encode())
        answers = [self._answers.readline() for _ in changes]
        if not all(answer.endswith("\n") for answer in answers):
            raise ConnectionError("the recorder ended: what was not answered may be recorded or not")
        answers = [json.loads(answer) for answer in answers]
        for answer in answers:
            if "error" in answer:
                raise ValueError(answer["error"])
        return [answer["seq"] for answer in answers]

    def close(self):
        self._answers.close()
        self._socket.close()


def main(path):
    recorder = Recorder(path)
    [first] = recorder.record({"last_prices": {"binance_perp:BTCUSDT": "64000.10"}})
    rest = recorder.record(*({"last_prices": {f"COIN{i}USDT": f"{i}.50"}} for i in range(100)))
    print(f"python: commit {first}, then {len(rest)} up to {rest[-1]}")
    try:
        recorder.record({"last_price": {}})
    except ValueError as error:
        print(f"python: refused: {error}")
    recorder.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
