/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parser: options anywhere, before or after the command. */
#include "options.h"

#include <stdlib.h>

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Letters to change, add or leave out between two words. */
static size_t distance(const char *a, const char *b)
{
    size_t size = strlen(b);
    size_t *row = need(malloc((size + 1) * sizeof(*row)));
    for (size_t j = 0; j <= size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < size; j++) {
            size_t above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    size_t result = row[size];
    free(row);
    return result;
}

/* Keeps the nearer of two candidates; one of which more than half would have to change is no help. */
static void consider(const char *word, const char *candidate, const char **best, size_t *best_at)
{
    size_t at = distance(word, candidate);
    if (at < *best_at && 2 * at <= strlen(candidate)) {
        *best = candidate;
        *best_at = at;
    }
}

#define DISTANCE_LIMIT 4

static tj_status unknown_option(command_line *cli, const char *name, tj_error *error)
{
    const char *best = NULL;
    size_t best_at = DISTANCE_LIMIT;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        consider(name, option_table[i].name, &best, &best_at);
    }
    return best ? usage_error(cli, error, "unknown option --%s; did you mean --%s?", name, best)
                : usage_error(cli, error, "unknown option --%s", name);
}

bool command_is_group(const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(command_table[i].name, word, size) == 0 && command_table[i].name[size] == ' ') {
            return true;
        }
    }
    return false;
}

/* "show, export or import" for "state". */
static void words_of_group(const char *group, char *text, size_t size)
{
    size_t left = 0;
    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        left += strncmp(name, group, strlen(group)) == 0 && name[strlen(group)] == ' ';
    }
    text[0] = '\0';
    for (size_t i = 0, used = 0; i < command_count && used < size; i++) {
        const char *name = command_table[i].name;
        if (strncmp(name, group, strlen(group)) != 0 || name[strlen(group)] != ' ') {
            continue;
        }
        left--;
        used += (size_t)snprintf(text + used, size - used, "\"%s\"%s", name + strlen(group) + 1,
                                 left > 1    ? ", "
                                 : left == 1 ? " or "
                                             : "");
    }
}

tj_status unknown_command(command_line *cli, char *const *words, size_t count, tj_error *error)
{
    char text[256];
    if (command_is_group(words[0])) {
        words_of_group(words[0], text, sizeof(text));
        return count > 1 ? usage_error(cli, error, "unknown command \"%s %s\"; it can be %s",
                                       words[0], words[1], text)
                         : usage_error(cli, error, "%s what? It can be %s", words[0], text);
    }
    const char *best = NULL;
    size_t best_at = DISTANCE_LIMIT;
    for (size_t i = 0; i < command_count; i++) {
        if (command_table[i].writes) {
            continue;
        }
        snprintf(text, sizeof(text), "%.*s", (int)strcspn(command_table[i].name, " "),
                 command_table[i].name);
        size_t before = best_at;
        consider(words[0], text, &best, &best_at);
        best = best_at < before ? command_table[i].name : best;
    }
    return best ? usage_error(cli, error, "unknown command \"%s\"; did you mean \"%.*s\"?",
                              words[0], (int)strcspn(best, " "), best)
                : usage_error(cli, error, "unknown command \"%s\"", words[0]);
}

const command_spec *command_find(char *const *words, size_t count, size_t *taken)
{
    for (size_t i = 0; i < command_count && count > 0; i++) {
        const char *name = command_table[i].name;
        size_t head = strcspn(name, " ");
        bool same = strlen(words[0]) == head && strncmp(words[0], name, head) == 0;
        size_t needed = name[head] ? 2 : 1;
        if (same && count >= needed && (needed == 1 || strcmp(words[1], name + head + 1) == 0)) {
            *taken = needed;
            return &command_table[i];
        }
    }
    return NULL;
}

/* Finds the option that an argument names; NULL when it names none. */
static const option_spec *option_find(const char *argument, const char **value)
{
    *value = NULL;
    if (argument[1] != '-') {
        for (size_t i = 0; i < OPTION_COUNT && argument[2] == '\0'; i++) {
            if (option_table[i].letter == argument[1]) {
                return &option_table[i];
            }
        }
        return NULL;
    }
    const char *name = argument + 2;
    size_t size = strcspn(name, "=");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(option_table[i].name) == size &&
            strncmp(option_table[i].name, name, size) == 0) {
            *value = name[size] ? name + size + 1 : NULL;
            return &option_table[i];
        }
    }
    return NULL;
}

static tj_status add_map(command_line *cli, const char *map, tj_error *error)
{
    if (cli->map_count == MAPS_MAX) {
        return usage_error(cli, error, "--map is given more than %d times", MAPS_MAX);
    }
    cli->maps[cli->map_count++] = map;
    return TJ_OK;
}

