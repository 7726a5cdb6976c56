/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Configuration files and environment: every setting, every refusal with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <tesser/config.h>

static char directory[64];
static char file[96];

static int setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/tj-config-XXXXXX",
             base && strlen(base) < 32 ? base : "/tmp");
    if (!mkdtemp(directory)) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/tesser.toml", directory);
    unsetenv("TESSER_JOURNAL_TYPE");
    unsetenv("TESSER_JOURNAL_PATH");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(directory);
}

static void write_bytes(const void *data, size_t size)
{
    FILE *out = fopen(file, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static void write_file(const char *text)
{
    write_bytes(text, strlen(text));
}

/* Loads what must load; the caller disposes. */
static tj_config loaded(const char *text)
{
    tj_config config = TJ_CONFIG_INIT;
    tj_error error = TJ_ERROR_INIT;
    write_file(text);
    if (tj_config_load(file, &config, &error) != TJ_OK) {
        fail_msg("%s", error.message);
    }
    return config;
}

static const tj_config untouched = {.struct_size = sizeof(tj_config),
                                    .path = "kept",
                                    .book = "kept too",
                                    .lmdb = {.map_size_bytes = 7, .lag_ms = 9},
                                    .read_only = true};

/* Loads what must be refused with "FILE" and the given rest, leaving the configuration alone. */
static void assert_file_refused(tj_status expected, const char *rest)
{
    tj_config config = untouched;
    tj_error error = TJ_ERROR_INIT;
    char message[1024];
    snprintf(message, sizeof message, "%s%s", file, rest);
    tj_status status = tj_config_load(file, &config, &error);
    assert_string_equal(error.message, message);
    assert_int_equal(status, expected);
    assert_int_equal(error.status, expected);
    assert_memory_equal(&config, &untouched, sizeof config);
}

static void assert_refused(const char *text, const char *rest)
{
    write_file(text);
    assert_file_refused(TJ_INVALID, rest);
}

static void reads_every_setting(void **state)
{
    (void)state;
    tj_config config = loaded("# a runtime's file\n"
                              "[strategy]\nname = \"sma\"\n"
                              "[journal]\n"
                              "type = \"lmdb\"\n"
                              "path = \"/var/lib/tesser/journal\"\n"
                              "book = \"alpha \\u00fc\"\n"
                              "map_size = \"512 MiB\"\n"
                              "segment_size = 65536\n"
                              "durability = \"os\"\n"
                              "lag_bytes = \"64 KiB\"\n"
                              "lag_ms = 50\n"
                              "must_exist = true\n");
    assert_int_equal(config.type, TJ_ENGINE_LMDB);
    assert_string_equal(config.path, "/var/lib/tesser/journal");
    assert_string_equal(config.book, "alpha \xc3\xbc");
    assert_int_equal(config.lmdb.map_size_bytes, (uint64_t)512 << 20);
    assert_int_equal(config.lmdb.segment_size_bytes, 65536);
    assert_int_equal(config.durability, TJ_DURABILITY_OS);
    assert_int_equal(config.lmdb.lag_bytes, 64 << 10);
    assert_int_equal(config.lmdb.lag_ms, 50);
    assert_true(config.must_exist);
    tj_config_dispose(&config);
    assert_null(config.path);
    assert_null(config.book);
    assert_null(config.owned);
    tj_config_dispose(&config);
    tj_config_dispose(NULL);
}

static void keeps_what_the_file_does_not_set(void **state)
{
    (void)state;
    tj_config config = untouched;
    tj_error error = TJ_ERROR_INIT;
    write_file("[journal]\nlag_ms = 4294967295\n[other]\nx = 1\n");
    assert_int_equal(tj_config_load(file, &config, &error), TJ_OK);
    assert_string_equal(config.path, "kept");
    assert_string_equal(config.book, "kept too");
    assert_int_equal(config.lmdb.map_size_bytes, 7);
    assert_int_equal(config.lmdb.lag_ms, UINT32_MAX);
    assert_true(config.read_only);
    tj_config_dispose(&config);
    assert_string_equal(config.path, "kept");
}

static void a_second_load_keeps_the_strings_of_the_first(void **state)
{
    (void)state;
    tj_config config = loaded("[journal]\npath = \"/one\"\nbook = \"one\"\n");
    tj_error error = TJ_ERROR_INIT;
    write_file("[journal]\nbook = \"two\"\n");
    assert_int_equal(tj_config_load(file, &config, &error), TJ_OK);
    assert_string_equal(config.path, "/one");
    assert_string_equal(config.book, "two");
    tj_config_dispose(&config);
    assert_null(config.path);
    assert_null(config.book);
}

static void reads_sizes_in_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"1", 1},
                 {"1_000_000", 1000000},
                 {"0x10000", 65536},
                 {"\"4096\"", 4096},
                 {"\"4096 B\"", 4096},
                 {"\"64 KiB\"", 65536},
                 {"\"10GiB\"", (uint64_t)10 << 30},
                 {"\"3  TiB\"", (uint64_t)3 << 40},
                 {"1152921504606846976", (uint64_t)1 << 60}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[journal]\nmap_size = %s\n", cases[i].text);
        tj_config config = loaded(text);
        assert_int_equal(config.lmdb.map_size_bytes, cases[i].bytes);
        tj_config_dispose(&config);
    }
}

