/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The list of settings, and how each is read. */
#include "config/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/engine.h"

/* Largest size that a setting may name: 1 EiB, more than any file system takes. */
#define BYTES_MAX ((uint64_t)1 << 60)
/* How much of a wrong value an error message quotes. */
#define QUOTE_SIZE_MAX 64

typedef struct setting setting;
typedef tj_status read_fn(tj__loader *load, const setting *which, const tj__toml_value *value,
                          tj_error *error);

struct setting {
    const char *table;
    const char *key;
    tj__toml_kind kind;
    const char *expected;
    read_fn *read;
    size_t offset; /* of the member that the reader sets */
    uint64_t min;
};

tj_status tj__setting_refuse(const tj__loader *load, const tj__toml_value *value, tj_status status,
                             tj_error *error, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return tj__toml_fail(error, status, load->file, value->line, what);
}

int tj__setting_quoted(tj_str text)
{
    return text.size < QUOTE_SIZE_MAX ? (int)text.size : QUOTE_SIZE_MAX;
}

static tj_status wrong_value(const tj__loader *load, const setting *which,
                             const tj__toml_value *value, tj_error *error)
{
    if (value->kind == TJ__TOML_INTEGER) {
        /* The parser takes what is beyond 64 bits for the last number within. */
        const char *beyond = value->integer == INT64_MAX   ? " or more"
                             : value->integer == INT64_MIN ? " or less"
                                                           : "";
        return tj__setting_refuse(load, value, TJ_INVALID, error,
                                  "%s.%s is %" PRId64 "%s; expected %s", which->table, which->key,
                                  value->integer, beyond, which->expected);
    }
    return tj__setting_refuse(load, value, TJ_INVALID, error, "%s.%s is \"%.*s\"; expected %s",
                              which->table, which->key, tj__setting_quoted(value->text),
                              value->text.data, which->expected);
}

static tj_status refuse_for(const tj__loader *load, const setting *which,
                            const tj__toml_value *value, const tj_error *cause, tj_error *error)
{
    return tj__setting_refuse(load, value, cause->status, error, "%s.%s: %s", which->table,
                              which->key, cause->message);
}

tj_status tj__config_keep(char **slot, char *text, tj_error *error)
{
    if (!text) {
        return tj__fail(error, TJ_NOMEM, "out of memory: reading the configuration");
    }
    free(*slot);
    *slot = text;
    return TJ_OK;
}

/* A path as seen from the working directory. Our own starts at the file's directory, Tesser's where
 * Tesser runs. */
static char *path_from(const tj__loader *load, const char *table, const char *path)
{
    const char *file = load->file;
    const char *slash = strcmp(table, TJ__TABLE_JOURNAL) == 0 ? strrchr(file, '/') : NULL;
    size_t directory = slash && path[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    size_t size = strlen(path) + 1;
    char *joined = malloc(directory + size);
    if (joined) {
        memcpy(joined, file, directory);
        memcpy(joined + directory, path, size);
    }
    return joined;
}

static tj_status read_type(tj__loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    const tj__engine_kind *kind = tj__engine_kind_named(value->text.data);
    if (!kind) {
        return wrong_value(load, which, value, error);
    }
    load->config.type = kind->type;
    return TJ_OK;
}

static tj_status read_tesser_engine(tj__loader *load, const setting *which,
                                    const tj__toml_value *value, tj_error *error)
{
    if (strcmp(value->text.data, "sqlite") == 0) {
        return tj__setting_refuse(
            load, value, TJ_UNSUPPORTED, error,
            "%s.%s is \"sqlite\", Tesser's own store, which is not opened here; bring its "
            "data over with 'tesser-journal import', then set \"lmdb\"",
            which->table, which->key);
    }
    if (strcmp(value->text.data, "lmdb") != 0) {
        return wrong_value(load, which, value, error);
    }
    load->config.type = TJ_ENGINE_LMDB;
    load->tesser_lmdb = true;
    return TJ_OK;
}

static tj_status read_path(tj__loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->text.size == 0) {
        return wrong_value(load, which, value, error);
    }
    tj_error cause = TJ_ERROR_INIT;
    if (tj_path_check(value->text.data, &cause) != TJ_OK) {
        return refuse_for(load, which, value, &cause, error);
    }
    TJ_TRY(tj__config_keep(&load->strings->path, path_from(load, which->table, value->text.data),
                           error));
    load->config.path = load->strings->path;
    return TJ_OK;
}

