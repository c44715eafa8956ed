/* Simulated TCP: per connection two streams of bytes in order, with delay, a window, and all the ways
 * in which they break. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "core/engine.h"
#include "tests/sim/config.h"

struct sim_world;
struct sim_node;

/* Where masters listen. */
#define SIM_ADDRESS_A "master:7400"
#define SIM_ADDRESS_B "backup:7400"
#define SIM_NOBODY    UINT32_MAX

/* Bytes from end e to the other end. */
struct sim_stream {
    uint8_t *bytes;
    size_t head, size, capacity; /* bytes[head .. head + size) wait or fly */
    size_t arrived;              /* of them, how many the receiver may read */
    ms_time last_arrival;        /* nothing overtakes within a connection */
    bool is_void;                /* swallows everything: the line is dead, unknown to both */
};

struct sim_end {
    uint32_t node;
    uint32_t incarnation;
    uint32_t peer; /* 1 + place in the driver's peers; 0 = none */
    bool is_open;  /* the process holds the socket */
    bool is_noted; /* a notice that it is readable waits already */
    bool is_short; /* the last write did not fit */
};

/* Ends: 0 connected, 1 accepted. Streams: named by the end that writes. */
struct sim_connection {
    uint32_t index;
    uint32_t tag; /* of the CONNECT */
    uint32_t tries;
    bool is_reset; /* nothing passes any more */
    bool was_accepted;
    bool is_refused; /* a machine answers, but nobody listens */
    struct sim_end ends[2];
    struct sim_stream streams[2];
};

struct sim_net {
    struct sim_connection **connections;
    uint32_t count, capacity;
    ms_time blocked_until[SIM_NODES_MAX][SIM_NODES_MAX]; /* from, to */
    ms_time clogged_until;
};

void sim_net_finish(struct sim_net *net);

/* The node that listens at that address; SIM_NOBODY. */
uint32_t sim_net_find(const struct sim_world *world, const char *address);

/* A process asks for a connection; the answer comes as a notice to its driver. */
void sim_net_connect(struct sim_world *world, struct sim_node *node, uint32_t tag,
                     const char *address);

/* Takes as many bytes as fit; the rest must wait for a notice that there is room. */
size_t sim_net_write(struct sim_world *world, uint32_t connection, uint32_t end,
                     struct ms_bytes bytes);

/* Copies what has arrived, at most size. */
size_t sim_net_read(struct sim_world *world, uint32_t connection, uint32_t end, uint8_t *bytes,
                    size_t size);
size_t sim_net_readable(const struct sim_world *world, uint32_t connection, uint32_t end);

/* The process closes its socket, or dies: told = the other side hears of it in time. */
void sim_net_close(struct sim_world *world, uint32_t connection, uint32_t end, bool told);

/* Faults. */
void sim_net_reset(struct sim_world *world, struct sim_connection *connection);
void sim_net_block(struct sim_world *world, uint32_t from, uint32_t to, ms_time until);
void sim_net_unblock(struct sim_world *world, uint32_t from, uint32_t to);
bool sim_net_is_blocked(const struct sim_world *world, uint32_t from, uint32_t to);
struct sim_connection *sim_net_pick(struct sim_world *world); /* a live one, or NULL */
void sim_net_heal(struct sim_world *world);

/* Items of the world's heap that are the network's. */
void sim_net_syn(struct sim_world *world, uint32_t connection);
void sim_net_answer(struct sim_world *world, uint32_t connection);
void sim_net_arrive(struct sim_world *world, uint32_t connection, uint32_t from, size_t size);
void sim_net_fin(struct sim_world *world, uint32_t connection, uint32_t to, bool is_reset);
void sim_net_room(struct sim_world *world, uint32_t connection, uint32_t end);

#endif
