#include "master/election.h"

#include "core/invariant.h"

static void enter(struct ms_election *election, const struct ms_witnesses *list)
{
    ms_assert(list->count <= MS_WITNESSES_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        if (ms_election_ballot(election, &list->ids[i]) == NULL) {
            ms_assert(election->witnesses_count < MS_ELECTION_WITNESSES_MAX);
            election->witnesses[election->witnesses_count++] = list->ids[i];
        }
    }
}

void ms_election_begin(struct ms_election *election, enum ms_election_phase phase,
                       const struct ms_decision *decision, struct ms_electorate electorate)
{
    ms_assert(phase != MS_ELECTION_NONE);
    ms_assert(ms_decision_is_sound(decision));
    *election = (struct ms_election){.phase = phase, .decision = *decision, .until = MS_TIME_NEVER};
    enter(election, electorate.list);
    if (electorate.next != NULL) {
        enter(election, electorate.next);
    }
}

void ms_election_end(struct ms_election *election)
{
    *election = (struct ms_election){.phase = MS_ELECTION_NONE};
}

enum ms_ballot *ms_election_ballot(struct ms_election *election, const struct ms_uuid *witness)
{
    for (uint32_t i = 0; i < election->witnesses_count; i++) {
        if (ms_uuid_equal(&election->witnesses[i], witness)) {
            return &election->ballots[i];
        }
    }
    return NULL;
}

bool ms_election_is_refused(const struct ms_election *election)
{
    for (uint32_t i = 0; i < election->witnesses_count; i++) {
        if (election->ballots[i] == MS_BALLOT_NO) {
            return true;
        }
    }
    return false;
}

/* What counts as a vote: YES, or also what may still become one. */
static bool counts(const struct ms_election *election, enum ms_ballot ballot, bool is_hopeful)
{
    switch (ballot) {
    case MS_BALLOT_YES:
        return true;
    case MS_BALLOT_ASKED:
        return is_hopeful;
    case MS_BALLOT_ABSENT:
        return is_hopeful && election->phase == MS_ELECTION_VOTE;
    case MS_BALLOT_NO:
        break;
    }
    return false;
}

static uint32_t votes_of(const struct ms_election *election, const struct ms_witnesses *list,
                         bool is_hopeful)
{
    uint32_t votes = 0;

    for (uint32_t i = 0; i < election->witnesses_count; i++) {
        for (uint32_t j = 0; j < list->count; j++) {
            if (ms_uuid_equal(&election->witnesses[i], &list->ids[j]) &&
                counts(election, election->ballots[i], is_hopeful)) {
                votes |= 1u << j;
            }
        }
    }
    return votes;
}

/* An empty list means the incumbent: it decides this alone. */
static bool agrees(const struct ms_election *election, const struct ms_witnesses *list,
                   bool is_hopeful)
{
    const enum ms_decision_kind kind = election->decision.kind;

    if (list->count == 0) {
        return kind == MS_DECISION_INCUMBENT || kind == MS_DECISION_ADMIT;
    }
    return ms_witnesses_are_quorum(list, votes_of(election, list, is_hopeful), NULL, 0);
}

static bool is_unanimous(const struct ms_election *election, const struct ms_witnesses *list,
                         bool is_hopeful)
{
    return votes_of(election, list, is_hopeful) == (1u << list->count) - 1;
}

static bool is_won(const struct ms_election *election, struct ms_electorate electorate,
                   bool is_hopeful)
{
    const bool has_peer = counts(election, election->peer, is_hopeful);
    const bool is_agreed =
        agrees(election, electorate.list, is_hopeful) &&
        (electorate.next == NULL || agrees(election, electorate.next, is_hopeful));

    switch (election->decision.kind) {
    case MS_DECISION_SOLO:
    case MS_DECISION_INCUMBENT:
        return has_peer || is_agreed;
    case MS_DECISION_ADMIT: /* without the newcomer's vote */
        return is_agreed;
    case MS_DECISION_JOIN: /* with witnesses it could be decided without him, and would be of no use */
    case MS_DECISION_HANDOVER:
    case MS_DECISION_CONSENT: /* witnesses have no vote */
        return has_peer;
    case MS_DECISION_BOOTSTRAP: /* silence is a refusal */
        return has_peer && is_unanimous(election, electorate.list, is_hopeful);
    case MS_DECISION_FORCED:
        return true;
    case MS_DECISION_NONE:
    case MS_DECISION_KINDS:
        break;
    }
    return false;
}

enum ms_verdict ms_election_verdict(const struct ms_election *election,
                                    struct ms_electorate electorate)
{
    ms_assert(election->phase != MS_ELECTION_NONE);
    if (is_won(election, electorate, false)) {
        return MS_VERDICT_WON;
    }
    return is_won(election, electorate, true) ? MS_VERDICT_OPEN : MS_VERDICT_LOST;
}
