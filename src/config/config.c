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
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sized.h"
#include "base/text.h"
#include "config/settings.h"
#include "engine/engine.h"

/* Longest configuration file. */
#define FILE_SIZE_MAX ((size_t)1 << 20)

static tj_status out_of_memory(tj_error *error)
{
    return tj__fail(error, TJ_NOMEM, "out of memory: reading the configuration");
}

static tj_status check_one_table(tj__loader *load, const tj__toml_value *value, tj_error *error)
{
    if (!load->table) {
        load->table = value->table;
        load->table_line = value->line;
    }
    if (strcmp(load->table, value->table) != 0) {
        return tj__setting_refuse(
            load, value, TJ_INVALID, error,
            "both [%s] (line %u) and [%s] name the store; keep one of the two", load->table,
            load->table_line, value->table);
    }
    return TJ_OK;
}

/* Of a table that is Tesser's alone: whatever else it is, Tesser says. */
static tj_status read_state_path(tj__loader *load, const tj__toml_value *value, tj_error *error)
{
    bool usable = value->kind == TJ__TOML_TEXT && value->text.size > 0 &&
                  !memchr(value->text.data, 0, value->text.size);
    return usable ? tj__config_keep(&load->strings->state_path, strdup(value->text.data), error)
                  : TJ_OK;
}

static tj_status use_state_path(tj__loader *load, tj_error *error)
{
    tj__config_strings *strings = load->strings;
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
    tj__loader *load = context;
    if (strcmp(value->table, TJ__TABLE_TESSER_LIVE) == 0) {
        return read_state_path(load, value, error);
    }
    TJ_TRY(check_one_table(load, value, error));
    return tj__setting_read(load, value, error);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* One variable that is a string of the configuration. */
static tj_status read_variable(const char *name, char **slot, const char **member, tj_error *error)
{
    const char *value = environment(name);
    if (!value) {
        return TJ_OK;
    }
    TJ_TRY(tj__config_keep(slot, strdup(value), error));
    *member = *slot;
    return TJ_OK;
}

static tj_status read_server_variables(tj__loader *load, tj_error *error)
{
    tj__config_strings *strings = load->strings;
    tj_postgres_config *postgres = &load->config.postgres;
    TJ_TRY(read_variable("TESSER_JOURNAL_URL", &strings->url, &postgres->url, error));
    TJ_TRY(read_variable("TESSER_JOURNAL_SCHEMA", &strings->schema, &postgres->schema, error));
    return read_variable("TESSER_JOURNAL_NAME", &strings->name, &postgres->name, error);
}

static tj_status read_environment(tj__loader *load, tj_error *error)
{
    const char *type = environment("TESSER_JOURNAL_TYPE");
    const tj__engine_kind *kind = type ? tj__engine_kind_named(type) : NULL;
    if (type && !kind) {
        tj_status status =
            tj__fail(error, TJ_INVALID,
                     "TESSER_JOURNAL_TYPE is \"%.*s\"; expected \"lmdb\" or \"memory\", "
                     "or \"postgres\"",
                     tj__setting_quoted(tj_str_of(type)), type);
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
        TJ_TRY(tj__config_keep(&load->strings->path, strdup(path), error));
        load->config.path = load->strings->path;
    }
    return read_server_variables(load, error);
}

static void owned_free(tj__config_strings *strings)
{
    free(strings->path);
    free(strings->book);
    free(strings->url);
    free(strings->schema);
    free(strings->name);
    free(strings->state_path);
    free(strings);
}

/* Whether a configuration has the member by which it is disposed of. */
static bool holds_owned(const tj_config *config)
{
    return config->struct_size >= offsetof(tj_config, owned) + sizeof config->owned;
}

static tj_status loader_init(tj__loader *load, const char *file, const tj_config *config,
                             tj_error *error)
{
    *load = (tj__loader){.file = file, .config = TJ_CONFIG_INIT};
    TJ_TRY(tj__sized_read(config, &load->config, "the configuration", "TJ_CONFIG_INIT", error));
    if (!holds_owned(config)) {
        return tj__fail(error, TJ_MISUSE,
                        "the configuration is too short to own what is read into it: initialize it "
                        "with TJ_CONFIG_INIT");
    }
    load->strings = calloc(1, sizeof(tj__config_strings));
    return load->strings ? TJ_OK : out_of_memory(error);
}

/* Hands what was read to the caller, or drops it. */
static tj_status loader_finish(tj__loader *load, tj_status status, tj_config *config)
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

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
}

