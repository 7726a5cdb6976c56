/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An outside program in C++: saves, commits, submits, and sees an error as an exception. */
#include <tesser/journal.hpp>

#include <cstdio>
#include <cstring>
#include <stdexcept>

static void expect(bool holds, const char *what)
{
    if (!holds) {
        throw std::runtime_error(what);
    }
}

static void use(const tj_config &config)
{
    tesser::store store{config};
    auto states = store.states();
    auto state = states.load();
    state->has_portfolio_equity = true;
    state->portfolio_equity = tesser::decimal("1250.50");
    states.save(*state);
    std::printf("equity %s\n", tesser::to_string(states.load()->portfolio_equity).c_str());

    tesser::transaction txn{store};
    tj_price price = {tesser::identity("binance_perp:BTCUSDT"), tesser::decimal("64000.10")};
    std::uint64_t sequence = txn.put_price(price).delete_order("none").commit();
    expect(sequence == 2, "the second commit");

    tj_uuid id = tesser::uuid("12345678-1234-4234-8234-123456789abc");
    store.algos().save(id, "TWAP", R"({"left": 1.50})");
    expect(tesser::view(store.algos().load(id)->state.payload) == R"({"left": 1.50})",
           "the payload");
    tj_ledger_entry entry{};
    entry.id = id;
    entry.time = tesser::time("2025-01-01T00:00:00Z");
    entry.exchange = tesser::str("binance");
    entry.asset = tesser::identity("USDT");
    entry.amount = tesser::decimal("-2.5");
    entry.type = TJ_LEDGER_FEE;
    expect(store.ledger().append(entry) == 1, "the ledger's number");
    expect(store.ledger().find()->count == 1, "the ledger");
    expect(store.reserve("orders", 10) == 1, "a block of numbers");

    int done = 0;
    for (int i = 0; i < 3; i++) {
        tesser::transaction later{store};
        later.set_portfolio_equity(tj_decimal_int(i)).submit([&done](tj_status status, auto, auto) {
            done += status == TJ_OK;
        });
    }
    std::uint64_t first = store.submit_reserve(
        "orders", 10, [&done](tj_status status, auto, auto) { done += status == TJ_OK; });
    expect(first == 11, "a block of numbers on its way");
    store.drain();
    expect(done == 4, "what was submitted");
    expect(store.metrics().commit_us.count >= 6, "the metrics");
    expect(store.books()->count == 1, "the books");
    {
        tesser::transaction dropped{store};
        dropped.set_portfolio_equity(tj_decimal_int(99));
    }
    expect(tesser::to_string(states.load()->portfolio_equity) == "2", "what was dropped");
    try {
        store.algos().load(tj_uuid_generate());
        expect(false, "an algorithm that is not there");
    } catch (const tesser::error &error) {
        expect(error.status() == TJ_NOT_FOUND && std::strlen(error.what()) > 0, "the error");
    }
    tesser::store moved = std::move(store);
    moved.close();
    try {
        moved.states();
        expect(false, "a repository of a closed store");
    } catch (const tesser::error &error) {
        expect(error.status() == TJ_CLOSED, "that the store is closed");
    }
}

int main()
{
    try {
        tj_config config = TJ_CONFIG_INIT;
        config.type = TJ_ENGINE_MEMORY;
        use(config);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
