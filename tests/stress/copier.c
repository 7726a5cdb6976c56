/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A process that copies the journal's directory while it is written, as cp does: file after file,
 * piece after piece. Such a copy is no backup. It either opens to a state that was acknowledged at
 * some moment of the copying, or is refused as damaged; never to another state, and never with a
 * signal.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stress.h"
#include "support/orphan.h"

#define REFUSED 3

static void copy_file(const char *from, const char *to)
{
    static char piece[1 << 17];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return; /* it is gone: a temporary file */
    }
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (ssize_t got; (got = read(in, piece, sizeof piece)) > 0;) {
        if (write(out, piece, (size_t)got) != got) {
            violation("writing %s", to);
        }
    }
    close(out);
    close(in);
}

static void copy_tree(const char *from, const char *to)
{
    DIR *directory = opendir(from);
    struct dirent *entry;
    mkdir(to, 0700);
    while ((entry = readdir(directory)) != NULL) {
        char source[STRESS_PATH_SIZE * 2];
        char target[STRESS_PATH_SIZE * 2];
        struct stat found;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (entry->d_name[0] == '.' || stat(source, &found) != 0) {
            continue;
        }
        if (S_ISDIR(found.st_mode)) {
            copy_tree(source, target);
        } else {
            copy_file(source, target);
        }
    }
    closedir(directory);
}

static tj_store *open_copy(const char *path, bool read_only)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = NULL;
    tj_config config = stress_config();
    config.path = path;
    config.read_only = read_only;
    config.must_exist = true;
    tj_status status = tj_store_open(&config, &store, &error);
    if (status == TJ_CORRUPT) {
        _exit(REFUSED);
    }
    if (status != TJ_OK) {
        violation("a copy is refused with %s: %s", tj_status_name(status), error.message);
    }
    return store;
}

static bool loads(tj_store *store)
{
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(store, NULL), &state, NULL);
    if (status == TJ_OK) {
        status = tj_algo_load_all(tj_store_algo_repository(store, NULL), &algos, NULL);
    }
    bool whole = status == TJ_OK && algos->quarantined_count == 0;
    if (status != TJ_OK && status != TJ_CORRUPT) {
        violation("a copy loads with %s", tj_status_name(status));
    }
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    return whole;
}

/* In a process of its own, so that a signal is seen. */
static void check_copy(const char *path, const numbers *before, const numbers *after)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        tj_store *store = open_copy(path, pass == 0);
        if (!loads(store)) {
            _exit(REFUSED);
        }
        numbers state = stress_load_state(store);
        numbers algos = stress_load_algos(store);
        for (unsigned lane = 0; lane < LANES; lane++) {
            if (state.of[lane] != algos.of[lane] || state.of[lane] < before->of[lane] ||
                state.of[lane] > after->of[lane]) {
                violation("lane %u: a copy shows %" PRIu64 " and %" PRIu64 ", between %" PRIu64
                          " and %" PRIu64 " was copied",
                          lane, state.of[lane], algos.of[lane], before->of[lane], after->of[lane]);
            }
        }
        (void)tj_store_close(store, NULL);
    }
    _exit(0);
}

static void remove_tree(const char *path)
{
    char command[STRESS_PATH_SIZE * 2];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0) {
        violation("removing %s", path);
    }
}

static void copy_once(const char *copy)
{
    numbers before;
    numbers after;
    for (unsigned lane = 0; lane < LANES; lane++) {
        before.of[lane] = atomic_load(&all->lanes[lane].acknowledged);
    }
    copy_tree(all->journal, copy);
    for (unsigned lane = 0; lane < LANES; lane++) {
        after.of[lane] = atomic_load(&all->lanes[lane].attempted);
    }
    fflush(stdout);
    pid_t child = fork_dependent();
    if (child == 0) {
        check_copy(copy, &before, &after);
    }
    int code = 0;
    waitpid(child, &code, 0);
    if (WIFEXITED(code) && (WEXITSTATUS(code) == 0 || WEXITSTATUS(code) == REFUSED)) {
        atomic_fetch_add(WEXITSTATUS(code) == 0 ? &all->good_copies : &all->refused_copies, 1);
    } else {
        violation("looking at a copy, kept in %s, ended with %#x", copy, (unsigned)code);
    }
    remove_tree(copy);
}

void copier_main(uint64_t seed)
{
    uint64_t random = seed;
    char copy[STRESS_PATH_SIZE + 16];
    snprintf(copy, sizeof copy, "%s/copy", all->directory);
    while (!atomic_load(&all->stop)) {
        copy_once(copy);
        pause_us(draw(&random) % 200000);
    }
}
