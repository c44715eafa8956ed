/* What an operator asks of one half of a pair. */
#ifndef MASTER_PAIR_REPORT_H
#define MASTER_PAIR_REPORT_H

#include "core/engine.h"
#include "master/half.h"

struct ms_pair;
struct ms_pair_link;

/* As --role has it: "primary" or "backup"; place < MS_MASTERS. */
const char *ms_pair_place_name(uint8_t place);

/* ORDER: carried out, and answered by ORDER_ACK, or by REPORT for STATUS. What it changes in the record is durable when it is answered;
 * one that comes while that is written waits. */
void ms_pair_order(struct ms_pair *pair, ms_time now, struct ms_pair_link *link,
                   const struct ms_command *order);
/* The link's order, which has waited, or is done. */
void ms_pair_carry_out_order(struct ms_pair *pair, ms_time now, struct ms_pair_link *link);
void ms_pair_answer_order(struct ms_pair *pair, struct ms_pair_link *link, enum ms_error error);

/* What the master within tells of the half around it, which is context. */
void ms_pair_tell(void *context, ms_time now, struct ms_half_facts *facts_out);

#endif
