/* Broadcasts: arrays with one member for each of their slaves. Who these are, the targets, is settled when a broadcast is
 * accepted (master/broadcast.h) and stands in its SUBMIT record: sessions, so that a slave that was started anew is another one.
 *
 * A member that may be started waits with its slave, which is asked before the lanes are; nobody else is given it. It is begun
 * once its LEASE is durable, as what may be started once only, so a master that comes back knows what has been begun. When the
 * session of the slave is over, the member has its outcome: LOST. The detail of each outcome begins with the slave's name. */
#ifndef MASTER_TARGETS_H
#define MASTER_TARGETS_H

#include "master/arrays.h"

struct ms_lanes;
struct ms_session;
struct ms_slave;

struct ms_target {
    struct ms_list link; /* on slave->targets */
    struct ms_array *array;
    struct ms_slave *slave; /* NULL = its session is over, or nobody knows it here */
    const uint8_t *entry;   /* in array->listed */
    bool has_left;          /* its session is over, and it had said that it drains */
};

/* The list of a record: for each target its session's token and node, the length of its name, the name. */
uint8_t *ms_targets_write(uint8_t *at, const struct ms_session *session);
bool ms_targets_are_sound(struct ms_bytes list, uint32_t count);

/* Takes what the array, which has its list, keeps of them. False when memory is out. */
bool ms_targets_open(struct ms_array *array, struct ms_slab *slab);
void ms_targets_close(struct ms_array *array, struct ms_slab *slab); /* harmless without */

/* Finds the sessions; for arrays of any kind. */
void ms_targets_bind(struct ms_master *master, struct ms_array *array);

/* NULL: it is of no broadcast, or of one of which nobody knows the targets any more. */
struct ms_target *ms_target_of(const struct ms_work *work);

/* Whether the slave of that session may have it in hand: of a broadcast only its target. Two halves that both served may have
 * settled on others. */
bool ms_target_may_hold(const struct ms_work *work, const struct ms_uuid *token);

/* READY: it waits for its slave, or as others do in its lane; and waits no more. */
void ms_targets_push(struct ms_queue *queue, struct ms_work *work, bool is_first);
void ms_targets_remove(struct ms_work *work);

/* The slave may be given commands now. */
void ms_targets_supply(struct ms_lanes *lanes, struct ms_slave *slave);

/* Its session is over: what waits for it is lost. Then a bounded part of what else is: false when more is left. */
void ms_targets_lose(struct ms_master *master, struct ms_slave *slave);
bool ms_targets_sweep(struct ms_master *master, ms_time now, struct ms_slave *slave,
                      uint32_t *burst);
void ms_targets_abandon(struct ms_slave *slave); /* the master is over */

/* Ends a bounded number of those whose slave is gone. */
void ms_targets_run(struct ms_master *master, ms_time now);

/* Why it is lost, as a sentence. */
const char *ms_targets_loss(const struct ms_work *work);

/* The detail of its outcome: "NAME", or "NAME: detail", in room. Of others it is detail. NAME is its target, or who had it in hand
 * where the targets are not known. */
struct ms_bytes ms_targets_tell(const struct ms_work *work, struct ms_bytes detail,
                                char room[MS_DETAIL_MAX]);

/* What is going on, for people; "" = not known. At least MS_NAME_MAX + 1 bytes. */
void ms_target_name(const struct ms_target *target, char name[static MS_NAME_MAX + 1]);

#endif
