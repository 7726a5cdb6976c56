/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Configuration from a TOML file and the environment.
 *
 * Everything is read into a copy of the caller's configuration, which replaces it on success only.
 * The strings of each load hang in a list at tj_config.owned, so that what an earlier load filled
 * in stays valid until tj_config_dispose.
 */
#include <tesser/config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "config/config_toml.h"
#include "engine/engine.h"

/* Longest configuration file. */
#define FILE_SIZE_MAX ((size_t)1 << 20)
/* Largest size that a setting may name: 1 EiB, more than any file system takes. */
#define BYTES_MAX ((uint64_t)1 << 60)
/* How much of a wrong value an error message quotes. */
#define QUOTE_SIZE_MAX 64

#define TABLE_JOURNAL "journal"
#define TABLE_TESSER "live.persistence"
/* Where Tesser finds its store when persistence.path names none. */
#define TABLE_TESSER_LIVE "live"
#define KEY_STATE_PATH "state_path"

/* The strings that one load or one look at the environment allocated. */
typedef struct owned {
    struct owned *next;
    char *path;
    char *book;
    char *state_path; /* Tesser's, until it is known whether it is the journal's */
} owned;

typedef struct loader {
    const char *file;
    tj_config config;
    owned *strings;
    const char *table;   /* the first table with contents */
    unsigned table_line; /* and where they begin */
    bool tesser_lmdb;    /* Tesser's table asks for its journal */
} loader;

typedef struct setting setting;
typedef tj_status read_fn(loader *load, const setting *which, const tj__toml_value *value,
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

static tj_status refuse(const loader *load, const tj__toml_value *value, tj_status status,
                        tj_error *error, const char *format, ...) TJ_PRINTF(5, 6);

static tj_status refuse(const loader *load, const tj__toml_value *value, tj_status status,
                        tj_error *error, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return tj__toml_fail(error, status, load->file, value->line, what);
}

static int quoted(tj_str text)
{
    return text.size < QUOTE_SIZE_MAX ? (int)text.size : QUOTE_SIZE_MAX;
}

static tj_status wrong_value(const loader *load, const setting *which, const tj__toml_value *value,
                             tj_error *error)
{
    if (value->kind == TJ__TOML_INTEGER) {
        return refuse(load, value, TJ_INVALID, error, "%s.%s is %" PRId64 "; expected %s",
                      which->table, which->key, value->integer, which->expected);
    }
    return refuse(load, value, TJ_INVALID, error, "%s.%s is \"%.*s\"; expected %s", which->table,
                  which->key, quoted(value->text), value->text.data, which->expected);
}

static tj_status out_of_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "out of memory: reading the configuration");
}

/* Replaces an owned string. */
static tj_status keep(char **slot, char *text, tj_error *error)
{
    if (!text) {
        return out_of_memory(error);
    }
    free(*slot);
    *slot = text;
    return TJ_OK;
}

/* A path as seen from the working directory. Our own starts at the file's directory, Tesser's where
 * Tesser runs. */
static char *path_from(const loader *load, const char *table, const char *path)
{
    const char *file = load->file;
    const char *slash = strcmp(table, TABLE_JOURNAL) == 0 ? strrchr(file, '/') : NULL;
    size_t directory = slash && path[0] != '/' ? (size_t)(slash - file) + 1 : 0;
    size_t size = strlen(path) + 1;
    char *joined = malloc(directory + size);
    if (joined) {
        memcpy(joined, file, directory);
        memcpy(joined + directory, path, size);
    }
    return joined;
}

static tj_status read_type(loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    const tj__engine_kind *kind = tj__engine_kind_named(value->text.data);
    if (!kind) {
        return wrong_value(load, which, value, error);
    }
    load->config.type = kind->type;
    return TJ_OK;
}

