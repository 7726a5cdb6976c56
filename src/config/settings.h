/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The settings of a configuration file, and what the load of one has under way. */
#ifndef TJ_CONFIG_SETTINGS_H
#define TJ_CONFIG_SETTINGS_H

#include <tesser/config.h>

#include "config/config_toml.h"

#define TJ__TABLE_JOURNAL "journal"
#define TJ__TABLE_TESSER "live.persistence"
/* Where Tesser finds its store when persistence.path names none. */
#define TJ__TABLE_TESSER_LIVE "live"
#define TJ__KEY_STATE_PATH "state_path"

/* The strings that one load or one look at the environment allocated. */
typedef struct tj__config_strings {
    struct tj__config_strings *next;
    char *path;
    char *book;
    char *url;
    char *schema;
    char *name;
    char *state_path; /* Tesser's, until it is known whether it is the journal's */
} tj__config_strings;

typedef struct tj__loader {
    const char *file;
    tj_config config;
    tj__config_strings *strings;
    const char *table;   /* the first table with contents */
    unsigned table_line; /* and where they begin */
    bool tesser_lmdb;    /* Tesser's table asks for its journal */
} tj__loader;

/* Reads one value of [journal] or of Tesser's table; the error for a key that is none of theirs
 * lists those there are. */
tj_status tj__setting_read(tj__loader *load, const tj__toml_value *value, tj_error *error);

/* Fails with the file and the value's line. */
tj_status tj__setting_refuse(const tj__loader *load, const tj__toml_value *value, tj_status status,
                             tj_error *error, const char *format, ...) TJ_PRINTF(5, 6);
/* How many bytes of a wrong value a message quotes. */
int tj__setting_quoted(tj_str text);
/* Replaces an owned string; NULL is TJ_NOMEM. */
tj_status tj__config_keep(char **slot, char *text, tj_error *error);

#endif
