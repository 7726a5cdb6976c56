/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Options and commands, and what one run of the program was given. */
#ifndef TJ_CLI_OPTIONS_H
#define TJ_CLI_OPTIONS_H

#include <tesser/config.h>

#include "output.h"

/* An option, said once: the parser, --help, the man pages and the completions read it. Options of
 * one name may belong to several commands: all have one letter, and all or none take a value. */
typedef struct option_spec {
    const char *name;  /* without its dashes */
    char letter;       /* its short form, 0 when there is none */
    const char *value; /* what stands for its value in --help; NULL for a flag */
    const char *help;
} option_spec;

/* Options of every command; the list ends with NULL. */
extern const option_spec option_config, option_journal, option_book, option_json, option_verbose,
    option_help, option_version;
extern const option_spec *const common_options[];

typedef struct command_line command_line;

/* A command: each is defined in the file of its code, and listed in commands.c. */
typedef struct command_spec {
    const char *name;      /* one word, or a group and a word */
    const char *arguments; /* as --help shows them; NULL for none */
    size_t arguments_min;
    size_t arguments_max;
    const char *summary;               /* one line */
    const char *text;                  /* what else there is to know; NULL for nothing */
    const char *example;               /* lines to paste */
    const option_spec *const *options; /* its own, up to NULL; NULL for none */
    bool writes;                       /* never guessed from a misspelt word */
    bool server;                       /* works on a journal on a server, too */
    bool pages;                        /* on a terminal its output goes through a pager */
    tj_status (*run)(command_line *cli, tj_error *error);
} command_spec;

extern const command_spec *const commands[]; /* the list ends with NULL */

/* How many options may be given at once. */
#define OPTIONS_MAX 512

typedef struct given_option {
    const char *name; /* of the option; it may be one of several commands */
    const option_spec *option;
    const char *value; /* "" for a flag */
} given_option;

/* One run of the program. */
struct command_line {
    output out;
    given_option given[OPTIONS_MAX]; /* in order */
    size_t given_count;
    char **arguments; /* after the command's own words */
    size_t argument_count;
    const command_spec *command;
    const char *group; /* "state", when only the first word of a command was given */
    int exit_code;     /* of a run that did not fail */
    /* What this run has made durable, "" for nothing yet. A failure after that is told as one of
     * the answer: whoever is told that nothing changed does it again. */
    char durable[TJ_PATH_SIZE + 64];
    uint64_t sequence;          /* of the commit that is durable, 0 for none */
    const char *advice;         /* on a failure, instead of what its status says; NULL for that */
    char journal[TJ_PATH_SIZE]; /* the directory that is meant; "" before that is known */
    char server[TJ_PATH_SIZE];  /* or what one on a server is called */
    bool within_server;         /* one answer of `serve`: shares the journal, and traces nothing */
    bool usage; /* the failure is the caller's use of the command line: exit code 2 */
};

/* Reads the arguments into cli; a failure has cli->usage set. */
tj_status options_parse(command_line *cli, int argc, char **argv, tj_error *error);
/* The value of an option, the last one if it was given several times; NULL when it was not. */
const char *option_value(const command_line *cli, const option_spec *option);
/* All values of an option that repeats; returns how many. */
size_t option_values(const command_line *cli, const option_spec *option,
                     const char *values[OPTIONS_MAX]);
/* A value that is a number from 1 on; *number stays when it was not given. */
tj_status option_number(command_line *cli, const option_spec *option, uint64_t *number,
                        tj_error *error);
/* As if it had been given last. A failure has cli->usage set. */
tj_status option_give(command_line *cli, const option_spec *option, const char *value,
                      tj_error *error);

/* Finds a command by up to two words, and says how many it took; NULL when there is none. */
const command_spec *command_find(char *const *words, size_t count, size_t *taken);
/* The word of a command inside a group; NULL when it is not of that group. */
const char *command_in_group(const command_spec *command, const char *group);
/* Whether some command is named by this word and another one. */
bool command_is_group(const char *word);

/* Fills in the error of a wrong use of the command line and returns a failing status. */
tj_status usage_error(command_line *cli, tj_error *error, const char *format, ...) TJ_PRINTF(3, 4);
/* As usage_error for what is none of the known ones: names the nearest of them (suggest.c). */
tj_status unknown_command(command_line *cli, char *const *words, size_t count, tj_error *error);
tj_status unknown_option(command_line *cli, const char *name, tj_error *error);

static inline bool given(const command_line *cli, const option_spec *option)
{
    return option_value(cli, option) != NULL;
}

#endif
