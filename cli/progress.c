/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A progress bar: a person who waits for more than a second sees that something goes on. */
#include "cli.h"

#include <stdlib.h>
#include <unistd.h>

#define BAR_WIDTH 24
#define WHAT_WIDTH 40

progress_bar progress_begin(void)
{
    return (progress_bar){.started_at = time(NULL), .wanted = isatty(STDERR_FILENO) == 1};
}

void progress_show(void *context, const char *what, uint64_t done, uint64_t total)
{
    progress_bar *bar = context;
    if (!bar->wanted || time(NULL) - bar->started_at < 2) {
        return;
    }
    int percent = (int)((double)done * 100 / (double)total);
    if (bar->shown && percent == bar->percent) {
        return;
    }
    bar->percent = percent;
    int filled = percent * BAR_WIDTH / 100;
    char *safe = safe_text(tj_str_of(what));
    fprintf(stderr, "\r[%.*s%*s] %3d%% %-*.*s", filled, "########################",
            BAR_WIDTH - filled, "", percent, WHAT_WIDTH, WHAT_WIDTH, safe);
    fflush(stderr);
    free(safe);
    bar->shown = true;
}

void progress_end(progress_bar *bar)
{
    if (bar->shown) {
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + WHAT_WIDTH + 8, "");
        fflush(stderr);
        bar->shown = false;
    }
}
