/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --help and the man page, made from the two tables. */
#include "cli.h"

#include <ctype.h>
#include <stdlib.h>

#define LINE_WIDTH 80
#define NAME_WIDTH 24

/* Prints words from a column on, broken at LINE_WIDTH; the first line is already indented. */
static void wrapped(output *out, size_t indent, const char *text)
{
    size_t at = indent;
    for (bool first = true; *text; first = false) {
        size_t word = strcspn(text, " ");
        if (!first && at + 1 + word > LINE_WIDTH) {
            out_format(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            out_format(out, " ");
            at++;
        }
        out_bytes(out, (tj_str){text, word});
        at += word;
        text += word + strspn(text + word, " ");
    }
    out_format(out, "\n");
}

static void entry(output *out, const char *name, const char *text)
{
    out_format(out, "  %-*s", NAME_WIDTH - 2, name);
    if (strlen(name) > NAME_WIDTH - 3) {
        out_format(out, "\n%*s", NAME_WIDTH, "");
    }
    wrapped(out, NAME_WIDTH, text);
}

/* "-j, --journal PATH" */
static void option_text(const option_spec *option, char *text, size_t size)
{
    char letter[8] = "    ";
    if (option->letter) {
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    }
    snprintf(text, size, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

/* The options of one command, or with NULL those that every command takes. */
static void print_options(output *out, const char *command)
{
    bool titled = false;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option_spec *option = &option_table[i];
        bool wanted =
            command ? option->command && strcmp(option->command, command) == 0 : !option->command;
        if (!wanted) {
            continue;
        }
        if (!titled) {
            out_format(out, "\n");
            out_heading(out, command ? "Options" : "Options of every command");
            titled = true;
        }
        char text[64];
        option_text(option, text, sizeof(text));
        entry(out, text, option->help);
    }
}

static void print_exit_codes(output *out)
{
    out_heading(out, "Exit codes");
    for (size_t i = 0; i < exit_code_count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%3d %s", exit_code_table[i].code, exit_code_table[i].name);
        entry(out, name, exit_code_table[i].meaning);
    }
}

void help_overview(output *out)
{
    out_format(out, "tesser-journal: durable memory for a trading runtime\n\n"
                    "Usage: tesser-journal [OPTIONS] COMMAND [ARGUMENTS]\n\n");
    out_heading(out, "Commands");
    for (size_t i = 0; i < command_count; i++) {
        entry(out, command_table[i].name, command_table[i].summary);
    }
    print_options(out, NULL);
    out_format(out, "\n");
    print_exit_codes(out);
    out_format(out, "\nTESSER_JOURNAL_PATH and TESSER_JOURNAL_TYPE override the configuration file."
                    "\nSee 'tesser-journal COMMAND --help' for more and an example.\n");
}

void help_group(output *out, const char *group)
{
    out_heading(out, "Commands");
    for (size_t i = 0; i < command_count; i++) {
        const char *name = command_table[i].name;
        if (strncmp(name, group, strlen(group)) == 0 && name[strlen(group)] == ' ') {
            entry(out, name, command_table[i].summary);
        }
    }
    out_format(out, "\nSee 'tesser-journal %s COMMAND --help' for more and an example.\n", group);
}

void help_command(output *out, const command_spec *command)
{
    out_format(out, "tesser-journal %s: %s\n\nUsage: tesser-journal [OPTIONS] %s%s%s\n",
               command->name, command->summary, command->name, command->arguments[0] ? " " : "",
               command->arguments);
    if (command->text[0]) {
        out_format(out, "\n");
        wrapped(out, 0, command->text);
    }
    print_options(out, command->name);
    print_options(out, NULL);
    out_format(out, "\n");
    out_heading(out, "Example");
    for (const char *line = command->example; *line;) {
        size_t size = strcspn(line, "\n");
        out_format(out, "  %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
}

/* ---- the man page ---- */

/* Text in roff: hyphens that can be pasted, and nothing that starts a request. */
static void roff(output *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        bool line_start = at == text || at[-1] == '\n';
        if (line_start && (*at == '.' || *at == '\'')) {
            out_format(out, "\\&");
        }
        if (*at == '-' || *at == '\\') {
            out_format(out, *at == '-' ? "\\-" : "\\e");
        } else {
            out_format(out, "%c", *at);
        }
    }
}

static void man_options(output *out, const char *command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option_spec *option = &option_table[i];
        bool wanted =
            command ? option->command && strcmp(option->command, command) == 0 : !option->command;
        if (wanted) {
            char text[64];
            option_text(option, text, sizeof(text));
            out_format(out, ".TP\n.B ");
            roff(out, text + strspn(text, " "));
            out_format(out, "\n");
            roff(out, option->help);
            out_format(out, "\n");
        }
    }
}

static void man_command(output *out, const command_spec *command)
{
    out_format(out, ".SS ");
    roff(out, command->name);
    out_format(out, " ");
    roff(out, command->arguments);
    out_format(out, "\n");
    roff(out, command->summary);
    out_format(out, ".\n");
    if (command->text[0]) {
        out_format(out, ".PP\n");
        roff(out, command->text);
        out_format(out, "\n");
    }
    man_options(out, command->name);
    out_format(out, ".PP\nExample:\n.PP\n.nf\n");
    roff(out, command->example);
    out_format(out, "\n.fi\n");
}

static void help_man(output *out)
{
    out_format(out, ".\\\" SPDX-License-Identifier: MIT OR Apache-2.0\n"
                    ".TH TESSER\\-JOURNAL 1 \"\" \"tesser-journal " TJ_VERSION "\"\n"
                    ".SH NAME\ntesser\\-journal \\- durable memory for a trading runtime\n"
                    ".SH SYNOPSIS\n.B tesser\\-journal\n[OPTIONS] COMMAND [ARGUMENTS]\n"
                    ".SH OPTIONS\n");
    man_options(out, NULL);
    out_format(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < command_count; i++) {
        man_command(out, &command_table[i]);
    }
    out_format(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < exit_code_count; i++) {
        out_format(out, ".TP\n.B %d\n", exit_code_table[i].code);
        roff(out, exit_code_table[i].name);
        out_format(out, ": ");
        roff(out, exit_code_table[i].meaning);
        out_format(out, "\n");
    }
    out_format(out,
               ".SH ENVIRONMENT\n.TP\n.B TESSER_JOURNAL_PATH, TESSER_JOURNAL_TYPE\n"
               "override the configuration file.\n.TP\n.B NO_COLOR\nno colour on a terminal.\n");
}

tj_status cmd_help(command_line *cli, tj_error *error)
{
    if (cli->argument_count == 0) {
        help_overview(&cli->out);
        return TJ_OK;
    }
    size_t taken = 0;
    const command_spec *command = command_find(cli->arguments, cli->argument_count, &taken);
    const char *topic = cli->arguments[0];
    bool alone = cli->argument_count == 1;
    if (command && taken == cli->argument_count) {
        help_command(&cli->out, command);
    } else if (alone && strcmp(topic, "exit-codes") == 0) {
        print_exit_codes(&cli->out);
    } else if (alone && strcmp(topic, "man") == 0) {
        help_man(&cli->out);
    } else if (alone && command_is_group(topic)) {
        help_group(&cli->out, topic);
    } else {
        return unknown_command(cli, cli->arguments, cli->argument_count, error);
    }
    return TJ_OK;
}