static tj_status read_book(tj__loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->text.size == 0 || value->text.size > TJ_BOOK_SIZE_MAX) {
        return wrong_value(load, which, value, error);
    }
    tj_error cause = TJ_ERROR_INIT;
    if (tj__book_name_check(value->text.data, &cause) != TJ_OK) {
        return refuse_for(load, which, value, &cause, error);
    }
    TJ_TRY(tj__config_keep(&load->strings->book, strdup(value->text.data), error));
    load->config.book = load->strings->book;
    return TJ_OK;
}

/* What a journal on a server is found by: a text of its own each. */
static tj_status read_server_text(tj__loader *load, const setting *which,
                                  const tj__toml_value *value, tj_error *error)
{
    bool is_url = strcmp(which->key, "url") == 0;
    bool is_name = strcmp(which->key, "name") == 0;
    tj__config_strings *strings = load->strings;
    char **slot = is_url ? &strings->url : is_name ? &strings->name : &strings->schema;
    if (value->text.size == 0) {
        return wrong_value(load, which, value, error);
    }
    TJ_TRY(tj__config_keep(slot, strdup(value->text.data), error));
    memcpy((char *)&load->config + which->offset, slot, sizeof *slot);
    return TJ_OK;
}

static tj_status read_durability(tj__loader *load, const setting *which,
                                 const tj__toml_value *value, tj_error *error)
{
    if (strcmp(value->text.data, "sync") == 0) {
        load->config.durability = TJ_DURABILITY_SYNC;
    } else if (strcmp(value->text.data, "os") == 0) {
        load->config.durability = TJ_DURABILITY_OS;
    } else if (strcmp(value->text.data, "replicated") == 0) {
        load->config.durability = TJ_DURABILITY_REPLICATED;
    } else {
        return wrong_value(load, which, value, error);
    }
    return TJ_OK;
}

static tj_status read_standby_lost(tj__loader *load, const setting *which,
                                   const tj__toml_value *value, tj_error *error)
{
    bool waits = strcmp(value->text.data, "wait") == 0;
    if (!waits && strcmp(value->text.data, "go_on") != 0) {
        return wrong_value(load, which, value, error);
    }
    load->config.postgres.standby_lost = waits ? TJ_STANDBY_LOST_WAIT : TJ_STANDBY_LOST_GO_ON;
    return TJ_OK;
}

static tj_status read_must_exist(tj__loader *load, const setting *which,
                                 const tj__toml_value *value, tj_error *error)
{
    (void)which;
    (void)error;
    load->config.must_exist = value->boolean;
    return TJ_OK;
}

/* "512 MiB", "10GiB", "4096": digits, spaces, a unit or none. 0 when it is no such text. */
static uint64_t bytes_of(const char *text)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > BYTES_MAX) {
            return 0;
        }
    }
    text += strspn(text, " ");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i].name) == 0) {
            return number > BYTES_MAX >> units[i].shift ? 0 : number << units[i].shift;
        }
    }
    return 0;
}

static tj_status read_bytes(tj__loader *load, const setting *which, const tj__toml_value *value,
                            tj_error *error)
{
    uint64_t bytes = value->kind == TJ__TOML_TEXT ? bytes_of(value->text.data)
                     : value->integer > 0         ? (uint64_t)value->integer
                                                  : 0;
    if (bytes < which->min || bytes > BYTES_MAX) {
        return wrong_value(load, which, value, error);
    }
    memcpy((char *)&load->config + which->offset, &bytes, sizeof bytes);
    return TJ_OK;
}

/* Both engines lag, each by its own default. */
static tj_status read_lag_bytes(tj__loader *load, const setting *which, const tj__toml_value *value,
                                tj_error *error)
{
    TJ_TRY(read_bytes(load, which, value, error));
    load->config.postgres.lag_bytes = load->config.lmdb.lag_bytes;
    return TJ_OK;
}

