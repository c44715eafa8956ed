/* The council's parts among themselves. */
#ifndef MASTER_COUNCIL_PRIVATE_H
#define MASTER_COUNCIL_PRIVATE_H

#include "master/council.h"
#include "master/council_others.h"
#include "master/council_table.h"
#include "master/election.h"

#define MS_COUNCIL_WITNESSES_MAX 16u /* that are connected, enrolled or not */
#define MS_COUNCIL_ACTS_MAX      128u
#define MS_COUNCIL_ACTS_RESERVE  32u /* of them: not for SEND, which may be lost */
#define MS_COUNCIL_BEATS_KEPT    8u  /* an answer to an older one says nothing of today */
#define MS_COUNCIL_INBOX_MAX     8u  /* frames that came while the record was being written */

/* Our own being active. */
enum ms_council_reign {
    MS_COUNCIL_NO_REIGN,
    MS_COUNCIL_REIGNS, /* serves in tenure */
    MS_COUNCIL_RESTS,  /* paused: goes on by SERVE or ends by STOP */
};

/* The record is written one at a time; whatever comes meanwhile waits. */
enum ms_council_write {
    MS_COUNCIL_WRITTEN,
    MS_COUNCIL_TO_WRITE, /* the STORE is among the acts */
    MS_COUNCIL_WRITING,  /* it was taken */
};

struct ms_council_mail {
    struct ms_council_party from;
    uint8_t kind;
    uint16_t error;
    struct ms_pair_frame frame;
};

struct ms_council {
    struct ms_council_config config;
    struct ms_council_times times;
    struct ms_trace trace;
    struct ms_rng rng;
    struct ms_council_record record;  /* as it is written, or about to be */
    struct ms_council_record durable; /* as it is written */
    enum ms_council_state state;
    enum ms_council_reign reign;
    struct ms_decision tenure; /* what we serve by */
    struct ms_council_peer peer;
    struct ms_council_witness witnesses[MS_COUNCIL_WITNESSES_MAX];
    struct ms_election election;
    struct ms_witnesses wish; /* list that somebody wants */
    bool has_wish;
    struct ms_known_start heard; /* the newest start of the peer; the record has it soon */
    struct ms_known_start
        outlived_by; /* a start of our place that others remember; number 0 = by none */
    enum ms_council_write write;

    ms_epoch seen; /* the highest that the peer or a voter has shown, and the next goes above */
    struct ms_council_shown shown;
    struct ms_council_doubt doubt;
    ms_epoch following; /* the owner was told to follow in it, on this connection; 0 = nobody */
    ms_epoch followed;  /* what the follower has said last; 0 = nothing new */
    ms_epoch expelled;  /* epoch in which the peer asked for a copy; 0 = none */
    bool is_followed_complete, is_unmergeable; /* COMPLETE or not; and what is given up is kept */
    bool is_mirrored, is_drained, is_kept;     /* kept: it is in a file of its own now */
    bool is_slow;                              /* the peer's disk */
    enum ms_room room;                         /* on the own one */
    ms_time full_at, relief_at;                /* since when there is none; when to hand over */
    uint64_t routes;                           /* ms_routes_digest; 0 = was not told */

    ms_time now; /* of the present call */
    ms_time started_at, beat_at, retry_at, stale_at;
    ms_time enrol_at;      /* the next change of the list by ourselves */
    ms_time paired_at;     /* PAIR since */
    ms_time drain_until;   /* DRAIN is given up */
    ms_time took_over_at;  /* the last takeover of ours; MS_TIME_NEVER = none */
    ms_time asked_at;      /* when somebody last looked for the active here */
    ms_time failed_at;     /* when the voters last did not decide */
    bool is_refused;       /* and that because a witness said no */
    ms_time promote_until; /* an operator's word: the voters are asked until then */
    ms_time wake;          /* of what was looked at, the next that becomes due */
    uint64_t beats;
    ms_time beats_at[MS_COUNCIL_BEATS_KEPT]; /* when each of the last ones was sent */
    uint64_t proof;    /* HOLD: the peer is back when it has answered this BEAT */
    const char *alarm; /* said last */
    ms_time noticed_at[MS_NOTICES];
    uint32_t taken[MS_COUNCIL_STATES]; /* rows of the table, as bits */

