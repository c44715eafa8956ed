/* load DRIVER [options]: one measurement of one server, printed as one JSON object. */
#define _GNU_SOURCE
#include "tests/bench/load/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BEAT_NS      800000000u
#define SETTLE_TURNS 20
#define REST_NS      3000000000u
#define WATCH_NS     2000000000u
#define CALM_NS      300000000u

struct options options = {.count = 200000,
                          .size = 64,
                          .workers = 4,
                          .producers = 1,
                          .depth = 1000,
                          .queue = 10000,
                          .batch = 128,
                          .wave = 100,
                          .limit_s = 60};
const struct driver *driver;
static const struct driver *const drivers[] = {&driver_muster,   &driver_raw,  &driver_gearman,
                                               &driver_redis,    &driver_nats, &driver_jetstream,
                                               &driver_beanstalk};

static struct conn *conns, **producers;
static int conns_count, replies_count;

/* Letter, what it sets, and whether it takes a value. */
static const struct flag {
    char letter;
    int *target;
    int has_value;
    const char *text;
} flags[] = {
    {'r', &options.round_trip, 0, "round trip: the result returns"},
    {'n', &options.count, 1, "commands"},
    {'s', &options.size, 1, "payload bytes"},
    {'w', &options.workers, 1, "worker connections"},
    {'p', &options.producers, 1, "producer connections"},
    {'d', &options.depth, 1, "submissions without an answer"},
    {'q', &options.queue, 1, "background: commands not completed"},
    {'k', &options.batch, 1, "commands a worker asks for at once"},
    {'l', &options.latency, 0, "record latencies"},
    {'v', &options.variant, 1, "variant of the driver"},
    {'W', &options.waiting, 0, "background: no worker asks, the commands wait"},
    {'c', &options.mark, 1, "round trip: print memory after each so many results"},
    {'i', &options.idle, 0, "connect the workers, measure, leave"},
    {'H', &options.herd, 1, "idle workers beside those that work"},
    {'a', &options.wave, 1, "connections in their handshake at a time"},
    {'f', &options.fork, 0, "workers in a process of their own"},
    {'y', &options.spin, 0, "never sleep"},
    {'P', &options.port, 1, "port on 127.0.0.1"},
    {'S', &options.server_pid, 1, "process whose CPU and memory are read"},
    {'t', &options.limit_s, 1, "seconds after which it gives up"},
};
#define FLAGS_COUNT (sizeof flags / sizeof flags[0])

static void usage(void)
{
    fprintf(stderr, "use: load DRIVER [flags]\ndrivers:");
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        fprintf(stderr, " %s", drivers[i]->name);
    }
    fputc('\n', stderr);
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        fprintf(stderr, "  -%c%s  %s\n", flags[i].letter, flags[i].has_value ? " N" : "  ",
                flags[i].text);
    }
    exit(64);
}

static void parse(int argc, char **argv)
{
    char letters[2 * FLAGS_COUNT + 1] = "";
    size_t used = 0;
    int letter;

    for (size_t i = 0; argc > 1 && i < sizeof drivers / sizeof drivers[0]; i++) {
        driver = strcmp(drivers[i]->name, argv[1]) == 0 ? drivers[i] : driver;
    }
    if (driver == NULL) {
        usage();
    }
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        letters[used++] = flags[i].letter;
        if (flags[i].has_value) {
            letters[used++] = ':';
        }
    }
    options.port = driver->port;
    while ((letter = getopt(argc - 1, argv + 1, letters)) != -1) {
        size_t i = 0;

        while (i < FLAGS_COUNT && flags[i].letter != letter) {
            i++;
        }
        if (i == FLAGS_COUNT) {
            usage();
        }
        *flags[i].target = flags[i].has_value ? (int)strtol(optarg, NULL, 10) : 1;
    }
}

