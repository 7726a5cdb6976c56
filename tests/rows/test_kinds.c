/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the list of kinds must hold for every kind of STATE row. */
#include "commit/fixture.h"

#include "rows/kinds.h"

static void test_each_kind_is_whole(void **context)
{
    (void)context;
    assert_null(tj__kinds[0]);
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        const tj__kind_info *info = tj__kinds[kind];
        assert_non_null(info);
        assert_true(strlen(info->name) > 0);
        assert_true(info->version > 0);
        assert_true(info->size > 0 && info->size <= TJ__ENTITY_SIZE_MAX);
        assert_non_null(info->get);
        for (unsigned other = TJ__KIND_FIRST; other < kind; other++) {
            assert_string_not_equal(info->name, tj__kinds[other]->name);
        }
        if (info->schema) {
            assert_true(info->schema->has_extra);
            assert_int_equal(info->schema->size, info->size);
        }
    }
}

static void test_each_kind_has_its_own_newest_version(void **context)
{
    (void)context;
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        union {
            tj_order order; /* for its alignment */
            uint8_t bytes[TJ__ENTITY_SIZE_MAX];
        } entity;
        uint8_t version = tj__kinds[kind]->version;
        uint8_t later = (uint8_t)(version + 1);
        uint8_t none = 0;
        err = (tj_error)TJ_ERROR_INIT;
        assert_int_equal(tj__kind_get(kind, TJ_STR("X"), tj__bytes_of(&later, 1), &entity, &err),
                         TJ_FORMAT_NEWER);
        assert_int_equal(tj__kind_get(kind, TJ_STR("X"), tj__bytes_of(&none, 1), &entity, &err),
                         TJ_CORRUPT);
        /* Only a sub-account has nothing behind the version. */
        assert_int_equal(tj__kind_get(kind, TJ_STR("X"), tj__bytes_of(&version, 1), &entity, &err),
                         kind == TJ__KIND_SUB_ACCOUNT ? TJ_OK : TJ_CORRUPT);
    }
}

static void test_each_kind_is_named(void **context)
{
    (void)context;
    for (unsigned kind = TJ__KIND_FIRST; kind <= TJ__KIND_LAST; kind++) {
        char text[TJ__KEY_TEXT_SIZE];
        tj__key key = tj__key_kind(1, (tj__kind)kind);
        tj__key_describe(tj__key_bytes(&key), text);
        assert_memory_equal(text, tj__kinds[kind]->name, strlen(tj__kinds[kind]->name));
        assert_true((strstr(text, " without an owner") != NULL) ==
                    ((TJ__KINDS_OWNED & TJ__KIND_BIT(kind)) != 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_whole),
        cmocka_unit_test(test_each_kind_has_its_own_newest_version),
        cmocka_unit_test(test_each_kind_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
