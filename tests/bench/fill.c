/* fill MASTERS COUNT SIZE TYPE [TEXT]: submits COUNT commands of SIZE bytes, class sync, in the background, and ends when all
 * of them are acknowledged. Their payload is TEXT, and zeros behind it. Prints how long it took, as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "client/ms_client.h"

#define SIZE_MAX_BYTES 4096
#define LIMIT_MS       120000
#define CLOSE_MS       10000

static struct {
    const char *type;
    uint64_t wanted, submitted, accepted, failed;
    size_t size;
    char body[SIZE_MAX_BYTES];
} self;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void done(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    (void)client, (void)context;
    if (result->error == MS_CLIENT_OK && result->is_background) {
        self.accepted++;
        return;
    }
    if (self.failed++ == 0) {
        fprintf(stderr, "fill: %s: %s\n", ms_client_strerror(result->error), result->detail);
    }
}

/* As many as find room. */
static void submit(struct ms_client *client, void *context)
{
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = self.type,
        .payload = self.body,
        .payload_size = self.size,
        .flags = MS_CLIENT_BACKGROUND,
        .durability = MS_CLIENT_DURABILITY_SYNC,
    };

    (void)context;
    while (self.submitted < self.wanted &&
           ms_client_submit(client, &submission, done, NULL, NULL) == MS_CLIENT_OK) {
        self.submitted++;
    }
}

int main(int argc, char **argv)
{
    struct ms_client_options options = {.size = sizeof options, .name = "fill", .on_room = submit};
    struct ms_client_error error;
    struct ms_client *client;
    double begun;

    if (argc < 5 || (self.size = strtoull(argv[3], NULL, 10)) > SIZE_MAX_BYTES) {
        fprintf(stderr, "usage: %s MASTERS COUNT SIZE TYPE [TEXT]\n", argv[0]);
        return EX_USAGE;
    }
    self.wanted = strtoull(argv[2], NULL, 10);
    self.type = argv[4];
    if (argc > 5) {
        snprintf(self.body, sizeof self.body, "%s", argv[5]);
    }
    options.masters = argv[1];
    client = ms_client_create(&options, &error);
    if (client == NULL) {
        fprintf(stderr, "fill: %s\n", error.text);
        return EX_SOFTWARE;
    }
    begun = now();
    submit(client, NULL);
    ms_client_wait_all(client, LIMIT_MS);
    printf("{\"accepted\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.3f}\n", self.accepted,
           self.failed, now() - begun);
    ms_client_close(client, CLOSE_MS);
    ms_client_destroy(client);
    return self.accepted == self.wanted ? EX_OK : EX_SOFTWARE;
}
