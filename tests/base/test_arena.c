/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pieces of an arena: zeroed, aligned, apart, and refused when they are too large. */
#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/random.h"

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static void assert_aligned(const void *pointer)
{
    assert_non_null(pointer);
    assert_int_equal((uintptr_t)pointer % alignof(max_align_t), 0);
}

static void the_object_finds_its_arena(void **state)
{
    (void)state;
    void *object = NULL;
    tj__arena *arena = tj__arena_new(1000, &object);
    assert_non_null(arena);
    assert_aligned(object);
    assert_true(is_zero(object, 1000));
    assert_ptr_equal(tj__arena_of_object(object), arena);
    tj__arena_free_object(object);
    tj__arena_free_object(NULL);
}

/* Every piece is zero when it comes, aligned, and keeps what is written: none overlap. */
static void pieces_are_apart(void **state)
{
    (void)state;
    enum { PIECES = 3000 };
    static uint8_t *pieces[PIECES];
    static size_t sizes[PIECES];
    void *object = NULL;
    random_start();
    tj__arena *arena = tj__arena_new(0, &object);
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = random_below(random_below(50) == 0 ? 100000 : 100);
        if (random_below(3) == 0) {
            char text[100] = "some text";
            sizes[i] = random_below(sizeof text);
            pieces[i] = (uint8_t *)(uintptr_t)tj__arena_str(arena, (tj_str){text, sizes[i]}).data;
            assert_memory_equal(pieces[i], text, sizes[i]);
            assert_int_equal(pieces[i][sizes[i]], 0);
        } else {
            pieces[i] = tj__arena_alloc(arena, sizes[i]);
            assert_aligned(pieces[i]);
            assert_true(is_zero(pieces[i], sizes[i]));
        }
        memset(pieces[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(pieces[i][j], (uint8_t)i);
        }
    }
    tj__arena_free_object(object);
}

static void texts(void **state)
{
    (void)state;
    void *object = NULL;
    tj__arena *arena = tj__arena_new(8, &object);
    tj_str copy = tj__arena_str(arena, TJ_STR("abc"));
    assert_string_equal(copy.data, "abc");
    assert_int_equal(copy.size, 3);
    copy = tj__arena_str(arena, TJ_STR(""));
    assert_string_equal(copy.data, "");
    assert_int_equal(copy.size, 0);
    assert_null(tj__arena_str(arena, (tj_str){NULL, 0}).data);
    tj__arena_free_object(object);
}

/* Where the allocator counts, and but for the small pieces that it keeps at hand. */
static void what_it_adopted_goes_with_it(void **state)
{
    (void)state;
    size_t before = mallinfo2().uordblks;
    void *object = NULL;
    tj__arena *arena = tj__arena_new(8, &object);
    const size_t size = 100000;
    uint8_t *memory = malloc(size);
    assert_non_null(memory);
    assert_true(tj__arena_adopt(arena, memory));
    assert_non_null(tj__arena_alloc(arena, 64));
    memset(memory, 1, size);
    tj__arena_free_object(object);
    assert_true(mallinfo2().uordblks < before + size);
}

/* Whatever the allocator kept in the memory that it gives again. */
static void a_large_block_is_zeroed(void **state)
{
    (void)state;
    const size_t size = (size_t)5 << 20;
    (void)mallopt(M_MMAP_MAX, 0); /* so that freed memory is kept, where the allocator is glibc's */
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    for (int round = 0; round < 3; round++) {
        void *object = NULL;
        tj__arena *arena = tj__arena_new(8, &object);
        uint8_t *bytes = tj__arena_alloc(arena, size);
        assert_non_null(bytes);
        uint8_t all = 0;
        for (size_t i = 0; i < size; i++) {
            all |= bytes[i];
        }
        assert_int_equal(all, 0);
        memset(bytes, 0xff, size);
        tj__arena_free_object(object);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    void *object = &object;
    assert_null(tj__arena_new(SIZE_MAX, &object));
    tj__arena *arena = tj__arena_new(8, &object);
    assert_null(tj__arena_alloc(arena, SIZE_MAX));
    assert_null(tj__arena_alloc(arena, SIZE_MAX - 8));
    assert_null(tj__arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(tj__arena_str(arena, (tj_str){"", SIZE_MAX}).data);
    assert_aligned(tj__arena_array(arena, 0, 8));
    assert_aligned(tj__arena_array(arena, 8, 0));
    uint64_t *numbers = tj__arena_array(arena, 1000, sizeof *numbers);
    assert_aligned(numbers);
    assert_int_equal(numbers[999], 0);
    tj__arena_free_object(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_object_finds_its_arena),
        cmocka_unit_test(pieces_are_apart),
        cmocka_unit_test(texts),
        cmocka_unit_test(what_it_adopted_goes_with_it),
        cmocka_unit_test(a_large_block_is_zeroed),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
