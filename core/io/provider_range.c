/* Numbers from `from` to `to`, `step` apart; each is a command whose payload is `template` with the number for "{}". The cursor is
 * the number of the next one, so it needs none but the command's own. */
#include <stdio.h>
#include <stdlib.h>

#include "core/io/provider.h"
#include "core/limits.h"

#define NUMBER_SIZE 24 /* of one as text */

struct range {
    int64_t from, to, step;
    char *template; /* with NUMBER_SIZE bytes for each {} it is at most size bytes */
    char *payload;
};

static const char *const keys[] = {"from", "to", "step", "template", NULL};

static int read_number(const struct ms_provider_setup *setup, const char *key, int64_t *number,
                       struct ms_provider_reply *reply)
{
    const char *text = ms_provider_value(setup, key);
    char *end;
    long long value;

    if (text == NULL) {
        return 1;
    }
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value > INT64_MAX / 4 || value < INT64_MIN / 4) {
        snprintf(reply->why, sizeof reply->why, "%s=%.64s is no whole number of that size", key,
                 text);
        return 0;
    }
    *number = value;
    return 1;
}

static size_t size_max(const char *template)
{
    size_t size = strlen(template) + 1;

    for (const char *at = template; (at = strstr(at, "{}")) != NULL; at += 2) {
        size += NUMBER_SIZE;
    }
    return size;
}

static void close_range(void *self)
{
    struct range *range = self;

    free(range->template);
    free(range->payload);
    free(range);
}

static int read_setup(struct range *range, const struct ms_provider_setup *setup,
                      struct ms_provider_reply *reply)
{
    if (!read_number(setup, "from", &range->from, reply) ||
        !read_number(setup, "to", &range->to, reply) ||
        !read_number(setup, "step", &range->step, reply)) {
        return 0;
    }
    if (ms_provider_value(setup, "to") == NULL) {
        snprintf(reply->why, sizeof reply->why, "to= says where a range ends");
        return 0;
    }
    if (range->step == 0) {
        snprintf(reply->why, sizeof reply->why, "step=0 never ends");
        return 0;
    }
    return 1;
}

static void *open_range(const struct ms_provider_setup *setup, struct ms_provider_reply *reply)
{
    const char *template = ms_provider_value(setup, "template");
    struct range *range = calloc(1, sizeof *range);

    template = template != NULL ? template : "{}";
    if (range == NULL || (range->template = malloc(strlen(template) + 1)) == NULL ||
        (range->payload = malloc(size_max(template))) == NULL) {
        snprintf(reply->why, sizeof reply->why, "out of memory");
        if (range != NULL) {
            close_range(range);
        }
        return NULL;
    }
    memcpy(range->template, template, strlen(template) + 1);
    range->from = 1;
    range->step = 1;
    if (!read_setup(range, setup, reply)) {
        close_range(range);
        return NULL;
    }
    return range;
}

/* Bytes of the payload. */
static size_t fill(const struct range *range, int64_t number)
{
    const char *at = range->template, *next;
    char *to = range->payload;

    for (; (next = strstr(at, "{}")) != NULL; at = next + 2) {
        memcpy(to, at, (size_t)(next - at));
        to += next - at;
        to += snprintf(to, NUMBER_SIZE, "%lld", (long long)number);
    }
    memcpy(to, at, strlen(at));
    return (size_t)(to - range->payload) + strlen(at);
}

/* How many there are at all. */
static uint64_t length(const struct range *range)
{
    const int64_t span = range->to - range->from;

    if (span != 0 && (span > 0) != (range->step > 0)) {
        return 0;
    }
    return (uint64_t)(span / range->step) + 1;
}

static int produce(void *self, const struct ms_provider_ask *ask, struct ms_provider_reply *reply)
{
    const struct range *range = self;
    const uint64_t last = length(range);

    for (uint32_t i = 0; i < ask->count && ask->number + i <= last; i++) {
        const int64_t number = range->from + (int64_t)(ask->number + i - 1) * range->step;
        char cursor[NUMBER_SIZE];
        const struct ms_provider_command command = {
            .payload = range->payload,
            .payload_size = fill(range, number),
            .cursor = cursor,
            .cursor_size = (size_t)snprintf(cursor, sizeof cursor, "%lld", (long long)number),
        };

        reply->put(reply, &command);
    }
    return ask->number + ask->count > last ? MS_PROVIDER_END : MS_PROVIDER_MORE;
}

const struct ms_provider ms_provider_range = {
    MS_PROVIDER_HEADER, .name = "range",      .keys = keys,
    .open = open_range, .close = close_range, .produce = produce,
};