static void refuses_sizes_that_are_none(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "0",
        "-1",
        "1152921504606846977",
    };
    char text[128];
    char rest[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "[journal]\nmap_size = %s\n", cases[i]);
        snprintf(
            rest, sizeof rest,
            ":2: journal.map_size is %s; expected a size in bytes, at most 2^60, or text such as "
            "\"512 MiB\" or \"10 GiB\"",
            cases[i]);
        assert_refused(text, rest);
    }
    static const char *const texts[] = {"",
                                        "MiB",
                                        "12 parsecs",
                                        "1.5 GiB",
                                        "-1 MiB",
                                        "10 GB",
                                        "1 MiB ",
                                        " 1 MiB",
                                        "0 MiB",
                                        "1 mib",
                                        "16 EiB",
                                        "2000000 TiB",
                                        "99999999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(text, sizeof text, "[journal]\n\nlag_bytes = \"%s\"\n", texts[i]);
        snprintf(rest, sizeof rest,
                 ":3: journal.lag_bytes is \"%s\"; expected a size in bytes, at most 2^60, or text "
                 "such as "
                 "\"512 MiB\" or \"10 GiB\"",
                 texts[i]);
        assert_refused(text, rest);
    }
    assert_refused("[journal]\nmap_size = 99999999999999999999999\n",
                   ":2: journal.map_size is 9223372036854775807 or more; expected a size in bytes, "
                   "at most 2^60, or text "
                   "such as \"512 MiB\" or \"10 GiB\"");
    assert_refused("[journal]\nmap_size = -99999999999999999999999\n",
                   ":2: journal.map_size is -9223372036854775808 or less; expected a size in "
                   "bytes, at most 2^60, or text such as \"512 MiB\" or \"10 GiB\"");
    assert_refused("[journal]\nsegment_size = \"63 KiB\"\n",
                   ":2: journal.segment_size is \"63 KiB\"; expected a size in bytes, at most "
                   "2^60, or text such "
                   "as \"512 MiB\" or \"10 GiB\", at least 64 KiB");
}

