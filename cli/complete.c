/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completion for bash, zsh and fish: the words of the commands, and the options of each. */
#include "cli.h"

static void option_names(output *out, const option_spec *const *options)
{
    for (; options && *options; options++) {
        out_format(out, " --%s", (*options)->name);
    }
}

/* The first words, each once: those of one group stand together. */
static bool first_of_its_word(size_t at)
{
    size_t size = strcspn(commands[at]->name, " ");
    return at == 0 || strcspn(commands[at - 1]->name, " ") != size ||
           strncmp(commands[at - 1]->name, commands[at]->name, size) != 0;
}

static void first_words(output *out)
{
    for (size_t i = 0; commands[i]; i++) {
        if (first_of_its_word(i)) {
            out_format(out, " %.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
        }
    }
}

static void second_words(output *out, const char *group)
{
    for (size_t i = 0; commands[i]; i++) {
        const char *word = command_in_group(commands[i], group);
        if (word) {
            out_format(out, " %s", word);
        }
    }
}

/* Options that take a value: the word behind them is not one of a command's. */
static void value_options(output *out)
{
    const char *separator = "";
    for (const option_spec *const *option = common_options; *option; option++) {
        if ((*option)->value) {
            out_format(out, "%s--%s|-%c", separator, (*option)->name, (*option)->letter);
            separator = "|";
        }
    }
}

/* zsh runs the same function through its emulation of bash's completion. */
static void complete_bash(output *out)
{
    out_format(out, "_tesser_journal() {\n"
                    "    local current=${COMP_WORDS[COMP_CWORD]} words='' at word\n"
                    "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                    "        word=${COMP_WORDS[at]}\n"
                    "        case $word in\n        ");
    value_options(out);
    out_format(out, ") at=$((at + 1)) ;;\n"
                    "        -*) ;;\n"
                    "        *) words=\"$words${words:+ }$word\" ;;\n"
                    "        esac\n"
                    "    done\n"
                    "    local next='' options='");
    option_names(out, common_options);
    out_format(out, "'\n    case $words in\n    '') next='");
    first_words(out);
    out_format(out, "' ;;\n");
    for (size_t i = 0; commands[i]; i++) {
        char group[32];
        snprintf(group, sizeof group, "%.*s", (int)strcspn(commands[i]->name, " "),
                 commands[i]->name);
        if (first_of_its_word(i) && command_is_group(group)) {
            out_format(out, "    '%s') next='", group);
            second_words(out, group);
            out_format(out, "' ;;\n");
        }
        if (commands[i]->options) {
            out_format(out, "    '%s'*) options=\"$options", commands[i]->name);
            option_names(out, commands[i]->options);
            out_format(out, "\" ;;\n");
        }
    }
    out_format(out, "    esac\n"
                    "    case $current in\n"
                    "    -*) next=$options ;;\n"
                    "    esac\n"
                    "    COMPREPLY=($(compgen -W \"$next\" -- \"$current\"))\n"
                    "    if [ -z \"$next\" ]; then COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
                    "}\n"
                    "complete -o filenames -F _tesser_journal tesser-journal\n");
}

static void complete_zsh(output *out)
{
    out_format(out, "#compdef tesser-journal\nautoload -U +X bashcompinit && bashcompinit\n");
    complete_bash(out);
}

/* In single quotes. */
static void fish_text(output *out, const char *text)
{
    out_format(out, "'");
    for (; *text; text++) {
        out_format(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    out_format(out, "'");
}

static void fish_options(output *out, const char *condition, const option_spec *const *options)
{
    for (; options && *options; options++) {
        out_format(out, "complete -c tesser-journal%s -l %s%s", condition, (*options)->name,
                   (*options)->value ? " -r" : "");
        if ((*options)->letter) {
            out_format(out, " -s %c", (*options)->letter);
        }
        out_format(out, " -d ");
        fish_text(out, (*options)->help);
        out_format(out, "\n");
    }
}

static void complete_fish(output *out)
{
    fish_options(out, "", common_options);
    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;
        size_t head = strcspn(name, " ");
        char condition[128];
        if (!name[head]) {
            out_format(out, "complete -c tesser-journal -n __fish_use_subcommand -a %s -d ", name);
        } else {
            if (first_of_its_word(i)) {
                out_format(out, "complete -c tesser-journal -n __fish_use_subcommand -a %.*s\n",
                           (int)head, name);
            }
            out_format(out,
                       "complete -c tesser-journal -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
                       (int)head, name, name + head + 1);
        }
        fish_text(out, commands[i]->summary);
        out_format(out, "\n");
        snprintf(condition, sizeof condition, " -n '__fish_seen_subcommand_from %s'",
                 name[head] ? name + head + 1 : name);
        fish_options(out, condition, commands[i]->options);
    }
}

bool complete_print(output *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        complete_bash(out);
    } else if (strcmp(shell, "zsh") == 0) {
        complete_zsh(out);
    } else if (strcmp(shell, "fish") == 0) {
        complete_fish(out);
    } else {
        return false;
    }
    return true;
}
