/* What an operator asks of one half of a pair. */
#ifndef MASTER_PAIR_REPORT_H
#define MASTER_PAIR_REPORT_H

#include "core/engine.h"
#include "master/half.h"

struct ms_pair;
struct ms_pair_link;

/* As --role has it: "primary" or "backup"; place < MS_MASTERS. */
const char *ms_pair_place_name(uint8_t place);

/* ORDER: carried out, and answered by ORDER_ACK, or by REPORT for STATUS. */
void ms_pair_order(struct ms_pair *pair, ms_time now, const struct ms_pair_link *link,
                   const struct ms_command *order);

/* What the master within tells of the half around it, which is context. */
void ms_pair_tell(void *context, ms_time now, struct ms_half_facts *facts_out);

#endif
