#include "client/api_private.h"

#define MS_PER_SECOND 1e3

void ms_client_post(struct ms_client *client, enum ms_event_type type, uint64_t cookie,
                    const struct ms_command *command)
{
    ms_driver_post(client->driver,
                   &(struct ms_event){.type = type, .seq = cookie, .command = command});
}

/* The limit's timer is one, so an inner wait (of the caller's own watchers) sets the outer one aside. */
struct outer {
    ev_tstamp left;
    bool is_active, is_over, is_broken;
};

static struct outer begin(struct ms_client *client, int64_t timeout_ms)
{
    struct outer outer = {
        .is_active = ev_is_active(&client->limit),
        .is_over = client->is_limit_over,
        .is_broken = client->is_broken,
    };

    if (outer.is_active) {
        outer.left = ev_timer_remaining(client->loop, &client->limit);
        ev_timer_stop(client->loop, &client->limit);
    }
    client->is_limit_over = timeout_ms == 0;
    client->is_broken = false;
    if (timeout_ms > 0) {
        /* The loop's idea of now may be old when it has not run for a while. */
        ev_now_update(client->loop);
        ev_timer_set(&client->limit, (ev_tstamp)timeout_ms / MS_PER_SECOND, 0.);
        ev_timer_start(client->loop, &client->limit);
    }
    return outer;
}

static void end(struct ms_client *client, const struct outer *outer)
{
    ev_timer_stop(client->loop, &client->limit);
    client->is_limit_over = outer->is_over;
    client->is_broken = outer->is_broken;
    if (outer->is_active) {
        ev_timer_set(&client->limit, outer->left > 0 ? outer->left : 0., 0.);
        ev_timer_start(client->loop, &client->limit);
    }
}

int ms_client_run_until(struct ms_client *client, int64_t timeout_ms,
                        bool (*is_done)(const struct ms_client *client, const void *what),
                        const void *what)
{
    int error = MS_CLIENT_OK;

    if (client->depth > 0) {
        return MS_CLIENT_BAD_STATE;
    }
    const struct outer outer = begin(client, timeout_ms);

    while (!is_done(client, what)) {
        if (client->is_limit_over || client->is_broken) {
            error = MS_CLIENT_TIMEOUT;
            break;
        }
        ev_run(client->loop, EVRUN_ONCE);
    }
    end(client, &outer);
    return error;
}

static bool is_broken(const struct ms_client *client, const void *what)
{
    (void)what;
    return client->is_broken;
}

int ms_client_run(struct ms_client *client, int64_t timeout_ms)
{
    return ms_client_run_until(client, timeout_ms, is_broken, NULL);
}

void ms_client_break(struct ms_client *client)
{
    client->is_broken = true;
    ev_break(client->loop, EVBREAK_ONE);
}

static bool is_idle(const struct ms_client *client, const void *what)
{
    (void)what;
    return ms_client_outstanding(client) == 0;
}

int ms_client_wait_all(struct ms_client *client, int64_t timeout_ms)
{
    return ms_client_run_until(client, timeout_ms, is_idle, NULL);
}

static bool is_connected(const struct ms_client *client, const void *what)
{
    (void)what;
    return ms_client_is_connected(client);
}

int ms_client_wait_connected(struct ms_client *client, int64_t timeout_ms)
{
    return ms_client_run_until(client, timeout_ms, is_connected, NULL);
}
