/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --help, made from what each command says of itself. */
#include "cli.h"

#include <stdlib.h>

#include <tesser/version.h>

#define LINE_WIDTH 80
#define NAME_WIDTH 24
#define EVERY_COMMAND "Options of every command"

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

void option_text(const option_spec *option, char *text, size_t size)
{
    char letter[8] = "    ";
    if (option->letter) {
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    snprintf(text, size, "%s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

static void print_options(output *out, const char *title, const option_spec *const *options)
{
    if (!options) {
        return;
    }
    out_format(out, "\n");
    out_heading(out, "%s", title);
    for (; *options; options++) {
        char text[64];
        option_text(*options, text, sizeof text);
        entry(out, text, (*options)->help);
    }
}

void help_exit_codes(output *out)
{
    out_heading(out, "Exit codes");
    for (size_t i = 0; i < exit_code_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%3d %s", exit_code_table[i].code, exit_code_table[i].name);
        entry(out, name, exit_code_table[i].meaning);
    }
}

void version_print(output *out)
{
    out_format(out, "tesser-journal %s\n", tj_version());
}

void help_overview(output *out)
{
    out_format(out, "tesser-journal: durable memory for a trading runtime\n\n"
                    "Usage: tesser-journal [OPTIONS] COMMAND [ARGUMENTS]\n\n");
    out_heading(out, "Commands");
    for (size_t i = 0; commands[i]; i++) {
        entry(out, commands[i]->name, commands[i]->summary);
    }
    print_options(out, EVERY_COMMAND, common_options);
    out_format(out, "\n");
    help_exit_codes(out);
    out_format(out,
               "\nTESSER_JOURNAL_PATH and TESSER_JOURNAL_TYPE override the configuration file, and"
               "\nfor a server TESSER_JOURNAL_URL, TESSER_JOURNAL_SCHEMA and TESSER_JOURNAL_NAME."
               "\nSee 'tesser-journal COMMAND --help' for more and an example.\n");
}

void help_group(output *out, const char *group)
{
    out_heading(out, "Commands");
    for (size_t i = 0; commands[i]; i++) {
        if (command_in_group(commands[i], group)) {
            entry(out, commands[i]->name, commands[i]->summary);
        }
    }
    out_format(out, "\nSee 'tesser-journal %s COMMAND --help' for more and an example.\n", group);
}

void help_command(output *out, const command_spec *command)
{
    out_format(out, "tesser-journal %s: %s\n\nUsage: tesser-journal [OPTIONS] %s%s%s\n",
               command->name, command->summary, command->name, command->arguments ? " " : "",
               command->arguments ? command->arguments : "");
    if (command->text) {
        out_format(out, "\n");
        wrapped(out, 0, command->text);
    }
    print_options(out, "Options", command->options);
    print_options(out, EVERY_COMMAND, common_options);
    out_format(out, "\n");
    out_heading(out, "Example");
    for (const char *line = command->example; *line;) {
        size_t size = strcspn(line, "\n");
        out_format(out, "  %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
}