static void refuses_wrong_values(void **state)
{
    (void)state;
    assert_refused(
        "[journal]\ntype = \"redis\"\n",
        ":2: journal.type is \"redis\"; expected \"lmdb\" or \"memory\", or \"postgres\"");
    assert_refused("[journal]\ndurability = \"fsync\"\n",
                   ":2: journal.durability is \"fsync\"; expected \"sync\" or \"os\", "
                   "or \"replicated\" on a server");
    assert_refused("[journal]\nstandby_lost = \"pray\"\n",
                   ":2: journal.standby_lost is \"pray\"; expected \"wait\" or \"go_on\"");
    assert_refused("[journal]\npath = \"\"\n",
                   ":2: journal.path is \"\"; expected a path, such as \"./journal\"");
    assert_refused("[journal]\npath = \"a\\u0000b\"\n",
                   ":2: journal.path holds a NUL character; expected a path, such as "
                   "\"./journal\"");
    assert_refused("[journal]\nbook = \"\"\n",
                   ":2: journal.book is \"\"; expected a name of 1 to 128 bytes");
    assert_refused("[journal]\nbook = \"a\\nb\"\n",
                   ":2: journal.book: a book's name must not hold control characters "
                   "(byte 2 is 0x0a)");
    assert_refused("[journal]\nlag_ms = 0\n",
                   ":2: journal.lag_ms is 0; expected milliseconds, 1 to 4294967295");
    assert_refused("[journal]\nlag_ms = 4294967296\n",
                   ":2: journal.lag_ms is 4294967296; expected milliseconds, 1 to 4294967295");
}

static void names_found_and_expected_type(void **state)
{
    (void)state;
    assert_refused("[journal]\npath = 1\n",
                   ":2: journal.path is an integer; expected a path, such as \"./journal\"");
    assert_refused("[journal]\nlag_ms = \"200\"\n",
                   ":2: journal.lag_ms is text; expected milliseconds, 1 to 4294967295");
    assert_refused("[journal]\nlag_ms = 2.5\n",
                   ":2: journal.lag_ms is a float; expected milliseconds, 1 to 4294967295");
    assert_refused("[journal]\nmust_exist = [true]\n",
                   ":2: journal.must_exist is an array; expected true or false");
    assert_refused(
        "[journal]\ntype = true\n",
        ":2: journal.type is a boolean; expected \"lmdb\" or \"memory\", or \"postgres\"");
    assert_refused("[journal]\nbook = 2024-01-01\n",
                   ":2: journal.book is a time; expected a name of 1 to 128 bytes");
    assert_refused("[journal]\nbook.name = \"a\"\n",
                   ":2: journal.book is a table; expected a name of 1 to 128 bytes");
    assert_refused("\njournal = \"./journal\"\n",
                   ":2: journal is text; expected a table, [journal]");
    assert_refused("[[journal]]\npath = \"a\"\n",
                   ":1: journal is an array; expected a table, [journal]");
    assert_refused("[live]\npersistence = 5\n",
                   ":2: live.persistence is an integer; expected a table, [live.persistence]");
}

static void suggests_the_key_that_was_meant(void **state)
{
    (void)state;
    assert_refused("[journal]\npth = \"a\"\n",
                   ":2: unknown key \"pth\" in [journal]; did you mean \"path\"?");
    assert_refused("[journal]\nmapsize = 1\n",
                   ":2: unknown key \"mapsize\" in [journal]; did you mean \"map_size\"?");
    assert_refused("[journal]\nPATH = \"a\"\n",
                   ":2: unknown key \"PATH\" in [journal]; did you mean \"path\"?");
    assert_refused("[journal]\ncolour = 1\n",
                   ":2: unknown key \"colour\" in [journal]; the known keys are type, path, book, "
                   "map_size, map_size_max, segment_size, durability, lag_bytes, lag_ms, "
                   "history_size, history_age, history, must_exist, url, schema, name, "
                   "lease_ms, timeout_ms, answer_ms, standby_lost");
    assert_refused("[live.persistence]\nengin = \"lmdb\"\n",
                   ":2: unknown key \"engin\" in [live.persistence]; did you mean \"engine\"?");
    assert_refused("[live.persistence]\nbook = \"a\"\n",
                   ":2: unknown key \"book\" in [live.persistence]; the known keys are engine, "
                   "path");
    /* The first of several errors in the order of the lines, whatever the parser's order. */
    assert_refused("[journal]\nzz = 1\nyy = 1\nxx = 1\nww = 1\n",
                   ":2: unknown key \"zz\" in [journal]; the known keys are type, path, book, "
                   "map_size, map_size_max, segment_size, durability, lag_bytes, lag_ms, "
                   "history_size, history_age, history, must_exist, url, schema, name, "
                   "lease_ms, timeout_ms, answer_ms, standby_lost");
}