static void on_alarm(int signal_number)
{
    char text[200];
    int size;

    (void)signal_number;
    size = snprintf(text, sizeof text,
                    "load: gave up: ready %d/%d submitted %d acked %d handled %d completed %d "
                    "results %d of %d\n",
                    tally.ready, conns_count, tally.submitted, tally.acked, tally.handled,
                    tally.completed, tally.results, options.count);
    if (write(STDERR_FILENO, text, (size_t)size) != size) {
        _exit(4);
    }
    _exit(3);
}

/* Keeps sessions alive; called once a turn. */
static void beat(void)
{
    static uint64_t next;
    uint64_t now = now_ns();

    if (driver->beat == NULL || now < next) {
        return;
    }
    next = now + BEAT_NS;
    for (int i = 0; i < conns_count; i++) {
        if (conns[i].ready) {
            driver->beat(&conns[i]);
        }
    }
    net_flush();
}

static void turn(int timeout_ms)
{
    beat();
    net_turn(timeout_ms);
}

static void make_conns(void)
{
    conns_count = options.producers + replies_count + options.workers + options.herd;
    conns = calloc((size_t)conns_count, sizeof *conns);
    producers = calloc((size_t)options.producers + 1, sizeof *producers);
    if (conns == NULL || producers == NULL) {
        die("no memory");
    }
    net_start(conns_count);
    for (int i = 0; i < conns_count; i++) {
        struct conn *conn = &conns[i];

        if (i < options.producers) {
            conn->role = PRODUCER;
            conn->index = i;
            producers[i] = conn;
        } else if (i < options.producers + replies_count) {
            conn->role = REPLIES;
            conn->index = i - options.producers;
        } else {
            conn->role = WORKER;
            conn->index = i - options.producers - replies_count;
        }
    }
}

/* At most options.wave handshakes at a time. Returns seconds until all were greeted. */
static double connect_all(void)
{
    uint64_t start = now_ns();
    double seconds;
    int opened = 0;

    while (tally.ready < conns_count) {
        while (opened < conns_count && opened - tally.ready < options.wave) {
            net_open(&conns[opened++]);
        }
        turn(1000);
    }
    seconds = (double)(now_ns() - start) / 1e9;
    for (int i = 0; i < conns_count; i++) {
        if (conns[i].role != PRODUCER && driver->start != NULL && !options.waiting) {
            driver->start(&conns[i]);
        }
    }
    net_flush();
    return seconds;
}

static void rest(uint64_t nanoseconds)
{
    uint64_t end = now_ns() + nanoseconds;

    while (now_ns() < end) {
        turn(50);
    }
}

static void measure_idle(long rss_before, double cpu_before)
{
    double system, seconds = connect_all();
    double connect_cpu = process_cpu_s(options.server_pid, &system) - cpu_before, rested;

    rest(REST_NS);
    rested = process_cpu_s(options.server_pid, &system);
    rest(WATCH_NS);
    printf("{\"driver\":\"%s\",\"conns\":%d,\"connect_s\":%.3f,\"server_cpu_s\":%.3f,"
           "\"rss_before_kb\":%ld,\"rss_after_kb\":%ld,\"threads\":%d,\"idle_cpu_pct\":%.2f}\n",
           driver->name, options.workers, seconds, connect_cpu, rss_before,
           process_rss_kib(options.server_pid), process_threads(options.server_pid),
           (process_cpu_s(options.server_pid, &system) - rested) / (WATCH_NS / 1e9) * 100);
}

static void pump(void)
{
    static int next;

    while (tally.submitted < options.count) {
        int open = tally.submitted - (options.round_trip ? tally.results : tally.acked);

        if (open >= options.depth || (!options.round_trip && !options.waiting &&
                                      tally.submitted - tally.completed >= options.queue)) {
            break;
        }
        driver->submit(producers[next], check_next_payload());
        next = next + 1 < options.producers ? next + 1 : 0;
    }
    net_flush();
}

static int is_done(void)
{
    if (options.fork) {
        return tally.results == options.count;
    }
    if (options.waiting) {
        return tally.acked >= options.count;
    }
    return tally.completed >= options.count &&
           (options.round_trip ? tally.results : tally.acked) >= options.count;
}

