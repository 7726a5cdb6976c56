/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The page walk: passes what LMDB wrote, and what it passes LMDB can read without dying. */
#include <lmdb.h>
#include <sys/mman.h>

#include "support.h"
#include "table/pages.h"

#define MUTATIONS 2000u
#define PASSED_AT_ONCE 25u
#define REJECTED_TRIED_EVERY 8 /* the rejected files that LMDB is given all the same */

static const char *const tesser_files[] = {
    TJ_TESTDATA "/0.9.2/small/journal.lmdb",   TJ_TESTDATA "/0.9.2/typical/journal.lmdb",
    TJ_TESTDATA "/0.9.2/edge/journal.lmdb",    TJ_TESTDATA "/0.9.3/small/journal.lmdb",
    TJ_TESTDATA "/0.9.3/typical/journal.lmdb", TJ_TESTDATA "/0.9.3/edge/journal.lmdb"};
#define TESSER_FILES (sizeof tesser_files / sizeof *tesser_files)

static bool have_testdata(void)
{
    if (access(TJ_TESTDATA, F_OK) == 0) {
        return true;
    }
    printf("SKIPPED: no data of the original Tesser at " TJ_TESTDATA "\n");
    return false;
}

static void test_tesser_files(void **state)
{
    (void)state;
    if (!have_testdata()) {
        skip();
    }
    for (size_t i = 0; i < TESSER_FILES; i++) {
        char data[PATH_MAX];
        char text[3 * PATH_MAX];
        snprintf(data, sizeof data, "%s/data.mdb", tesser_files[i]);
        snprintf(text, sizeof text,
                 "%s is a data file of Tesser's own LmdbJournal, not of tesser-journal: import it "
                 "with `tesser-journal import %s --into JOURNAL`",
                 data, tesser_files[i]);
        assert_fails(TJ_UNSUPPORTED, text, tj__env_check(tesser_files[i], &err));
        tj__buffer names = {0};
        static const char both[] = "algo_states\0live_state";
        assert_ok(tj__page_check(data, &names, &err));
        assert_int_equal(names.size, sizeof both);
        assert_memory_equal(names.data, both, sizeof both);
        tj__buffer_dispose(&names);
    }
}

/* ---- a journal with every kind of page: branches, overflow runs, free pages */

static void put_or_delete(tj__rowmap *batch, unsigned number, bool deleted, uint64_t sequence)
{
    static uint8_t value[30000];
    char key[64];
    snprintf(key, sizeof key, "\3%c row with a longer key to fill pages %06u", 'a' + number % 3,
             number);
    size_t size = number % 50 == 0 ? sizeof value - number : number % 97;
    memset(value, (int)(number & 0xff), sizeof value);
    assert_non_null(
        deleted ? tj__rowmap_put_deleted(batch, text_bytes(key), sequence)
                : tj__rowmap_put(batch, text_bytes(key), tj__bytes_of(value, size), sequence));
}

static void make_rich_journal(const place *at)
{
    journal_create(at);
    tj__env *env = journal_open(at, 1 << 20, false);
    tj__rowmap *batch = tj__rowmap_new();
    for (uint64_t sequence = 1; sequence <= 12; sequence++) {
        tj__rowmap_clear(batch);
        for (unsigned i = 0; i < 100; i++) {
            put_or_delete(batch, (unsigned)sequence * 80 + i, sequence % 4 == 0 && i % 3, sequence);
        }
        tj__position position = position_at(sequence);
        assert_ok(tj__env_apply(env, batch, &position, &err));
    }
    tj__rowmap_free(batch);
    tj__env_close(env);
}

/* ---- mutations */

static void flip_bits(uint64_t *random, tj__buffer *file, size_t at)
{
    for (uint64_t left = 1 + random_below(random, 3); left > 0; left--) {
        size_t byte = (at + (size_t)random_below(random, 8)) % file->size;
        file->data[byte] ^= (uint8_t)(1u << random_below(random, 8));
    }
}

static void overwrite(uint64_t *random, tj__buffer *file, size_t at)
{
    size_t size = 1 + (size_t)random_below(random, 16);
    size = size < file->size - at ? size : file->size - at;
    size_t from = (size_t)random_below(random, file->size - size + 1);
    switch (random_below(random, 4)) {
    case 0:
        memset(file->data + at, 0, size);
        break;
    case 1:
        memset(file->data + at, 0xff, size);
        break;
    case 2:
        memmove(file->data + at, file->data + from, size);
        break;
    default:
        for (size_t i = 0; i < size; i++) {
            file->data[at + i] = (uint8_t)random_next(random);
        }
    }
}

