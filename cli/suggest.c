/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The nearest known word to one that is not known. */
#include "options.h"

#include <stdlib.h>

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static bool differ(char a, char b)
{
    return a != b && !(a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
}

/* Letters to change, add or leave out until a word is a known one, which is in small letters. */
static size_t distance(const char *a, const char *b)
{
    size_t size = strlen(b);
    size_t *row = need(malloc((size + 1) * sizeof *row));
    for (size_t j = 0; j <= size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < size; j++) {
            size_t above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + differ(a[i], b[j]));
            diagonal = above;
        }
    }
    size_t result = row[size];
    free(row);
    return result;
}

/* Keeps the nearer of two candidates; one of which half would have to change is no help. */
static void consider(const char *word, const char *candidate, const char **best, size_t *best_at)
{
    size_t at = distance(word, candidate);
    size_t size = strlen(word) < strlen(candidate) ? strlen(candidate) : strlen(word);
    if (at < *best_at && 2 * at < size) {
        *best = candidate;
        *best_at = at;
    }
}

#define DISTANCE_LIMIT 4

static void consider_options(const char *name, const option_spec *const *options, const char **best,
                             size_t *best_at)
{
    for (; options && *options; options++) {
        consider(name, (*options)->name, best, best_at);
    }
}

tj_status unknown_option(command_line *cli, const char *name, tj_error *error)
{
    const char *best = NULL;
    size_t best_at = DISTANCE_LIMIT;
    consider_options(name, common_options, &best, &best_at);
    if (cli->command) {
        consider_options(name, cli->command->options, &best, &best_at);
    }
    for (size_t i = 0; commands[i] && !cli->command; i++) {
        consider_options(name, commands[i]->options, &best, &best_at);
    }
    return best ? usage_error(cli, error, "unknown option --%s; did you mean --%s?", name, best)
                : usage_error(cli, error, "unknown option --%s", name);
}

/* "show, export or import" for "state". */
static void words_of_group(const char *group, char *text, size_t size)
{
    size_t left = 0;
    for (size_t i = 0; commands[i]; i++) {
        left += command_in_group(commands[i], group) != NULL;
    }
    text[0] = '\0';
    for (size_t i = 0, used = 0; commands[i] && used < size; i++) {
        const char *word = command_in_group(commands[i], group);
        if (word) {
            left--;
            const char *then = left > 1 ? ", " : left == 1 ? " or " : "";
            used += (size_t)snprintf(text + used, size - used, "\"%s\"%s", word, then);
        }
    }
}

tj_status unknown_command(command_line *cli, char *const *words, size_t count, tj_error *error)
{
    char text[256];
    if (command_is_group(words[0])) {
        words_of_group(words[0], text, sizeof text);
        return count > 1 ? usage_error(cli, error, "unknown command \"%s %s\"; it can be %s",
                                       words[0], words[1], text)
                         : usage_error(cli, error, "%s what? It can be %s", words[0], text);
    }
    const char *best = NULL;
    size_t best_at = DISTANCE_LIMIT;
    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;
        snprintf(text, sizeof text, "%.*s", (int)strcspn(name, " "), name);
        size_t before = best_at;
        if (!commands[i]->writes) {
            consider(words[0], text, &best, &best_at);
        }
        best = best_at < before ? name : best;
    }
    return best ? usage_error(cli, error, "unknown command \"%s\"; did you mean \"%.*s\"?",
                              words[0], (int)strcspn(best, " "), best)
                : usage_error(cli, error, "unknown command \"%s\"", words[0]);
}
