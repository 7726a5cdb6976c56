/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The parser: options anywhere, before or after the command. getopt_long takes the arguments apart
 * by the names of all options there are; which option of a name is meant is known when the command
 * is.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

const option_spec option_config = {
    .name = "config",
    .letter = 'c',
    .value = "FILE",
    .help = "configuration file (default: ./tesser.toml when it is there)"};
const option_spec option_journal = {.name = "journal",
                                    .letter = 'j',
                                    .value = "PATH",
                                    .help = "journal directory, instead of the configured one"};
const option_spec option_book = {.name = "book",
                                 .letter = 'b',
                                 .value = "NAME",
                                 .help =
                                     "book to use (default: the configured one, else \"default\")"};
const option_spec option_json = {.name = "json",
                                 .help = "results and errors as JSON, for machines"};
const option_spec option_verbose = {
    .name = "verbose", .letter = 'v', .help = "also tell what went well, such as a recovery"};
const option_spec option_help = {
    .name = "help", .letter = 'h', .help = "show help for the program or the command"};
const option_spec option_version = {.name = "version", .help = "show the version"};
const option_spec *const common_options[] = {
    &option_config,  &option_journal, &option_book,    &option_json,
    &option_verbose, &option_help,    &option_version, NULL};

/* ---- commands ---- */

const char *command_in_group(const command_spec *command, const char *group)
{
    size_t size = strlen(group);
    return strncmp(command->name, group, size) == 0 && command->name[size] == ' '
               ? command->name + size + 1
               : NULL;
}

bool command_is_group(const char *word)
{
    for (size_t i = 0; commands[i]; i++) {
        if (command_in_group(commands[i], word)) {
            return true;
        }
    }
    return false;
}

const command_spec *command_find(char *const *words, size_t count, size_t *taken)
{
    for (size_t i = 0; commands[i] && count > 0; i++) {
        const char *second = command_in_group(commands[i], words[0]);
        if (strcmp(commands[i]->name, words[0]) == 0 ||
            (second && count > 1 && strcmp(second, words[1]) == 0)) {
            *taken = second ? 2 : 1;
            return commands[i];
        }
    }
    return NULL;
}

/* ---- options ---- */

static const option_spec *option_in(const option_spec *const *options, const char *name)
{
    for (; options && *options; options++) {
        if (strcmp((*options)->name, name) == 0) {
            return *options;
        }
    }
    return NULL;
}

static const command_spec *command_with_option(const char *name)
{
    for (size_t i = 0; commands[i]; i++) {
        if (option_in(commands[i]->options, name)) {
            return commands[i];
        }
    }
    return NULL;
}

const char *option_value(const command_line *cli, const option_spec *option)
{
    for (size_t i = cli->given_count; i > 0; i--) {
        if (cli->given[i - 1].option == option) {
            return cli->given[i - 1].value;
        }
    }
    return NULL;
}

size_t option_values(const command_line *cli, const option_spec *option,
                     const char *values[OPTIONS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < cli->given_count; i++) {
        if (cli->given[i].option == option) {
            values[count++] = cli->given[i].value;
        }
    }
    return count;
}

static tj_status give(command_line *cli, given_option given, tj_error *error)
{
    if (cli->given_count == OPTIONS_MAX) {
        return usage_error(cli, error, "more than %d options are given", OPTIONS_MAX);
    }
    cli->given[cli->given_count++] = given;
    return TJ_OK;
}

tj_status option_number(command_line *cli, const option_spec *option, uint64_t *number,
                        tj_error *error)
{
    const char *text = option_value(cli, option);
    if (!text) {
        return TJ_OK;
    }
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value == 0) {
        return usage_error(cli, error, "--%s is \"%s\"; expected a number from 1 %s", option->name,
                           text, errno == ERANGE ? "to 18446744073709551615" : "on");
    }
    *number = value;
    return TJ_OK;
}

tj_status option_give(command_line *cli, const option_spec *option, const char *value,
                      tj_error *error)
{
    return give(cli, (given_option){option->name, option, value}, error);
}

/* An option was taken by its name before the command was known. */
static tj_status resolve_options(command_line *cli, tj_error *error)
{
    for (size_t i = 0; i < cli->given_count; i++) {
        given_option *given = &cli->given[i];
        if (!given->option) {
            given->option = option_in(cli->command->options, given->name);
        }
        if (!given->option) {
            return usage_error(cli, error, "--%s belongs to '%s', not to '%s'", given->name,
                               command_with_option(given->name)->name, cli->command->name);
        }
    }
    return TJ_OK;
}

/* ---- taking the arguments apart ---- */

/* All options there are, as getopt_long wants them. */
typedef struct grammar {
    struct option longs[OPTIONS_MAX];
    const option_spec *specs[OPTIONS_MAX]; /* beside longs: one of that name */
    size_t count;
    char letters[2 * OPTIONS_MAX + 3];
} grammar;

static const option_spec *option_of_letter(const grammar *g, int letter)
{
    for (size_t i = 0; i < g->count && letter; i++) {
        if (g->specs[i]->letter == letter) {
            return g->specs[i];
        }
    }
    return NULL;
}

