/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pending units, what a flush settles, and the files of a chosen subset. */
#include "crash/disk.h"

#include <inttypes.h>

#include "base/hash.h"
#include "crash/names.h"
#include "crash/support.h"

#define NODES_MAX 256

/* Stores into the first two are stores into maps, of which nothing is recorded; the third has a
 * length that matters to nobody, and no content. check.c makes up what is there. */
static const char *const unseen[] = {"journal/writer.lock", "journal/lock.mdb", "journal/reserve"};

/* Bytes that grow. */
typedef struct content {
    uint8_t *data;
    size_t size;
    size_t capacity;
} content;

struct node {
    bool directory;
    uint32_t file; /* its number in the trace, 0 while it has none */
    content durable;
    uint64_t durable_hash;
    content scratch; /* of the image that is being built */
    size_t touched;  /* pending units of it that this image takes */
};

typedef enum unit_kind {
    UNIT_WRITE,
    UNIT_RESIZE,
    UNIT_GROW,
    UNIT_LINK,
    UNIT_UNLINK,
    UNIT_RENAME,
    UNIT_EXCHANGE
} unit_kind;

typedef struct unit {
    unit_kind kind;
    bool durable; /* written through O_DSYNC: in every image, but in its place among the others */
    size_t index; /* of its event */
    node *node;
    uint64_t offset;
    uint64_t size;
    const uint8_t *data;
    const char *path;
    const char *to;
} unit;

struct disk {
    node nodes[NODES_MAX];
    size_t node_count;
    names durable; /* names on the disk */
    names current; /* names as programs see them */
    unit units[UNITS_MAX];
    size_t unit_count;
    size_t pending[UNITS_MAX]; /* units that are not durable by themselves */
    size_t pending_count;
    names scratch;
};

/* ---- content ---------------------------------------------------------------------------- */

static void resize(content *c, size_t size)
{
    if (size > c->capacity) {
        c->capacity = size + size / 2;
        c->data = must(realloc(c->data, c->capacity));
    }
    if (size > c->size) {
        memset(c->data + c->size, 0, size - c->size);
    }
    c->size = size;
}

static void overwrite(content *c, uint64_t offset, const uint8_t *data, uint64_t size)
{
    if (offset + size > c->size) {
        resize(c, (size_t)(offset + size));
    }
    if (size > 0) {
        memcpy(c->data + offset, data, (size_t)size);
    }
}

static void change_content(content *c, const unit *u)
{
    if (u->kind == UNIT_WRITE) {
        overwrite(c, u->offset, u->data, u->size);
    } else if (u->kind == UNIT_RESIZE || u->size > c->size) {
        resize(c, (size_t)u->size);
    }
}

static uint64_t hash_content(const content *c)
{
    return tj__hash_seeded(c->data, c->size, c->size);
}

/* ---- names ------------------------------------------------------------------------------ */

/* Both or none: where one of the names has not come to the disk, neither has this. */
static void exchange_names(names *n, const unit *u)
{
    name *one = find_name(n, u->path);
    name *other = find_name(n, u->to);
    if (one && other) {
        node *kept = one->node;
        one->node = other->node;
        other->node = kept;
        swap_below(n, u->path, u->to);
    }
}

static void change_names(names *n, const unit *u)
{
    if (u->kind == UNIT_EXCHANGE) {
        exchange_names(n, u);
        return;
    }
    if (u->kind == UNIT_LINK) {
        set_name(n, u->path, u->node);
        return;
    }
    const name *found = find_name(n, u->path);
    if (u->kind == UNIT_RENAME) {
        set_name(n, u->to, u->node);
        if (u->node->directory) {
            move_below(n, u->path, u->to);
        }
        found = find_name(n, u->path);
    }
    if (found && found->node == u->node) {
        remove_name(n, u->path);
    }
}

static bool names_unit(const unit *u)
{
    return u->kind >= UNIT_LINK;
}

/* ---- events ----------------------------------------------------------------------------- */

