/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* doctor: what a journal stands on, and how it does. */
#include "cli.h"

#include <tesser/maintain.h>

static const option_spec no_flush_option = {
    .name = "no-flush", .help = "measure no flushes: nothing at all is written"};

static const char *const health_names[] = {[TJ_HEALTH_OK] = "ok",
                                           [TJ_HEALTH_UNKNOWN] = "unknown",
                                           [TJ_HEALTH_WARNING] = "warning",
                                           [TJ_HEALTH_WRONG] = "wrong"};

static void print_checkup(const tj_checkup *checkup, output *out)
{
    for (size_t i = 0; i < checkup->count; i++) {
        const tj_checkup_item *item = &checkup->items[i];
        out_line(out, "%-7s  %.*s: %.*s", health_names[item->health], (int)item->name.size,
                 item->name.data, (int)item->sentence.size, item->sentence.data);
        if (item->command.data) {
            out_line(out, "         -> %.*s", (int)item->command.size, item->command.data);
        }
    }
}

static void json_checkup(const tj_checkup *checkup, output *out)
{
    json_writer json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "path", checkup->path);
    json_text(&json, "health", tj_str_of(health_names[checkup->health]));
    json_open(&json, "checks", '[');
    for (size_t i = 0; i < checkup->count; i++) {
        const tj_checkup_item *item = &checkup->items[i];
        json_open(&json, NULL, '{');
        json_text(&json, "name", item->name);
        json_text(&json, "health", tj_str_of(health_names[item->health]));
        json_text(&json, "sentence", item->sentence);
        if (item->command.data) {
            json_text(&json, "command", item->command);
        } else {
            json_null(&json, "command");
        }
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

static tj_status run_doctor(command_line *cli, tj_error *error)
{
    open_journal journal;
    tj_checkup *checkup = NULL;
    tj_doctor_options options = TJ_DOCTOR_OPTIONS_INIT;
    options.skip_flush = given(cli, &no_flush_option);
    tj_status status = journal_configure(cli, ACCESS_READ, &journal, error);
    if (status == TJ_OK) {
        status = tj_doctor(&journal.config, &options, &checkup, error);
    }
    if (status == TJ_OK && given(cli, &option_json)) {
        json_checkup(checkup, &cli->out);
    } else if (status == TJ_OK) {
        print_checkup(checkup, &cli->out);
    }
    if (status == TJ_OK) {
        cli->exit_code = checkup->health == TJ_HEALTH_WRONG     ? EXIT_WRONG
                         : checkup->health == TJ_HEALTH_WARNING ? EXIT_WARNING
                                                                : 0;
    }
    tj_checkup_free(checkup);
    return journal_close(&journal, status, error);
}

const command_spec command_doctor = {
    .name = "doctor",
    .server = true,
    .summary = "what the journal stands on, how it does, and what mends what is wrong",
    .text =
        "Measures and says of each: ok, warning or wrong, or unknown where it could not be "
        "looked at; and the command that mends it. File system, mount options, what a flush "
        "costs in the journal's directory, space and inodes, the clock against the newest "
        "commit, limits of the process that writes, versions, readers, owners and modes, "
        "growth of the history, what was left over. It works beside a running writer and on a "
        "damaged journal, and writes nothing but a file without a name, whose flushes it "
        "measures. Exit code 0: nothing is wrong; 5: there are warnings; 6: something is wrong. "
        "Whether every byte is what was written is a matter of `verify`.",
    .example = "tesser-journal --journal ./journal doctor",
    .options = (const option_spec *const[]){&no_flush_option, NULL},
    .run = run_doctor,
};
