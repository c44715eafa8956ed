/* Pauses: who is not of the pair is not heard, and what he said before is not lost. */
#include "core/io/driver_private.h"

#include <stdlib.h>

#include "core/invariant.h"

#define MARKED_PRIORITY 1 /* above other connections, below the clock */

void ms_hold_mark(struct ms_connection *connection)
{
    struct ev_loop *loop = ms_connection_driver(connection)->options.loop;
    const bool is_active = ev_is_active(&connection->io);

    if (connection->is_marked) {
        return;
    }
    connection->is_marked = true;
    connection->is_withheld = false;
    ev_io_stop(loop, &connection->io);
    ev_set_priority(&connection->io, MARKED_PRIORITY);
    if (is_active) {
        ev_io_start(loop, &connection->io);
    }
    if (ms_list_is_linked(&connection->hold)) { /* it was put aside before it was known */
        ms_list_remove(&connection->hold);
        ms_list_push_back(&ms_connection_driver(connection)->stashed, &connection->hold);
    }
}

static void withhold(struct ms_connection *connection)
{
    for (; connection != NULL; connection = connection->next_dirty) {
        connection->is_withheld =
            ms_connection_is_held(connection) && ms_encoder_pending(&connection->encoder) > 0;
        if (connection->is_withheld) {
            ms_hold_keep(connection);
        }
    }
}

/* Nothing leaves in a pause either, not even what was said just before. */
void ms_hold_pause(struct ms_driver *driver)
{
    driver->is_holding = true;
    withhold(driver->dirty);
    withhold(driver->flushing);
}

void ms_hold_keep(struct ms_connection *connection)
{
    if (!ms_list_is_linked(&connection->hold)) {
        ms_list_push_back(&ms_connection_driver(connection)->held, &connection->hold);
    }
    ms_connection_watch_again(connection);
}

void ms_hold_lose(struct ms_connection *connection, enum ms_error error)
{
    if (connection->lost == MS_E_OK) {
        connection->lost = (uint16_t)error;
    }
    ms_hold_keep(connection);
}

void ms_hold_forget(struct ms_connection *connection)
{
    ms_list_remove(&connection->hold);
    free(connection->stash);
    connection->stash = NULL;
    connection->lost = MS_E_OK;
}

void ms_hold_stash(struct ms_connection *connection, struct ms_bytes frame, uint32_t skip,
                   struct ms_bytes rest)
{
    struct ms_stash *stash = malloc(sizeof *stash + frame.size + rest.size);

    ms_assert(connection->stash == NULL);
    if (stash == NULL) {
        ms_hold_lose(connection, MS_E_NO_MEMORY);
        return;
    }
    stash->skip = skip;
    stash->size = frame.size + rest.size;
    if (frame.size > 0) {
        memcpy(stash->bytes, frame.data, frame.size);
    }
    if (rest.size > 0) {
        memcpy(stash->bytes + frame.size, rest.data, rest.size);
    }
    connection->stash = stash;
    ms_hold_keep(connection);
}

/* The time in which it was not heard does not count against it. */
static void restart_limit(struct ms_list *list, ms_time now)
{
    struct ms_list waiting;

    ms_list_init(&waiting);
    ms_list_for_each(link, list)
    {
        struct ms_connection *connection = ms_container_of(link, struct ms_connection, age);

        if (connection->has_spoken && !connection->is_marked) {
            ms_list_remove(link);
            connection->since = now;
            ms_list_push_back(&waiting, link);
        }
    }
    while (!ms_list_is_empty(&waiting)) {
        ms_list_push_back(list, ms_list_pop_front(&waiting));
    }
}

void ms_hold_resume(struct ms_driver *driver)
{
    struct ms_list *link;

    if (!driver->is_holding) {
        return;
    }
    driver->is_holding = false;
    restart_limit(&driver->pending, driver->now);
    restart_limit(&driver->partial, driver->now);
    while ((link = ms_list_pop_front(&driver->held)) != NULL) {
        struct ms_connection *connection = ms_container_of(link, struct ms_connection, hold);

        connection->is_withheld = false;
        if (connection->stash != NULL || connection->lost != MS_E_OK) {
            ms_list_push_back(&driver->stashed, link);
        } else {
            ms_connection_watch_again(connection);
        }
    }
}

/* One that was put aside; not from within a step. */
static void serve(struct ms_connection *connection)
{
    const enum ms_error lost = (enum ms_error)connection->lost;

    if (lost != MS_E_OK) {
        connection->lost = MS_E_OK;
        ms_connection_drop(connection, lost);
        return;
    }
    if (connection->stash != NULL) {
        ms_connection_serve_stash(connection);
    }
    if (connection->state == MS_CONNECTION_OPEN) {
        ms_connection_watch_again(connection);
    }
}

void ms_hold_serve(struct ms_driver *driver)
{
    struct ms_list *link;

    if (ms_list_is_empty(&driver->stashed)) {
        return;
    }
    while ((link = ms_list_pop_front(&driver->stashed)) != NULL) {
        struct ms_connection *connection = ms_container_of(link, struct ms_connection, hold);

        if (ms_connection_is_held(connection)) {
            ms_list_push_back(&driver->held, link);
        } else {
            serve(connection);
            ms_driver_served(driver);
        }
    }
}