static tj_status read_tesser_engine(loader *load, const setting *which, const tj__toml_value *value,
                                    tj_error *error)
{
    if (strcmp(value->text.data, "sqlite") == 0) {
        return refuse(
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

static tj_status read_path(loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->text.size == 0) {
        return wrong_value(load, which, value, error);
    }
    tj_error cause = TJ_ERROR_INIT;
    if (tj_path_check(value->text.data, &cause) != TJ_OK) {
        return refuse(load, value, cause.status, error, "%s.%s: %s", which->table, which->key,
                      cause.message);
    }
    TJ_TRY(keep(&load->strings->path, path_from(load, which->table, value->text.data), error));
    load->config.path = load->strings->path;
    return TJ_OK;
}

static tj_status read_book(loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->text.size == 0 || value->text.size > TJ_BOOK_SIZE_MAX) {
        return wrong_value(load, which, value, error);
    }
    TJ_TRY(keep(&load->strings->book, strdup(value->text.data), error));
    load->config.book = load->strings->book;
    return TJ_OK;
}

static tj_status read_durability(loader *load, const setting *which, const tj__toml_value *value,
                                 tj_error *error)
{
    if (strcmp(value->text.data, "sync") == 0) {
        load->config.durability = TJ_DURABILITY_SYNC;
    } else if (strcmp(value->text.data, "os") == 0) {
        load->config.durability = TJ_DURABILITY_OS;
    } else {
        return wrong_value(load, which, value, error);
    }
    return TJ_OK;
}

static tj_status read_must_exist(loader *load, const setting *which, const tj__toml_value *value,
                                 tj_error *error)
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

static tj_status read_bytes(loader *load, const setting *which, const tj__toml_value *value,
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

static tj_status read_lag_ms(loader *load, const setting *which, const tj__toml_value *value,
                             tj_error *error)
{
    if (value->integer < 1 || value->integer > UINT32_MAX) {
        return wrong_value(load, which, value, error);
    }
    load->config.lmdb.lag_ms = (uint32_t)value->integer;
    return TJ_OK;
}

static tj_status read_days(loader *load, const setting *which, const tj__toml_value *value,
                           tj_error *error)
{
    if (value->integer < 1 || value->integer > 36500) {
        return wrong_value(load, which, value, error);
    }
    load->config.lmdb.history_age_s = (uint64_t)value->integer * 24 * 3600;
    return TJ_OK;
}

static tj_status read_history(loader *load, const setting *which, const tj__toml_value *value,
                              tj_error *error)
{
    (void)which;
    (void)error;
    load->config.lmdb.no_history = !value->boolean;
    return TJ_OK;
}

#define SIZE_EXPECTED "a size in bytes, or text such as \"512 MiB\" or \"10 GiB\""

static const setting settings[] = {
    {TABLE_JOURNAL, "type", TJ__TOML_TEXT, "\"lmdb\" or \"memory\"", read_type, 0, 0},
    {TABLE_JOURNAL, "path", TJ__TOML_TEXT, "a path, such as \"./journal\"", read_path, 0, 0},
    {TABLE_JOURNAL, "book", TJ__TOML_TEXT, "a name of 1 to 128 bytes", read_book, 0, 0},
    {TABLE_JOURNAL, "map_size", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.map_size_bytes), 1},
    {TABLE_JOURNAL, "map_size_max", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.map_size_max_bytes), 1},
    {TABLE_JOURNAL, "segment_size", TJ__TOML_INTEGER, SIZE_EXPECTED ", at least 64 KiB", read_bytes,
     offsetof(tj_config, lmdb.segment_size_bytes), TJ_SEGMENT_SIZE_MIN},
    {TABLE_JOURNAL, "durability", TJ__TOML_TEXT, "\"sync\" or \"os\"", read_durability, 0, 0},
    {TABLE_JOURNAL, "lag_bytes", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.lag_bytes), 1},
    {TABLE_JOURNAL, "lag_ms", TJ__TOML_INTEGER, "milliseconds, at least 1", read_lag_ms, 0, 0},
    {TABLE_JOURNAL, "history_size", TJ__TOML_INTEGER, SIZE_EXPECTED, read_bytes,
     offsetof(tj_config, lmdb.history_size_bytes), 1},
    {TABLE_JOURNAL, "history_age", TJ__TOML_INTEGER, "days, 1 to 36500", read_days, 0, 0},
    {TABLE_JOURNAL, "history", TJ__TOML_BOOLEAN, "true or false", read_history, 0, 0},
    {TABLE_JOURNAL, "must_exist", TJ__TOML_BOOLEAN, "true or false", read_must_exist, 0, 0},
    {TABLE_TESSER, "engine", TJ__TOML_TEXT, "\"lmdb\"", read_tesser_engine, 0, 0},
    {TABLE_TESSER, "path", TJ__TOML_TEXT, "a path, such as \"./journal\"", read_path, 0, 0},
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))
_Static_assert(TJ_BOOK_SIZE_MAX == 128 && TJ_SEGMENT_SIZE_MIN == 64 << 10,
               "the texts above name these limits");