/* What the server holds, as the load goes by. */
static void print_mark(void)
{
    static int next;

    if (options.mark == 0 || tally.results < next + options.mark) {
        return;
    }
    next += options.mark;
    printf("{\"mark\":%d,\"rss_kb\":%ld,\"anon_kb\":%ld}\n", next,
           process_rss_kib(options.server_pid), process_anon_kib(options.server_pid));
    fflush(stdout);
}

static void run_load(void)
{
    while (!is_done()) {
        pump();
        turn(1000);
        print_mark();
    }
    while (driver->settled != NULL && !options.waiting && !driver->settled()) {
        turn(0);
    }
}

static void measure_load(void)
{
    double system_0, system_1, busy_0, busy_1, cpu, steal, own, wall;
    long rss, anon;
    uint64_t start;

    for (int i = 0; i < SETTLE_TURNS; i++) {
        turn(5); /* let the workers' first requests arrive */
    }
    rss = process_rss_kib(options.server_pid);
    anon = process_anon_kib(options.server_pid);
    cpu = process_cpu_s(options.server_pid, &system_0);
    steal = machine_steal_s(&busy_0);
    own = own_cpu_s();
    start = now_ns();
    run_load();
    wall = (double)(now_ns() - start) / 1e9;
    cpu = process_cpu_s(options.server_pid, &system_1) - cpu;
    own = own_cpu_s() - own;
    steal = machine_steal_s(&busy_1) - steal;
    check_all_arrived();
    if (options.waiting) {
        rest(CALM_NS);
    }
    printf("{\"driver\":\"%s\",\"variant\":%d,\"mode\":\"%s\",\"n\":%d,\"size\":%d,\"workers\":%d,"
           "\"producers\":%d,\"depth\":%d,\"batch\":%d,\"wall_s\":%.4f,\"rate\":%.0f,"
           "\"srv_cpu_s\":%.4f,\"srv_sys_s\":%.2f,\"cli_cpu_s\":%.4f,\"other_cpu_s\":%.2f,"
           "\"steal_s\":%.2f,\"rss_before_kb\":%ld,\"anon_before_kb\":%ld,\"rss_kb\":%ld,"
           "\"anon_kb\":%ld",
           driver->name, options.variant, options.round_trip ? "rt" : "bg", options.count,
           options.size, options.workers, options.producers, options.depth, options.batch, wall,
           options.count / wall, cpu, system_1 - system_0, own, busy_1 - busy_0 - cpu - own, steal,
           rss, anon, process_rss_kib(options.server_pid), process_anon_kib(options.server_pid));
    check_print_latencies();
    printf("}\n");
}

/* The workers in a process of their own: it serves until it is killed. Returns its pid. */
static pid_t fork_workers(void)
{
    int ready[2];
    char byte = 'g';
    pid_t child;

    if (!options.round_trip || pipe(ready) != 0 || (child = fork()) < 0) {
        die("-f needs -r, and a fork");
    }
    if (child == 0) {
        options.producers = replies_count = 0;
        options.latency = 0;
        alarm((unsigned)options.limit_s);
        make_conns();
        connect_all();
        if (write(ready[1], &byte, 1) != 1) {
            die("pipe");
        }
        for (;;) {
            turn(500);
        }
    }
    options.workers = options.herd = 0;
    if (read(ready[0], &byte, 1) != 1) {
        die("the workers' process failed");
    }
    return child;
}

int main(int argc, char **argv)
{
    pid_t child = 0;
    double system;

    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, on_alarm);
    alarm((unsigned)options.limit_s);
    check_start();
    if (driver->setup != NULL) {
        driver->setup();
    }
    replies_count = options.round_trip && driver->has_replies ? options.producers : 0;
    if (options.idle) {
        options.producers = replies_count = 0;
        make_conns();
        measure_idle(process_rss_kib(options.server_pid),
                     process_cpu_s(options.server_pid, &system));
        return 0;
    }
    if (options.fork) {
        child = fork_workers();
    }
    make_conns();
    connect_all();
    measure_load();
    if (child > 0) {
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    return 0;
}