static bool is_alike(const option_spec *a, const option_spec *b)
{
    return a->letter == b->letter && !a->value == !b->value;
}

/* A program whose commands mean two things by one name or letter ends. */
static void grammar_add(grammar *g, const option_spec *const *options)
{
    for (; options && *options; options++) {
        const option_spec *option = *options;
        const option_spec *known = option_in(g->specs, option->name);
        if (known && is_alike(known, option)) {
            continue;
        }
        int takes = option->value ? required_argument : no_argument;
        if (known || option_of_letter(g, option->letter) || g->count + 1 == OPTIONS_MAX) {
            abort();
        }
        g->longs[g->count] = (struct option){option->name, takes, NULL, 0};
        g->specs[g->count++] = option;
        if (option->letter) {
            size_t size = strlen(g->letters);
            snprintf(g->letters + size, sizeof g->letters - size, "%c%s", option->letter,
                     option->value ? ":" : "");
        }
    }
}

/* Words come in their place ('-'), and a missing value is told apart from an unknown option
 * (':'). */
static void grammar_init(grammar *g)
{
    *g = (grammar){.letters = "-:"};
    grammar_add(g, common_options);
    for (size_t i = 0; commands[i]; i++) {
        grammar_add(g, commands[i]->options);
    }
}

/* The option that a whole word such as --limit=5 names; getopt_long would also take --lim. */
static const option_spec *option_of_word(const grammar *g, const char *word)
{
    size_t size = strcspn(word + 2, "=");
    for (size_t i = 0; i < g->count; i++) {
        if (strlen(g->specs[i]->name) == size && strncmp(g->specs[i]->name, word + 2, size) == 0) {
            return g->specs[i];
        }
    }
    return NULL;
}

/* What getopt_long could not take: `code` is its answer, `word` the argument in which it stood. */
static tj_status refuse(command_line *cli, const grammar *g, int code, const char *word,
                        tj_error *error)
{
    bool is_long = strncmp(word, "--", 2) == 0;
    const option_spec *option = is_long ? option_of_word(g, word) : option_of_letter(g, optopt);
    if (option && code == ':') {
        return usage_error(cli, error, "--%s needs a value, %s", option->name, option->value);
    }
    if (option) {
        return usage_error(cli, error, "--%s takes no value", option->name);
    }
    if (!is_long) {
        return usage_error(cli, error, "unknown option -%c", optopt);
    }
    char *name = need(strndup(word + 2, strcspn(word + 2, "=")));
    tj_status status = unknown_option(cli, name, error);
    free(name);
    return status;
}

static tj_status take(command_line *cli, const grammar *g, int code, const char *word,
                      tj_error *error)
{
    const option_spec *option = code == 0 ? option_of_word(g, word) : option_of_letter(g, code);
    if (!option) {
        return refuse(cli, g, code, word, error);
    }
    if (option->value && !optarg[0]) {
        return usage_error(cli, error, "--%s needs a value, %s", option->name, option->value);
    }
    const option_spec *common = option_in(common_options, option->name);
    return give(cli, (given_option){option->name, common, option->value ? optarg : ""}, error);
}

/* Sorts the arguments into options and words; the words are moved to the front of argv. */
static tj_status split(command_line *cli, int argc, char **argv, size_t *word_count,
                       tj_error *error)
{
    grammar g;
    grammar_init(&g);
    opterr = 0;
    optind = 1;
    *word_count = 0;
    for (;;) {
        const char *word = optind < argc ? argv[optind] : "";
        int code = getopt_long(argc, argv, g.letters, g.longs, NULL);
        tj_status status = TJ_OK;
        size_t taken = 0;
        cli->command = command_find(argv, *word_count, &taken); /* a refusal is told for it */
        if (code == -1) {
            break;
        } else if (code == 1) {
            argv[(*word_count)++] = optarg;
        } else if (code == '?' || code == ':') {
            status = refuse(cli, &g, code, word, error);
        } else {
            status = take(cli, &g, code, word, error);
        }
        if (status != TJ_OK) {
            return status;
        }
    }
    while (optind < argc) {
        argv[(*word_count)++] = argv[optind++];
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
            (void)option_give(cli, &option_json, "", error);
        }
    }
    need_tells(given(cli, &option_json), cli->durable);
    size_t words = 0;
    tj_status status = split(cli, argc, argv, &words, error);
    if (status != TJ_OK) {
        return status;
    }
    if (words == 0) {
        return given(cli, &option_help) || given(cli, &option_version)
                   ? TJ_OK
                   : usage_error(cli, error, "no command is given");
    }
    size_t taken = 0;
    cli->command = command_find(argv, words, &taken);
    if (!cli->command && words == 1 && given(cli, &option_help) && command_is_group(argv[0])) {
        cli->group = argv[0];
        return TJ_OK;
    }
    if (!cli->command) {
        return unknown_command(cli, argv, words, error);
    }
    cli->arguments = argv + taken;
    cli->argument_count = words - taken;
    if (given(cli, &option_help)) {
        return TJ_OK;
    }
    status = resolve_options(cli, error);
    return status == TJ_OK ? check_arguments(cli, error) : status;
}
