/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commits of 64 clients of `tesser-journal record --socket`, each waiting for its answer before it
 * sends the next line, beside 64 threads of one process that save the same. They take turns. The
 * clients need the same processors as the recorder; so what a commit costs is printed for both.
 *
 *   bench_socket [directory [rounds [milliseconds per turn]]]
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define CLIENTS 64
#define LINE_SIZE (BENCH_PAYLOAD_SIZE + 128)

typedef struct client {
    tj_algo_repository *algos; /* NULL: through the socket */
    int fd;
    size_t number;
    size_t saved;
    uint64_t until_ns;
    pthread_t thread;
} client;

static void save(client *c, const tj_uuid *id, const char payload[BENCH_PAYLOAD_SIZE])
{
    tj_error error = TJ_ERROR_INIT;
    tj_algo_state state = {TJ_STR("twap"), {payload, BENCH_PAYLOAD_SIZE}};
    bench_must(tj_algo_save(c->algos, id, &state, &error), &error, "saving");
}

static void ask(client *c, const tj_uuid *id, const char payload[BENCH_PAYLOAD_SIZE])
{
    char line[LINE_SIZE], text[TJ_UUID_TEXT_SIZE], answer[256];
    tj_uuid_format(*id, text);
    int size =
        snprintf(line, sizeof line, "{\"algos\":{\"%s\":{\"plugin\":\"twap\",\"payload\":%.*s}}}\n",
                 text, BENCH_PAYLOAD_SIZE, payload);
    if (send(c->fd, line, (size_t)size, 0) != size) {
        bench_die("sending a line", "the recorder ended");
    }
    ssize_t got = recv(c->fd, answer, sizeof answer - 1, 0);
    if (got <= 0 || answer[got - 1] != '\n' || strncmp(answer, "{\"seq\":", 7) != 0) {
        bench_die("an answer", got > 0 ? answer : "the recorder ended");
    }
}

static void *run(void *context)
{
    client *c = context;
    while (bench_now_ns() < c->until_ns) {
        char payload[BENCH_PAYLOAD_SIZE];
        tj_uuid id = bench_algo_id(c->number, c->saved % BENCH_ALGO_COUNT);
        bench_payload(payload, c->saved++);
        (c->algos ? save : ask)(c, &id, payload);
    }
    return NULL;
}

/* One side's turns. */
typedef struct side {
    bench_series rate;
    bench_series own_us; /* of processor time for a commit, in this process */
    bench_series recorder_us;
} side;

static clockid_t recorder_clock;

static uint64_t recorder_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(recorder_clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void turn(side *of, client clients[CLIENTS], uint64_t ns)
{
    size_t before = 0, after = 0;
    uint64_t own = bench_cpu_ns(), recorder = recorder_cpu_ns();
    uint64_t start = bench_now_ns();
    for (size_t i = 0; i < CLIENTS; i++) {
        before += clients[i].saved;
        clients[i].until_ns = start + ns;
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0) {
            bench_die("starting a thread", "there are too many");
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        after += clients[i].saved;
    }
    double saved = (double)(after - before);
    bench_add(&of->rate, saved * 1e9 / (double)(bench_now_ns() - start));
    bench_add(&of->own_us, (double)(bench_cpu_ns() - own) / 1e3 / saved);
    bench_add(&of->recorder_us, (double)(recorder_cpu_ns() - recorder) / 1e3 / saved);
}

/* The program of the same build; ready when it says so. */
static pid_t start_recorder(const char *program, const char *journal, const char *path)
{
    int said[2];
    char line[BENCH_PATH_SIZE];
    if (pipe(said) != 0) {
        bench_die("a pipe", "none is left");
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(said[1], STDOUT_FILENO);
        close(said[0]);
        close(said[1]);
        execl(program, program, "-j", journal, "record", "--socket", path, (char *)NULL);
        _exit(127);
    }
    close(said[1]);
    if (child < 0 || read(said[0], line, sizeof line) <= 0) {
        bench_die("starting the recorder", program);
    }
    close(said[0]);
    return child;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        bench_die("connecting: the path is too long for a socket", path);
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        bench_die("connecting", path);
    }
    return fd;
}

int main(int argc, char **argv)
{
    static client threads[CLIENTS], clients[CLIENTS];
    static side by_threads, by_clients;
    char directory[BENCH_PATH_SIZE], journal[BENCH_PATH_SIZE], path[BENCH_PATH_SIZE];
    char program[BENCH_PATH_SIZE];
    size_t rounds = bench_argument(argc, argv, 2, 5);
    uint64_t ns = bench_argument(argc, argv, 3, 500) * 1000000;
    const char *slash = strrchr(argv[0], '/');
    bench_directory(argc, argv, directory);
    bench_join(journal, directory, "recorded");
    bench_join(path, directory, "socket");
    snprintf(program, sizeof program, "%.*s../cli/tesser-journal",
             slash ? (int)(slash - argv[0]) + 1 : 0, argv[0]);
    bench_store_close(bench_store_open(directory, "recorded", NULL));
    pid_t recorder = start_recorder(program, journal, path);
    if (clock_getcpuclockid(recorder, &recorder_clock) != 0) {
        bench_die("the recorder's processor time", "it ended");
    }
    tj_store *store = bench_store_open(directory, "saved", NULL);
    for (size_t i = 0; i < CLIENTS; i++) {
        threads[i] = (client){.algos = tj_store_algo_repository(store, NULL), .number = i};
        clients[i] = (client){.fd = dial(path), .number = i};
    }
    for (size_t round = 0; round < rounds; round++) {
        turn(&by_threads, threads, ns);
        turn(&by_clients, clients, ns);
    }
    bench_print("64 threads", "a second", &by_threads.rate);
    bench_print("64 clients", "a second", &by_clients.rate);
    bench_print("processor, a thread's commit", "us", &by_threads.own_us);
    bench_print("processor, a client's, of the client", "us", &by_clients.own_us);
    bench_print("processor, a client's, of the recorder", "us", &by_clients.recorder_us);
    bench_series ratio = bench_ratio(&by_clients.rate, &by_threads.rate);
    bench_goal_at_least("socket", "64 clients to 64 threads", &ratio, 0.5, "x");
    kill(recorder, SIGTERM);
    waitpid(recorder, NULL, 0);
    bench_store_close(store);
    bench_remove(directory);
    return 0;
}
