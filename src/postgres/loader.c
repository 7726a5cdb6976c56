/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loading the module that holds libpq. */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "postgres/libpq.h"

#define MODULE "libtesser-journal-postgres.so"

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static const tj__libpq *loaded; /* guarded by load_lock; never unloaded */

static tj_status missing(tj_error *error)
{
    const char *reason = dlerror();
    if (reason && strstr(reason, "libpq.so")) {
        return tj__fail(error, TJ_UNSUPPORTED,
                        "a journal on PostgreSQL needs libpq, which is not installed: install the "
                        "package libpq5 (%s)",
                        reason);
    }
    return tj__fail(error, TJ_UNSUPPORTED,
                    "a journal on PostgreSQL needs " MODULE
                    ", which is not installed: build tesser-journal where the package libpq-dev is "
                    "installed, and install it again (%s)",
                    reason ? reason : "not found");
}

static tj_status load(tj_error *error)
{
    void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        return missing(error);
    }
    const tj__libpq *table = dlsym(module, TJ__LIBPQ_TABLE_NAME);
    if (!table || table->version != TJ__LIBPQ_TABLE_VERSION) {
        (void)dlclose(module);
        return tj__fail(error, TJ_UNSUPPORTED,
                        MODULE " is of another version of tesser-journal than this library: "
                               "install both from the same build");
    }
    loaded = table;
    return TJ_OK;
}

tj_status tj__libpq_load(const tj__libpq **out, tj_error *error)
{
    pthread_mutex_lock(&load_lock);
    tj_status status = loaded ? TJ_OK : load(error);
    *out = loaded;
    pthread_mutex_unlock(&load_lock);
    return status;
}
