/* A node of the cluster, whatever it does: init, start, stop, reset, in an order that is checked. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <stdbool.h>

#include "core/error.h"
#include "core/fsm.h"

enum ms_node_state {
    MS_NODE_NEW,
    MS_NODE_INITIALISED,
    MS_NODE_RUNNING,
    MS_NODE_STOPPED,
    MS_NODE_STATES,
};

enum ms_node_call {
    MS_NODE_INIT,
    MS_NODE_START,
    MS_NODE_STOP,
    MS_NODE_RESET,
    MS_NODE_FINISH,
    MS_NODE_CALLS,
};

struct ms_node;

/* Any function may be NULL = nothing to do. init and start undo their own work when they fail. */
struct ms_node_ops {
    const char *name; /* "master", "slave" */
    enum ms_error (*init)(struct ms_node *node);
    enum ms_error (*start)(struct ms_node *node);
    void (*stop)(struct ms_node *node);
    void (*reset)(struct ms_node *node);  /* forget everything but the configuration */
    void (*finish)(struct ms_node *node); /* undo init */
};

/* Embedded in MasterNode, SlaveNode ...; reach them with ms_container_of. */
struct ms_node {
    const struct ms_node_ops *ops;
    enum ms_node_state state;
};

/* A node in state new. */
void ms_node_prepare(struct ms_node *node, const struct ms_node_ops *ops);

/* MS_E_ORDER when the lifecycle table does not have the call in this state, with nothing called;
 * else what the operation returned. A failed init or start leaves the state as it was. */
enum ms_error ms_node_init(struct ms_node *node);
enum ms_error ms_node_start(struct ms_node *node);

/* A node that does not run is stopped already: MS_E_OK. */
enum ms_error ms_node_stop(struct ms_node *node);

/* As good as new: a running node is stopped, reset and started again; when that start fails it is
 * left initialised, with the error returned. */
enum ms_error ms_node_reset(struct ms_node *node);

/* Stops it when it runs, undoes init; the node is new again. */
enum ms_error ms_node_finish(struct ms_node *node);

const char *ms_node_state_name(enum ms_node_state state);
const char *ms_node_call_name(enum ms_node_call call);

/* True with the next state; false when the call is refused and the state stays. why says in words
 * either. */
bool ms_node_transition(enum ms_node_state from, enum ms_node_call call, enum ms_node_state *to_out,
                        const char **why_out);

/* The lifecycle in words, for the manual: rows is filled, fsm borrows it. */
#define MS_NODE_ROWS (MS_NODE_STATES * MS_NODE_CALLS)
void ms_node_rows(struct ms_fsm_row rows[static MS_NODE_ROWS]);
struct ms_fsm ms_node_fsm(const struct ms_fsm_row rows[static MS_NODE_ROWS]);

#endif
