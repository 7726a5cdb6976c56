/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What SQL shows: every value as the library has it, digit for digit (P11). */
#include "database.h"

#include "base/random.h"

#define DECIMALS 20000
#define PRICES 2000

static void set_up_view(tj_config *config, tj_store **store, const char *name)
{
    *config = database_config(name);
    *store = open_store(config);
    if (!sql.conn) {
        sql_open();
    }
}

static tj_decimal random_decimal(void)
{
    char text[TJ_DECIMAL_TEXT_SIZE];
    tj_decimal value;
    unsigned digits = 1 + (unsigned)random_below(TJ_DECIMAL_DIGITS_MAX);
    unsigned scale = (unsigned)random_below(TJ_DECIMAL_SCALE_MAX + 1);
    bool negative = random_below(2) == 1;
    uint64_t high = 0;
    uint64_t low = 0;
    for (unsigned i = 0; i < digits; i++) {
        text[i] = (char)('0' + random_below(10));
    }
    text[digits] = '\0';
    assert_ok(tj_decimal_parse(tj_str_of(text), &value, &err));
    tj_decimal_to_parts(value, NULL, &high, &low, NULL);
    assert_ok(tj_decimal_from_parts(negative, high, low, scale, &value, &err));
    return value;
}

/* A numeric has no sign at zero. */
static void format_numeric(tj_decimal value, char text[TJ_DECIMAL_TEXT_SIZE])
{
    tj_decimal_format(value, text);
    if (text[0] == '-' && strspn(text + 1, "0.") == strlen(text + 1)) {
        memmove(text, text + 1, strlen(text));
    }
}

static void compare_prices(const tj_price *prices, char symbols[][16])
{
    char *rows = sql_rows("select symbol || ' ' || price from prices where journal = 'decimals' "
                          "order by symbol collate \"C\"");
    char *line = strtok(rows, "\n");
    for (int i = 0; i < PRICES; i++, line = strtok(NULL, "\n")) {
        char number[TJ_DECIMAL_TEXT_SIZE];
        char expected[128];
        format_numeric(prices[i].price, number);
        snprintf(expected, sizeof expected, "%.15s %s", symbols[i], number);
        assert_non_null(line);
        assert_string_equal(line, expected);
    }
    assert_null(line);
    free(rows);
}

static void test_decimals(void **state)
{
    (void)state;
    tj_config config;
    tj_store *store;
    static tj_price prices[PRICES];
    static char symbols[PRICES][16];
    set_up_view(&config, &store, "decimals");
    for (int i = 0; i < PRICES; i++) {
        snprintf(symbols[i], sizeof symbols[i], "S%05d", i);
        prices[i].symbol = identity(symbols[i]);
    }
    for (int done = 0; done < DECIMALS; done += PRICES) {
        for (int i = 0; i < PRICES; i++) {
            prices[i].price = random_decimal();
        }
        tj_live_state live = {.last_prices = prices, .last_price_count = PRICES};
        assert_ok(tj_state_save(tj_store_state_repository(store, NULL), &live, &err));
        assert_ok(tj_store_work(store, &err));
        compare_prices(prices, symbols);
    }
    printf("%d random decimals are the same in SQL\n", DECIMALS);
    assert_ok(tj_store_close(store, &err));
}