static tj_status read_ms(tj__loader *load, const setting *which, const tj__toml_value *value,
                         tj_error *error)
{
    if (value->integer < 1 || value->integer > UINT32_MAX) {
        return wrong_value(load, which, value, error);
    }
    uint32_t ms = (uint32_t)value->integer;
    memcpy((char *)&load->config + which->offset, &ms, sizeof ms);
    return TJ_OK;
}

static tj_status read_lag_ms(tj__loader *load, const setting *which, const tj__toml_value *value,
                             tj_error *error)
{
    TJ_TRY(read_ms(load, which, value, error));
    load->config.postgres.lag_ms = load->config.lmdb.lag_ms;
    return TJ_OK;
}

static tj_status read_days(tj__loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->integer < 1 || value->integer > 36500) {
        return wrong_value(load, which, value, error);
    }
    load->config.lmdb.history_age_s = (uint64_t)value->integer * 24 * 3600;
    return TJ_OK;
}

static tj_status read_history(tj__loader *load, const setting *which, const tj__toml_value *value,
                              tj_error *error)
{
    (void)which;
    (void)error;
    load->config.lmdb.no_history = !value->boolean;
    return TJ_OK;
}

#define MS_EXPECTED "milliseconds, 1 to 4294967295"
#define SIZE_EXPECTED "a size in bytes, at most 2^60, or text such as \"512 MiB\" or \"10 GiB\""

static const setting settings[] = {
    {TJ__TABLE_JOURNAL, "type", TJ__TOML_TEXT, "\"lmdb\" or \"memory\", or \"postgres\"", read_type,
     0, 0},
    {TJ__TABLE_JOURNAL, "path", TJ__TOML_TEXT, "a path, such as \"./journal\"", read_path, 0, 0},
    {TJ__TABLE_JOURNAL, "book", TJ__TOML_TEXT, "a name of 1 to 128 bytes", read_book, 0, 0},
    {TJ__TABLE_JOURNAL, "map_size", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.map_size_bytes), 1},
    {TJ__TABLE_JOURNAL, "map_size_max", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.map_size_max_bytes), 1},
    {TJ__TABLE_JOURNAL, "segment_size", TJ__TOML_INTEGER, SIZE_EXPECTED ", at least 64 KiB",
     read_bytes, offsetof(tj_config, lmdb.segment_size_bytes), TJ_SEGMENT_SIZE_MIN},
    {TJ__TABLE_JOURNAL, "durability", TJ__TOML_TEXT,
     "\"sync\" or \"os\", or \"replicated\" on a server", read_durability, 0, 0},
    {TJ__TABLE_JOURNAL, "lag_bytes", TJ__TOML_INTEGER, SIZE_EXPECTED, read_lag_bytes,
     offsetof(tj_config, lmdb.lag_bytes), 1},
    {TJ__TABLE_JOURNAL, "lag_ms", TJ__TOML_INTEGER, MS_EXPECTED, read_lag_ms,
     offsetof(tj_config, lmdb.lag_ms), 0},
    {TJ__TABLE_JOURNAL, "history_size", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.history_size_bytes), 1},
    {TJ__TABLE_JOURNAL, "history_age", TJ__TOML_INTEGER, "days, 1 to 36500", read_days, 0, 0},
    {TJ__TABLE_JOURNAL, "history", TJ__TOML_BOOLEAN, "true or false", read_history, 0, 0},
    {TJ__TABLE_JOURNAL, "must_exist", TJ__TOML_BOOLEAN, "true or false", read_must_exist, 0, 0},
    {TJ__TABLE_JOURNAL, "url", TJ__TOML_TEXT,
     "where the server is, such as \"postgres://user@host/database\"", read_server_text,
     offsetof(tj_config, postgres.url), 0},
    {TJ__TABLE_JOURNAL, "schema", TJ__TOML_TEXT, "the name of a schema", read_server_text,
     offsetof(tj_config, postgres.schema), 0},
    {TJ__TABLE_JOURNAL, "name", TJ__TOML_TEXT, "the name of a journal", read_server_text,
     offsetof(tj_config, postgres.name), 0},
    {TJ__TABLE_JOURNAL, "lease_ms", TJ__TOML_INTEGER, MS_EXPECTED, read_ms,
     offsetof(tj_config, postgres.lease_ms), 0},
    {TJ__TABLE_JOURNAL, "timeout_ms", TJ__TOML_INTEGER, MS_EXPECTED, read_ms,
     offsetof(tj_config, postgres.timeout_ms), 0},
    {TJ__TABLE_JOURNAL, "answer_ms", TJ__TOML_INTEGER, MS_EXPECTED, read_ms,
     offsetof(tj_config, postgres.answer_ms), 0},
    {TJ__TABLE_JOURNAL, "standby_lost", TJ__TOML_TEXT, "\"wait\" or \"go_on\"", read_standby_lost,
     0, 0},
    {TJ__TABLE_TESSER, "engine", TJ__TOML_TEXT, "\"lmdb\"", read_tesser_engine, 0, 0},
    {TJ__TABLE_TESSER, "path", TJ__TOML_TEXT, "a path, such as \"./journal\"", read_path, 0, 0},
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))
_Static_assert(TJ_BOOK_SIZE_MAX == 128 && TJ_SEGMENT_SIZE_MIN == 64 << 10,
               "the texts above name these limits");

