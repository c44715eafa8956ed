/* Decisions of a pair of masters about who is active, and who must hold a copy: what is voted on, and by which rule.
 * The rules are those of docs/decisions/0010-pair-model.md, where each is shown to be needed. */
#ifndef CORE_DECISION_H
#define CORE_DECISION_H

#include "core/start.h"

#define MS_MASTERS       2u /* by place: 0 = configured as primary, 1 = as backup */
#define MS_WITNESSES_MAX 5u

enum ms_decision_kind {
    MS_DECISION_NONE = 0,
    MS_DECISION_BOOTSTRAP = 1, /* the first epoch of a new cluster; S = {proposer} */
    MS_DECISION_SOLO = 2,      /* the proposer serves alone */
    MS_DECISION_INCUMBENT =
        3, /* the same without witnesses: of the one whom the last decision names active */
    MS_DECISION_JOIN = 4,  /* the caught-up peer is in S again */
    MS_DECISION_ADMIT = 5, /* a JOIN of an identity that was never in S; decided without its vote */
    MS_DECISION_HANDOVER = 6, /* active and peer change roles */
    MS_DECISION_CONSENT = 7,  /* both talk, nobody serves: the one that served last goes on alone */
    MS_DECISION_FORCED = 8,   /* an operator's word */
    MS_DECISION_KINDS
};

const char *ms_decision_name(enum ms_decision_kind kind); /* "SOLO"; never NULL */

/* Proposed, and once a quorum has accepted it, in force. S is a set of identities: a master whose disk was lost has
 * another incarnation. */
struct ms_decision {
    ms_epoch epoch;
    enum ms_decision_kind kind;
    uint8_t proposer;               /* place; set[proposer] is its incarnation */
    uint8_t active;                 /* place */
    struct ms_uuid set[MS_MASTERS]; /* S, by place; zero = is not in it */
    ms_epoch served;                /* CONSENT: the highest epoch that its proposer served */
};

/* A list of enrolled witnesses. */
struct ms_witnesses {
    uint32_t count;
    struct ms_uuid ids[MS_WITNESSES_MAX];
};

/* What a voter has on its disk. */
struct ms_voter {
    struct ms_uuid cluster; /* zero = it belongs to none yet */
    ms_epoch promised;      /* nothing below is voted for or taken any more */
    struct ms_decision accepted;
};

/* Where a master of a pair stands, as it also tells others; master/council.h moves it. */
enum ms_council_state {
    MS_COUNCIL_PENDING,   /* started; has not found out yet who is active */
    MS_COUNCIL_CATCHUP,   /* passive, its log is not complete yet, or it is not in S */
    MS_COUNCIL_SYNC,      /* passive, in S */
    MS_COUNCIL_CANDIDATE, /* its own proposal is out; serves nobody */
    MS_COUNCIL_PAIR,      /* active, S = both */
    MS_COUNCIL_SOLO,      /* active, S = itself */
    MS_COUNCIL_HOLD,   /* was PAIR, the peer is lost, and nobody has voted for SOLO yet: paused */
    MS_COUNCIL_DRAIN,  /* was PAIR, is handing over: paused */
    MS_COUNCIL_HALTED, /* its store failed */
    MS_COUNCIL_STATES
};

/* What is left on the disk of a half. */
enum ms_room {
    MS_ROOM_ENOUGH,
    MS_ROOM_SHORT, /* an active refuses submissions: only the reserve is left */
    MS_ROOM_NONE   /* what is to be written waits */
};

/* How a master is configured, as far as both of a pair must be alike. A number of 0 was not told: by an older program. */
struct ms_pair_settings {
    ms_time beat, lease, silent, vote; /* of the pair */
    ms_time tick;                      /* of sessions */
    uint32_t failover;                 /* 1 + enum ms_failover */
    uint64_t witnesses;                /* the list that is wanted: ms_witnesses_mark */
    uint32_t quorum_loss;              /* 1 hold, 2 degrade */
    uint32_t failback;                 /* 1 manual, 2 auto */
};

/* An operator's word that nobody takes over by himself, and how often it was changed. The later one counts; of two that
 * were given apart, hold. */
struct ms_pair_hold {
    uint64_t version;
    bool is_on;
};

