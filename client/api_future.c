#include <stdlib.h>

#include "client/api_private.h"
#include "core/io/clock.h"

/* Takes over what a result borrows, in one block. */
static bool keep(struct ms_future *future, const struct ms_client_result *result)
{
    const size_t detail_size = strlen(result->detail) + 1;
    const size_t slave_size = strlen(result->slave) + 1;
    const size_t texts_at = result->payload_size;

    future->bytes = malloc(texts_at + detail_size + slave_size);
    if (future->bytes == NULL) {
        return false;
    }
    if (result->payload_size > 0) {
        memcpy(future->bytes, result->payload, result->payload_size);
    }
    memcpy(future->bytes + texts_at, result->detail, detail_size);
    memcpy(future->bytes + texts_at + detail_size, result->slave, slave_size);
    future->result = *result;
    future->result.payload = future->bytes;
    future->result.detail = (const char *)future->bytes + texts_at;
    future->result.slave = (const char *)future->bytes + texts_at + detail_size;
    return true;
}

static void end_future(struct ms_future *future, uint64_t number, int error)
{
    future->done_number = number;
    future->result = (struct ms_client_result){
        .size = sizeof future->result,
        .seq = future->seq,
        .error = error,
        .status = MS_CLIENT_STATUS_FAIL,
        .detail = "",
        .slave = "",
    };
}

/* on_done of every submission that a future was made for. The future may be gone. */
static void future_done(struct ms_client *client, const struct ms_client_result *result,
                        void *context)
{
    struct ms_future *future = ms_client_find(client, result->seq);

    (void)context;
    if (future == NULL) {
        return;
    }
    client->futures_done++;
    if (keep(future, result)) {
        future->done_number = client->futures_done;
    } else {
        end_future(future, client->futures_done, MS_CLIENT_NO_MEMORY);
    }
}

static void set_error(int *error_out, int error)
{
    if (error_out != NULL) {
        *error_out = error;
    }
}

/* Futures in the map under the numbers to come: once submitted, nothing may fail any more. False leaves
 * nothing behind. */
static bool prepare(struct ms_client *client, struct ms_future **futures, uint32_t count)
{
    const uint64_t first = client->engine.requests.seq_last + 1;

    for (uint32_t i = 0; i < count; i++) {
        futures[i] = calloc(1, sizeof *futures[i]);
        if (futures[i] == NULL ||
            !ms_map_put_pointer(&client->futures_by_seq, ms_key_of(0, first + i), futures[i])) {
            free(futures[i]);
            while (i-- > 0) {
                ms_map_remove(&client->futures_by_seq, ms_key_of(0, first + i));
                free(futures[i]);
            }
            return false;
        }
    }
    return true;
}

static int make_futures(struct ms_client *client, const struct ms_client_submission *submission,
                        struct ms_future **futures, uint32_t count)
{
    const uint64_t first = client->engine.requests.seq_last + 1;
    uint64_t seq = 0;

    if (!prepare(client, futures, count)) {
        return MS_CLIENT_NO_MEMORY;
    }
    const int error = ms_client_submit(client, submission, future_done, NULL, &seq);

    ms_assert(error != MS_CLIENT_OK || seq == first);
    for (uint32_t i = 0; i < count; i++) {
        if (error != MS_CLIENT_OK) {
            ms_map_remove(&client->futures_by_seq, ms_key_of(0, first + i));
            free(futures[i]);
            continue;
        }
        futures[i]->seq = first + i;
        futures[i]->client = client;
        ms_list_init(&futures[i]->link);
        ms_list_push_back(&client->futures, &futures[i]->link);
    }
    return error;
}

/* The fields that a caller of any age may not have. */
static uint32_t array_count_of(const struct ms_client_submission *submission)
{
    struct ms_client_submission known;

    return ms_client_copy_struct(&known, sizeof known, submission) ? ms_client_numbers_of(&known)
                                                                   : 0;
}

struct ms_future *ms_client_future(struct ms_client *client,
                                   const struct ms_client_submission *submission, int *error_out)
{
    struct ms_future *future = NULL;
    const int error = array_count_of(submission) == 0
                          ? make_futures(client, submission, &future, 1)
                          : MS_CLIENT_BAD_ARGUMENT; /* one future cannot hold many results */

    set_error(error_out, error);
    return error == MS_CLIENT_OK ? future : NULL;
}

