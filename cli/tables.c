/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every option and every command, said once: the parser, --help and the man page read this. */
#include "cli.h"

#define LEDGER_LIST "ledger list"
#define IMPORT "import"
#define EXPORT "export"

const option_spec option_table[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", NULL,
                       "configuration file (default: ./tesser.toml when it is there)"},
    [OPTION_JOURNAL] = {"journal", 'j', "PATH", NULL,
                        "journal directory, instead of the configured one"},
    [OPTION_BOOK] = {"book", 'b', "NAME", NULL,
                     "book to use (default: the configured one, else \"default\")"},
    [OPTION_JSON] = {"json", 0, NULL, NULL, "results and errors as JSON, for machines"},
    [OPTION_VERBOSE] = {"verbose", 'v', NULL, NULL, "also tell what went well, such as a recovery"},
    [OPTION_HELP] = {"help", 'h', NULL, NULL, "show help for the program or the command"},
    [OPTION_VERSION] = {"version", 0, NULL, NULL, "show the version"},
    [OPTION_ALL] = {"all", 0, NULL, "state show", "every row of every table, not the first 20"},
    [OPTION_OUTPUT] = {"output", 'o', "FILE", "state export",
                       "write to FILE, which is never half-written, instead of standard output"},
    [OPTION_DRY_RUN] = {"dry-run", 'n', NULL, "state import", "check and report, but save nothing"},
    [OPTION_PLUGIN] = {"plugin", 0, "NAME", "algo save",
                       "the input is the payload alone, and this the plugin's name"},
    [OPTION_EXCHANGE] = {"exchange", 0, "NAME", LEDGER_LIST, "only this exchange"},
    [OPTION_ASSET] = {"asset", 0, "ASSET", LEDGER_LIST, "only this asset, e.g. binance_perp:USDT"},
    [OPTION_TYPE] = {"type", 0, "TYPE", LEDGER_LIST,
                     "only this type: trade_realized_pnl, fee, funding, transfer_in, transfer_out "
                     "or adjustment"},
    [OPTION_FROM_SEQUENCE] = {"from-sequence", 0, "N", LEDGER_LIST, "from this sequence on"},
    [OPTION_TO_SEQUENCE] = {"to-sequence", 0, "N", LEDGER_LIST,
                            "up to and including this sequence"},
    [OPTION_FROM_TIME] = {"from-time", 0, "TIME", LEDGER_LIST, "from this RFC 3339 time on"},
    [OPTION_TO_TIME] = {"to-time", 0, "TIME", LEDGER_LIST, "up to and including this time"},
    [OPTION_LIMIT] = {"limit", 0, "N", LEDGER_LIST, "at most so many entries"},
    [OPTION_DESC] = {"desc", 0, NULL, LEDGER_LIST, "newest first"},
    [OPTION_BY_TIME] = {"by-time", 0, NULL, LEDGER_LIST,
                        "in the order of time instead of sequence"},
    [OPTION_KEEP_GOING] = {"keep-going", 'k', NULL, "record",
                           "go on after a line that failed; exit with its code at the end"},
    [OPTION_INTO] = {"into", 0, "JOURNAL", IMPORT,
                     "journal to import into, created when it is not there; the same as --journal"},
    [OPTION_IMPORT_DRY_RUN] = {"dry-run", 0, NULL, IMPORT,
                               "read, check and report, but write nothing"},
    [OPTION_REPLACE] = {"replace", 0, NULL, IMPORT,
                        "the book may hold data, which what is imported replaces"},
    [OPTION_IMPORT_EXCHANGE] = {"exchange", 0, "NAME", IMPORT,
                                "exchange of the codes that have none, e.g. binance_perp"},
    [OPTION_MAP] = {"map", 0, "CODE=ID", IMPORT,
                    "identity of one code, e.g. BTCUSDT=binance_perp:BTCUSDT; for the second of "
                    "several members under one key, last_prices.BTCUSDT#2=bybit_linear:BTCUSDT, or "
                    "=- to leave it out; may be given again and again"},
    [OPTION_STRATEGY_STATE] = {"strategy-state", 0, "FILE", IMPORT,
                               "what knows the strategy's state of an LMDB journal: its JSON, a "
                               "snapshot, or Tesser's SQLite state store"},
    [OPTION_FORMAT] = {"format", 0, "FORMAT", EXPORT, "tesser, the only one yet"},
    [OPTION_EXPORT_DRY_RUN] = {"dry-run", 0, NULL, EXPORT, "only tell what Tesser cannot hold"},
    [OPTION_FORCE] = {"force", 0, NULL, EXPORT,
                      "export although Tesser would lose or refuse something"},
    [OPTION_RAW] = {"raw", 0, NULL, "quarantine show", "the bytes alone, as they are"},
};

