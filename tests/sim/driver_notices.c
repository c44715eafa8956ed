/* What a process is told at its next turn: by the kernel, by its handlers, by its application. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "tests/sim/driver.h"
#include "tests/sim/world.h"

void sim_posted_free(struct sim_posted *posted)
{
    if (posted != NULL) {
        free(posted->payload);
        free(posted);
    }
}

void sim_driver_operate(struct sim_world *world, struct sim_node *node,
                        const struct ms_command *greeting, const struct ms_command *order)
{
    const struct ms_command *const said[] = {greeting, order};

    node->driver.clock = sim_node_clock(world, node);
    for (size_t i = 0; i < sizeof said / sizeof said[0] && !node->is_doomed; i++) {
        sim_driver_step(world, node,
                        &(struct ms_event){.type = MS_EVENT_RECEIVED,
                                           .peer = SIM_OPERATOR_PEER,
                                           .command = said[i]});
    }
    if (!node->is_doomed) {
        sim_driver_step(
            world, node,
            &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = SIM_OPERATOR_PEER});
    }
    sim_node_wake(world, node, world->now + 1);
}

void sim_driver_notice(struct sim_world *world, struct sim_node *node, struct sim_notice notice)
{
    struct sim_driver *driver = &node->driver;

    if (driver->notices_head + driver->notices_count == driver->notices_capacity) {
        if (driver->notices_head > 0) {
            memmove(driver->notices, driver->notices + driver->notices_head,
                    driver->notices_count * sizeof *driver->notices);
            driver->notices_head = 0;
        } else {
            driver->notices_capacity =
                driver->notices_capacity == 0 ? 32 : driver->notices_capacity * 2;
            driver->notices =
                realloc(driver->notices, driver->notices_capacity * sizeof *driver->notices);
            ms_assert(driver->notices != NULL);
        }
    }
    driver->notices[driver->notices_head + driver->notices_count++] = notice;
    /* A process needs a moment to wake up; what comes meanwhile is handled in the same turn. */
    sim_node_wake(world, node, world->now + 1 + (ms_time)ms_rng_below(&world->rng_net, 60));
}

void sim_driver_post(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    struct sim_posted *posted = calloc(1, sizeof *posted);

    ms_assert(posted != NULL);
    posted->event = *event;
    if (event->command != NULL) {
        posted->command = *event->command;
        posted->event.command = &posted->command;
        const struct ms_bytes detail = event->command->detail;

        if (event->command->kind != MS_KIND_CALL) { /* whose detail is a constant */
            posted->command.detail = (struct ms_bytes){NULL, 0};
        }
        if (event->type == MS_EVENT_PRODUCED && detail.size > 0) { /* a cursor */
            ms_assert(detail.size <= sizeof posted->detail);
            memcpy(posted->detail, detail.data, detail.size);
            posted->command.detail = (struct ms_bytes){posted->detail, detail.size};
        }
        if (event->command->payload.size > 0) {
            posted->payload = malloc(event->command->payload.size);
            ms_assert(posted->payload != NULL);
            memcpy(posted->payload, event->command->payload.data, event->command->payload.size);
            posted->command.payload.data = posted->payload;
        }
        if (event->command->kind == MS_KIND_QUERY) {
            posted->query = *event->command->body.query;
            posted->command.body.query = &posted->query;
        }
        if (event->command->terms != NULL) {
            posted->terms = *event->command->terms;
            posted->command.terms = &posted->terms;
        }
        if (event->command->usage != NULL) {
            posted->usage = *event->command->usage;
            posted->command.usage = &posted->usage;
        }
    }
    sim_driver_notice(world, node,
                      (struct sim_notice){.kind = SIM_NOTICE_POSTED, .posted = posted});
}
