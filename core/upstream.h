/* The way up, the same for slaves and clients: which master to talk to, the greeting, heartbeats in
 * both directions, back-off with jitter, fencing by epoch. A part of an engine, not an engine.
 *
 *   IDLE --connect--> CONNECTING --opened--> GREETING --WELCOME--> UP
 *     ^                   |                     |                  |
 *     +---- back-off -----+-- failed, silent ---+-- lost, silent --+
 *
 * A master that is late while others are known is given up only for one that answers: a second connection goes through
 * CONNECTING and GREETING beside it, to the next address, until either is heard. So whoever takes over from a master
 * that vanished is found as soon as it has, and not after the silence that ends a session.
 *
 * Where there are several addresses, a connection to another master may be parked beside the one in use (is_parking): it stands, nothing is
 * said on it, and HELLO goes there as soon as the one in use ends or its master is late. There is one at most.
 *
 * The owner feeds it its engine's events first and looks at what it says happened. It emits CONNECT,
 * CLOSE and SEND (HELLO, BEAT, BEAT_ACK) through the owner's engine. */
#ifndef CORE_UPSTREAM_H
#define CORE_UPSTREAM_H

#include "core/engine.h"
#include "core/rng.h"

#define MS_UPSTREAM_BEATS_KEPT                                                                     \
    8 /* when they were sent: more than fit into the silence that ends a session */

enum ms_upstream_state {
    MS_UPSTREAM_IDLE, /* waiting for the back-off to pass, or stopped */
    MS_UPSTREAM_CONNECTING,
    MS_UPSTREAM_GREETING, /* connected, HELLO sent */
    MS_UPSTREAM_UP,
    MS_UPSTREAM_STATES
};

/* What a step meant for the owner. */
enum ms_upstream_news {
    MS_UPSTREAM_NOTHING,  /* handled, or none of its business and not from the current peer */
    MS_UPSTREAM_RECEIVED, /* a command from the master for the owner to handle */
    MS_UPSTREAM_WELCOMED, /* UP now; upstream->welcome is fresh, .resumed says of which session */
    MS_UPSTREAM_LOST,     /* was UP, is not any more; it will try again by itself */
    MS_UPSTREAM_MOVED,    /* was UP, and is at another master: LOST and WELCOMED at once */
    MS_UPSTREAM_REFUSED,  /* greeting failed (last_error says how); it will try again */
};

enum ms_upstream_second_state {
    MS_UPSTREAM_SECOND_NONE,
    MS_UPSTREAM_SECOND_CONNECTING,
    MS_UPSTREAM_SECOND_PARKED,   /* stands, and nothing was said on it */
    MS_UPSTREAM_SECOND_GREETING, /* HELLO was said, since the master in use is late */
};

/* The connection beside the one in use, to another master. */
struct ms_upstream_second {
    enum ms_upstream_second_state state;
    uint32_t address_at, tag;
    ms_peer peer;
    ms_time backoff, retry_at, greet_by;      /* while the master in use is late */
    ms_time park_backoff, park_at, parked_at; /* else */
};

/* Which of our addresses a master named that is not active. Nobody is sent elsewhere than where he was told to look at first, and
 * each hint is followed once: who named it may be wrong, or see another network than we. */
struct ms_upstream_hint {
    uint32_t at, from; /* address that was named; by that one */
    uint32_t deaf;     /* attempts until the next is listened to */
    bool is_named;     /* at is where to go next */
    bool is_followed;  /* at is being tried */
};

struct ms_upstream {
    struct ms_engine *engine;
    struct ms_rng *rng;
    enum ms_upstream_state state;
    uint32_t addresses_count, address_at; /* which one is tried or in use */
    char addresses[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1];
    ms_peer peer;
    uint32_t tag;   /* of the CONNECT under way; grows, so a late answer is told from the current */
    ms_epoch epoch; /* highest seen: a frame below it is refused and the connection closed */
    ms_time backoff, retry_at, greet_by, beat_at, late_at, dead_at;
    struct ms_upstream_second second;
    struct ms_upstream_hint hint;
    bool is_parking;      /* for the owner to set, before it starts */
    bool was_parked;      /* the connection that is being greeted on */
    bool is_refusal_told; /* PERMISSION was traced, and no master has taken us since */
    uint32_t failures;    /* in this round over the addresses */
    uint64_t beats_count; /* sent on all connections; the number of the last one */
    uint64_t beats_heard; /* number of the last one that was answered */
    ms_time beats_at[MS_UPSTREAM_BEATS_KEPT];
    ms_time greeted_at; /* when HELLO was sent last */
    ms_time
        answered_at; /* when the last was sent that this master has answered: HELLO, then beats */
    enum ms_error last_error; /* why it is not UP */
    uint32_t last_error_at;   /* index of the address that it is of */
    struct ms_hello hello;    /* the owner fills it; token is kept up to date from WELCOME */
    struct ms_welcome welcome;
    const struct ms_load *load; /* the owner's, told with each BEAT; NULL = none */
};

/* addresses: comma list of host:port, [v6]:port, unix:/path, already checked by core/uri. */
void ms_upstream_init(struct ms_upstream *upstream, struct ms_engine *engine, struct ms_rng *rng,
                      const char *addresses);

/* Connects at the next TICK. */
void ms_upstream_start(struct ms_upstream *upstream, ms_time now);

/* The owner, who is UP, gives this master up: says ERROR, closes, tries the next one. No news
 * follows; the owner treats it as LOST by itself. */
void ms_upstream_fail(struct ms_upstream *upstream, ms_time now, enum ms_error error);

/* Says BYE when UP, closes, stays IDLE for good (until start). Events may go on coming. */
void ms_upstream_stop(struct ms_upstream *upstream);

/* Every event of the owner's engine goes through here first (TICK, PEER_*, RECEIVED). */
enum ms_upstream_news ms_upstream_step(struct ms_upstream *upstream, ms_time now,
                                       const struct ms_event *event);

/* Sends to the master; only when UP (asserted). */
void ms_upstream_send(struct ms_upstream *upstream, const struct ms_command *command);

/* Sends a BEAT now; only when UP. Its answer, beats_heard == beats_count, says that the master has taken
 * everything that was sent before. */
void ms_upstream_beat(struct ms_upstream *upstream, ms_time now);

bool ms_upstream_is_up(const struct ms_upstream *upstream);

/* Whether this master cannot have given us up: UP, and what it has answered was sent so lately that its silence, which it counts from
 * the receipt, is not over yet, by clocks that differ by less than a tenth. After a stall what came meanwhile is read while this is false;
 * a beat is on its way then. */
bool ms_upstream_is_sure(const struct ms_upstream *upstream, ms_time now);
ms_time ms_upstream_deadline(const struct ms_upstream *upstream);

#endif
