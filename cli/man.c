/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The man pages: one of the program, and one for each command. */
#include "cli.h"

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

/* "tesser-journal-state-show" */
static void page_name(const command_spec *command, char *text, size_t size)
{
    snprintf(text, size, "tesser-journal-%s", command->name);
    for (char *at = text; *at; at++) {
        *at = *at == ' ' ? '-' : *at;
    }
}

static void title(output *out, const char *name, const char *summary)
{
    out_format(out, ".\\\" SPDX-License-Identifier: MIT OR Apache-2.0\n.TH \"");
    for (const char *at = name; *at; at++) {
        out_format(out, "%c", *at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    }
    out_format(out, "\" 1 \"\" \"tesser-journal " TJ_VERSION "\"\n.SH NAME\n");
    roff(out, name);
    out_format(out, " \\- ");
    roff(out, summary);
    out_format(out, "\n.SH SYNOPSIS\n.B tesser\\-journal\n[OPTIONS] ");
}

static void options_section(output *out, const char *heading, const option_spec *const *options)
{
    if (!options) {
        return;
    }
    out_format(out, ".SH %s\n", heading);
    for (; *options; options++) {
        char text[64];
        option_text(*options, text, sizeof text);
        out_format(out, ".TP\n.B ");
        roff(out, text + strspn(text, " "));
        out_format(out, "\n");
        roff(out, (*options)->help);
        out_format(out, "\n");
    }
}

static void environment_section(output *out)
{
    out_format(
        out, ".SH ENVIRONMENT\n.TP\n.B TESSER_JOURNAL_PATH, TESSER_JOURNAL_TYPE\n"
             "override the configuration file.\n"
             ".TP\n.B TESSER_JOURNAL_URL, TESSER_JOURNAL_SCHEMA, TESSER_JOURNAL_NAME\n"
             "override it for a journal on a server.\n.TP\n.B NO_COLOR\nno colour on a terminal.\n"
             ".TP\n.B TESSER_JOURNAL_PAGER, PAGER\n"
             "the pager of tables on a terminal, less by default; empty for none.\n");
}

void man_program(output *out)
{
    title(out, "tesser-journal", "durable memory for a trading runtime");
    out_format(out, "COMMAND [ARGUMENTS]\n.SH COMMANDS\n");
    for (size_t i = 0; commands[i]; i++) {
        char name[64];
        page_name(commands[i], name, sizeof name);
        out_format(out, ".TP\n.BR ");
        roff(out, name);
        out_format(out, " (1)\n");
        roff(out, commands[i]->summary);
        out_format(out, "\n");
    }
    options_section(out, "OPTIONS", common_options);
    out_format(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < exit_code_count; i++) {
        out_format(out, ".TP\n.B %d\n", exit_code_table[i].code);
        roff(out, exit_code_table[i].name);
        out_format(out, ": ");
        roff(out, exit_code_table[i].meaning);
        out_format(out, "\n");
    }
    environment_section(out);
}

void man_command(output *out, const command_spec *command)
{
    char name[64];
    page_name(command, name, sizeof name);
    title(out, name, command->summary);
    roff(out, command->name);
    out_format(out, " ");
    roff(out, command->arguments ? command->arguments : "");
    out_format(out, "\n");
    if (command->text) {
        out_format(out, ".SH DESCRIPTION\n");
        roff(out, command->text);
        out_format(out, "\n");
    }
    options_section(out, "OPTIONS", command->options);
    options_section(out, "OPTIONS OF EVERY COMMAND", common_options);
    out_format(out, ".SH EXAMPLE\n.nf\n");
    roff(out, command->example);
    out_format(out, "\n.fi\n");
    environment_section(out);
    out_format(out, ".SH SEE ALSO\n.BR tesser\\-journal (1)\n");
}