static void test_what_the_views_show(void **state)
{
    (void)state;
    tj_config config;
    tj_store *store;
    tj_uuid id = uuid(1);
    tj_order order = plain_order("o-1");
    tj_position positions[] = {plain_position("binance_perp:BTCUSDT")};
    tj_balance balances[] = {plain_balance("USDT")};
    tj_price prices[] = {{identity("BTCUSDT"), decimal("64000.10")}};
    tj_portfolio portfolio = plain_portfolio();
    tj_algo_state algo = {TJ_STR("twap"), TJ_STR("{\"left\":1.50}")};
    set_up_view(&config, &store, "shown");
    order.request.has_stop_loss = true;
    order.request.stop_loss = decimal("60000.000");
    order.has_avg_fill_price = true;
    order.avg_fill_price = decimal("64000.05");
    order.request.client_order_id = TJ_STR("mine");
    portfolio.positions = positions;
    portfolio.position_count = 1;
    portfolio.balances = balances;
    portfolio.balance_count = 1;
    tj_live_state live = {.has_portfolio = true,
                          .portfolio = portfolio,
                          .open_orders = &order,
                          .open_order_count = 1,
                          .last_prices = prices,
                          .last_price_count = 1};
    assert_ok(tj_state_save(tj_store_state_repository(store, NULL), &live, &err));
    assert_ok(tj_algo_save(tj_store_algo_repository(store, NULL), &id, &algo, &err));
    assert_ok(append_fee(store, 7));
    assert_ok(tj_store_work(store, &err));
    assert_rows("select o::text from (select book, id, status, side, order_type, time_in_force, "
                "symbol, quantity, price, trigger_price, stop_loss, avg_fill_price, "
                "client_order_id, created_ns, updated_ns, sequence from orders where journal = "
                "'shown') o",
                "(default,o-1,Accepted,Buy,Limit,,binance_perp:BTCUSDT,1.50,64000.10,,60000.000,"
                "64000.05,mine,1,2,1)\n");
    assert_rows("select p::text from (select book, sub_account, symbol, side, quantity, "
                "unrealized_pnl, entry_price from positions where journal = 'shown') p",
                "(default,,binance_perp:BTCUSDT,Buy,2,0.00,)\n");
    assert_rows("select b::text from (select book, sub_account, currency, quantity, "
                "conversion_rate from balances where journal = 'shown') b",
                "(default,,USDT,5.0,1)\n");
    assert_rows("select p::text from (select book, symbol, price from prices where journal = "
                "'shown') p",
                "(default,BTCUSDT,64000.10)\n");
    assert_rows("select a::text from (select book, id, plugin, payload::json->>'left' from algos "
                "where journal = 'shown') a",
                "(default,a0000000-0000-0000-0000-000000000001,twap,1.50)\n");
    assert_rows("select l::text from (select book, ledger_sequence, type, id, time_ns, amount, "
                "exchange, asset, reference, meta, sequence from ledger_entries where journal = "
                "'shown') l",
                "(default,1,fee,a0000000-0000-0000-0000-000000000007,7000,1,binance_perp,USDT,\"\","
                ",3)\n");
    assert_rows("select c::text from (select sequence, epoch, in_views from commits where journal "
                "= 'shown' order by sequence) c",
                "(1,1,t)\n(2,1,t)\n(3,1,t)\n");
    assert_rows("select b::text from (select book, book_no from books where journal = 'shown') b",
                "(default,1)\n");
    assert_ok(tj_store_close(store, &err));
}

/* Each statement of the page, in this test's schema. */
static int run_queries(char *text)
{
    int count = 0;
    char own[4096];
    for (char *query = strtok(text, ";"); query; query = strtok(NULL, ";")) {
        size_t used = 0;
        if (!strstr(query, "select")) {
            continue;
        }
        for (const char *at = query; *at; at++) {
            assert_true(used + sizeof schema + 2 < sizeof own);
            if (strncmp(at, "tesser.", 7) == 0) {
                used += (size_t)sprintf(own + used, "%s.", schema);
                at += 6;
            } else {
                own[used++] = *at;
            }
        }
        own[used] = '\0';
        free(sql_rows(own));
        count++;
    }
    return count;
}

static void test_the_queries_of_the_page(void **state)
{
    (void)state;
    static char page[1 << 16];
    FILE *file = fopen(TJ_POSTGRES_PAGE, "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    char *start = strstr(page, "```sql\n");
    assert_non_null(start);
    char *end = strstr(start + 7, "```");
    assert_non_null(end);
    *end = '\0';
    assert_int_equal(run_queries(start + 7), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_views_show),
        cmocka_unit_test(test_the_queries_of_the_page),
        cmocka_unit_test(test_decimals),
    };
    database_start("views");
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