/* Half of the places are where LMDB's own structures are: page headers, node offsets, metas. */
static size_t place_to_change(uint64_t *random, const tj__buffer *file)
{
    size_t at = (size_t)random_below(random, file->size);
    switch (random_below(random, 4)) {
    case 0:
        return at / 4096 * 4096 + (size_t)random_below(random, 48);
    case 1:
        return (size_t)random_below(random, 2) * 4096 + (size_t)random_below(random, 152);
    default:
        return at;
    }
}

static void mutate(uint64_t *random, tj__buffer *file)
{
    size_t at = place_to_change(random, file);
    switch (random_below(random, 10)) {
    case 0:
        file->size = random_below(random, 2) ? at : at / 4096 * 4096;
        break;
    case 1:
    case 2:
    case 3:
        overwrite(random, file, at);
        break;
    default:
        flip_bits(random, file, at);
    }
}

/* Cut only at the end: ext4 flushes a file that is truncated to nothing and written anew. */
static void write_file(const char *path, const tj__buffer *file)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_ok(tj__file_write_at(fd, path, file->data, file->size, 0, &err));
    assert_int_equal(ftruncate(fd, (off_t)file->size), 0);
    close(fd);
}

/* ---- what LMDB makes of a file that passed; any code is fine, a signal is not */

static unsigned read_database(MDB_txn *txn, MDB_dbi dbi, bool names);

static unsigned read_named(MDB_txn *txn, const MDB_val *name)
{
    char text[512] = {0};
    MDB_dbi dbi;
    if (name->mv_size >= sizeof text) {
        return 0;
    }
    memcpy(text, name->mv_data, name->mv_size);
    return mdb_dbi_open(txn, text, 0, &dbi) == 0 ? read_database(txn, dbi, false) : 0;
}

static unsigned sum_of(const MDB_val *value)
{
    unsigned sum = 0;
    for (size_t i = 0; i < value->mv_size; i++) {
        sum += ((const uint8_t *)value->mv_data)[i];
    }
    return sum;
}

static unsigned read_database(MDB_txn *txn, MDB_dbi dbi, bool names)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    unsigned sum = 0;
    if (mdb_cursor_open(txn, dbi, &cursor) != 0) {
        return 0;
    }
    for (int forward = 0; forward < 2; forward++) {
        int code = mdb_cursor_get(cursor, &key, &value, forward ? MDB_FIRST : MDB_LAST);
        while (code == 0) {
            sum += sum_of(&key) + sum_of(&value) + (names ? read_named(txn, &key) : 0);
            code = mdb_cursor_get(cursor, &key, &value, forward ? MDB_NEXT : MDB_PREV);
        }
    }
    mdb_cursor_close(cursor);
    return sum;
}

static void read_all(MDB_env *lmdb)
{
    MDB_txn *txn = NULL;
    MDB_dbi main_dbi;
    if (mdb_txn_begin(lmdb, NULL, MDB_RDONLY, &txn) != 0) {
        return;
    }
    if (mdb_dbi_open(txn, NULL, 0, &main_dbi) == 0) {
        (void)read_database(txn, main_dbi, true);
        (void)read_database(txn, 0, false); /* the free list */
    }
    mdb_txn_abort(txn);
}

static int change_rows(MDB_txn *txn, const char *table)
{
    static char bytes[20000];
    MDB_dbi dbi;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int code = mdb_dbi_open(txn, table, 0, &dbi);
    if (code == 0) {
        code = mdb_cursor_open(txn, dbi, &cursor);
    }
    if (code != 0) {
        return code;
    }
    for (unsigned i = 0; code == 0; i++) { /* every other row goes */
        code = mdb_cursor_get(cursor, &key, &value, i ? MDB_NEXT : MDB_FIRST);
        code = code == 0 && i % 2 ? mdb_cursor_del(cursor, 0) : code;
    }
    mdb_cursor_close(cursor);
    code = 0;
    for (unsigned i = 0; i < 30 && code == 0; i++) {
        char name[16];
        snprintf(name, sizeof name, "new %u", i * 7919);
        key = (MDB_val){strlen(name), name};
        value = (MDB_val){i * 600, bytes};
        code = mdb_put(txn, dbi, &key, &value, 0);
    }
    return code;
}

