#include "client/client_calls.h"

#include <stdlib.h>

#include "client/client_private.h"

void ms_client_calls_init(struct ms_client_calls *calls, uint64_t last)
{
    ms_assert(last < MS_NUMBER_MAX / 2);
    *calls = (struct ms_client_calls){.last = last};
}

static void end(struct ms_client_calls *calls, struct ms_called *call)
{
    ms_assert(call->number > 0 && calls->count > 0);
    free(call->block);
    *call = (struct ms_called){.number = 0};
    calls->count--;
}

void ms_client_calls_finish(struct ms_client_calls *calls)
{
    for (size_t i = 0; i < MS_CALLS_MAX; i++) {
        if (calls->items[i].number > 0) {
            end(calls, &calls->items[i]);
        }
    }
}

enum ms_error ms_client_calls_add(struct ms_client_calls *calls, const struct ms_command *call,
                                  uint64_t cookie)
{
    const struct ms_bytes what = call->detail, payload = call->payload;
    struct ms_called *item = NULL;

    if (what.size == 0 || what.size > MS_DETAIL_MAX || call->timeout < 0 ||
        call->timeout > MS_DURATION_MAX) {
        return MS_E_BAD_ARGUMENT;
    }
    if (payload.size > MS_SERVICE_RECORD_MAX) {
        return MS_E_PAYLOAD_SIZE;
    }
    for (size_t i = 0; i < MS_CALLS_MAX && item == NULL; i++) {
        item = calls->items[i].number == 0 ? &calls->items[i] : NULL;
    }
    if (item == NULL) {
        return MS_E_RETRY_LATER;
    }
    uint8_t *block = malloc(what.size + payload.size);

    if (block == NULL) {
        return MS_E_NO_MEMORY;
    }
    memcpy(block, what.data, what.size);
    if (payload.size > 0) {
        memcpy(block + what.size, payload.data, payload.size);
    }
    *item = (struct ms_called){
        .number = ++calls->last,
        .cookie = cookie,
        .wait = call->timeout,
        .what = {block, what.size},
        .payload = {block + what.size, payload.size},
        .block = block,
    };
    calls->count++;
    return MS_E_OK;
}

/* Everything below the first that is not answered is. */
static uint64_t floor_of(const struct ms_client_calls *calls)
{
    uint64_t first = calls->last + 1;

    for (size_t i = 0; i < MS_CALLS_MAX; i++) {
        const uint64_t number = calls->items[i].number;

        first = number > 0 && number < first ? number : first;
    }
    return first - 1;
}

static void refuse(struct ms_client_engine *engine, struct ms_called *call, enum ms_error error,
                   const char *why)
{
    const uint64_t cookie = call->cookie;

    end(&engine->calls, call);
    ms_client_engine_deliver(engine, cookie, MS_CLIENT_NOTE_NONE,
                             &(struct ms_command){.kind = MS_KIND_CALL_REPLY,
                                                  .error = (uint16_t)error,
                                                  .detail = ms_bytes_of(why)});
}

void ms_client_calls_send(struct ms_client_engine *engine, ms_time now)
{
    const struct ms_welcome *welcome = &engine->upstream.welcome;
    struct ms_client_calls *calls = &engine->calls;

    if (calls->count == 0 || !ms_upstream_is_up(&engine->upstream)) {
        return;
    }
    for (size_t i = 0; i < MS_CALLS_MAX; i++) {
        struct ms_called *call = &calls->items[i];

        if (call->number == 0 || call->is_sent || call->due > now) {
            continue;
        }
        if ((welcome->features & MS_FEATURE_CALLS) == 0) {
            refuse(engine, call, MS_E_FRAME_KIND, "this master is older, and knows no services");
            continue;
        }
        if (welcome->payload_max > 0 && call->payload.size > welcome->payload_max) {
            refuse(engine, call, MS_E_PAYLOAD_SIZE, ms_error_text(MS_E_PAYLOAD_SIZE));
            continue;
        }
        call->is_sent = true;
        ms_upstream_send(&engine->upstream, &(struct ms_command){
                                                .kind = MS_KIND_CALL,
                                                .id = {engine->client, call->number},
                                                .count = floor_of(calls),
                                                .timeout = call->wait,
                                                .detail = call->what,
                                                .payload = call->payload,
                                            });
    }
}

void ms_client_calls_hear(struct ms_client_engine *engine, ms_time now,
                          const struct ms_command *reply)
{
    struct ms_called *call = NULL;

    for (size_t i = 0; i < MS_CALLS_MAX && call == NULL; i++) {
        struct ms_called *item = &engine->calls.items[i];

        call = item->number == reply->id.seq && item->is_sent ? item : NULL;
    }
    if (call == NULL) {
        engine->counters.duplicates_total++;
        return;
    }
    if (reply->error == MS_E_RETRY_LATER) {
        const ms_time pause =
            reply->delay > MS_CLIENT_DELAY_MIN ? reply->delay : MS_CLIENT_DELAY_MIN;

        call->is_sent = false;
        call->due = now + (pause < MS_CLIENT_DELAY_MAX ? pause : MS_CLIENT_DELAY_MAX);
        return;
    }
    const uint64_t cookie = call->cookie;

    end(&engine->calls, call);
    ms_client_engine_deliver(engine, cookie, MS_CLIENT_NOTE_NONE, reply);
}

void ms_client_calls_lost(struct ms_client_calls *calls)
{
    ms_assert(calls->count <= MS_CALLS_MAX);
    for (size_t i = 0; i < MS_CALLS_MAX; i++) {
        calls->items[i].is_sent = false;
    }
}

ms_time ms_client_calls_deadline(const struct ms_client_calls *calls)
{
    ms_time at = MS_TIME_NEVER;

    for (size_t i = 0; i < MS_CALLS_MAX && calls->count > 0; i++) {
        const struct ms_called *call = &calls->items[i];

        if (call->number > 0 && !call->is_sent && call->due < at) {
            at = call->due;
        }
    }
    return at;
}