static void names_the_line_of_bad_toml(void **state)
{
    (void)state;
    assert_refused("[journal]\npath \"a\"\n", ":2: missing key-value separator `=`: should be `=`");
    assert_refused("[journal]\npath = \"a\n", ":2: the next token is not a valid string");
    assert_refused("[journal]\npath = \"a\"\npath = \"b\"\n",
                   ":3: value (\"path\") already exists.");
    assert_refused("[journal]\npath =\n",
                   ":2: missing value after key-value separator '=': expected value, but got "
                   "nothing");
    assert_refused("[journal]\nmust_exist = yes\n", ":2: unknown value appeared");
    assert_refused("[journal]\n[[", ":2: an invalid key appeared: is not a valid key");
    assert_refused("[journal]\n# caf\xe9\n",
                   ":2: the bytes of this line are no UTF-8: save the file as UTF-8");
    assert_refused("\xff\xfe[journal]\n",
                   ":1: the bytes of this line are no UTF-8: save the file as UTF-8");
    assert_refused("# \x01\n", ":1: this line holds the control character 0x01");
}

static void reads_tessers_own_table(void **state)
{
    (void)state;
    tj_config config =
        loaded("[live]\nmode = \"paper\"\n[live.persistence]\nengine = \"lmdb\"\npath = \"/j\"\n");
    assert_int_equal(config.type, TJ_ENGINE_LMDB);
    assert_string_equal(config.path, "/j");
    tj_config_dispose(&config);

    config = loaded("[journal]\n[live.persistence]\npath = \"/k\"\n");
    assert_string_equal(config.path, "/k");
    tj_config_dispose(&config);

    config = loaded("live = 5\n");
    assert_null(config.path);
    tj_config_dispose(&config);

    write_file("[live.persistence]\nengine = \"sqlite\"\npath = \"reports/state.db\"\n");
    assert_file_refused(TJ_UNSUPPORTED,
                        ":2: live.persistence.engine is \"sqlite\", Tesser's own store, which is "
                        "not opened here; bring its data over with 'tesser-journal import', then "
                        "set \"lmdb\"");
    assert_refused("[live.persistence]\nengine = \"memory\"\n",
                   ":2: live.persistence.engine is \"memory\"; expected \"lmdb\"");
    assert_refused("[live.persistence]\npath = \"/k\"\n[journal]\npath = \"/j\"\n",
                   ":2: both [journal] (line 4) and [live.persistence] name the store; keep one of "
                   "the two");
}

static void tessers_paths_start_where_it_runs(void **state)
{
    (void)state;
    tj_config config = loaded("[live.persistence]\nengine = \"lmdb\"\npath = \"./reports/j\"\n");
    assert_string_equal(config.path, "./reports/j");
    tj_config_dispose(&config);
    config = loaded("[live]\nstate_path = \"reports/live_state.db\"\nlog_path = 5\n"
                    "[live.persistence]\nengine = \"lmdb\"\n");
    assert_int_equal(config.type, TJ_ENGINE_LMDB);
    assert_string_equal(config.path, "reports/live_state.db");
    tj_config_dispose(&config);
    /* Its own path goes first; without the engine it is a SQLite store, which is no journal. */
    config = loaded("[live]\nstate_path = \"a.db\"\n[live.persistence]\nengine = \"lmdb\"\n"
                    "path = \"b\"\n");
    assert_string_equal(config.path, "b");
    tj_config_dispose(&config);
    config = loaded("[live]\nstate_path = \"a.db\"\n");
    assert_null(config.path);
    tj_config_dispose(&config);
    config = loaded("[live]\nstate_path = \"a.db\"\n[journal]\npath = \"/j\"\n");
    assert_string_equal(config.path, "/j");
    tj_config_dispose(&config);
}

