/* Waiting for several futures at a time. */
#include "client/api_private.h"

struct many {
    struct ms_future *const *futures;
    size_t count;
};

/* The client that they all belong to; false when there are two. Those whose client
 * is gone have ended, and need none. */
static bool find_client(const struct many *many, struct ms_client **client_out)
{
    struct ms_client *client = NULL;

    for (size_t i = 0; i < many->count; i++) {
        struct ms_client *other = many->futures[i]->client;

        if (client != NULL && other != NULL && other != client) {
            return false;
        }
        client = other != NULL ? other : client;
    }
    *client_out = client;
    return true;
}

/* The one that ended first; count when none has. */
static size_t first_done(const struct many *many)
{
    size_t first = many->count;

    for (size_t i = 0; i < many->count; i++) {
        const uint64_t number = many->futures[i]->done_number;

        if (number != 0 && (first == many->count || number < many->futures[first]->done_number)) {
            first = i;
        }
    }
    return first;
}

static bool is_any_done(const struct ms_client *client, const void *what)
{
    const struct many *many = what;

    (void)client;
    return first_done(many) < many->count;
}

static bool are_all_done(const struct ms_client *client, const void *what)
{
    const struct many *many = what;

    (void)client;
    for (size_t i = many->count; i > 0; i--) { /* the last ones mostly end last */
        if (many->futures[i - 1]->done_number == 0) {
            return false;
        }
    }
    return true;
}

static int wait_for(const struct many *many, int64_t timeout_ms,
                    bool (*is_done)(const struct ms_client *client, const void *what))
{
    struct ms_client *client = NULL;

    if (!find_client(many, &client)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    if (is_done(NULL, many)) {
        return MS_CLIENT_OK;
    }
    ms_assert(client != NULL); /* destroy ends every future */
    return ms_client_run_until(client, timeout_ms, is_done, many);
}

int ms_future_wait_all(struct ms_future *const *futures, size_t count, int64_t timeout_ms)
{
    return wait_for(&(struct many){futures, count}, timeout_ms, are_all_done);
}

int ms_future_wait_any(struct ms_future *const *futures, size_t count, int64_t timeout_ms,
                       size_t *index_out)
{
    const struct many many = {futures, count};

    if (count == 0) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    const int error = wait_for(&many, timeout_ms, is_any_done);

    if (error == MS_CLIENT_OK && index_out != NULL) {
        *index_out = first_done(&many);
    }
    return error;
}

int ms_future_take_done(struct ms_future **futures, size_t *count, int64_t timeout_ms,
                        struct ms_future **future_out)
{
    size_t index = 0;
    const int error = ms_future_wait_any(futures, *count, timeout_ms, &index);

    if (error == MS_CLIENT_OK) {
        *future_out = futures[index];
        futures[index] = futures[--*count];
    }
    return error;
}