/* Several commits, so that pages of the free list are taken. */
static void write_some(MDB_env *lmdb)
{
    static const char *const tables[] = {"state", "algo_states", "live_state"};
    for (unsigned i = 0; i < 6; i++) {
        MDB_txn *txn = NULL;
        if (mdb_txn_begin(lmdb, NULL, 0, &txn) != 0) {
            return;
        }
        int code = change_rows(txn, tables[i % 3]);
        if (code == 0 || code == MDB_NOTFOUND) {
            (void)mdb_txn_commit(txn);
        } else {
            mdb_txn_abort(txn);
        }
    }
}

static int use_with_lmdb(void *context)
{
    const place *at = context;
    for (int writing = 0; writing < 2; writing++) {
        MDB_env *lmdb = NULL;
        if (mdb_env_create(&lmdb) != 0) {
            return 1;
        }
        (void)mdb_env_set_mapsize(lmdb, (size_t)64 << 20);
        (void)mdb_env_set_maxdbs(lmdb, 100);
        if (mdb_env_open(lmdb, at->directory, writing ? MDB_NOSYNC : MDB_RDONLY, 0600) == 0) {
            read_all(lmdb);
            if (writing) {
                write_some(lmdb);
                read_all(lmdb);
            }
        }
        mdb_env_close(lmdb);
    }
    return 0;
}

/* Files that passed, handed to LMDB in one child: forking is what costs under a sanitizer. */
typedef struct passed_files {
    place at;
    const char *name;
    tj__buffer files[PASSED_AT_ONCE];
    unsigned count;
    unsigned *in_use; /* shared with the child: the file it is at */
} passed_files;

static int use_passed(void *context)
{
    passed_files *passed = context;
    for (unsigned i = 0; i < passed->count; i++) {
        *passed->in_use = i;
        alarm(60); /* a hang is as bad as a signal, and becomes one */
        write_file(passed->at.data, &passed->files[i]);
        if (use_with_lmdb(&passed->at) != 0) {
            return 1;
        }
    }
    return 0;
}

static void try_passed(passed_files *passed)
{
    if (!in_child(use_passed, passed)) {
        write_file(passed->at.data, &passed->files[*passed->in_use]);
        fail_msg("LMDB died of %s, kept as %s", passed->name, passed->at.data);
    }
    for (unsigned i = 0; i < passed->count; i++) {
        tj__buffer_dispose(&passed->files[i]);
    }
    passed->count = 0;
}

/* Whether the page check was right to be afraid. */
static int use_rejected(void *context)
{
    alarm(2);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    return use_with_lmdb(context);
}

static void assert_is_refusal(tj_status status, const tj_error *error)
{
    assert_true(status == TJ_CORRUPT || status == TJ_UNSUPPORTED);
    assert_true(error->message[0] != '\0' && !strchr(error->message, '\n'));
}

static void try_mutations(uint64_t *random, const char *name, const tj__buffer *original)
{
    passed_files passed = {.at = place_new(), .name = name};
    unsigned rejected = 0;
    unsigned deadly = 0; /* rejected, and LMDB died of it */
    passed.in_use = mmap(NULL, sizeof *passed.in_use, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(passed.in_use != MAP_FAILED);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        tj__buffer *file = &passed.files[passed.count];
        err = (tj_error)TJ_ERROR_INIT;
        tj__put_bytes(file, original->data, original->size);
        mutate(random, file);
        write_file(passed.at.data, file);
        tj_status status = tj__page_check(passed.at.data, NULL, &err);
        if (status == TJ_OK) {
            passed.count++;
        } else {
            assert_is_refusal(status, &err);
            tj__buffer_dispose(file);
            if (++rejected % REJECTED_TRIED_EVERY == 0) {
                deadly += !in_child(use_rejected, &passed.at);
            }
        }
        if (passed.count == PASSED_AT_ONCE || i + 1 == MUTATIONS) {
            try_passed(&passed);
        }
    }
    printf("%s: %u mutations, %u passed the page check, %u rejected; LMDB died of %u of %u\n", name,
           MUTATIONS, MUTATIONS - rejected, rejected, deadly, rejected / REJECTED_TRIED_EVERY);
    assert_in_range(rejected, 1, MUTATIONS - 1);
    assert_in_range(deadly, 1, MUTATIONS); /* else the mutations are too tame to prove anything */
    munmap(passed.in_use, sizeof *passed.in_use);
    place_remove(&passed.at);
}

