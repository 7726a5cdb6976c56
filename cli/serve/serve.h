/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of `serve` share: requests, answers, and who works at them. */
#ifndef TJ_CLI_SERVE_SERVE_H
#define TJ_CLI_SERVE_SERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli.h"

/* ---- files of the page (made by the build from page/) ------------------------------------- */

typedef struct page_file {
    const char *path; /* "/page.js" */
    const char *type;
    const unsigned char *data;
    size_t size;
} page_file;

extern const page_file page_files[];
extern const size_t page_file_count;

/* ---- what is asked and answered (routes.c) ------------------------------------------ */

/* A path, and the command that answers it: a request is a run of it with --json. */
typedef struct route {
    const char *path;
    const command_spec *command;
    const char *options;     /* that a request may give, with blanks between */
    const char *arguments;   /* parameters that become the command's arguments, in this order */
    const option_spec *form; /* instead of --json */
    const char *form_value;
    const char *table; /* of those of the command */
    const char *type;  /* of the answer; NULL: JSON */
    bool past;         /* reads the log, which may take seconds */
    bool probe;        /* what is not well is told by the HTTP status, too */
    bool always;       /* what it says is an answer, also when it failed */
} route;

#define PARAMETERS_MAX 16
#define ARGUMENTS_MAX 2

typedef struct parameter {
    const option_spec *option;
    char *value;
} parameter;

typedef struct request {
    const route *route;
    char *url; /* path and parameters as they came: what an answer is kept by */
    parameter parameters[PARAMETERS_MAX];
    size_t parameter_count;
    char *arguments[ARGUMENTS_MAX];
    bool past;
} request;

/* Shared by those who ask the same. */
typedef struct answer {
    atomic_uint holders;
    int http; /* its status */
    const char *type;
    char *body;
    size_t size;
} answer;

/* A failure of the request itself, in the form of one of a command. Held once. */
answer *answer_refuse(int http, const char *format, ...) TJ_PRINTF(2, 3);
answer *answer_hold(answer *held);
void answer_release(answer *held);

/* NULL when no command answers this path. */
const route *route_find(const char *path);
/* Adds a parameter; NULL, or why it is refused. */
answer *request_add(request *asked, tj_str name, tj_str value);
void request_dispose(request *asked);
/* A run of a command on the journal that the server shows. Released with free. */
command_line *run_new(const command_line *cli, const command_spec *command);
/* Runs the command. `cli` is that of the server: its configuration is used. Held once. */
answer *request_answer(const command_line *cli, const request *asked);

/* ---- who may ask (access.c) --------------------------------------------------------- */

/* Whether an Authorization header has the token: "Bearer TOKEN", or "Basic" with the token as the
 * password of any user, which is what browsers ask for. */
bool access_token(const char *authorization, const char *token);
/* Whether a Host header names this machine by a name that no other can have: a page of somewhere
 * else, whose name was made to mean this machine, asks with that name. */
bool access_loopback(const char *host);

/* ---- who answers (desk.c) ----------------------------------------------------------- */

/* Requests that may wait in a lane. */
#define LANE_LENGTH_MAX 64
/* Answers that are kept for others who ask the same. */
#define KEPT_MAX 16

typedef struct job {
    struct job *next;
    request request;
    answer *answer;
    void (*done)(struct job *job); /* called by the desk's threads, with its lock held */
} job;

typedef struct desk desk;

typedef struct lane {
    desk *desk;
    pthread_t thread;
    pthread_cond_t changed;
    job *first;
    job **last;
    size_t length;
} lane;

typedef struct kept_answer {
    char *url;
    answer *answer;
    int64_t until_ms;
} kept_answer;

/* Two threads: one for what is, which is quick, and one for what was. Both at low priority, so that
 * however much is asked, the writer goes first. */
struct desk {
    const command_line *cli;
    pthread_mutex_t lock;
    lane lanes[2];
    kept_answer kept[KEPT_MAX];
    uint64_t news; /* how often something was new */
    bool ending;
    /* Held for reading by whoever has the journal open, for writing to open it afresh. */
    pthread_rwlock_t gate;
};

tj_status desk_start(desk *d, const command_line *cli, tj_error *error);
/* Whether the desk takes a job; called with its lock held. */
bool desk_take(desk *d, job *asked);
/* Something is new: no answer is given again that was begun before. */
void desk_forget(desk *d);
/* Jobs that wait are answered that it ends. */
void desk_stop(desk *d);

/* ---- what changes (watch.c) --------------------------------------------------------- */

/* Keeps the journal open while somebody looks on, and opens one in a directory afresh every ten
 * seconds, which is when damage shows that nobody read. */
typedef struct journal_watch {
    const command_line *cli;
    open_journal journal;
    bool open;
    int64_t opened_at_ms;
    tj_time failed_at; /* since when it cannot be opened, or looked at; 0: it can */
    uint64_t sequence; /* the newest commit that was seen */
    char *told;        /* what was told last, as JSON in one line */
} journal_watch;

/* Looks, and returns what is to be told now; NULL when nothing is new. */
const char *watch_look(journal_watch *w, desk *d);
/* Nobody looks on any more. */
void watch_end(journal_watch *w);

/* ---- the server (http.c, or none.c where it was built without) ---------------- */

typedef struct http_server http_server;

typedef struct http_options {
    int socket;        /* that listens */
    const char *token; /* NULL: none, and only loopback names are answered */
    const command_line *cli;
} http_options;

/* Loads what it needs; fails where that is not there. */
tj_status http_load(tj_error *error);
tj_status http_start(const http_options *options, http_server **out, tj_error *error);
/* What is to be done every quarter of a second. */
void http_tick(http_server *server);
void http_stop(http_server *server);

#endif
