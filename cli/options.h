/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Options and commands: the two tables that the parser, --help and the man page are made from. */
#ifndef TJ_CLI_OPTIONS_H
#define TJ_CLI_OPTIONS_H

#include <tesser/config.h>

#include "output.h"

typedef enum option_id {
    OPTION_CONFIG,
    OPTION_JOURNAL,
    OPTION_BOOK,
    OPTION_JSON,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_ALL,
    OPTION_OUTPUT,
    OPTION_DRY_RUN,
    OPTION_PLUGIN,
    OPTION_EXCHANGE,
    OPTION_ASSET,
    OPTION_TYPE,
    OPTION_FROM_SEQUENCE,
    OPTION_TO_SEQUENCE,
    OPTION_FROM_TIME,
    OPTION_TO_TIME,
    OPTION_LIMIT,
    OPTION_DESC,
    OPTION_BY_TIME,
    OPTION_KEEP_GOING,
    OPTION_INTO,
    OPTION_IMPORT_DRY_RUN,
    OPTION_REPLACE,
    OPTION_IMPORT_EXCHANGE,
    OPTION_MAP,
    OPTION_STRATEGY_STATE,
    OPTION_FORMAT,
    OPTION_EXPORT_DRY_RUN,
    OPTION_FORCE,
    OPTION_RAW,
    OPTION_COUNT
} option_id;

/* Options of several commands may have one name, if all or none of them take a value. */
typedef struct option_spec {
    const char *name;    /* without its dashes */
    char letter;         /* its short form, 0 when there is none */
    const char *value;   /* what stands for its value in --help; NULL for a flag */
    const char *command; /* the command that takes it; NULL for all */
    const char *help;
} option_spec;

extern const option_spec option_table[OPTION_COUNT];

typedef struct command_line command_line;

typedef struct command_spec {
    const char *name;      /* one word, or a group and a word */
    const char *arguments; /* as --help shows them, "" for none */
    size_t arguments_min;
    size_t arguments_max;
    const char *summary; /* one line */
    const char *text;    /* what else there is to know, in paragraphs; "" for nothing */
    const char *example; /* lines to paste */
    bool writes;         /* never guessed from a misspelt word */
    tj_status (*run)(command_line *cli, tj_error *error);
} command_spec;

extern const command_spec command_table[];
extern const size_t command_count;

/* How often --map may be given. */
#define MAPS_MAX 256

/* One run of the program. */
struct command_line {
    output out;
    const char *values[OPTION_COUNT]; /* NULL when not given; "" for a given flag */
    const char *maps[MAPS_MAX];       /* every --map, in order */
    size_t map_count;
    char **arguments; /* after the command's own words */
    size_t argument_count;
    const command_spec *command;
    const char *group; /* "state", when only the first word of a command was given */
    int exit_code;     /* of a run that did not fail */
    /* What this run has made durable, "" for nothing yet. A failure after that is told as one of
     * the answer: whoever is told that nothing changed does it again. */
    char durable[TJ_PATH_SIZE + 64];
    uint64_t sequence;  /* of the commit that is durable, 0 for none */
    const char *advice; /* on a failure, instead of what its status says; NULL for that */
    bool usage;         /* the failure is the caller's use of the command line: exit code 2 */
};

/* Reads the arguments into cli; a failure has cli->usage set. */
tj_status options_parse(command_line *cli, int argc, char **argv, tj_error *error);

/* Finds a command by up to two words, and says how many it took; NULL when there is none. */
const command_spec *command_find(char *const *words, size_t count, size_t *taken);
/* Whether some command is named by this word and another one. */
bool command_is_group(const char *word);

/* Fills in the error of a wrong use of the command line and returns a failing status. */
tj_status usage_error(command_line *cli, tj_error *error, const char *format, ...) TJ_PRINTF(3, 4);
/* As usage_error for a word that is none of the known ones: names the nearest of them. */
tj_status unknown_command(command_line *cli, char *const *words, size_t count, tj_error *error);

static inline bool given(const command_line *cli, option_id id)
{
    return cli->values[id] != NULL;
}

#endif
