/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The names on a disk, directories and files alike, by their whole paths. */
#ifndef TJ_CRASH_NAMES_H
#define TJ_CRASH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAMES_MAX 64

/* What a name stands for: a file or a directory. */
typedef struct node node;

typedef struct name {
    char path[96];
    node *node;
} name;

typedef struct names {
    name list[NAMES_MAX];
    size_t count;
} names;

/* NULL when there is none. */
name *find_name(names *n, const char *path);
void set_name(names *n, const char *path, node *to);
void remove_name(names *n, const char *path);
/* What is below a directory that is renamed goes with it. */
void move_below(names *n, const char *from, const char *to);
/* Two directories are exchanged: so is what is below them. */
void swap_below(names *n, const char *one, const char *other);
/* By path, so that a directory stands before what is in it. */
void sort_names(names *n);
/* Whether `path` names something in the directory, which is "" for the one that is watched. */
bool is_in(const char *path, const char *directory);

#endif