/* What a master of a pair has on its disk, beside the log. */
struct ms_council_record {
    struct ms_voter voter;
    struct ms_uuid incarnation; /* drawn when the data directory was made */
    uint8_t place;
    uint8_t lead;     /* place of the incumbent as far as it knows; MS_MASTERS = nobody */
    bool is_fresh;    /* never was a member with this incarnation */
    bool is_complete; /* its log is usable */
    bool is_forced;   /* active without votes, and the other half was not in sync since */
    struct ms_pair_hold hold;
    ms_epoch served;   /* highest epoch it served itself */
    ms_epoch unmerged; /* epoch of its own whose log may have what nobody else has; 0 = none */
    bool
        is_unmergeable; /* the active could not take all of that, and the log is given up: it is kept for people */
    uint32_t witness_version;
    struct ms_witnesses witnesses,
        witnesses_next; /* next.count = 0 and is_changing false: not under way */
    bool is_changing;
    struct ms_start start;                   /* this one, or the last one; a witness has none */
    struct ms_known_start known[MS_MASTERS]; /* the newest of each half, of oneself none */
    bool
        is_outlived; /* it began anew because its directory was an old copy, and was not started since it is a member again */
    struct ms_pair_settings theirs; /* of the other half, as it has said last; failover 0 = never */
};

/* True when that identity is in S. */
bool ms_decision_has(const struct ms_decision *decision, uint8_t place,
                     const struct ms_uuid *incarnation);

/* True when both places are in S. */
bool ms_decision_is_pair(const struct ms_decision *decision);

/* The same decision, of the same incarnations. */
bool ms_decision_equal(const struct ms_decision *a, const struct ms_decision *b);

/* Possible at all: places and kind exist, and the active is in S. What came from outside is asked this first. */
bool ms_decision_is_sound(const struct ms_decision *decision);

/* False when the epoch is so far above what was promised that it must be an error. Who has promised nothing takes any. */
bool ms_epoch_is_near(ms_epoch epoch, ms_epoch promised);
/* True when an epoch just above is still near for whoever has promised that, or a little less. Only of such a one the next is
 * proposed: what others show is not chosen by us. False when nothing was promised. */
bool ms_epoch_leaves_room(ms_epoch epoch, ms_epoch promised);

/* An epoch that is chosen without votes: in the next span above that one, in the half of it that is of this place only, at a
 * drawn place there. So two that choose apart from each other never meet in one, nor does one that has forgotten. */
ms_epoch ms_epoch_leap(ms_epoch above, uint8_t place, uint64_t drawn);
/* How far above what is known a forced one begins: further than any row of epochs by votes goes on. */
ms_epoch ms_epoch_forced_step(uint8_t place, uint64_t drawn);
/* The first epoch of a half that leaves its pair and is a single master from then on: above all that it has promised, voted for or
 * served, and where the other half comes to neither by votes nor by force. */
ms_epoch ms_epoch_of_leaving(const struct ms_council_record *record, uint64_t drawn);

/* The rule of acceptance for a witness, or for a master (served: its highest epoch served) that is not fresh. A BOOTSTRAP is
 * acceptable to whoever has promised nothing; that it belongs to no other cluster is asked beside this. A CONSENT may be as far
 * above as it likes: all who vote for it are there, and it is how halves meet of which one has promised too much. */
bool ms_decision_is_acceptable(const struct ms_decision *decision, const struct ms_voter *voter,
                               bool is_master, ms_epoch served);

/* The program starts with that record: to be durable before anything is said. life: drawn, not 0. */
void ms_council_record_start(struct ms_council_record *record, uint64_t life);

/* The same in the same order. */
bool ms_witnesses_equal(const struct ms_witnesses *a, const struct ms_witnesses *b);

#define MS_WITNESSES_MARK_AUTO 1u

/* A number that two lists have in common if they have the same ids, in whatever order; never 0 or MS_WITNESSES_MARK_AUTO. */
uint64_t ms_witnesses_mark(const struct ms_witnesses *list);

/* True when the second is to be taken by whoever has the first. */
static inline bool ms_pair_hold_is_later(const struct ms_pair_hold *mine,
                                         const struct ms_pair_hold *other)
{
    return other->version > mine->version ||
           (other->version == mine->version && other->is_on && !mine->is_on);
}

/* Lists are numbered: an odd number is that of an old list and a new one. (The new one may be empty.) */
static inline bool ms_witnesses_are_changing(uint32_t version)
{
    return (version & 1) != 0;
}

/* A strict majority of list, and of next while that is being changed to (NULL = it is not); votes has a bit for each witness
 * of list, votes_next of next. An empty list has no majority. */
bool ms_witnesses_are_quorum(const struct ms_witnesses *list, uint32_t votes,
                             const struct ms_witnesses *next, uint32_t votes_next);

#endif