static void test_mutations_of_ours(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    tj__buffer file = {0};
    make_rich_journal(&at);
    assert_ok(tj__page_check(at.data, NULL, &err));
    assert_ok(tj__file_read_all(at.data, SIZE_MAX / 2, &file, &err));
    try_mutations(&random, "a journal of ours", &file);
    tj__buffer_dispose(&file);
    place_remove(&at);
}

static void test_mutations_of_tesser(void **state)
{
    (void)state;
    if (!have_testdata()) {
        skip();
    }
    uint64_t random = seed_new();
    char path[PATH_MAX];
    tj__buffer file = {0};
    snprintf(path, sizeof path, "%s/data.mdb", tesser_files[5]);
    assert_ok(tj__file_read_all(path, SIZE_MAX / 2, &file, &err));
    try_mutations(&random, "Tesser's edge", &file);
    tj__buffer_dispose(&file);
}

/* ---- damage with a known answer, so that the alarm is known to ring */

static void assert_damage(const place *at, const tj__buffer *original, size_t offset,
                          const void *bytes, size_t size, const char *text)
{
    tj__buffer file = {0};
    err = (tj_error)TJ_ERROR_INIT;
    tj__put_bytes(&file, original->data, original->size);
    memcpy(file.data + offset, bytes, size);
    write_file(at->data, &file);
    tj__buffer_dispose(&file);
    assert_int_equal(tj__page_check(at->data, NULL, &err), TJ_CORRUPT);
    assert_non_null(strstr(err.message, text));
    assert_string_equal(err.place, at->data);
}

/* The newest meta page of a file. */
static size_t newest_meta(const tj__buffer *file)
{
    uint64_t first = tj__load_u64(file->data + 16 + 128);
    uint64_t second = tj__load_u64(file->data + 4096 + 16 + 128);
    return first >= second ? 16 : 4096 + 16;
}

static void test_known_damage(void **state)
{
    (void)state;
    place at = place_new();
    tj__buffer file = {0};
    make_rich_journal(&at);
    assert_ok(tj__file_read_all(at.data, SIZE_MAX / 2, &file, &err));
    size_t meta = newest_meta(&file);
    size_t root = (size_t)tj__load_u64(file.data + meta + 72 + 40) * 4096;
    uint8_t zeros[16] = {0};
    uint8_t ones[16];
    uint8_t three[8] = {3};
    memset(ones, 0xff, sizeof ones);
    assert_damage(&at, &file, root, three, 8, "it says that it is page 3");
    assert_damage(&at, &file, root + 10, three, 2, "its flags are 0x3 instead of 0x2");
    assert_damage(&at, &file, root + 12, zeros, 2, "its bounds are 0 and ");
    assert_damage(&at, &file, root + 14, zeros, 2, "and 0");
    assert_damage(&at, &file, root + 16, zeros, 2, "node 0 cannot stand at byte 0");
    assert_damage(&at, &file, root + 16, file.data + root + 18, 2, "node 1 lies over another one");
    assert_damage(&at, &file, meta + 72 + 40, zeros, 8, "page 0");
    assert_damage(&at, &file, meta + 72 + 6, three, 2, "instead of 0x1");
    assert_damage(&at, &file, meta + 72 + 6, ones, 2, "main database has an impossible depth");
    assert_damage(&at, &file, meta + 72 + 32, three, 8,
                  "main database does not hold as many pages or rows as it counts");
    assert_damage(&at, &file, meta + 24 + 40, file.data + meta + 72 + 40, 8, "in use twice");
    assert_damage(&at, &file, meta + 120, zeros, 8, "it counts fewer pages than there are");
    assert_damage(&at, &file, meta + 120, ones, 8, "are more than a file can have");
    assert_damage(&at, &file, meta + 122, three, 2, "is truncated: ");
    assert_damage(&at, &file, meta + 128, ones, 8, "18446744073709551615 is no transaction");
    tj__buffer_dispose(&file);
    place_remove(&at);
}

/* ---- the room of a page: each place in it belongs to one node */

#define SMALL_PAGE 512u
#define LAYOUTS 20000u
#define NODES_MAX 14u
#define NODE_MIN 10u /* with a key of two bytes */