/* What the parser would only call an invalid key. */
static tj_status check_line(const tj__loader *load, tj_str line, unsigned number, tj_error *error)
{
    char what[96];
    if (!tj__text_is_utf8(line)) {
        return tj__toml_fail(error, TJ_INVALID, load->file, number,
                             "the bytes of this line are no UTF-8: save the file as UTF-8");
    }
    for (size_t i = 0; i < line.size; i++) {
        if (is_control(line.data[i])) {
            (void)snprintf(what, sizeof what, "this line holds the control character 0x%02x",
                           (unsigned)(unsigned char)line.data[i]);
            return tj__toml_fail(error, TJ_INVALID, load->file, number, what);
        }
    }
    return TJ_OK;
}

static tj_status check_lines(const tj__loader *load, tj_str text, tj_error *error)
{
    unsigned number = 0;
    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        tj_str line = {text.data, end ? (size_t)(end - text.data) : text.size};
        size_t taken = line.size + (end != NULL);
        TJ_TRY(check_line(load, line, ++number, error));
        text = (tj_str){text.data + taken, text.size - taken};
    }
    return TJ_OK;
}

/* Each is well by itself. A caller who sets them so is told MISUSE; who writes a file misuses
 * nothing. */
static tj_status check_together(const tj__loader *load, tj_error *error)
{
    const tj_config *config = &load->config;
    const tj__engine_kind *kind = tj__engine_kind_of(config->type); /* NULL: the caller's fault */
    uint64_t bound = config->lmdb.map_size_max_bytes;
    char what[192];
    if (config->durability == TJ_DURABILITY_REPLICATED && kind && !kind->replicates) {
        return tj__toml_fail(error, TJ_INVALID, load->file, 0,
                             "durability \"replicated\" is for a journal on PostgreSQL: on one "
                             "machine \"sync\" is the most that there is");
    }
    if (bound != 0 && config->lmdb.map_size_bytes > bound) {
        (void)snprintf(what, sizeof what,
                       "map_size is %" PRIu64 " bytes, more than map_size_max, %" PRIu64,
                       config->lmdb.map_size_bytes, bound);
        return tj__toml_fail(error, TJ_INVALID, load->file, 0, what);
    }
    return TJ_OK;
}

static tj_status read_file(tj__loader *load, tj_error *error)
{
    static const tj__toml_place places[] = {{TJ__TABLE_JOURNAL, NULL},
                                            {TJ__TABLE_TESSER, NULL},
                                            {TJ__TABLE_TESSER_LIVE, TJ__KEY_STATE_PATH}};
    tj__buffer text = {0};
    bool there;
    struct stat found;
    TJ_TRY(tj__path_look(load->file, &there, &found, error)); /* a link may lead nowhere */
    tj_status status = tj__file_read_all(load->file, FILE_SIZE_MAX, &text, error);
    tj_str whole = {(const char *)text.data, text.size};
    if (status == TJ_OK) {
        status = check_lines(load, whole, error);
    }
    if (status == TJ_OK) {
        status = tj__toml_visit(load->file, whole, places, sizeof places / sizeof *places,
                                read_value, load, error);
    }
    tj__buffer_dispose(&text);
    return status;
}

tj_status tj_config_load(const char *file, tj_config *config, tj_error *error)
{
    tj__loader load;
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
    if (status == TJ_OK) {
        status = check_together(&load, error);
    }
    return loader_finish(&load, status, config);
}

tj_status tj_config_from_environment(tj_config *config, tj_error *error)
{
    tj__loader load;
    TJ_TRY(loader_init(&load, NULL, config, error));
    return loader_finish(&load, read_environment(&load, error), config);
}

static void forget(const char **member, const char *owned)
{
    if (*member == owned) {
        *member = NULL;
    }
}

void tj_config_dispose(tj_config *config)
{
    if (!config || !holds_owned(config)) {
        return;
    }
    for (tj__config_strings *strings = config->owned; strings;) {
        tj__config_strings *next = strings->next;
        forget(&config->path, strings->path);
        forget(&config->book, strings->book);
        if (config->struct_size > offsetof(tj_config, postgres)) {
            forget(&config->postgres.url, strings->url);
            forget(&config->postgres.schema, strings->schema);
            forget(&config->postgres.name, strings->name);
        }
        owned_free(strings);
        strings = next;
    }
    config->owned = NULL;
}
