/* The driver's inside, shared by driver.c, connection.c and their neighbours, and by its
 * tests, which set the tuning. */
#ifndef CORE_IO_DRIVER_PRIVATE_H
#define CORE_IO_DRIVER_PRIVATE_H

#include "core/io/clock.h"
#include "core/io/driver.h"
#include "core/io/mailbox.h"
#include "core/io/resolver.h"
#include "core/list.h"
#include "core/pool.h"
#include "proto/codec.h"

#define MS_DRIVER_READ_SIZE      (256u << 10) /* one connection's share of a turn */
#define MS_DRIVER_PARTIAL_SIZE   (4u << 10)   /* first allocation for a frame that is incomplete */
#define MS_DRIVER_ACCEPT_BATCH   256          /* connections accepted per listener and turn */
#define MS_DRIVER_BACKLOG        4096
#define MS_DRIVER_FLUSH_ROUNDS   4   /* flushes of one turn, when failed writes cause output */
#define MS_DRIVER_FLUSH_COMMANDS 100 /* commands of a turn after which output is not held back */
#define MS_DRIVER_STALL          (50 * MS_MSEC) /* a turn that takes so long was stopped in its midst */
#define MS_DRIVER_MAILBOX_BURST  1024         /* posted events stepped before input is read again */
#define MS_DRIVER_LINGER         (1 * MS_SEC) /* a closed connection may take this long to go */
#define MS_DRIVER_KEEP_IDLE                                                                        \
    60 /* s of silence, then an idle peer is asked by TCP whether it is there */
#define MS_DRIVER_KEEP_INTERVAL 10 /* s, between two such questions */
#define MS_DRIVER_KEEP_TRIES    3
#define MS_DRIVER_ACCEPT_PAUSE  (100 * MS_MSEC) /* without descriptors */

/* What limits.h says, changeable for tests only. */
struct ms_driver_tuning {
    ms_time hello_timeout, frame_timeout, linger, accept_pause;
    uint32_t frame_rate_min, pending_max, read_size;
    size_t output_soft_max, output_hard_max;
};

enum ms_connection_state {
    MS_CONNECTION_CONNECTING, /* the engine does not know it yet */
    MS_CONNECTION_OPEN,
    MS_CONNECTION_CLOSING, /* the engine has forgotten it; its last output is on the way */
    MS_CONNECTION_DEAD,    /* waits for the end of the turn to be freed */
};

struct ms_attempt; /* connector.c */

/* What was received and not yet handled when a step emitted PAUSE. */
struct ms_stash {
    uint32_t skip; /* commands of its first frame that were handled */
    size_t size;
    uint8_t bytes[];
};

/* One connection; lives in the driver's pool, whose handle is the ms_peer. It is all that an idle
 * peer costs: buffers exist only while something waits in them. */
struct ms_connection {
    ev_io io; /* data is the driver */
    struct ms_encoder encoder;
    struct ms_list age;  /* on pending, partial or closing, ordered by since */
    struct ms_list hold; /* while it is not read: on held or stashed of the driver */
    struct ms_stash *stash;
    struct ms_connection *next_dirty;
    struct ms_attempt *attempt; /* while connecting */
    uint8_t *partial;           /* a frame begun, kept until it is complete */
    size_t partial_size, partial_capacity, partial_need;
    size_t counted;        /* bytes of output whose frames are in the statistics */
    ms_time since;         /* for the list it is on */
    uint32_t window_bytes; /* received of the partial frame since then */
    uint32_t payload_max;
    uint8_t state; /* enum ms_connection_state */
    uint16_t lost; /* enum ms_error: it is over, which the engine hears after RESUME */
    bool is_greeted, is_dirty, is_paused;
    bool is_marked, has_spoken; /* has_spoken: its first frame was handled */
    bool is_apart;              /* accepted by a listener for the pair alone */
    bool is_withheld;           /* a pause has kept back output of it */
    bool is_shut;               /* our side said its last byte */
    bool is_at_end;             /* closing, and the peer's side said its last */
};

static_assert(sizeof(struct ms_connection) <= 384, "an idle peer stays cheap");

struct ms_listener;

struct ms_driver {
    struct ms_driver_options options;
    struct ms_driver_tuning tuning;
    ms_time now;       /* read once or twice a turn; what the engine is stepped with */
    ms_time active_at; /* of the last input or output, for busy_poll */
    ms_time armed_at;  /* what the timer is set to */
    bool is_turning, is_stepping;
    bool is_holding; /* between PAUSE and RESUME */
    uint8_t *input;  /* MS_DRIVER_READ_SIZE, shared by all connections */
    struct ms_decoder *decoder;
    struct ms_pool pool;
    struct ms_connection *dirty, *flushing; /* flushing: of those that are written now, the rest */
    struct ms_list pending, partial, closing, dead;
    struct ms_list held;    /* had something to say in a pause */
    struct ms_list stashed; /* what was kept back of them is handled by the timer */
    uint32_t pending_count, closing_count;
    struct ms_mailbox mailbox;
    struct ms_list listeners;
    struct ms_resolver *resolver; /* made when the first name is looked up */
    int reserve;                  /* a descriptor to give up when there are no others */
    struct ms_driver_stats stats;
    uint64_t flushed_at; /* commands that had come in when all output was written last */
    uint64_t
        writes_total; /* system calls; frames and commands per write tell how well it batches */
    struct ms_entropy entropy;
    ev_prepare prepare;
    ev_check check;
    ev_timer timer;
    ev_idle spin;
};