/* A file of small pages, as far as their reading needs it: two meta pages. */
static tj__pages small_pages(const place *at)
{
    tj__pages pages;
    tj__buffer file = {0};
    for (uint64_t number = 0; number < 2; number++) {
        uint8_t page[SMALL_PAGE] = {0};
        tj__store_u64(page, number);
        tj__store_u16(page + 10, TJ__PAGE_META);
        tj__store_u32(page + 16, 0xBEEFC0DE);
        tj__store_u32(page + 20, 1);
        tj__store_u32(page + 40, SMALL_PAGE);
        tj__store_u64(page + 136, 2);
        tj__store_u64(page + 144, number);
        tj__put_bytes(&file, page, sizeof page);
    }
    write_file(at->data, &file);
    tj__buffer_dispose(&file);
    assert_ok(tj__pages_open(at->data, 0, &pages, &err));
    return pages;
}

static void put_page(uint8_t page[SMALL_PAGE], const size_t *at, const size_t *size, size_t count,
                     size_t upper)
{
    memset(page, 0, SMALL_PAGE);
    tj__store_u64(page, 2);
    tj__store_u16(page + 10, TJ__PAGE_LEAF);
    tj__store_u16(page + 12, (uint16_t)(TJ__PAGE_HEADER_SIZE + 2 * count));
    tj__store_u16(page + 14, (uint16_t)upper);
    for (size_t i = 0; i < count; i++) {
        tj__store_u16(page + TJ__PAGE_HEADER_SIZE + 2 * i, (uint16_t)at[i]);
        tj__store_u32(page + at[i], (uint32_t)(size[i] - NODE_MIN));
        tj__store_u32(page + at[i] + 4, 2u << 16);
    }
}

/* Nodes that fill the room; then some are moved, or one of them is there three times. */
static void lay_out(uint64_t *random, uint8_t page[SMALL_PAGE])
{
    size_t at[NODES_MAX];
    size_t size[NODES_MAX];
    size_t count = 2 + random_below(random, NODES_MAX - 3);
    size_t upper = SMALL_PAGE;
    for (size_t i = 0; i < count; i++) {
        size[i] = NODE_MIN + 2 * random_below(random, 3);
        at[i] = upper -= size[i];
    }
    for (size_t moved = random_below(random, 4); moved > 0; moved--) {
        size_t one = random_below(random, count);
        at[one] = at[random_below(random, count)] + 2 * random_below(random, 2);
        at[one] = at[one] + size[one] <= SMALL_PAGE ? at[one] : upper;
    }
    for (size_t more = 2 * (random_below(random, 8) == 0); more > 0; more--) {
        at[count] = at[0];
        size[count++] = size[0];
    }
    put_page(page, at, size, count, upper);
}

static bool is_filled(const uint8_t page[SMALL_PAGE])
{
    unsigned owners[SMALL_PAGE] = {0};
    for (size_t i = 0; i < tj__page_node_count(page); i++) {
        tj__node node = tj__page_node(page, i);
        size_t begin = (size_t)(node.key.data - page) - TJ__NODE_HEADER_SIZE;
        for (size_t byte = begin; byte < node.value_at + node.value_size; byte++) {
            owners[byte < SMALL_PAGE ? byte : 0]++;
        }
    }
    bool filled = owners[0] == 0;
    for (size_t byte = tj__load_u16(page + 14); byte < SMALL_PAGE; byte++) {
        filled = filled && owners[byte] == 1;
    }
    return filled;
}

static void test_each_place_belongs_to_one_node(void **state)
{
    (void)state;
    uint64_t random = seed_new();
    place at = place_new();
    tj__pages pages = small_pages(&at);
    int fd = open(at.data, O_WRONLY);
    unsigned refused = 0;
    for (unsigned i = 0; i < LAYOUTS; i++) {
        uint8_t page[SMALL_PAGE];
        uint8_t read[SMALL_PAGE];
        lay_out(&random, page);
        bool sound = is_filled(page);
        assert_ok(tj__file_write_at(fd, at.data, page, sizeof page, 2 * SMALL_PAGE, &err));
        pages.size = 3 * SMALL_PAGE;
        tj_status status = tj__pages_read(&pages, 2, TJ__PAGE_LEAF, read, &err);
        assert_int_equal(status, sound ? TJ_OK : TJ_CORRUPT);
        refused += !sound;
    }
    printf("%u of %u layouts refused\n", refused, LAYOUTS);
    assert_in_range(refused, LAYOUTS / 4, LAYOUTS - LAYOUTS / 8);
    close(fd);
    tj__pages_close(&pages);
    place_remove(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_place_belongs_to_one_node),
        cmocka_unit_test(test_tesser_files),
        cmocka_unit_test(test_known_damage),
        cmocka_unit_test(test_mutations_of_ours),
        cmocka_unit_test(test_mutations_of_tesser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