static void a_relative_path_starts_at_the_file(void **state)
{
    (void)state;
    tj_config config = loaded("[journal]\npath = \"data/journal\"\n");
    char expected[128];
    snprintf(expected, sizeof expected, "%s/data/journal", directory);
    assert_string_equal(config.path, expected);
    tj_config_dispose(&config);

    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(directory), 0);
    config = (tj_config)TJ_CONFIG_INIT;
    assert_int_equal(tj_config_load("tesser.toml", &config, NULL), TJ_OK);
    assert_string_equal(config.path, "data/journal");
    tj_config_dispose(&config);
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void the_environment_overrides_the_file(void **state)
{
    (void)state;
    setenv("TESSER_JOURNAL_PATH", "./elsewhere", 1);
    setenv("TESSER_JOURNAL_TYPE", "memory", 1);
    tj_config config = loaded("[journal]\ntype = \"lmdb\"\npath = \"/j\"\n");
    assert_int_equal(config.type, TJ_ENGINE_MEMORY);
    assert_string_equal(config.path, "./elsewhere");
    tj_config_dispose(&config);

    config = untouched;
    assert_int_equal(tj_config_from_environment(&config, NULL), TJ_OK);
    assert_int_equal(config.type, TJ_ENGINE_MEMORY);
    assert_string_equal(config.path, "./elsewhere");
    assert_string_equal(config.book, "kept too");
    tj_config_dispose(&config);

    setenv("TESSER_JOURNAL_PATH", "", 1);
    setenv("TESSER_JOURNAL_TYPE", "", 1);
    config = loaded("[journal]\npath = \"/j\"\n");
    assert_int_equal(config.type, TJ_ENGINE_LMDB);
    assert_string_equal(config.path, "/j");
    tj_config_dispose(&config);

    tj_error error = TJ_ERROR_INIT;
    setenv("TESSER_JOURNAL_TYPE", "redis", 1);
    config = untouched;
    assert_int_equal(tj_config_from_environment(&config, &error), TJ_INVALID);
    assert_string_equal(
        error.message,
        "TESSER_JOURNAL_TYPE is \"redis\"; expected \"lmdb\" or \"memory\", or \"postgres\"");
    assert_string_equal(error.place, "TESSER_JOURNAL_TYPE");
    assert_memory_equal(&config, &untouched, sizeof config);
    unsetenv("TESSER_JOURNAL_PATH");
    unsetenv("TESSER_JOURNAL_TYPE");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    tj_config config = untouched;
    tj_error error = TJ_ERROR_INIT;
    char missing[128];
    snprintf(missing, sizeof missing, "%s/missing.toml", directory);
    assert_int_equal(tj_config_load(missing, &config, &error), TJ_NOT_FOUND);
    assert_non_null(strstr(error.message, missing));
    assert_int_equal(tj_config_load(directory, &config, &error), TJ_IO);
    assert_non_null(strstr(error.message, directory));
    assert_memory_equal(&config, &untouched, sizeof config);
}

static void calls_that_are_wrong_are_told(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    tj_config config = {0};
    assert_int_equal(tj_config_load(file, &config, &error), TJ_MISUSE);
    assert_string_equal(error.message,
                        "the configuration is not initialized; start from TJ_CONFIG_INIT");
    assert_int_equal(tj_config_load(file, NULL, NULL), TJ_MISUSE);
    assert_int_equal(tj_config_from_environment(NULL, NULL), TJ_MISUSE);
    config = untouched;
    assert_int_equal(tj_config_load(NULL, &config, &error), TJ_MISUSE);
    assert_string_equal(error.message, "no configuration file is named");
    /* An engine that there is not is for tj_store_open to refuse. */
    write_file("[journal]\ndurability = \"replicated\"\n");
    config.type = (tj_engine_type)7;
    assert_int_equal(tj_config_load(file, &config, &error), TJ_OK);
    assert_int_equal(config.type, 7);
    tj_config_dispose(&config);
}

static void write_nested(size_t depth)
{
    char *text = malloc(2 * depth + 4);
    assert_non_null(text);
    memcpy(text, "a = ", 4);
    memset(text + 4, '[', depth);
    memset(text + 4 + depth, ']', depth);
    write_bytes(text, 2 * depth + 4);
    free(text);
}

