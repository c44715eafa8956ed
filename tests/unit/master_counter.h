/* A service that counts, and one that leaves all it can to the framework: for the tests of services. */
#ifndef TESTS_UNIT_MASTER_COUNTER_H
#define TESTS_UNIT_MASTER_COUNTER_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "services/ms_service.h"

struct counter {
    uint64_t total, applied;
    char configuration[64];
};

/* What the service was told; of all that were ever made. */
static struct {
    int created, destroyed, taken_over, failed_back, peer_lost, peer_back;
    bool refuses_configuration, refuses_snapshot, proposes_on_take_over;
    size_t padding; /* bytes of a snapshot beside the numbers */
} told;

static void *counter_create(const struct ms_service_host *host)
{
    ck_assert_uint_eq(host->abi, MS_SERVICE_ABI);
    told.created++;
    return calloc(1, sizeof(struct counter));
}

static void counter_destroy(void *state)
{
    told.destroyed++;
    free(state);
}

static void say_number(struct ms_service_writer *out, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    ms_service_say(out, text);
}

/* get, add (payload: so much), wait/N (until the total is N), long (a reply that is too long) */
static int counter_handle(void *state, const struct ms_service_call *call,
                          struct ms_service_writer *out)
{
    const struct counter *counter = state;
    const char *what = call->url->parameters;

    if (strcmp(what, "get") == 0) {
        say_number(out, counter->total);
        return MS_SERVICE_REPLY;
    }
    if (strcmp(what, "configuration") == 0) {
        ms_service_say(out, counter->configuration);
        return MS_SERVICE_REPLY;
    }
    if (strncmp(what, "wait/", 5) == 0 && counter->total < strtoull(what + 5, NULL, 10)) {
        return MS_SERVICE_WAIT;
    }
    if (strncmp(what, "wait/", 5) == 0) {
        say_number(out, counter->total);
        return MS_SERVICE_REPLY;
    }
    if (strcmp(what, "add") == 0 || strcmp(what, "long") == 0) {
        ms_service_write(out, call->payload, call->payload_size);
        return MS_SERVICE_PROPOSE;
    }
    ms_service_say(out, "get, add, wait");
    return MS_SERVICE_BAD_ARGUMENT;
}

static int counter_apply(void *state, const struct ms_service_change *change,
                         struct ms_service_writer *out)
{
    struct counter *counter = state;
    char text[32] = "";
    char filler[512] = "";

    counter->applied++;
    if (change->data_size >= sizeof text) {
        for (size_t i = 0; i < MS_SERVICE_KEPT_MAX; i += sizeof filler - 1) {
            ms_service_write(out, filler, sizeof filler);
        }
        return MS_SERVICE_REPLY;
    }
    memcpy(text, change->data, change->data_size);
    counter->total += strtoull(text, NULL, 10);
    say_number(out, counter->total);
    return MS_SERVICE_REPLY;
}

static int counter_snapshot(const void *state, struct ms_service_writer *out)
{
    static const uint8_t nothing[4096];

    ms_service_write(out, state, sizeof(struct counter));
    for (size_t left = told.padding; left > 0;) {
        const size_t size = left < sizeof nothing ? left : sizeof nothing;

        ms_service_write(out, nothing, size);
        left -= size;
    }
    return told.refuses_snapshot ? -1 : 0;
}

static int counter_restore(void *state, const void *data, size_t size)
{
    if (size < sizeof(struct counter)) {
        return -1;
    }
    memcpy(state, data, sizeof(struct counter));
    return 0;
}

static int counter_configured(void *state, const void *data, size_t size)
{
    struct counter *counter = state;

    ck_assert_uint_lt(size, sizeof counter->configuration);
    memcpy(counter->configuration, data, size);
    counter->configuration[size] = '\0';
    return told.refuses_configuration ? -1 : 0;
}

static int counter_take_over(void *state, uint64_t epoch, int64_t wall_us,
                             struct ms_service_writer *out)
{
    (void)state, (void)wall_us;
    ck_assert_uint_gt(epoch, 0);
    told.taken_over++;
    ms_service_say(out, "1000");
    return told.proposes_on_take_over ? MS_SERVICE_PROPOSE : MS_SERVICE_REPLY;
}

static void counter_fail_back(void *state)
{
    (void)state;
    told.failed_back++;
}

static void counter_heartbeat(const void *state, struct ms_service_writer *out)
{
    say_number(out, ((const struct counter *)state)->total);
}

static void counter_peer(void *state, int is_there)
{
    (void)state;
    told.peer_lost += is_there ? 0 : 1;
    told.peer_back += is_there ? 1 : 0;
}

static const struct ms_service counter_service = {
    MS_SERVICE_HEADER,
    .type = "counter",
    .create = counter_create,
    .destroy = counter_destroy,
    .handle = counter_handle,
    .apply = counter_apply,
    .snapshot = counter_snapshot,
    .restore = counter_restore,
    .configured = counter_configured,
    .take_over = counter_take_over,
    .fail_back = counter_fail_back,
    .heartbeat = counter_heartbeat,
    .peer = counter_peer,
};

/* All it leaves to the framework. */
static const struct ms_service plain_service = {
    MS_SERVICE_HEADER,          .type = "plain",        .create = counter_create,
    .destroy = counter_destroy, .apply = counter_apply,
};

#endif