static bool is_same_letter(char a, char b)
{
    return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
}

/* Whether a key is a known one, which is in small letters, with at most two wrong, missing or extra
 * ones: the length of what two texts share at their beginning and end tells well enough for short
 * names. */
static bool resembles(tj_str key, const char *known)
{
    size_t size = strlen(known);
    size_t shorter = key.size < size ? key.size : size;
    size_t longer = key.size < size ? size : key.size;
    size_t head = 0;
    while (head < shorter && is_same_letter(key.data[head], known[head])) {
        head++;
    }
    size_t tail = 0;
    while (tail < shorter - head &&
           is_same_letter(key.data[key.size - 1 - tail], known[size - 1 - tail])) {
        tail++;
    }
    return head + tail >= 2 && longer - head - tail <= 2;
}

static tj_status unknown_key(const tj__loader *load, const tj__toml_value *value, tj_error *error)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(settings[i].table, value->table) != 0) {
            continue;
        }
        if (resembles(value->key, settings[i].key)) {
            return tj__setting_refuse(load, value, TJ_INVALID, error,
                                      "unknown key \"%.*s\" in [%s]; did you mean \"%s\"?",
                                      tj__setting_quoted(value->key), value->key.data, value->table,
                                      settings[i].key);
        }
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                 settings[i].key);
    }
    return tj__setting_refuse(load, value, TJ_INVALID, error,
                              "unknown key \"%.*s\" in [%s]; the known keys are %s",
                              tj__setting_quoted(value->key), value->key.data, value->table, known);
}

static bool is_size(const setting *which)
{
    return which->read == read_bytes || which->read == read_lag_bytes;
}

static const setting *setting_find(const tj__toml_value *value)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(settings[i].table, value->table) == 0 &&
            tj_str_equal(tj_str_of(settings[i].key), value->key)) {
            return &settings[i];
        }
    }
    return NULL;
}

tj_status tj__setting_read(tj__loader *load, const tj__toml_value *value, tj_error *error)
{
    const setting *which = setting_find(value);
    if (!which) {
        return unknown_key(load, value, error);
    }
    bool fits = value->kind == which->kind || (is_size(which) && value->kind == TJ__TOML_TEXT);
    if (!fits) {
        return tj__setting_refuse(load, value, TJ_INVALID, error, "%s.%s is %s; expected %s",
                                  which->table, which->key, tj__toml_kind_name(value->kind),
                                  which->expected);
    }
    if (value->kind == TJ__TOML_TEXT && memchr(value->text.data, 0, value->text.size)) {
        return tj__setting_refuse(load, value, TJ_INVALID, error,
                                  "%s.%s holds a NUL character; expected %s", which->table,
                                  which->key, which->expected);
    }
    return which->read(load, which, value, error);
}
