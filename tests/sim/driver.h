/* The simulated counterpart of core/io/driver: runs one engine on the simulated network, in the same
 * turns: read what has arrived, carry out effects into encoders, then a due timer, then write. */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include "core/engine.h"
#include "proto/codec.h"

struct sim_world;
struct sim_node;

#define SIM_OPERATOR_PEER UINT64_MAX /* who gives orders; no peer of the network has that name */

enum sim_notice_kind {
    SIM_NOTICE_OPENED, /* connection, end */
    SIM_NOTICE_FAILED, /* tag */
    SIM_NOTICE_READABLE,
    SIM_NOTICE_WRITABLE,
    SIM_NOTICE_CLOSED, /* the other side is gone; what arrived before is read first */
    SIM_NOTICE_RESET,  /* the same, and what was not read is lost */
    SIM_NOTICE_POSTED, /* event: from the application or a handler */
};

/* What the kernel or another thread tells a process at its next turn. */
struct sim_notice {
    enum sim_notice_kind kind;
    uint32_t connection, end, tag;
    struct sim_posted *posted;
};

/* An event that owns what it points to. */
struct sim_posted {
    struct ms_event event;
    struct ms_command command;
    struct ms_usage usage;
    struct ms_query query;
    struct ms_terms terms;
    uint8_t *payload;
    uint8_t detail[16];
};

struct sim_peer {
    ms_peer name; /* MS_PEER_NONE = free */
    uint32_t generation;
    uint32_t connection, end;
    bool is_greeted;
    bool is_closing; /* the engine is done with it; what it said goes out first */
    bool is_failed;  /* found broken; PEER_CLOSED is on its way to the engine */
    bool is_eof;     /* the other side is gone */
    bool is_paused;  /* too much output waits: its input is not read */
    bool is_marked;  /* of the pair: read first, and while others are held */
    bool has_spoken;
    uint32_t taken; /* commands of its first frame that were stepped before it was held */
    enum sim_notice_kind held; /* CLOSED or RESET that it is told of when it is not held any more */
    uint8_t *input;
    size_t input_size, input_capacity;
    struct ms_encoder encoder;
};

struct sim_driver {
    bool is_server;
    bool is_listening;
    bool is_holding; /* those that have spoken and are not marked are not read */
    bool has_marked;
    struct sim_peer **peers;
    uint32_t peers_count; /* places, free ones too */
    struct sim_notice *notices;
    size_t notices_head, notices_count, notices_capacity;
    struct ms_decoder *decoder;
    ms_time clock; /* of the current turn */
};

void sim_driver_init(struct sim_driver *driver, bool is_server);

/* The process ends: its sockets are closed, told or not. */
void sim_driver_finish(struct sim_world *world, struct sim_node *node, bool told);

void sim_posted_free(struct sim_posted *posted); /* accepts NULL */

void sim_driver_notice(struct sim_world *world, struct sim_node *node, struct sim_notice notice);

/* Copies event and command. */
void sim_driver_post(struct sim_world *world, struct sim_node *node, const struct ms_event *event);

/* One event at once, outside of a turn: of a process that starts. */
void sim_driver_step(struct sim_world *world, struct sim_node *node, const struct ms_event *event);
/* An operator comes, says hello and gives an order, and is gone before he hears what became of it. */
void sim_driver_operate(struct sim_world *world, struct sim_node *node,
                        const struct ms_command *greeting, const struct ms_command *order);

void sim_driver_turn(struct sim_world *world, struct sim_node *node);

/* Output that waits in this process, in bytes. */
size_t sim_driver_pending(const struct sim_driver *driver);

#endif
