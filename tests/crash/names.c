/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A list of paths, each with the file that it names. */
#include "crash/names.h"

#include "crash/support.h"

name *find_name(names *n, const char *path)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->list[i].path, path) == 0) {
            return &n->list[i];
        }
    }
    return NULL;
}

void set_name(names *n, const char *path, node *to)
{
    name *found = find_name(n, path);
    if (!found) {
        if (n->count == NAMES_MAX || strlen(path) >= sizeof found->path) {
            die("too many names, or too long: %s", path);
        }
        found = &n->list[n->count++];
        snprintf(found->path, sizeof found->path, "%s", path);
    }
    found->node = to;
}

void remove_name(names *n, const char *path)
{
    name *found = find_name(n, path);
    if (found) {
        *found = n->list[--n->count];
    }
}

static bool is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/';
}

static void move(name *moving, const char *from, const char *to)
{
    char moved[2 * sizeof moving->path];
    snprintf(moved, sizeof moved, "%s%s", to, moving->path + strlen(from));
    if (strlen(moved) >= sizeof moving->path) {
        die("a name is too long: %s", moved);
    }
    memcpy(moving->path, moved, strlen(moved) + 1);
}

void move_below(names *n, const char *from, const char *to)
{
    for (size_t i = 0; i < n->count; i++) {
        if (is_below(n->list[i].path, from)) {
            move(&n->list[i], from, to);
        }
    }
}

void swap_below(names *n, const char *one, const char *other)
{
    for (size_t i = 0; i < n->count; i++) {
        if (is_below(n->list[i].path, one)) {
            move(&n->list[i], one, other);
        } else if (is_below(n->list[i].path, other)) {
            move(&n->list[i], other, one);
        }
    }
}

bool is_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    const char *slash = strrchr(path, '/');
    size_t parent = !slash ? 0 : (size_t)(slash - path);
    return parent == size && strncmp(path, directory, size) == 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const name *)left)->path, ((const name *)right)->path);
}

void sort_names(names *n)
{
    qsort(n->list, n->count, sizeof(name), compare_names);
}
