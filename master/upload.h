/* Payloads in parts on their way to slaves. A slave takes one at a time, and nothing else meanwhile, so its
 * COMMANDs come in the order of their tokens; the pace of its connection bounds what is on its way. Until
 * its COMMAND has left, the attempt has not begun, and is taken back without a trace. */
#ifndef MASTER_UPLOAD_H
#define MASTER_UPLOAD_H

#include "core/command.h"

struct ms_connection;
struct ms_lane;
struct ms_master;
struct ms_queue;
struct ms_session;
struct ms_slave;
struct ms_work;

/* The LEASED work, whose payload is in a spool, is what its holder is given next; parts go out from begin on. */
void ms_upload_prepare(struct ms_master *master, struct ms_work *work);
void ms_upload_begin(struct ms_master *master, const struct ms_work *work);

/* The work is out of the slave's hands. */
void ms_upload_stop(struct ms_slave *slave);

/* Takes back what is under way to the slave: it is READY again, and its credit is the slave's. Harmless
 * without. */
void ms_upload_recall(struct ms_master *master, ms_time now, struct ms_slave *slave);

/* The same if it is this LEASED work. */
void ms_upload_recall_work(struct ms_master *master, ms_time now, const struct ms_work *work);

/* A session with credit for the lane that takes parts; NULL = none. */
struct ms_session *ms_upload_taker(const struct ms_lane *lane);

/* A READY command of a lane waits for somebody who takes payloads in parts; a bounded number of those that do so
 * wait in their lanes again. */
void ms_upload_set_aside(struct ms_queue *queue, struct ms_work *work);
void ms_upload_bring_back(struct ms_queue *queue);

/* Sends parts while the step has room. */
void ms_upload_pump(struct ms_master *master);

/* The connection has taken what was sent before BEAT number. */
void ms_upload_heard(struct ms_master *master, struct ms_slave *slave);

#endif
