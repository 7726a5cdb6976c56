/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files of a journal or of a backup, and what can happen to the bytes of one of them. Include
 * <cmocka.h> and base/random.h first.
 */
#ifndef TJ_TESTS_SUPPORT_MUTATION_H
#define TJ_TESTS_SUPPORT_MUTATION_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILES_MAX 128
#define MUTATION_TEXT_SIZE 256

typedef struct whole_file {
    char name[64]; /* below the directory */
    uint8_t *bytes;
    size_t size;
} whole_file;

/* Every file of a journal as it was. */
typedef struct whole_journal {
    char path[600];
    whole_file files[FILES_MAX];
    size_t count;
} whole_journal;

static inline void write_file(const whole_journal *whole, const char *name, const uint8_t *bytes,
                              size_t size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", whole->path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static inline void keep_file(whole_journal *whole, const char *name)
{
    char path[1024];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", whole->path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &found) == 0);
    whole_file *file = &whole->files[whole->count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->size = (size_t)found.st_size;
    file->bytes = malloc(file->size + 1);
    assert_non_null(file->bytes);
    assert_int_equal(read(fd, file->bytes, file->size), file->size);
    close(fd);
}

/* Keeps every file of a directory. */
static inline void keep_files(whole_journal *whole, const char *below)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", whole->path, below);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) && whole->count < FILES_MAX;) {
        char name[64];
        if (entry->d_type == DT_REG && entry->d_name[0] != '.') {
            assert_true(snprintf(name, sizeof name, "%s/%.50s", below, entry->d_name) < 64);
            keep_file(whole, name);
        }
    }
    closedir(directory);
}

static const char *const kept_directories[] = {"log", "history"};

/* data.mdb, writer.lock, all segments and bases. */
static inline void keep_whole(whole_journal *whole, const char *path)
{
    *whole = (whole_journal){0};
    snprintf(whole->path, sizeof whole->path, "%s", path);
    keep_file(whole, "data.mdb");
    keep_file(whole, "writer.lock");
    for (size_t i = 0; i < sizeof kept_directories / sizeof *kept_directories; i++) {
        keep_files(whole, kept_directories[i]);
    }
    assert_true(whole->count < FILES_MAX);
}

static inline void free_whole(whole_journal *whole)
{
    for (size_t i = 0; i < whole->count; i++) {
        free(whole->files[i].bytes);
    }
}

