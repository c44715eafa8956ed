/* Asks one master of a pair one thing, as its operator: dials it, says who it is, gives an order and waits for the answer.
 * Not the client's engine: a master that is passive answers too.
 *
 * Effects for the owner: DELIVER, with the answer (REPORT, ORDER_ACK, or the ERROR that refused), and at last one
 * STOPPED, with what went wrong or MS_E_OK. */
#ifndef CLIENT_OPERATOR_H
#define CLIENT_OPERATOR_H

#include "core/engine.h"

struct ms_operator_config {
    const char *address; /* one; borrowed while the operator lives */
    enum ms_order order;
    ms_time timeout; /* for all of it, from the first step */
    const char *name, *build;
};

enum ms_operator_state {
    MS_OPERATOR_BEGINNING,
    MS_OPERATOR_DIALLING,
    MS_OPERATOR_GREETING, /* PEER_HELLO was said */
    MS_OPERATOR_ASKING,   /* ORDER was said */
    MS_OPERATOR_OVER,
};

struct ms_operator {
    struct ms_engine base; /* first */
    struct ms_operator_config config;
    enum ms_operator_state state;
    ms_peer peer;
    ms_time over_by;
    struct ms_pair_frame hello;  /* ours */
    struct ms_pair_frame master; /* theirs, once it has come */
};

/* False when memory is short. */
bool ms_operator_init(struct ms_operator *asker, const struct ms_operator_config *config);
void ms_operator_finish(struct ms_operator *asker); /* accepts a zeroed one */

#endif
