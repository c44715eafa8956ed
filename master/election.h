/* One attempt to have something decided: asks whether it would be voted for, then for the votes, and counts them. */
#ifndef MASTER_ELECTION_H
#define MASTER_ELECTION_H

#include "core/decision.h"

#define MS_ELECTION_WITNESSES_MAX (2 * MS_WITNESSES_MAX) /* of the old and of the new list */

enum ms_election_phase {
    MS_ELECTION_NONE,
    MS_ELECTION_PREVOTE, /* nothing is promised yet */
    MS_ELECTION_VOTE,    /* the proposal is out, and its proposer's own vote durable */
};

enum ms_ballot {
    MS_BALLOT_ABSENT, /* there is no connection to that voter */
    MS_BALLOT_ASKED,
    MS_BALLOT_YES,
    MS_BALLOT_NO,
};

enum ms_verdict {
    MS_VERDICT_OPEN,
    MS_VERDICT_WON,
    MS_VERDICT_LOST, /* by what has been answered it cannot be won any more */
};

/* Who may vote: the witnesses of list, and of next while that is being changed to (NULL = it is not). */
struct ms_electorate {
    const struct ms_witnesses *list, *next;
};

struct ms_election {
    enum ms_election_phase phase;
    struct ms_decision decision;
    enum ms_ballot peer;
    uint32_t witnesses_count;
    struct ms_uuid witnesses[MS_ELECTION_WITNESSES_MAX];
    enum ms_ballot ballots[MS_ELECTION_WITNESSES_MAX];
    ms_time until, ask_at;
};

/* Every ballot is ABSENT again. */
void ms_election_begin(struct ms_election *election, enum ms_election_phase phase,
                       const struct ms_decision *decision, struct ms_electorate electorate);
void ms_election_end(struct ms_election *election);

/* Where the ballot of that witness is; NULL when it has no vote. */
enum ms_ballot *ms_election_ballot(struct ms_election *election, const struct ms_uuid *witness);

/* A witness has said no: it is not only that too few are there. */
bool ms_election_is_refused(const struct ms_election *election);

enum ms_verdict ms_election_verdict(const struct ms_election *election,
                                    struct ms_electorate electorate);

#endif
