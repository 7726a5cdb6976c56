/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An outside program: saves a state in memory, loads it again and prints its equity. */
#include <tesser/repository.h>

#include <stdio.h>

int main(void)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    config.type = TJ_ENGINE_MEMORY;
    tj_store *store = NULL;
    tj_live_state *loaded = NULL;
    char text[TJ_DECIMAL_TEXT_SIZE] = "";

    if (tj_store_open(&config, &store, &error) != TJ_OK) {
        goto done;
    }
    tj_state_repository *states = tj_store_state_repository(store, NULL);
    tj_live_state state = {.has_portfolio_equity = true};
    if (tj_decimal_parse(tj_str_of("1250.50"), &state.portfolio_equity, &error) != TJ_OK ||
        tj_state_save(states, &state, &error) != TJ_OK ||
        tj_state_load(states, &loaded, &error) != TJ_OK) {
        goto done;
    }
    tj_decimal_format(loaded->portfolio_equity, text);
    printf("equity %s\n", text);

done:
    tj_live_state_free(loaded);
    (void)tj_store_close(store, NULL);
    if (error.status != TJ_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    return error.status == TJ_OK ? 0 : 1;
}
