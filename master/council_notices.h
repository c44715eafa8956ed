/* Others that come to a half of a pair, and are refused: what an operator should know of them. */
#ifndef MASTER_COUNCIL_NOTICES_H
#define MASTER_COUNCIL_NOTICES_H

#include "core/command.h"

struct ms_council;

/* What an operator should know of others, as long as they come in that way. */
enum ms_council_notice {
    MS_NOTICE_PEER_PLACE, /* the other half is configured for our own place */
    MS_NOTICE_PEER_CLUSTER,
    MS_NOTICE_PEER_VERSION,
    MS_NOTICE_WITNESS_CLUSTER,
    MS_NOTICE_WITNESS_VERSION,
    MS_NOTICE_WITNESS_WANTED, /* one that shall be enrolled belongs to another cluster */
    MS_NOTICE_PEER_TWICE,     /* another one comes in its place, while it is here */
    MS_NOTICE_EPOCH_SHOWN,    /* slaves or clients have heard of an epoch that nobody knows of */
    MS_NOTICE_EPOCH_FAR, /* the peer or a witness has shown one so high that it must be an error */
    MS_NOTICES
};

/* True: the master that has said this PEER_HELLO is not the other half, and is noted as what it is. It is not to be met. */
bool ms_council_refuses(struct ms_council *council, ms_time now, const struct ms_pair_frame *hello);
/* True: it is another program in the place of the other half, which is here, and is heard: a second machine was started, or one that
 * was replaced is back. It is noted, and not to be met: else each would take the place of the other one, again and again. */
bool ms_council_is_taken(struct ms_council *council, ms_time now,
                         const struct ms_pair_frame *hello);

/* now: MS_TIME_NEVER when it stays so. */
void ms_council_note(struct ms_council *council, ms_time now, enum ms_council_notice notice);
bool ms_council_has_notice(const struct ms_council *council, ms_time now,
                           enum ms_council_notice notice);

#endif