/* Whether a key is a known one with at most two wrong, missing or extra letters: the length of
 * what two texts share at their beginning and end tells well enough for short names. */
static bool resembles(tj_str key, const char *known)
{
    size_t size = strlen(known);
    size_t shorter = key.size < size ? key.size : size;
    size_t longer = key.size < size ? size : key.size;
    size_t head = 0;
    while (head < shorter && key.data[head] == known[head]) {
        head++;
    }
    size_t tail = 0;
    while (tail < shorter - head && key.data[key.size - 1 - tail] == known[size - 1 - tail]) {
        tail++;
    }
    return head + tail >= 2 && longer - head - tail <= 2;
}

static tj_status unknown_key(const loader *load, const tj__toml_value *value, tj_error *error)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(settings[i].table, value->table) != 0) {
            continue;
        }
        if (resembles(value->key, settings[i].key)) {
            return refuse(load, value, TJ_INVALID, error,
                          "unknown key \"%.*s\" in [%s]; did you mean \"%s\"?", quoted(value->key),
                          value->key.data, value->table, settings[i].key);
        }
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                 settings[i].key);
    }
    return refuse(load, value, TJ_INVALID, error,
                  "unknown key \"%.*s\" in [%s]; the known keys are %s", quoted(value->key),
                  value->key.data, value->table, known);
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

static tj_status check_one_table(loader *load, const tj__toml_value *value, tj_error *error)
{
    if (!load->table) {
        load->table = value->table;
        load->table_line = value->line;
    }
    if (strcmp(load->table, value->table) != 0) {
        return refuse(load, value, TJ_INVALID, error,
                      "both [%s] (line %u) and [%s] name the store; keep one of the two",
                      load->table, load->table_line, value->table);
    }
    return TJ_OK;
}

/* Of a table that is Tesser's alone: whatever else it is, Tesser says. */
static tj_status read_state_path(loader *load, const tj__toml_value *value, tj_error *error)
{
    bool usable = value->kind == TJ__TOML_TEXT && value->text.size > 0 &&
                  !memchr(value->text.data, 0, value->text.size);
    return usable ? keep(&load->strings->state_path, strdup(value->text.data), error) : TJ_OK;
}

static tj_status use_state_path(loader *load, tj_error *error)
{
    owned *strings = load->strings;
    tj_error cause = TJ_ERROR_INIT;
    if (!load->tesser_lmdb || strings->path || !strings->state_path) {
        return TJ_OK;
    }
    if (tj_path_check(strings->state_path, &cause) != TJ_OK) {
        char what[TJ_ERROR_MESSAGE_SIZE + 32];
        (void)snprintf(what, sizeof what, "live.state_path: %s", cause.message);
        return tj__toml_fail(error, cause.status, load->file, 0, what);
    }
    strings->path = strings->state_path;
    strings->state_path = NULL;
    load->config.path = strings->path;
    return TJ_OK;
}

