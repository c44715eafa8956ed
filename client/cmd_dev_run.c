#include "client/cmd_dev.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/ms_query.h"
#include "core/io/clock.h"

#define POLL_S             0.005
#define DIRECTORIES_OPEN   8
#define POLL_MS            10
#define START_TIMEOUT      (30 * MS_SEC)
#define COMMAND_INTERRUPTS 2 /* left to the user's command alone */

static bool is_anyone_running(const struct ms_dev *dev)
{
    for (size_t i = 0; i < dev->count; i++) {
        if (dev->members[i].is_running) {
            return true;
        }
    }
    return dev->is_command_running;
}

/* ---- beginning ---- */

static bool make_directory(struct ms_dev *dev)
{
    const char *temporary = getenv("TMPDIR");

    snprintf(dev->directory, sizeof dev->directory, "%s/muster-dev-XXXXXX",
             temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
    if (mkdtemp(dev->directory) == NULL) {
        ms_cli_say(&ms_dev_cli, "%s: %s", dev->directory, strerror(errno));
        dev->directory[0] = '\0';
        return false;
    }
    snprintf(dev->port_path, sizeof dev->port_path, "%s/master", dev->directory);
    return true;
}

/* The file appears as a whole. */
static bool read_address(struct ms_dev *dev)
{
    FILE *file = fopen(dev->port_path, "re");

    if (file == NULL) {
        return false;
    }
    const bool is_read = fgets(dev->address, sizeof dev->address, file) != NULL;

    fclose(file);
    dev->address[strcspn(dev->address, "\n")] = '\0';
    return is_read && dev->address[0] != '\0';
}

static void break_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    (void)watcher;
    (void)revents;
    ev_break(loop, EVBREAK_ONE);
}

/* Directories of the masters, which hold stores, go with it. */
static int remove_cb(const char *path, const struct stat *what, int type, struct FTW *place)
{
    (void)what;
    (void)type;
    (void)place;
    return remove(path);
}

static bool has_come(struct ms_dev *dev, enum ms_dev_stage stage)
{
    return dev->settings->is_pair ? ms_dev_pair_is(dev, stage) : read_address(dev);
}

static bool await_masters(struct ms_dev *dev, enum ms_dev_stage stage, const char *complaint)
{
    const ms_time deadline = ms_clock_now() + START_TIMEOUT;
    ev_timer poll;

    ev_timer_init(&poll, break_cb, POLL_S, POLL_S);
    ev_timer_start(dev->loop, &poll);
    while (dev->stops == 0 && !has_come(dev, stage)) {
        if (ms_clock_now() > deadline) {
            ms_cli_say(&ms_dev_cli, "%s", complaint);
            ms_dev_fail(dev, EX_UNAVAILABLE);
            break;
        }
        ev_run(dev->loop, 0);
    }
    ev_timer_stop(dev->loop, &poll);
    return dev->stops == 0;
}

struct survey {
    uint64_t slaves; /* that have told the master what they can do */
    bool is_done;
};

static void report_cb(struct ms_client *client, const struct ms_client_report *report,
                      void *context)
{
    struct survey *survey = context;

    if (report->is_reset) {
        survey->slaves = 0;
    }
    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const struct ms_client_cell *cell = &report->cells[i];

        if (strcmp(cell->name, "types") == 0 && cell->text != NULL && cell->text[0] != '\0') {
            survey->slaves++;
        }
    }
    if (report->is_last || report->error != MS_CLIENT_OK) {
        survey->is_done = true;
        ms_client_break(client);
    }
}

static bool await_slaves(struct ms_dev *dev)
{
    static const struct ms_client_query query = {.size = sizeof query,
                                                 .what = MS_CLIENT_ASK_SLAVES};
    const ms_time deadline = ms_clock_now() + START_TIMEOUT;
    const struct ms_cli_common common = {.master = dev->address, .connect_timeout = START_TIMEOUT};
    struct survey survey = {.slaves = 0};
    int code = EX_OK;
    struct ms_client *client = ms_cli_connect(&ms_dev_cli, &common, NULL, &code);

    if (client == NULL) {
        ms_dev_fail(dev, code);
        return false;
    }
    while (dev->stops == 0 && survey.slaves < dev->settings->slaves) {
        survey = (struct survey){.slaves = 0};
        if (ms_client_ask(client, &query, report_cb, &survey) != MS_CLIENT_OK) {
            break;
        }
        while (!survey.is_done && dev->stops == 0) {
            ms_client_run(client, POLL_MS);
        }
        if (survey.slaves < dev->settings->slaves) {
            ms_client_run(client, POLL_MS);
        }
        if (ms_clock_now() > deadline) {
            break;
        }
    }
    ms_client_close(client, 0);
    ms_client_destroy(client);
    if (dev->stops == 0 && survey.slaves < dev->settings->slaves) {
        ms_cli_say(&ms_dev_cli, "the slaves did not begin to serve");
        ms_dev_fail(dev, EX_UNAVAILABLE);
    }
    return dev->stops == 0;
}

static bool write_port_file(const struct ms_dev *dev)
{
    const char *path = dev->settings->port_file;
    const size_t size = path != NULL ? strlen(path) + sizeof ".new" : 0;
    char *temporary = path != NULL ? malloc(size) : NULL;
    bool is_written = path == NULL;

    if (temporary != NULL) {
        snprintf(temporary, size, "%s.new", path);
        FILE *file = fopen(temporary, "we");

        is_written = file != NULL && fprintf(file, "%s\n", dev->address) > 0;
        if (file != NULL) {
            is_written = fclose(file) == 0 && is_written;
        }
        is_written = is_written && rename(temporary, path) == 0;
    }
    if (!is_written) {
        ms_cli_say(&ms_dev_cli, "%s: %s", path, strerror(errno));
    }
    free(temporary);
    return is_written;
}

