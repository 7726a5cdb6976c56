/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* version: of the program, and the engines that it knows. */
#include "cli.h"

#include <tesser/version.h>

/* Engines are numbered from 0 on; NULL behind the last one. */
static const char *engine_name(int number)
{
    const char *name = tj_engine_type_name((tj_engine_type)number);
    return strcmp(name, "unknown") == 0 ? NULL : name;
}

static tj_status run_version(command_line *cli, tj_error *error)
{
    (void)error;
    output *out = &cli->out;
    if (given(cli, &option_json)) {
        json_writer json = {.out = out};
        json_open(&json, NULL, '{');
        json_text(&json, "version", tj_str_of(tj_version()));
        json_open(&json, "engines", '[');
        for (int i = 0; engine_name(i); i++) {
            json_text(&json, NULL, tj_str_of(engine_name(i)));
        }
        json_close(&json, ']');
        json_close(&json, '}');
        return TJ_OK;
    }
    version_print(out);
    out_format(out, "engines:");
    for (int i = 0; engine_name(i); i++) {
        out_format(out, "%s %s", i > 0 ? "," : "", engine_name(i));
    }
    out_format(out, "\n");
    return TJ_OK;
}

const command_spec command_version = {
    .name = "version",
    .summary = "the version, and the engines of this build",
    .example = "tesser-journal version --json",
    .run = run_version,
};