/* toml11 recurses per bracket: without the bound, this text overflows the stack. */
static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    write_nested(200000);
    assert_file_refused(TJ_LIMIT, ": brackets nest too deep");
    write_nested(201);
    assert_file_refused(TJ_LIMIT, ": brackets nest too deep");
    write_nested(200);
    tj_config config = TJ_CONFIG_INIT;
    assert_int_equal(tj_config_load(file, &config, NULL), TJ_OK);
    tj_config_dispose(&config);

    char flat[1024] = "# ";
    memset(flat + 2, '[', 300);
    strcat(flat, "\nx = '");
    memset(flat + strlen(flat), '{', 300);
    strcat(flat, "'\ny = \"\\\"");
    memset(flat + strlen(flat), '[', 300);
    strcat(flat, "\"\n");
    config = loaded(flat);
    tj_config_dispose(&config);
}

/* What a journal on a server is configured with; the environment beats the file. */
static void reads_what_a_server_needs(void **state)
{
    (void)state;
    tj_config config = TJ_CONFIG_INIT;
    write_file("[journal]\ntype = \"postgres\"\nurl = \"postgres://u@h/d\"\nschema = \"s\"\n"
               "name = \"n\"\nlease_ms = 5000\ntimeout_ms = 6000\nanswer_ms = 700\n"
               "durability = \"replicated\"\nstandby_lost = \"go_on\"\n"
               "lag_bytes = \"64 KiB\"\nlag_ms = 20\n");
    assert_int_equal(tj_config_load(file, &config, NULL), TJ_OK);
    assert_int_equal(config.type, TJ_ENGINE_POSTGRES);
    assert_string_equal(config.postgres.url, "postgres://u@h/d");
    assert_string_equal(config.postgres.schema, "s");
    assert_string_equal(config.postgres.name, "n");
    assert_int_equal(config.postgres.lease_ms, 5000);
    assert_int_equal(config.postgres.timeout_ms, 6000);
    assert_int_equal(config.postgres.answer_ms, 700);
    assert_int_equal(config.durability, TJ_DURABILITY_REPLICATED);
    assert_int_equal(config.postgres.standby_lost, TJ_STANDBY_LOST_GO_ON);
    assert_int_equal(config.postgres.lag_bytes, 65536);
    assert_int_equal(config.postgres.lag_ms, 20);
    setenv("TESSER_JOURNAL_URL", "host=elsewhere", 1);
    setenv("TESSER_JOURNAL_NAME", "other", 1);
    assert_int_equal(tj_config_from_environment(&config, NULL), TJ_OK);
    unsetenv("TESSER_JOURNAL_URL");
    unsetenv("TESSER_JOURNAL_NAME");
    assert_string_equal(config.postgres.url, "host=elsewhere");
    assert_string_equal(config.postgres.schema, "s");
    assert_string_equal(config.postgres.name, "other");
    tj_config_dispose(&config);
    assert_null(config.postgres.url);
    assert_null(config.postgres.schema);
    assert_null(config.postgres.name);
    assert_refused("[journal]\nurl = \"\"\n",
                   ":2: journal.url is \"\"; expected where the server is, "
                   "such as \"postgres://user@host/database\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_server_needs),
        cmocka_unit_test(reads_every_setting),
        cmocka_unit_test(keeps_what_the_file_does_not_set),
        cmocka_unit_test(a_second_load_keeps_the_strings_of_the_first),
        cmocka_unit_test(reads_sizes_in_every_unit),
        cmocka_unit_test(refuses_sizes_that_are_none),
        cmocka_unit_test(refuses_wrong_values),
        cmocka_unit_test(names_found_and_expected_type),
        cmocka_unit_test(suggests_the_key_that_was_meant),
        cmocka_unit_test(names_the_line_of_bad_toml),
        cmocka_unit_test(reads_tessers_own_table),
        cmocka_unit_test(tessers_paths_start_where_it_runs),
        cmocka_unit_test(a_relative_path_starts_at_the_file),
        cmocka_unit_test(the_environment_overrides_the_file),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(calls_that_are_wrong_are_told),
        cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
    };
    return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
