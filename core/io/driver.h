/* Runs one engine on a libev loop: sockets, frames, the timer. The file that makes core/engine.h real.
 *
 * One turn: libev reads what is readable (each connection at most MS_DRIVER_READ_SIZE, into one shared
 * buffer), every whole command is stepped into the engine and its effects are carried out into the
 * connections' encoders; before the loop sleeps (ev_prepare) each connection that has something to
 * say is written once. Input is read before a due timer is served, so a loaded master ages nobody.
 *
 * A pause (effects PAUSE, RESUME) ends the reading at once, in the midst of a connection's input, too: what was read is kept and
 * handled after it. Connections that the engine has MARKed are read nevertheless, and before others in every turn; so are new
 * ones, up to their first frame.
 *
 * Thread rule: everything here belongs to the loop's thread. Other threads come in by ev_async of
 * the owner, who then calls ms_driver_post. */
#ifndef CORE_IO_DRIVER_H
#define CORE_IO_DRIVER_H

#include <ev.h>

#include "core/engine.h"

struct ms_driver;

/* Effects that are not the network's: RUN, PERSIST, DELIVER, STOPPED and others. Called in order,
 * between steps' polls; may call ms_driver_post only for later (it queues). */
typedef void (*ms_driver_effect_fn)(void *context, const struct ms_effect *effect);

struct ms_driver_options {
    size_t size; /* of this struct */
    struct ev_loop *loop;
    struct ms_engine *engine;
    bool is_server; /* greets nobody, reads HELLO first, applies soft output limits */
    uint32_t payload_max;
    uint32_t peers_max; /* connections at most; 0 = MS_PEERS_MAX */
    ms_time busy_poll;  /* spin this long for input before the loop sleeps; 0 = never */
    ms_driver_effect_fn effect;
    void *context;
};

struct ms_driver *ms_driver_create(const struct ms_driver_options *options); /* NULL: no memory */
void ms_driver_destroy(struct ms_driver *driver); /* closes everything; accepts NULL */

/* Listens on host:port, [v6]:port (port 0 picks one) or unix:/path. On success *bound_out (at least
 * MS_ADDRESS_MAX + 1 bytes) is the address bound. On failure false, and a sentence in *why_out. */
bool ms_driver_listen(struct ms_driver *driver, const char *address, char *bound_out, char *why_out,
                      size_t why_size);
/* The same, for the pair of masters alone: events of its connections say is_apart. */
bool ms_driver_listen_apart(struct ms_driver *driver, const char *address, char *bound_out,
                            char *why_out, size_t why_size);
void ms_driver_stop_listening(struct ms_driver *driver);

/* Steps the engine with an event of the owner's (REQUEST, FINISHED, OUTPUT, STOP, RELOAD, ...) and
 * carries its effects out. Re-entrant calls (from the effect callback) are queued: then the event's
 * command is deep-copied. */
void ms_driver_post(struct ms_driver *driver, const struct ms_event *event);

/* Frames and bytes in and out, connections, refused ones: counters for status. */
struct ms_driver_stats {
    uint64_t connections, accepted_total, refused_total;
    uint64_t frames_in_total, frames_out_total, commands_in_total, commands_out_total;
    uint64_t bytes_in_total, bytes_out_total, malformed_total;
};
void ms_driver_stats(const struct ms_driver *driver, struct ms_driver_stats *stats_out);

#endif