static tj_status read_value(void *context, const tj__toml_value *value, tj_error *error)
{
    loader *load = context;
    if (strcmp(value->table, TABLE_TESSER_LIVE) == 0) {
        return read_state_path(load, value, error);
    }
    TJ_TRY(check_one_table(load, value, error));
    const setting *which = setting_find(value);
    if (!which) {
        return unknown_key(load, value, error);
    }
    bool fits =
        value->kind == which->kind || (which->read == read_bytes && value->kind == TJ__TOML_TEXT);
    if (!fits) {
        return refuse(load, value, TJ_INVALID, error, "%s.%s is %s; expected %s", which->table,
                      which->key, tj__toml_kind_name(value->kind), which->expected);
    }
    if (value->kind == TJ__TOML_TEXT && memchr(value->text.data, 0, value->text.size)) {
        return refuse(load, value, TJ_INVALID, error, "%s.%s holds a NUL character; expected %s",
                      which->table, which->key, which->expected);
    }
    return which->read(load, which, value, error);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static tj_status read_environment(loader *load, tj_error *error)
{
    const char *type = environment("TESSER_JOURNAL_TYPE");
    const tj__engine_kind *kind = type ? tj__engine_kind_named(type) : NULL;
    if (type && !kind) {
        tj_status status = tj__fail(
            error, TJ_INVALID, "TESSER_JOURNAL_TYPE is \"%.*s\"; expected \"lmdb\" or \"memory\"",
            quoted(tj_str_of(type)), type);
        tj__error_place(error, "TESSER_JOURNAL_TYPE");
        return status;
    }
    if (kind) {
        load->config.type = kind->type;
    }
    const char *path = environment("TESSER_JOURNAL_PATH");
    if (path) {
        tj_status status = tj_path_check(path, error);
        if (status != TJ_OK) {
            tj__error_context(error, "TESSER_JOURNAL_PATH");
            tj__error_place(error, "TESSER_JOURNAL_PATH");
            return status;
        }
        TJ_TRY(keep(&load->strings->path, strdup(path), error));
        load->config.path = load->strings->path;
    }
    return TJ_OK;
}

static void owned_free(owned *strings)
{
    free(strings->path);
    free(strings->book);
    free(strings->state_path);
    free(strings);
}

/* Whether a configuration has the member by which it is disposed of. */
static bool holds_owned(const tj_config *config)
{
    return config->struct_size >= offsetof(tj_config, owned) + sizeof config->owned;
}

static tj_status loader_init(loader *load, const char *file, const tj_config *config,
                             tj_error *error)
{
    *load = (loader){.file = file, .config = TJ_CONFIG_INIT};
    TJ_TRY(tj__sized_read(config, &load->config, "the configuration", "TJ_CONFIG_INIT", error));
    if (!holds_owned(config)) {
        return tj__fail(error, TJ_MISUSE,
                        "the configuration is too short to own what is read into it: initialize it "
                        "with TJ_CONFIG_INIT");
    }
    load->strings = calloc(1, sizeof(owned));
    return load->strings ? TJ_OK : out_of_memory(error);
}

/* Hands what was read to the caller, or drops it. */
static tj_status loader_finish(loader *load, tj_status status, tj_config *config)
{
    if (status != TJ_OK) {
        owned_free(load->strings);
        return status;
    }
    load->strings->next = load->config.owned;
    load->config.owned = load->strings;
    tj__sized_fill(config, &load->config);
    return TJ_OK;
}

static tj_status read_file(loader *load, tj_error *error)
{
    static const tj__toml_place places[] = {
        {TABLE_JOURNAL, NULL}, {TABLE_TESSER, NULL}, {TABLE_TESSER_LIVE, KEY_STATE_PATH}};
    tj__buffer text = {0};
    tj_status status = tj__file_read_all(load->file, FILE_SIZE_MAX, &text, error);
    if (status == TJ_OK) {
        status = tj__toml_visit(load->file, (tj_str){(const char *)text.data, text.size}, places,
                                sizeof places / sizeof *places, read_value, load, error);
    }
    tj__buffer_dispose(&text);
    return status;
}

tj_status tj_config_load(const char *file, tj_config *config, tj_error *error)
{
    loader load;
    if (!file) {
        return tj__fail(error, TJ_MISUSE, "no configuration file is named");
    }
    TJ_TRY(loader_init(&load, file, config, error));
    tj_status status = read_file(&load, error);
    if (status == TJ_OK) {
        status = use_state_path(&load, error);
    }
    if (status == TJ_OK) {
        status = read_environment(&load, error);
    }
    return loader_finish(&load, status, config);
}

tj_status tj_config_from_environment(tj_config *config, tj_error *error)
{
    loader load;
    TJ_TRY(loader_init(&load, NULL, config, error));
    return loader_finish(&load, read_environment(&load, error), config);
}

void tj_config_dispose(tj_config *config)
{
    if (!config || !holds_owned(config)) {
        return;
    }
    for (owned *strings = config->owned; strings;) {
        owned *next = strings->next;
        if (config->path == strings->path) {
            config->path = NULL;
        }
        if (config->book == strings->book) {
            config->book = NULL;
        }
        owned_free(strings);
        strings = next;
    }
    config->owned = NULL;
}
