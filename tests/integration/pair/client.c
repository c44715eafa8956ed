/* Submits a number of commands of type torture to a pair of masters, and writes down when each was acknowledged and how
 * it came out, one line and one write each. Ends when all have.
 *
 * pair_client HISTORY MASTERS ID COUNT WINDOW WORK_US
 *
 * Lines: NS UP ERROR, NS DOWN ERROR, NS ACK SEQ DURABILITY COPIES, NS OUTCOME SEQ ERROR STATUS. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client/ms_client.h"

#define LINE_SIZE    128
#define PAYLOAD_SIZE 128
#define WAIT_MS      240000
#define CLOSE_MS     10000
#define NS_PER_S     1000000000ll

enum argument { ARG_HISTORY = 1, ARG_MASTERS, ARG_ID, ARG_COUNT, ARG_WINDOW, ARG_WORK, ARGUMENTS };

static struct {
    struct ms_client *client;
    const char *id, *work_us;
    int history;
    uint64_t submitted, count;
} self;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "pair_client: %s: %s\n", what, why);
    exit(EX_SOFTWARE);
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    char line[LINE_SIZE];
    struct timespec now;
    va_list list;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int size = snprintf(line, sizeof line, "%lld ",
                        (long long)now.tv_sec * NS_PER_S + (long long)now.tv_nsec);

    va_start(list, format);
    size += vsnprintf(line + size, sizeof line - (size_t)size, format, list);
    va_end(list);
    line[size++] = '\n';
    if (write(self.history, line, (size_t)size) != size) {
        die("history", strerror(errno));
    }
}

static void submit(void);

static void done(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    (void)client;
    (void)context;
    note("OUTCOME %" PRIu64 " %d %d", result->seq, result->error, result->status);
    submit();
}

static void accepted(struct ms_client *client, uint64_t seq, int durability, int copies,
                     void *context)
{
    (void)client;
    (void)context;
    note("ACK %" PRIu64 " %d %d", seq, durability, copies);
}

static void connection(struct ms_client *client, bool is_up, int error, void *context)
{
    (void)client;
    (void)context;
    note("%s %d", is_up ? "UP" : "DOWN", error);
}

/* The next one, if there is one. */
static void submit(void)
{
    char payload[PAYLOAD_SIZE];
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = "torture",
        .payload = payload,
        .payload_size = (size_t)snprintf(payload, sizeof payload, "torture %s %" PRIu64 " %s ok 0 ",
                                         self.id, self.submitted + 1, self.work_us),
        .on_accepted = accepted,
    };
    int error;

    if (self.submitted == self.count) {
        return;
    }
    self.submitted++;
    error = ms_client_submit(self.client, &submission, done, NULL, NULL);
    if (error != MS_CLIENT_OK) {
        die("submit", ms_client_strerror(error));
    }
}

int main(int argc, char **argv)
{
    struct ms_client_options options = {
        .size = sizeof options, .name = "pair", .on_connection = connection};
    struct ms_client_error error;

    if (argc != ARGUMENTS) {
        fprintf(stderr, "usage: %s HISTORY MASTERS ID COUNT WINDOW WORK_US\n", argv[0]);
        return EX_USAGE;
    }
    self.id = argv[ARG_ID];
    self.work_us = argv[ARG_WORK];
    self.count = strtoull(argv[ARG_COUNT], NULL, 10);
    self.history = open(argv[ARG_HISTORY], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (self.history < 0) {
        die(argv[ARG_HISTORY], strerror(errno));
    }
    options.masters = argv[ARG_MASTERS];
    options.id = self.id;
    options.window = (uint32_t)strtoull(argv[ARG_WINDOW], NULL, 10);
    self.client = ms_client_create(&options, &error);
    if (self.client == NULL) {
        die("create", error.text);
    }
    for (uint32_t i = 0; i < options.window; i++) {
        submit();
    }
    const int waited = ms_client_wait_all(self.client, WAIT_MS);

    if (waited != MS_CLIENT_OK) {
        die("wait", ms_client_strerror(waited));
    }
    ms_client_close(self.client, CLOSE_MS);
    ms_client_destroy(self.client);
    return EX_OK;
}
