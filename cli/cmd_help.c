/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* help: of a command or a group, the exit codes, man pages, completion. */
#include "cli.h"

static void print_commands(output *out)
{
    for (size_t i = 0; commands[i]; i++) {
        out_format(out, "%s\n", commands[i]->name);
    }
}

/* "man" and "man COMMAND". */
static bool help_man(output *out, char *const *words, size_t count)
{
    size_t taken = 0;
    const command_spec *command = command_find(words, count, &taken);
    if (count == 0) {
        man_program(out);
    } else if (command && taken == count) {
        man_command(out, command);
    }
    return count == 0 || (command && taken == count);
}

/* What help tells beside the commands; false when it is none of that. */
static bool help_topic(output *out, char *const *words, size_t count)
{
    if (strcmp(words[0], "man") == 0) {
        return help_man(out, words + 1, count - 1);
    }
    if (strcmp(words[0], "completion") == 0) {
        return count == 2 && complete_print(out, words[1]);
    }
    if (count != 1) {
        return false;
    }
    if (strcmp(words[0], "exit-codes") == 0) {
        help_exit_codes(out);
    } else if (strcmp(words[0], "commands") == 0) {
        print_commands(out);
    } else if (command_is_group(words[0])) {
        help_group(out, words[0]);
    } else {
        return false;
    }
    return true;
}

static tj_status refuse(command_line *cli, char *const *words, size_t count, tj_error *error)
{
    size_t taken = 1;
    bool topic = strcmp(words[0], "exit-codes") == 0 || strcmp(words[0], "commands") == 0;
    const command_spec *command = topic ? NULL : command_find(words, count, &taken);
    if (topic || command) {
        return usage_error(cli, error, "unexpected argument \"%s\" after help %s", words[taken],
                           command ? command->name : words[0]);
    }
    return strcmp(words[0], "completion") == 0
               ? usage_error(cli, error, "help completion needs a shell: bash, zsh or fish")
               : unknown_command(cli, words, count, error);
}

static tj_status run_help(command_line *cli, tj_error *error)
{
    if (cli->argument_count == 0) {
        help_overview(&cli->out);
        return TJ_OK;
    }
    size_t taken = 0;
    const command_spec *command = command_find(cli->arguments, cli->argument_count, &taken);
    if (command && taken == cli->argument_count) {
        help_command(&cli->out, command);
    } else if (!help_topic(&cli->out, cli->arguments, cli->argument_count)) {
        size_t topic = cli->argument_count > 1 && strcmp(cli->arguments[0], "man") == 0;
        return refuse(cli, cli->arguments + topic, cli->argument_count - topic, error);
    }
    return TJ_OK;
}

const command_spec command_help = {
    .name = "help",
    .arguments = "[COMMAND|exit-codes|commands|man [COMMAND]|completion SHELL]",
    .arguments_max = 3,
    .summary = "show help for a command, the exit codes, a man page",
    .text = "Completion is there for bash, zsh and fish; installing puts it where the shells look.",
    .example = "tesser-journal help state import",
    .run = run_help,
};
