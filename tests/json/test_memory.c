/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every allocation fails once: always TJ_NOMEM, never a crash, never half a value. */
#include "support.h"

#include "support/sanitized.h"

#if SANITIZED

static void allocations_fail(void **state)
{
    (void)state;
    printf("SKIP: a sanitizer has its own allocator\n");
    skip();
}

#else

#include "support/allocations.h"

typedef tj_status step(tj_str text, tj_error *error);

static tj_status read_state(tj_str text, tj_error *error)
{
    tj_live_state *live = NULL;
    tj_status status = tj_live_state_from_json(text, &live, error);
    tj_live_state_free(live);
    return status;
}

static tj_live_state *to_write;

static tj_status write_state(tj_str text, tj_error *error)
{
    (void)text;
    tj_text out = {NULL, 0};
    tj_status status = tj_live_state_to_json(to_write, &out, error);
    tj_text_dispose(&out);
    return status;
}

static unsigned fail_each(step *run, tj_str text)
{
    for (unsigned n = 0; n < 10000; n++) {
        tj_error error = TJ_ERROR_INIT;
        arm(n + 1);
        tj_status status = run(text, &error);
        (void)disarm();
        if (status == TJ_OK) {
            return n;
        }
        assert_int_equal(status, TJ_NOMEM);
        assert_int_equal(error.status, TJ_NOMEM);
        assert_non_null(strstr(error.message, "no memory left"));
    }
    fail_msg("10,000 allocations were not enough");
    return 0;
}

static void allocations_fail(void **state)
{
    (void)state;
    tj__buffer file;
    read_file(COPY("snapshots/unknown-members.json"), &file);
    assert_true(fail_each(read_state, text_of(&file)) > 5);
    assert_int_equal(tj_live_state_from_json(text_of(&file), &to_write, NULL), TJ_OK);
    assert_true(fail_each(write_state, text_of(&file)) > 5);
    tj_live_state_free(to_write);
    tj__buffer_dispose(&file);
    tj__put_cstr(&file, "{\"strategy_state\":\"\\n"); /* it does not stand so in the text */
    for (int i = 0; i < 100000; i++) {
        tj__put_u8(&file, 'x');
    }
    tj__put_cstr(&file, "\"}");
    assert_true(fail_each(read_state, text_of(&file)) > 2);
    tj__buffer_dispose(&file);
    read_file(COPY("0.9.3/edge/snapshot.json"), &file);
    assert_true(fail_each(read_state, text_of(&file)) > 5);
    tj__buffer_dispose(&file);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