static void print_cluster(const struct ms_dev *dev)
{
    for (size_t i = 0; i < dev->count; i++) {
        fprintf(dev->out, "%-9s pid %d", dev->members[i].name, (int)dev->members[i].child.pid);
        if (dev->members[i].is_master) {
            fprintf(dev->out, "  %s\n",
                    dev->settings->is_pair ? dev->members[i].address : dev->address);
        } else {
            fprintf(dev->out, "  slots %" PRIu64 "\n", dev->settings->slots);
        }
    }
    if (!dev->has_command) {
        fprintf(dev->out,
                "ready; in another terminal:\n"
                "  export MUSTER_MASTER=%s\n"
                "  muster %s\n"
                "  %s\n"
                "Ctrl-C ends it.\n",
                dev->address, dev->settings->is_pair ? "pair" : "status",
                dev->settings->allow_exec ? "muster map echo ::: hello world"
                                          : "muster submit echo --payload hello --wait");
    }
    fflush(dev->out);
}

/* ---- the user's command ---- */

static void command_cb(struct ev_loop *loop, ev_child *watcher, int revents)
{
    struct ms_dev *dev = watcher->data;
    const int status = watcher->rstatus;

    (void)revents;
    ev_child_stop(loop, watcher);
    dev->is_command_running = false;
    if (!dev->has_failed) {
        dev->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (dev->stops == 0) {
        ms_dev_stop(dev);
    }
    ev_break(loop, EVBREAK_ONE);
}

static void start_command(struct ms_dev *dev, char **argv)
{
    if (setenv("MUSTER_MASTER", dev->address, 1) != 0) {
        ms_dev_fail(dev, EX_OSERR);
        return;
    }
    const pid_t pid = ms_child_start(argv, MS_CHILD_USERS);

    if (pid < 0) {
        const int error = errno;

        ms_cli_say(&ms_dev_cli, "%s: %s", argv[0], strerror(error));
        ms_dev_fail(dev, error == ENOENT ? 127 : 126); /* as shells have it */
        return;
    }
    dev->is_command_running = true;
    ev_child_init(&dev->command, command_cb, pid, 0);
    dev->command.data = dev;
    ev_child_start(dev->loop, &dev->command);
}

static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct ms_dev *dev = watcher->data;

    (void)loop;
    (void)revents;
    if (dev->is_command_running) {
        /* Ctrl-C goes to the command as well, which decides; its end is ours. muster map wants two. */
        if (watcher->signum != SIGINT || dev->command_signals++ >= COMMAND_INTERRUPTS) {
            kill(dev->command.pid, SIGTERM);
        }
        return;
    }
    if (dev->stops == 0 && !dev->has_command) {
        fputs("\nending; once more does not wait for running commands\n", dev->out);
        fflush(dev->out);
    }
    if (!dev->is_ready) {
        dev->has_failed = true;
        dev->exit_code = MS_EX_INTERRUPTED;
    }
    ms_dev_stop(dev);
}

/* ---- the whole ---- */

static void watch_signals(struct ms_dev *dev)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ev_signal_init(&dev->signals[i], signal_cb, numbers[i]);
        dev->signals[i].data = dev;
        ev_signal_start(dev->loop, &dev->signals[i]);
    }
}

static void start_members(struct ms_dev *dev, size_t from, size_t to)
{
    for (size_t i = from; i < to && dev->stops == 0; i++) {
        ms_dev_start_member(dev, &dev->members[i]);
    }
}

static void begin(struct ms_dev *dev, char **argv)
{
    start_members(dev, 0, dev->masters);
    if (dev->stops > 0 ||
        !await_masters(dev, MS_DEV_SERVES,
                       dev->settings->is_pair ? "no master began to serve"
                                              : "the master did not begin to serve")) {
        return;
    }
    start_members(dev, dev->masters, dev->count);
    if (dev->stops > 0 || !await_slaves(dev)) {
        return;
    }
    if (dev->settings->is_pair &&
        !await_masters(dev, MS_DEV_IS_SAFE, "the masters did not become a pair")) {
        return;
    }
    dev->is_ready = true;
    print_cluster(dev);
    if (!write_port_file(dev)) {
        ms_dev_fail(dev, EX_CANTCREAT);
    } else if (dev->has_command) {
        start_command(dev, argv);
    }
}

int ms_dev_run(struct ms_dev_settings *settings, char **argv)
{
    struct ms_dev dev = {.settings = settings, .has_command = argv[0] != NULL};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);

    /* What the user's environment says is not meant for three kinds of program at once. */
    unsetenv("MUSTER_CONFIG");
    unsetenv("MUSTER_NAME");
    if (settings->slots == 0) {
        settings->slots =
            processors > (long)settings->slaves ? (uint64_t)processors / settings->slaves : 1;
    }
    dev.out = dev.has_command ? stderr : stdout;
    dev.loop = ev_default_loop(EVFLAG_AUTO);
    if (dev.loop == NULL || !make_directory(&dev) || !ms_dev_create_members(&dev)) {
        dev.exit_code = EX_OSERR;
    } else {
        watch_signals(&dev);
        begin(&dev, argv);
        while (is_anyone_running(&dev)) {
            ev_run(dev.loop, 0);
        }
    }
    if (dev.directory[0] != '\0') {
        nftw(dev.directory, remove_cb, DIRECTORIES_OPEN, FTW_DEPTH | FTW_PHYS);
    }
    free(dev.members);
    return dev.exit_code;
}