const command_spec command_table[] = {
    {"init", "", 0, 0, "create a journal, or a further book in one",
     "Without --book it creates the journal and refuses one that is already there. With --book it "
     "creates the journal when there is none, and that book in it. The very first book needs no "
     "such call: the first save creates it. A further one does, so that a misspelt name never "
     "starts from empty.",
     "tesser-journal --journal ./journal init\n"
     "tesser-journal --journal ./journal init --book alpha",
     true, cmd_init},
    {"status", "", 0, 0, "what the journal holds, and who uses it",
     "Works beside a running writer and after a crash; writes nothing but a reader slot.",
     "tesser-journal --journal ./journal status", false, cmd_status},
    {"state show", "", 0, 0, "a summary of the book's live state",
     "Equity, portfolio, positions by venue, balances, open orders and last prices. With --json "
     "the whole state, with the commit it was read at.",
     "tesser-journal --journal ./journal state show --all", false, cmd_state_show},
    {"state export", "", 0, 0, "the book's live state as JSON, in Tesser's spelling", "",
     "tesser-journal --journal ./journal state export --output snapshot.json", false,
     cmd_state_export},
    {"state import", "FILE|-", 1, 1, "replace the book's live state by a JSON snapshot",
     "One commit: the book's state is then exactly the snapshot. Algorithms and ledger stay as "
     "they are.",
     "tesser-journal --journal ./journal state import snapshot.json --dry-run", true,
     cmd_state_import},
    {"algo list", "", 0, 0, "the book's algorithms, and those that cannot be decoded", "",
     "tesser-journal --journal ./journal algo list", false, cmd_algo_list},
    {"algo show", "ID", 1, 1, "one algorithm with its payload", "",
     "tesser-journal --journal ./journal algo show 6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f", false,
     cmd_algo_show},
    {"algo save", "ID [FILE|-]", 1, 2, "save one algorithm, new or not",
     "The input (standard input when no file is named) is a record such as "
     "{\"plugin\":\"TWAP\",\"payload\":{...}}, or Tesser's {\"algo_type\":...,\"state\":...}; with "
     "--plugin it is the payload alone. The payload is kept byte for byte.",
     "echo '{\"pending\":2}' | tesser-journal --journal ./journal algo save "
     "6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f --plugin TWAP",
     true, cmd_algo_save},
    {"algo delete", "ID", 1, 1, "delete one algorithm",
     "Deleting what is not there is no failure; the output tells.",
     "tesser-journal --journal ./journal algo delete 6f1c2a9e-0d3b-4c55-8a77-0a1b2c3d4e5f", true,
     cmd_algo_delete},
    {LEDGER_LIST, "", 0, 0, "entries of the book's ledger",
     "Through an index on sequence or on time. With --json one entry per line, as 'ledger append' "
     "reads them.",
     "tesser-journal --journal ./journal ledger list --type fee --from-time 2025-01-01T00:00:00Z",
     false, cmd_ledger_list},
    {"ledger append", "FILE|-", 1, 1, "append entries, one JSON object per line, in one commit",
     "All or none. An entry with sequence 0 gets the next number; others must be above the newest.",
     "tesser-journal --journal ./journal ledger append ledger.jsonl", true, cmd_ledger_append},
    {"book list", "", 0, 0, "the books of the journal with their counts", "",
     "tesser-journal --journal ./journal book list", false, cmd_book_list},
    {"record", "", 0, 0, "commit JSON lines from standard input, one commit per line",
     "Each line is an object, every member optional: book, id (a UUID: the same id is never "
     "applied twice), state (a whole LiveState), portfolio, portfolio_equity, last_candle_ts, "
     "strategy_state, execution_checkpoint, extra, ledger (a list), and maps from key to new "
     "value, or to null to delete: orders, positions, balances, last_prices, sub_accounts, algos. "
     "Each is answered by {\"seq\":N} as soon as it is durable, or by "
     "{\"error\":\"...\",\"line\":N} with nothing of it applied. The first error ends it, unless "
     "--keep-going is given. Blank lines are skipped; a line may have 64 MiB.",
     "echo '{\"last_prices\":{\"binance_perp:BTCUSDT\":\"64000.10\"}}' | "
     "tesser-journal --journal ./journal record",
     true, cmd_record},
    {IMPORT, "SOURCE...", 1, SIZE_MAX, "import Tesser's own data, in one commit",
     "A source is Tesser's LMDB journal (its directory or data.mdb), one of its SQLite stores "
     "(with "
     "the -wal beside it, if there is one), a snapshot, algorithms keyed by UUID, or a ledger of "
     "one "
     "entry a line; which one, its content tells. Sources stay as they are to the byte. What "
     "cannot be decoded goes into quarantine while the rest is imported, and the exit code is 3. "
     "With --json the whole report, the quarantined bytes included.",
     "tesser-journal import ./tesser/journal.lmdb ./tesser/state.db --into ./journal --dry-run",
     true, cmd_import},
    {EXPORT, "DIRECTORY", 1, 1, "write a book as Tesser's own stores",
     "A new directory with snapshot.json, state.db, which holds the ledger too, and "
     "state.algos.db: name state.db in Tesser's state_path. What Tesser cannot hold is told before "
     "anything is written; where a value would be lost, it needs --force.",
     "tesser-journal --journal ./journal export --format tesser ./tesser", true, cmd_export},
    {"quarantine list", "", 0, 0, "what imports could not decode", "",
     "tesser-journal --journal ./journal quarantine list", false, cmd_quarantine_list},
    {"quarantine show", "NAME", 1, 1, "one thing in quarantine, or its bytes",
     "NAME is as 'quarantine list' has it.",
     "tesser-journal --journal ./journal quarantine show strategy_state --raw >strategy.bin", false,
     cmd_quarantine_show},
    {"help", "[COMMAND|exit-codes|man]", 0, 2,
     "show help for a command, the exit codes, the man page", "",
     "tesser-journal help state import", false, cmd_help},
};
const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);