    struct ms_council_act acts[MS_COUNCIL_ACTS_MAX];
    uint32_t head, count;
    struct ms_council_mail inbox[MS_COUNCIL_INBOX_MAX];
    uint32_t mails;
};

/* --- council_acts.c --- */
void ms_council_emit(struct ms_council *council, const struct ms_council_act *act);
/* decision: that the frame is about; NULL = that was accepted last. */
void ms_council_send(struct ms_council *council, const struct ms_council_party *party,
                     enum ms_kind kind, enum ms_error error, const struct ms_decision *decision);
/* To the peer and every witness that is connected. */
void ms_council_answer(struct ms_council *council, const struct ms_council_party *party,
                       uint64_t count); /* a BEAT */
void ms_council_send_all(struct ms_council *council, enum ms_kind kind);
void ms_council_write(struct ms_council *council);
void ms_council_pause(struct ms_council *council);
void ms_council_stop(struct ms_council *council);
/* Our being active is over, whoever is it now. */
void ms_council_depose(struct ms_council *council);
void ms_council_change(struct ms_council *council, enum ms_council_event event);
/* Something that operators should know, once. */
void ms_council_alarm(struct ms_council *council, const char *text);

/* --- council_decide.c: each ends with at most one STORE --- */
void ms_council_stand(struct ms_council *council, ms_time now, enum ms_decision_kind kind);
/* Active alone, in an epoch far above, by nobody's vote. */
void ms_council_force(struct ms_council *council, ms_time now);
/* Once decided. */
void ms_council_serve(struct ms_council *council, const struct ms_decision *decision);
void ms_council_vote(struct ms_council *council, const struct ms_decision *decision);
/* True when something has changed. */
bool ms_council_run_election(struct ms_council *council, ms_time now);
bool ms_council_follow(struct ms_council *council);
bool ms_council_take_followed(struct ms_council *council);
/* SOLO, or INCUMBENT where that needs nobody else. */
enum ms_decision_kind ms_council_alone(const struct ms_council *council);
struct ms_electorate ms_council_electorate(const struct ms_council *council);

/* --- council_hear.c --- */
void ms_council_handle(struct ms_council *council, const struct ms_council_mail *mail);

/* --- council_enrol.c --- */
bool ms_council_is_enrolled(const struct ms_council *council, const struct ms_uuid *id);
/* True when the list of witnesses has changed; of the active of a pair. */
bool ms_council_enrol(struct ms_council *council, ms_time now);
struct ms_council_witness *ms_council_witness(struct ms_council *council, const struct ms_uuid *id);

/* --- council_starts.c --- */
/* What the sender remembers of our place. False: our directory is an old copy, and nothing counts before we have begun anew. */
bool ms_council_heed_start(struct ms_council *council, const struct ms_pair_frame *frame);
/* What the peer says of itself. False: it has come with an old copy of its directory, and does not know yet: nothing of
 * it counts. */
bool ms_council_note_start(struct ms_council *council, const struct ms_pair_frame *frame);
/* Both do what the record needs; true when it has changed. The first one comes before all else. */
bool ms_council_renew(struct ms_council *council);
bool ms_council_keep_start(struct ms_council *council);

/* --- council_order.c, council_settings.c: true when the record has changed --- */
/* The peer knows of a later hold, or of its end. */
bool ms_council_take_hold(struct ms_council *council);
/* How it is configured counts after a restart, too. */
bool ms_council_keep_settings(struct ms_council *council);

/* --- council_rules.c --- */
/* The peer shall leave S because its disk is slow; not because it has asked for a copy. */
bool ms_council_sheds(const struct ms_council *council);
/* PAIR: pauses, and hands over once the peer has everything. */
void ms_council_hand(struct ms_council *council, ms_time now);
/* And that is due, because the own disk is full. */
bool ms_council_wants_relief(struct ms_council *council, ms_time now);
/* Does what is due, until nothing is. */
void ms_council_evaluate(struct ms_council *council, ms_time now);
/* False: not yet, and the deadline is no later. */
bool ms_council_is_due(struct ms_council *council, ms_time now, ms_time at);

static inline uint8_t ms_council_other(const struct ms_council *council)
{
    return (uint8_t)(1 - council->record.place);
}

/* In S by its own record, with a log that is usable. */
static inline bool ms_council_is_eligible(const struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;

    return !record->is_fresh && record->is_complete &&
           ms_decision_has(&record->voter.accepted, record->place, &record->incarnation);
}

#endif