static tj_status take_option(command_line *cli, char **argv, int argc, int *at, tj_error *error)
{
    const char *argument = argv[*at];
    const char *value = NULL;
    const option_spec *option = option_find(argument, &value);
    if (!option && argument[1] != '-') {
        return usage_error(cli, error, "unknown option %s", argument);
    }
    if (!option) {
        char *name = need(strndup(argument + 2, strcspn(argument + 2, "=")));
        tj_status status = unknown_option(cli, name, error);
        free(name);
        return status;
    }
    if (!option->value && value) {
        return usage_error(cli, error, "--%s takes no value", option->name);
    }
    if (option->value && !value && *at + 1 < argc) {
        value = argv[++*at];
    }
    if (option->value && (!value || !value[0])) {
        return usage_error(cli, error, "--%s needs a value, %s", option->name, option->value);
    }
    cli->values[option - option_table] = value ? value : "";
    return option == &option_table[OPTION_MAP] ? add_map(cli, value, error) : TJ_OK;
}

/* Sorts the arguments into options and words; the words are moved to the front of argv. */
static tj_status split(command_line *cli, int argc, char **argv, size_t *word_count,
                       tj_error *error)
{
    bool only_words = false;
    *word_count = 0;
    for (int at = 1; at < argc; at++) {
        if (!only_words && strcmp(argv[at], "--") == 0) {
            only_words = true;
        } else if (!only_words && argv[at][0] == '-' && argv[at][1]) {
            tj_status status = take_option(cli, argv, argc, &at, error);
            if (status != TJ_OK) {
                return status;
            }
        } else {
            argv[(*word_count)++] = argv[at];
        }
    }
    return TJ_OK;
}

/* The option of that name which the command takes; OPTION_COUNT when it takes none. */
static size_t option_of_command(const char *name, const char *command)
{
    size_t i = 0;
    while (i < OPTION_COUNT &&
           (!option_table[i].command || strcmp(option_table[i].name, name) != 0 ||
            strcmp(option_table[i].command, command) != 0)) {
        i++;
    }
    return i;
}

/* An option was found by its name before the command was known. */
static tj_status check_options(command_line *cli, tj_error *error)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *command = option_table[i].command;
        if (!command || !cli->values[i] || strcmp(command, cli->command->name) == 0) {
            continue;
        }
        size_t meant = option_of_command(option_table[i].name, cli->command->name);
        if (meant < OPTION_COUNT) {
            cli->values[meant] = cli->values[i];
            cli->values[i] = NULL;
        } else {
            return usage_error(cli, error, "--%s belongs to '%s', not to '%s'",
                               option_table[i].name, command, cli->command->name);
        }
    }
    return TJ_OK;
}

static tj_status check_arguments(command_line *cli, tj_error *error)
{
    const command_spec *command = cli->command;
    for (size_t i = 0; i < cli->argument_count; i++) {
        if (!cli->arguments[i][0]) {
            return usage_error(cli, error, "argument %zu of %s is empty", i + 1, command->name);
        }
    }
    if (cli->argument_count < command->arguments_min) {
        return usage_error(cli, error, "%s needs %s", command->name, command->arguments);
    }
    if (cli->argument_count > command->arguments_max) {
        return usage_error(cli, error, "unexpected argument \"%s\" after %s",
                           cli->arguments[command->arguments_max], command->name);
    }
    return TJ_OK;
}

tj_status options_parse(command_line *cli, int argc, char **argv, tj_error *error)
{
    /* An error in a later argument is reported in the form that the caller asked for. */
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--json") == 0 || strncmp(argv[at], "--json=", 7) == 0) {
            cli->values[OPTION_JSON] = "";
        }
    }
    need_tells(given(cli, OPTION_JSON), cli->durable);
    size_t words = 0;
    tj_status status = split(cli, argc, argv, &words, error);
    if (status != TJ_OK) {
        return status;
    }
    if (words == 0) {
        return given(cli, OPTION_HELP) || given(cli, OPTION_VERSION)
                   ? TJ_OK
                   : usage_error(cli, error, "no command is given");
    }
    size_t taken = 0;
    cli->command = command_find(argv, words, &taken);
    if (!cli->command && words == 1 && given(cli, OPTION_HELP) && command_is_group(argv[0])) {
        cli->group = argv[0];
        return TJ_OK;
    }
    if (!cli->command) {
        return unknown_command(cli, argv, words, error);
    }
    cli->arguments = argv + taken;
    cli->argument_count = words - taken;
    if (given(cli, OPTION_HELP)) {
        return TJ_OK;
    }
    status = check_options(cli, error);
    return status == TJ_OK ? check_arguments(cli, error) : status;
}