int ms_client_future_array(struct ms_client *client, const struct ms_client_submission *submission,
                           struct ms_future **futures_out)
{
    const uint32_t count = array_count_of(submission);

    return count == 0 || count > MS_ARRAY_MAX
               ? MS_CLIENT_BAD_ARGUMENT
               : make_futures(client, submission, futures_out, count);
}

struct ms_future *ms_client_find(const struct ms_client *client, uint64_t seq)
{
    return ms_map_find_pointer(&client->futures_by_seq, ms_key_of(0, seq));
}

uint64_t ms_future_seq(const struct ms_future *future)
{
    return future->seq;
}

bool ms_future_is_done(const struct ms_future *future)
{
    return future->done_number != 0;
}

const struct ms_client_result *ms_future_result(const struct ms_future *future)
{
    return ms_future_is_done(future) ? &future->result : NULL;
}

static bool is_done(const struct ms_client *client, const void *what)
{
    const struct ms_future *future = what;

    (void)client;
    return ms_future_is_done(future);
}

int ms_future_wait(struct ms_future *future, int64_t timeout_ms)
{
    if (ms_future_is_done(future)) {
        return MS_CLIENT_OK;
    }
    ms_assert(future->client != NULL); /* destroy ends every future */
    return ms_client_run_until(future->client, timeout_ms, is_done, future);
}

void ms_future_free(struct ms_future *future)
{
    if (future == NULL) {
        return;
    }
    if (future->client != NULL) {
        ms_list_remove(&future->link);
        ms_map_remove(&future->client->futures_by_seq, ms_key_of(0, future->seq));
    }
    free(future->bytes);
    free(future);
}

void ms_client_end_futures(struct ms_client *client)
{
    ms_list_for_each(link, &client->futures)
    {
        struct ms_future *future = ms_container_of(link, struct ms_future, link);

        ms_list_remove(link);
        future->client = NULL;
        if (!ms_future_is_done(future)) {
            end_future(future, ++client->futures_done, MS_CLIENT_CLOSED);
        }
    }
}

static bool has_room(const struct ms_client *client, const void *what)
{
    (void)what;
    return !client->engine.was_refused;
}

/* What is left until the time is over; below 0 there is no limit. */
static int64_t left_ms(ms_time deadline)
{
    const ms_time now = ms_clock_now();

    if (deadline == MS_TIME_NEVER) {
        return -1;
    }
    return deadline > now ? (deadline - now + MS_MSEC - 1) / MS_MSEC : 0;
}

/* Submits as soon as there is room. */
static struct ms_future *submit_patiently(struct ms_client *client,
                                          const struct ms_client_submission *submission,
                                          ms_time deadline, int *error_out)
{
    for (;;) {
        struct ms_future *future = ms_client_future(client, submission, error_out);

        if (future != NULL || *error_out != MS_CLIENT_BUSY) {
            return future;
        }
        *error_out = ms_client_run_until(client, left_ms(deadline), has_room, NULL);
        if (*error_out != MS_CLIENT_OK) {
            return NULL;
        }
    }
}

struct ms_future *ms_call(struct ms_client *client, const struct ms_client_submission *submission,
                          int64_t timeout_ms, int *error_out)
{
    int error = MS_CLIENT_OK;
    const ms_time deadline = timeout_ms < 0 || timeout_ms > INT64_MAX / 2 / MS_MSEC
                                 ? MS_TIME_NEVER
                                 : ms_clock_now() + timeout_ms * MS_MSEC;

    if (client->depth > 0) {
        set_error(error_out, MS_CLIENT_BAD_STATE);
        return NULL;
    }
    struct ms_future *future = submit_patiently(client, submission, deadline, &error);

    if (future != NULL) {
        error = ms_future_wait(future, left_ms(deadline));
        if (error != MS_CLIENT_OK) {
            ms_client_cancel(client, future->seq);
            ms_future_free(future);
            future = NULL;
        }
    }
    set_error(error_out, error);
    return future;
}
