/* What the processes do around their engines: the handlers of a slave, the application of a client. */
#ifndef SIM_NODES_H
#define SIM_NODES_H

#include "core/decision.h"
#include "master/master.h"
#include "tests/sim/world.h"

#define SIM_TYPE_FIRST ((ms_type)2000)

extern const struct sim_role_ops sim_master_ops;
extern const struct sim_role_ops sim_slave_ops;
extern const struct sim_role_ops sim_client_ops;
extern const struct sim_role_ops sim_pair_ops;
extern const struct sim_role_ops sim_witness_ops;

/* The master engine that lives in that node; NULL while there is none. */
struct ms_master *sim_master_of(const struct sim_node *node);

/* How one half of a pair stands, in its own eyes. */
struct sim_standing {
    bool is_active;  /* serves, and does not pause */
    bool is_whole;   /* and with the other half */
    bool is_in_sync; /* follows, and may take over */
    bool is_pair;    /* S has both */
    bool has_peer;
    uint64_t lag;            /* bytes that the other half lacks */
    ms_seq durable, covered; /* on its disk; of those told of */
    ms_epoch reign, epoch;
    const char *state; /* its name */
    bool is_fresh, is_complete;
    ms_epoch promised;
    struct ms_uuid incarnation;
    struct ms_decision decision;   /* that it accepted last */
    struct ms_witnesses witnesses; /* enrolled, as far as it knows; of them connected to it */
    uint32_t witnesses_connected;
    uint64_t witness_version;
    bool is_changing; /* the list of them */
    bool is_held;     /* an operator does not want it to take over by itself */
    uint8_t lead;     /* place of the incumbent, as far as it knows */
};

/* Of the master of that node; its texts are literals. */
struct ms_master_config sim_master_config(const struct sim_world *world,
                                          const struct sim_node *node, uint64_t seed);

/* Handlers that hang come to an end. */
void sim_slaves_heal(struct sim_world *world);

/* The application cancels one of its commands. */
void sim_client_cancel(struct sim_world *world, struct sim_node *node);

/* Where the masters are, as slaves and clients of this world are told. */
const char *sim_addresses(const struct sim_world *world);

/* The name of a process in this incarnation. */
struct ms_uuid sim_uuid(const struct sim_world *world, const struct sim_node *node,
                        uint32_t incarnation);

/* True when the slave of that node runs the type. */
bool sim_slave_runs(const struct sim_world *world, uint32_t node, uint32_t type);

/* What an attempt writes: the bytes of piece number index. The last "piece" is the result. */
#define SIM_PIECE_RESULT UINT32_MAX
#define SIM_PIECE_MAX    400
size_t sim_piece(const struct sim_world *world, struct ms_token token, uint32_t index,
                 uint8_t *bytes_out);

/* The payload of a submission; its first eight bytes name the record. */
void sim_payload(const struct sim_world *world, uint64_t record, uint8_t *bytes, size_t size);

#endif