static inline struct ms_driver *ms_connection_driver(const struct ms_connection *connection)
{
    return connection->io.data;
}

/* It must not be heard, nor may the engine be told of its end. */
static inline bool ms_connection_is_held(const struct ms_connection *connection)
{
    return ms_connection_driver(connection)->is_holding && connection->has_spoken &&
           !connection->is_marked && connection->state == MS_CONNECTION_OPEN;
}

/* driver.c. Steps the engine and carries out its effects; not from within a step. */
void ms_driver_step(struct ms_driver *driver, const struct ms_event *event);
/* A connection's input has been served: writes what there is when it has become much. */
void ms_driver_served(struct ms_driver *driver);
/* Steps it now, or later if a step is under way. */
void ms_driver_tell(struct ms_driver *driver, const struct ms_event *event);

/* connection.c. A connection of the driver, in state CONNECTING; fd -1 = not yet known. NULL when
 * peers_max is reached. */
struct ms_connection *ms_connection_create(struct ms_driver *driver);
void ms_connection_watch(struct ms_connection *connection, int fd, int events);
/* The connection stands: the engine is told. tag 0 = accepted. */
void ms_connection_opened(struct ms_connection *connection, uint32_t tag);
enum ms_error ms_connection_send(struct ms_connection *connection, ms_epoch epoch,
                                 const struct ms_command *command);
/* HELLO or WELCOME was accepted, or PEER_HELLO said: longer frames are allowed from now on. */
void ms_connection_greeted(struct ms_connection *connection, uint64_t payload_max);
/* Nobody waits for its greeting; the kernel looks after whether the other end is still there. */
void ms_connection_leave_alone(struct ms_connection *connection);
/* A greeting has begun: its time runs, if it does not already. */
void ms_connection_expect(struct ms_connection *connection);
void ms_connection_flush(struct ms_connection *connection);
/* receive.c. It is readable: one read, its whole frames to the engine. */
void ms_connection_receive(struct ms_connection *connection);
/* Handles what was kept back when a pause began. */
void ms_connection_serve_stash(struct ms_connection *connection);
/* What to wait for in its present state. */
void ms_connection_watch_again(struct ms_connection *connection);
/* Nothing more is read; what was sent goes out, then it closes. The engine is not told. */
void ms_connection_close(struct ms_connection *connection);
/* An ERROR frame that says why, then as close; the engine is told if it knew the peer. */
void ms_connection_fail(struct ms_connection *connection, enum ms_error error, const char *detail);
/* At once and without a word; the engine is told if it knew the peer. */
void ms_connection_drop(struct ms_connection *connection, enum ms_error error);
/* Frees what died in this turn. */
void ms_connection_bury(struct ms_driver *driver);
/* Closes what has been on its list for too long; and when that happens next. */
void ms_connection_expire(struct ms_driver *driver);
ms_time ms_connection_deadline(const struct ms_driver *driver);

/* hold.c. MARK, PAUSE and RESUME. A pause costs nothing by itself: a connection is put aside when it has something to
 * say, and only those are taken up again. */
void ms_hold_mark(struct ms_connection *connection);
void ms_hold_pause(struct ms_driver *driver);
void ms_hold_resume(struct ms_driver *driver);
/* It is not read until RESUME. */
void ms_hold_keep(struct ms_connection *connection);
/* Its end is told after RESUME; until then it is not touched. */
void ms_hold_lose(struct ms_connection *connection, enum ms_error error);
/* The engine has closed it, or it is gone: nothing is kept back any more. */
void ms_hold_forget(struct ms_connection *connection);
/* Keeps a frame of which `skip` commands were handled (none when it is empty), and what came behind it. */
void ms_hold_stash(struct ms_connection *connection, struct ms_bytes frame, uint32_t skip,
                   struct ms_bytes rest);
/* Handles what was kept back, unless there is a pause again. */
void ms_hold_serve(struct ms_driver *driver);

/* connector.c */
void ms_connector_start(struct ms_driver *driver, uint32_t tag, const char *address);
void ms_connector_ready(struct ms_connection *connection); /* writable: see how it came out */
/* The attempt is over: tells the engine that it failed. */
void ms_connector_failed(struct ms_connection *connection, enum ms_error error);
void ms_connector_resolved(void *context, const struct ms_resolution *resolution);

/* listener.c */
void ms_listener_close_all(struct ms_driver *driver);

#endif
