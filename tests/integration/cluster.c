#include "tests/integration/cluster.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 30000
#define PATH_SIZE        512

extern char **environ;

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    ck_assert_msg(value != NULL, "%s must be set: run this through ctest", name);
    return value;
}

void cluster_init(struct cluster *cluster)
{
    *cluster = (struct cluster){.master = 0};
    snprintf(cluster->directory, sizeof cluster->directory, "%s/muster-test-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(cluster->directory));
}

static void in_directory(const struct cluster *cluster, char path_out[PATH_SIZE], const char *name)
{
    ck_assert_int_lt(snprintf(path_out, PATH_SIZE, "%s/%s", cluster->directory, name), PATH_SIZE);
}

void cluster_finish(struct cluster *cluster)
{
    static const char *const files[] = {"port", "log"};
    char path[PATH_SIZE];

    for (size_t i = 0; i < CLUSTER_PROCESSES_MAX; i++) {
        if (cluster->processes[i] != 0) {
            cluster_end(cluster, cluster->processes[i], SIGKILL);
        }
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        in_directory(cluster, path, files[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(cluster->directory), 0);
}

/* Its output goes to one log, which is shown by nobody unless the directory is kept. */
static pid_t start(struct cluster *cluster, const char *program, char *const *arguments)
{
    char path[PATH_SIZE];
    char log[PATH_SIZE];
    posix_spawn_file_actions_t actions;
    size_t at = 0;

    while (at < CLUSTER_PROCESSES_MAX && cluster->processes[at] != 0) {
        at++;
    }
    ck_assert_uint_lt(at, CLUSTER_PROCESSES_MAX);
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", setting("MS_BIN_DIR"), program),
                     (int)sizeof path);
    in_directory(cluster, log, "log");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int error =
        posix_spawn(&cluster->processes[at], path, &actions, NULL, arguments, environ);

    posix_spawn_file_actions_destroy(&actions);
    ck_assert_msg(error == 0, "%s: %s", path, strerror(error));
    return cluster->processes[at];
}

/* Waits until the file is there, whole: it is renamed into place. */
static void await_file(const struct cluster *cluster, int watch, const char *path)
{
    while (access(path, R_OK) != 0) {
        struct pollfd change = {.fd = watch, .events = POLLIN};
        char events[4096];

        ck_assert_int_eq(waitpid(cluster->master, NULL, WNOHANG), 0);
        ck_assert_int_eq(poll(&change, 1, READY_TIMEOUT_MS), 1);
        ck_assert_int_gt(read(watch, events, sizeof events), 0);
    }
}

static void read_address(struct cluster *cluster, const char *path)
{
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(cluster->address, sizeof cluster->address, file));
    cluster->address[strcspn(cluster->address, "\n")] = '\0';
    fclose(file);
}

void cluster_start_master(struct cluster *cluster)
{
    char port_file[PATH_SIZE];
    char *arguments[] = {
        (char[]){"muster-master"},
        (char[]){"--listen"},
        (char[]){"127.0.0.1:0"},
        (char[]){"--port-file"},
        port_file,
        NULL,
    };
    const int watch = inotify_init1(IN_CLOEXEC);

    ck_assert_int_ge(watch, 0);
    if (cluster->address[0] != '\0') {
        arguments[2] = cluster->address;
    }
    in_directory(cluster, port_file, "port");
    unlink(port_file);
    ck_assert_int_ge(inotify_add_watch(watch, cluster->directory, IN_CREATE | IN_MOVED_TO), 0);
    cluster->master = start(cluster, "muster-master", arguments);
    await_file(cluster, watch, port_file);
    close(watch);
    read_address(cluster, port_file);
}

pid_t cluster_start_slave(struct cluster *cluster, unsigned slots)
{
    char count[16];
    char handlers[PATH_SIZE];
    char *arguments[] = {
        (char[]){"muster-slave"},
        (char[]){"--slots"},
        count,
        (char[]){"--handlers"},
        handlers,
        cluster->address,
        NULL,
    };

    snprintf(count, sizeof count, "%u", slots);
    snprintf(handlers, sizeof handlers, "%s", setting("MS_HANDLERS_DIR"));
    return start(cluster, "muster-slave", arguments);
}

int cluster_end(struct cluster *cluster, pid_t process, int signal_number)
{
    int status = 0;

    ck_assert_int_gt(process, 0);
    kill(process, signal_number);
    while (waitpid(process, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    for (size_t i = 0; i < CLUSTER_PROCESSES_MAX; i++) {
        if (cluster->processes[i] == process) {
            cluster->processes[i] = 0;
        }
    }
    return status;
}