static node *new_node(disk *d, bool directory)
{
    if (d->node_count == NODES_MAX) {
        die("more than %d files", NODES_MAX);
    }
    node *made = &d->nodes[d->node_count++];
    made->directory = directory;
    made->durable_hash = hash_content(&made->durable);
    return made;
}

static node *node_of(disk *d, uint32_t file)
{
    for (size_t i = d->node_count; i > 0; i--) {
        if (d->nodes[i - 1].file == file) {
            return &d->nodes[i - 1];
        }
    }
    return NULL;
}

static bool is_unseen(const char *path)
{
    for (size_t i = 0; path && i < sizeof unseen / sizeof unseen[0]; i++) {
        if (strcmp(path, unseen[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void index_pending(disk *d)
{
    d->pending_count = 0;
    for (size_t i = 0; i < d->unit_count; i++) {
        if (!d->units[i].durable) {
            d->pending[d->pending_count++] = i;
        }
    }
}

static void add_unit(disk *d, const unit *added)
{
    if (d->unit_count == UNITS_MAX) {
        die("more than %d writes wait for a flush", UNITS_MAX);
    }
    d->units[d->unit_count++] = *added;
    if (names_unit(added)) {
        change_names(&d->current, added);
    }
    index_pending(d);
}

/* A name that the unit takes away must not come back by an older one. */
static void settle_name(disk *d, const unit *u)
{
    change_names(&d->durable, u);
    for (unit *older = d->units; older < u && u->kind != UNIT_EXCHANGE; older++) {
        if (older->kind == UNIT_LINK && older->node == u->node && u->kind != UNIT_LINK &&
            strcmp(older->path, u->path) == 0) {
            older->node = NULL;
        }
    }
}

/* Makes a unit durable, and empties it. */
static void settle_unit(disk *d, unit *u)
{
    if (!u->node) {
        return;
    }
    if (names_unit(u)) {
        settle_name(d, u);
    } else {
        change_content(&u->node->durable, u);
        u->node->durable_hash = hash_content(&u->node->durable);
    }
    u->node = NULL;
}

static bool flushed_by(const unit *u, const event *flush, const node *file)
{
    if (u->index >= flush->covers) {
        return false;
    }
    if (flush->kind == EVENT_FLUSH) {
        return !names_unit(u) && u->node == file;
    }
    return names_unit(u) && is_in(u->kind == UNIT_RENAME ? u->to : u->path, flush->path);
}

/* Takes the units out of the list that settle_unit has emptied. */
static void forget_settled(disk *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->unit_count; i++) {
        if (d->units[i].node) {
            d->units[kept++] = d->units[i];
        }
    }
    d->unit_count = kept;
    index_pending(d);
}

static void flush(disk *d, const event *e)
{
    const node *file = e->kind == EVENT_FLUSH ? node_of(d, e->file) : NULL;
    if (e->kind == EVENT_FLUSH && !file) {
        return; /* One of the unseen. */
    }
    for (size_t i = 0; i < d->unit_count; i++) {
        if (flushed_by(&d->units[i], e, file)) {
            settle_unit(d, &d->units[i]);
        }
    }
    forget_settled(d);
}

void disk_write_back(disk *d, size_t before)
{
    if (d->unit_count == 0 || d->units[0].index >= before) {
        return;
    }
    for (size_t i = 0; i < d->unit_count && d->units[i].index < before; i++) {
        settle_unit(d, &d->units[i]);
    }
    forget_settled(d);
}

/* A file that was there before the recording, or of which its image knows nothing. */
static void know_file(disk *d, const event *e)
{
    name *found = find_name(&d->current, e->path);
    node *known = found ? found->node : new_node(d, false);
    if (!found) {
        set_name(&d->current, e->path, known);
        set_name(&d->durable, e->path, known);
    }
    known->file = e->file;
}

static void link_new(disk *d, const event *e, size_t index)
{
    node *made = new_node(d, e->kind == EVENT_MKDIR);
    made->file = e->file;
    unit u = {.kind = UNIT_LINK, .index = index, .node = made, .path = e->path};
    add_unit(d, &u);
}

static void change_file(disk *d, const event *e, size_t index)
{
    static const unit_kind kinds[] = {[EVENT_WRITE] = UNIT_WRITE,
                                      [EVENT_WRITE_DURABLE] = UNIT_WRITE,
                                      [EVENT_RESIZE] = UNIT_RESIZE,
                                      [EVENT_GROW] = UNIT_GROW};
    node *file = node_of(d, e->file);
    if (!file) {
        return; /* One of the unseen. */
    }
    unit u = {.kind = kinds[e->kind],
              .durable = e->kind == EVENT_WRITE_DURABLE,
              .index = index,
              .node = file,
              .offset = e->offset,
              .size = e->size,
              .data = e->data};
    add_unit(d, &u);
}

static void change_name(disk *d, const event *e, size_t index)
{
    name *found = find_name(&d->current, e->path);
    if (!found) {
        die("%s is renamed or removed, but was never created", e->path);
    }
    unit u = {.kind = e->kind == EVENT_RENAME     ? UNIT_RENAME
                      : e->kind == EVENT_EXCHANGE ? UNIT_EXCHANGE
                                                  : UNIT_UNLINK,
              .index = index,
              .node = found->node,
              .path = e->path,
              .to = e->to};
    if (e->kind == EVENT_LINK) {
        u = (unit){.kind = UNIT_LINK, .index = index, .node = found->node, .path = e->to};
    }
    add_unit(d, &u);
}

void disk_apply(disk *d, const event *e, size_t index)
{
    if (is_unseen(e->path)) {
        return;
    }
    switch (e->kind) {
    case EVENT_KNOWN:
        know_file(d, e);
        break;
    case EVENT_CREATE:
    case EVENT_MKDIR:
        link_new(d, e, index);
        break;
    case EVENT_RMDIR:
    case EVENT_UNLINK:
    case EVENT_RENAME:
    case EVENT_LINK:
    case EVENT_EXCHANGE:
        change_name(d, e, index);
        break;
    case EVENT_WRITE:
    case EVENT_WRITE_DURABLE:
    case EVENT_RESIZE:
    case EVENT_GROW:
        change_file(d, e, index);
        break;
    case EVENT_FLUSH:
    case EVENT_FLUSH_DIRECTORY:
        flush(d, e);
        break;
    default:
        break;
    }
}

disk *disk_new(void)
{
    return must(calloc(1, sizeof(disk)));
}

void disk_free(disk *d)
{
    for (size_t i = 0; i < d->node_count; i++) {
        free(d->nodes[i].durable.data);
        free(d->nodes[i].scratch.data);
    }
    free(d);
}

void disk_load(disk *d, const image *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const image_entry *entry = &from->entries[i];
        node *made = new_node(d, entry->directory);
        overwrite(&made->durable, 0, entry->data, entry->size);
        made->durable_hash = hash_content(&made->durable);
        set_name(&d->durable, entry->path, made);
        set_name(&d->current, entry->path, made);
    }
}

/* ---- pending units ---------------------------------------------------------------------- */

size_t disk_pending(const disk *d)
{
    return d->pending_count;
}

static const unit *pending_unit(const disk *d, size_t i)
{
    return &d->units[d->pending[i]];
}

static uint64_t first_sector(const unit *u)
{
    return u->offset / SECTOR_SIZE;
}

static size_t sector_count(const unit *u)
{
    return (size_t)((u->offset + u->size + SECTOR_SIZE - 1) / SECTOR_SIZE - first_sector(u));
}

size_t disk_unit_sectors(const disk *d, size_t i)
{
    const unit *u = pending_unit(d, i);
    return u->kind == UNIT_WRITE ? sector_count(u) : 0;
}

bool disk_unit_grows(const disk *d, size_t i)
{
    const unit *u = pending_unit(d, i);
    return u->kind == UNIT_WRITE && u->offset + u->size > u->node->durable.size;
}

void disk_unit_text(const disk *d, size_t i, char *out, size_t size)
{
    static const char *const kinds[] = {"write",  "resize", "grow",    "link",
                                        "unlink", "rename", "exchange"};
    const unit *u = pending_unit(d, i);
    const char *path = u->path;
    for (size_t k = 0; !path && k < d->current.count; k++) {
        if (d->current.list[k].node == u->node) {
            path = d->current.list[k].path;
        }
    }
    snprintf(out, size, "%s %s%s%s offset %" PRIu64 " size %" PRIu64 " (event %zu)", kinds[u->kind],
             path ? path : "(without a name)", u->to ? " -> " : "", u->to ? u->to : "", u->offset,
             u->size, u->index);
}

/* ---- images ----------------------------------------------------------------------------- */

static void take_part(content *c, const unit *u, const choice *how)
{
    uint64_t end = u->offset + u->size;
    uint64_t sector = (first_sector(u) + how->torn_sector) * SECTOR_SIZE;
    uint64_t cut = sector > u->offset ? sector : u->offset;
    if (how->torn_kind == TORN_LENGTH) {
        if (end > c->size) {
            resize(c, (size_t)end);
        }
        return;
    }
    if (cut > u->offset) {
        overwrite(c, u->offset, u->data, cut - u->offset);
    }
    if (how->torn_kind == TORN_HOLE && sector + SECTOR_SIZE < end) {
        uint64_t from = sector + SECTOR_SIZE;
        overwrite(c, from, u->data + (from - u->offset), end - from);
    }
}

/* Whether the chosen image includes unit i; `next` counts the pending ones. */
static bool includes(const disk *d, const choice *how, size_t i, size_t *next)
{
    if (d->units[i].durable) {
        return true;
    }
    return choice_has(how, (*next)++);
}

static void build_contents(disk *d, const choice *how)
{
    for (size_t i = 0; i < d->node_count; i++) {
        d->nodes[i].touched = 0;
    }
    d->scratch = d->durable;
    size_t next = 0;
    for (size_t i = 0; i < d->unit_count; i++) {
        const unit *u = &d->units[i];
        bool torn = how->torn_kind != TORN_NOT && !u->durable && next == how->torn;
        if (!includes(d, how, i, &next)) {
            continue;
        }
        if (names_unit(u)) {
            change_names(&d->scratch, u);
            continue;
        }
        if (u->node->touched++ == 0) {
            u->node->scratch.size = 0;
            overwrite(&u->node->scratch, 0, u->node->durable.data, u->node->durable.size);
        }
        if (torn) {
            take_part(&u->node->scratch, u, how);
        } else {
            change_content(&u->node->scratch, u);
        }
    }
}

/* A name counts only when its directories are there. The list is sorted, so they come first. */
static bool reachable(const image *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return true;
    }
    size_t size = (size_t)(slash - path);
    for (size_t i = 0; i < out->count; i++) {
        const image_entry *entry = &out->entries[i];
        if (entry->directory && strlen(entry->path) == size &&
            strncmp(entry->path, path, size) == 0) {
            return true;
        }
    }
    return false;
}

void disk_build(disk *d, const choice *how, image *out)
{
    build_contents(d, how);
    sort_names(&d->scratch);
    out->count = 0;
    out->hash = 0;
    for (size_t i = 0; i < d->scratch.count; i++) {
        const name *named = &d->scratch.list[i];
        if (!reachable(out, named->path)) {
            continue;
        }
        const content *c = named->node->touched > 0 ? &named->node->scratch : &named->node->durable;
        uint64_t hash = named->node->touched > 0 ? hash_content(c) : named->node->durable_hash;
        out->entries[out->count++] =
            (image_entry){named->path, named->node->directory, c->data, c->size};
        out->hash = tj__hash_seeded(named->path, strlen(named->path) + 1, out->hash ^ hash);
    }
}
