/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A journal with several segments, and what can happen to the bytes of one of its files. Include
 * <cmocka.h> and base/random.h first.
 */
#ifndef TJ_TESTS_MAINTAIN_MUTATION_H
#define TJ_TESTS_MAINTAIN_MUTATION_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILES_MAX 64
#define MUTATION_TEXT_SIZE 256

typedef struct whole_file {
    char name[64]; /* below the journal's directory */
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

/* Keeps data.mdb, writer.lock and all segments. */
static inline void keep_whole(whole_journal *whole, const char *path)
{
    char log[1024];
    *whole = (whole_journal){0};
    snprintf(whole->path, sizeof whole->path, "%s", path);
    snprintf(log, sizeof log, "%s/log", path);
    keep_file(whole, "data.mdb");
    keep_file(whole, "writer.lock");
    DIR *directory = opendir(log);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) && whole->count < FILES_MAX;) {
        char name[64];
        if (strlen(entry->d_name) == 14) {
            snprintf(name, sizeof name, "log/%.14s", entry->d_name);
            keep_file(whole, name);
        }
    }
    closedir(directory);
}

static inline void free_whole(whole_journal *whole)
{
    for (size_t i = 0; i < whole->count; i++) {
        free(whole->files[i].bytes);
    }
}

static inline void remove_extra(const whole_journal *whole)
{
    char path[1024];
    static const char *const names[] = {"lock.mdb", "reserve", "log/spare.tmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", whole->path, names[i]);
        (void)remove(path);
    }
    for (unsigned ordinal = 1; ordinal < 40; ordinal++) {
        char name[64];
        bool kept = false;
        snprintf(name, sizeof name, "log/%010u.log", ordinal);
        for (size_t i = 0; i < whole->count; i++) {
            kept = kept || strcmp(whole->files[i].name, name) == 0;
        }
        snprintf(path, sizeof path, "%s/%s", whole->path, name);
        if (!kept) {
            (void)remove(path);
        }
    }
}

/* The mark is believed by the inode of its file, which another one has when it was removed. */
static inline void renew_mark(const whole_journal *whole, whole_file *file)
{
    char path[1024];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", whole->path, file->name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fstat(fd, &found) == 0);
    close(fd);
    uint64_t inode = found.st_ino;
    memcpy(file->bytes + 544, &inode, sizeof inode);
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
    size_t place = (size_t)(random_u64() % file->size);
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

/* Changes the bytes of one file as a medium, a bug or a person does, and says how. */
static inline void mutate(const whole_journal *whole, char text[MUTATION_TEXT_SIZE])
{
    const whole_file *file = &whole->files[random_below((unsigned)whole->count)];
    const whole_file *other = &whole->files[random_below((unsigned)whole->count)];
    char how[MUTATION_TEXT_SIZE] = "";
    char path[1024];
    if (random_below(3) == 0) {
        file = &whole->files[0]; /* data.mdb is one file of many */
    }
    size_t size = file->size;
    uint8_t *bytes = malloc(size + 8192);
    assert_non_null(bytes);
    memcpy(bytes, file->bytes, size);
    memset(bytes + size, 0x5a, 8192);
    size_t at = random_place(file);
    switch (random_below(10)) {
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
        swap_pieces(bytes, size, how);
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
