/* Carries out what a master wants of its providers, on one thread for all of them: OPEN, PRODUCE and TELL, in their order. Answers
 * come back to the loop as PRODUCED and TOLD. */
#ifndef CORE_IO_PRODUCER_H
#define CORE_IO_PRODUCER_H

#include <ev.h>

#include "core/engine.h"
#include "core/io/provider.h"

/* One provider, which the engine knows by its place, from 1. */
struct ms_producer_settings {
    const struct ms_provider *provider;
    const char *name;
    const struct ms_option_list *with;
};

/* Called on the loop's thread; the event's bytes are lent for the call. */
typedef void (*ms_producer_fn)(void *context, const struct ms_event *event);

struct ms_producer_options {
    struct ev_loop *loop;
    const struct ms_producer_settings *settings; /* all of it borrowed for as long as it lives */
    uint32_t count;
    ms_producer_fn answer;
    void *context;
};

struct ms_producer;

struct ms_producer *
ms_producer_create(const struct ms_producer_options *options); /* NULL: no memory */

/* Waits for the call that a provider is in, closes all of them, and forgets what was not answered. Accepts NULL. */
void ms_producer_destroy(struct ms_producer *producer);

/* One of the three effects; it is copied. */
void ms_producer_carry_out(struct ms_producer *producer, const struct ms_effect *effect);

#endif
