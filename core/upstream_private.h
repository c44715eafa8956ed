/* The parts of a way up, for the files upstream*.c. */
#ifndef CORE_UPSTREAM_PRIVATE_H
#define CORE_UPSTREAM_PRIVATE_H

#include "core/upstream.h"

#define MS_PARK_SPREAD                                                                             \
    (10 *                                                                                          \
     MS_SEC) /* so long after WELCOME at most another master is connected to, to be parked at */
#define MS_PARK_RETRY_MIN                                                                          \
    (1 * MS_SEC) /* first pause when that fails or ends; it doubles, with jitter */
#define MS_PARK_RETRY_MAX (60 * MS_SEC)
#define MS_PARK_STAY      (10 * MS_SEC) /* who was parked so long begins with the first pause again */

static_assert(MS_PARK_STAY > 2 * MS_HELLO_TIMEOUT, "who does not bear the silent is asked rarely");

/* The effects of both connections. */
void ms_upstream_dial(struct ms_upstream *upstream, uint32_t address_at);
void ms_upstream_greet(struct ms_upstream *upstream, ms_time now, ms_peer peer);
void ms_upstream_close(struct ms_upstream *upstream, ms_peer peer);
/* WELCOME on the connection that is in use from now on. */
enum ms_upstream_news ms_upstream_welcomed(struct ms_upstream *upstream, ms_time now,
                                           const struct ms_welcome *welcome);

/* upstream_second.c. The connection beside the one in use, while that is UP. */
bool ms_upstream_is_second(const struct ms_upstream *upstream, const struct ms_event *event);
ms_time ms_upstream_second_deadline(const struct ms_upstream *upstream);
void ms_upstream_tick_second(struct ms_upstream *upstream, ms_time now);
void ms_upstream_second_opened(struct ms_upstream *upstream, ms_time now, ms_peer peer);
/* A master has taken us: nothing of an earlier one is left, and another is parked at in a while. */
void ms_upstream_begin_second(struct ms_upstream *upstream, ms_time now);
/* The master in use has been heard of: no other is greeted. */
void ms_upstream_relax_second(struct ms_upstream *upstream, ms_time now);
/* It is closed, or was not opened: it is dialled again. */
void ms_upstream_retry_second(struct ms_upstream *upstream, ms_time now);
void ms_upstream_drop_second(struct ms_upstream *upstream);
/* What the other master answers. MOVED once it has taken us: the one that is late is left. */
enum ms_upstream_news ms_upstream_hear_second(struct ms_upstream *upstream, ms_time now,
                                              const struct ms_event *event);

/* The one that is parked at the address in turn becomes the one in use; false when there is none. */
bool ms_upstream_take_second(struct ms_upstream *upstream);

#endif