static inline bool is_kept(const whole_journal *whole, const char *name)
{
    for (size_t i = 0; i < whole->count; i++) {
        if (strcmp(whole->files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static inline void remove_extra(const whole_journal *whole)
{
    static const char *const others[] = {"lock.mdb", "reserve"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", whole->path, others[i]);
        (void)remove(path);
    }
    for (size_t i = 0; i < sizeof kept_directories / sizeof *kept_directories; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", whole->path, kept_directories[i]);
        DIR *directory = opendir(path);
        for (struct dirent *entry; directory && (entry = readdir(directory));) {
            char name[320];
            snprintf(name, sizeof name, "%s/%s", kept_directories[i], entry->d_name);
            if (entry->d_type == DT_REG && !is_kept(whole, name)) {
                assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
            }
        }
        if (directory) {
            closedir(directory);
        }
    }
}

/* The mark is believed by the inode and the birth of its file, which are others when it was
 * removed. */
static inline void renew_mark(const whole_journal *whole, whole_file *file)
{
    char path[1024];
    struct statx found;
    snprintf(path, sizeof path, "%s/%s", whole->path, file->name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found), 0);
    close(fd);
    uint64_t inode = found.stx_ino;
    uint64_t birth = (uint64_t)found.stx_btime.tv_sec * 1000000000 + found.stx_btime.tv_nsec;
    memcpy(file->bytes + 544, &inode, sizeof inode);
    memcpy(file->bytes + 608, &birth, sizeof birth);
}

/* Makes the journal what it was. */
static inline void put_whole_back(whole_journal *whole)
{
    remove_extra(whole);
    for (size_t i = 0; i < whole->count; i++) {
        if (strcmp(whole->files[i].name, "writer.lock") == 0) {
            renew_mark(whole, &whole->files[i]);
        }
        write_file(whole, whole->files[i].name, whole->files[i].bytes, whole->files[i].size);
    }
}

/* Where something stands, mostly: the zeros behind the records are the larger part of a segment. */
static inline size_t random_place(const whole_file *file)
{
    size_t place = file->size > 0 ? (size_t)(random_u64() % file->size) : 0;
    for (unsigned tries = 0; tries < 20 && file->bytes[place] == 0; tries++) {
        place = (size_t)(random_u64() % file->size);
    }
    return place;
}

static inline void swap_pieces(uint8_t *bytes, size_t size, char *text)
{
    size_t piece = size < 2 * 4096 ? 8 : 4096;
    size_t pieces = size / piece;
    size_t a = (size_t)(random_u64() % pieces);
    size_t b = (size_t)(random_u64() % pieces);
    for (size_t i = 0; i < piece; i++) {
        uint8_t byte = bytes[a * piece + i];
        bytes[a * piece + i] = bytes[b * piece + i];
        bytes[b * piece + i] = byte;
    }
    snprintf(text, MUTATION_TEXT_SIZE, "pieces %zu and %zu swapped", a, b);
}

/* A piece of one file over that of another. */
static inline void take_piece(uint8_t *bytes, size_t size, const whole_file *other, char *text)
{
    size_t to = (size_t)(random_u64() % (size / 4096 + 1)) * 4096;
    size_t from = (size_t)(random_u64() % (other->size / 4096 + 1)) * 4096;
    size_t room = size - to < other->size - from ? size - to : other->size - from;
    memcpy(bytes + to, other->bytes + from, room < 4096 ? room : 4096);
    snprintf(text, MUTATION_TEXT_SIZE, "at %zu what %s has at %zu", to, other->name, from);
}

/* Changes the bytes of one file as a medium, a bug or a person does, and says how. */
static inline void mutate(const whole_journal *whole, char text[MUTATION_TEXT_SIZE])
{
    const whole_file *file = &whole->files[random_below((unsigned)whole->count)];
    const whole_file *other = &whole->files[random_below((unsigned)whole->count)];
    char how[MUTATION_TEXT_SIZE] = "";
    char path[1024];
    if (random_below(4) == 0) {
        file = &whole->files[0]; /* data.mdb is one file of many */
    }
    size_t size = file->size;
    uint8_t *bytes = malloc(size + 8192);
    assert_non_null(bytes);
    memcpy(bytes, file->bytes, size);
    memset(bytes + size, 0x5a, 8192);
    size_t at = random_place(file);
    switch (random_below(11)) {
    default:
        bytes[at] ^= (uint8_t)(1u << random_below(8));
        snprintf(how, sizeof how, "a bit at %zu", at);
        break;
    case 4:
        bytes[at] = (uint8_t)random_u64();
        snprintf(how, sizeof how, "a byte at %zu", at);
        break;
    case 5:
        for (size_t i = at; i < size && i < at + 512; i++) {
            bytes[i] = 0;
        }
        snprintf(how, sizeof how, "512 zeros at %zu", at);
        break;
    case 6:
        size = random_below(4) == 0 ? 0 : at;
        snprintf(how, sizeof how, "cut to %zu", size);
        break;
    case 7:
        size += 1 + random_below(8192);
        snprintf(how, sizeof how, "grown to %zu", size);
        break;
    case 8:
        if (size >= 4096) {
            swap_pieces(bytes, size, how);
        }
        break;
    case 10:
        take_piece(bytes, size, other, how);
        break;
    case 9:
        if (random_below(2) == 0) {
            snprintf(path, sizeof path, "%s/%s", whole->path, file->name);
            assert_int_equal(remove(path), 0);
            snprintf(text, MUTATION_TEXT_SIZE, "%s removed", file->name);
            free(bytes);
            return;
        }
        write_file(whole, file->name, other->bytes, other->size);
        snprintf(text, MUTATION_TEXT_SIZE, "%s put over %s", other->name, file->name);
        free(bytes);
        return;
    }
    write_file(whole, file->name, bytes, size);
    snprintf(text, MUTATION_TEXT_SIZE, "%s: %.120s", file->name, how);
    free(bytes);
}

#endif
