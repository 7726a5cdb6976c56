// SPDX-License-Identifier: MIT OR Apache-2.0
// Records through another program's journal, with Node alone.
//
//     tesser-journal -j ./journal record --socket ./journal.sock &
//     node client.mjs ./journal.sock
import { createConnection } from "node:net";
import { createInterface } from "node:readline";

// A connection to `tesser-journal record --socket`. Changes are as its --help has them.
class Recorder {
  #socket;
  #waiting = []; // for their answers, which come in the order of the lines

  constructor(path) {
    this.#socket = createConnection(path);
    createInterface({ input: this.#socket }).on("line", (line) => this.#take(JSON.parse(line)));
    this.#socket.on("error", () => {}); // "close" follows
    this.#socket.on("close", () => {
      const error = new Error("the recorder ended: what was not answered may be recorded or not");
      this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    });
  }

  #take(answer) {
    const { resolve, reject } = this.#waiting.shift();
    "error" in answer ? reject(new Error(answer.error)) : resolve(answer.seq);
  }

  // Records one change as one commit. The promise has its sequence when it is durable; changes that are
  // recorded meanwhile share the flush.
  record(change) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(JSON.stringify(change) + "\n");
    });
  }

  close() {
    this.#socket.end();
  }
}

if (process.argv.length !== 3) {
  console.error("usage: node client.mjs SOCKET");
  process.exit(1);
}
const recorder = new Recorder(process.argv[2]);
const first = await recorder.record({ last_prices: { "binance_perp:BTCUSDT": "64000.10" } });
const rest = await Promise.all(
  Array.from({ length: 100 }, (_, i) => recorder.record({ last_prices: { [`COIN${i}USDT`]: `${i}.50` } })),
);
console.log(`node: commit ${first}, then ${rest.length} up to ${rest.at(-1)}`);
await recorder.record({ last_price: {} }).catch((error) => console.log(`node: refused: ${error.message}`));
recorder.close();
