/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An open hash table in shared memory. */
#include "crash/known.h"

#include <sys/mman.h>

#include "crash/support.h"

#define TABLE_SIZE ((size_t)1 << 24)
#define TABLE_BYTES (TABLE_SIZE * sizeof(known_image))

known_image *known_new(void)
{
    void *table = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return table == MAP_FAILED ? must(NULL) : table;
}

void known_free(known_image *table)
{
    munmap(table, TABLE_BYTES);
}

known_image *known_find(known_image *table, uint64_t hash)
{
    size_t at = (size_t)hash % TABLE_SIZE;
    for (size_t step = 0; step < TABLE_SIZE; step++) {
        known_image *entry = &table[(at + step) % TABLE_SIZE];
        if (entry->state == KNOWN_NOT || entry->hash == hash) {
            entry->hash = hash;
            return entry;
        }
    }
    die("more than %zu images", TABLE_SIZE);
}
