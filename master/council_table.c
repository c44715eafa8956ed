#include "master/council_table.h"

#define ROW(state, happening, next, words)                                                         \
    [MS_COUNCIL_##state][MS_COUNCIL_##happening] = {MS_COUNCIL_##state, MS_COUNCIL_##happening,    \
                                                    MS_COUNCIL_##next, words}

const struct ms_council_row ms_council_table[MS_COUNCIL_STATES][MS_COUNCIL_EVENTS] = {
    ROW(PENDING, BEHIND, CATCHUP,
        "the peer is active; its log is not all here, or S is without us"),
    ROW(PENDING, IN_SYNC, SYNC, "the peer is active and we are in S"),
    ROW(PENDING, STAND, CANDIDATE, "nobody is active; we ask for votes"),
    ROW(PENDING, WIN_SOLO, SOLO, "an operator's word, or evidence: active without votes"),
    ROW(PENDING, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(PENDING, BREAK, HALTED, "the store failed"),
    ROW(CATCHUP, BEHIND, CATCHUP, "another epoch of the active, still without us in S"),
    ROW(CATCHUP, IN_SYNC, SYNC, "the log is complete and S has us"),
    ROW(CATCHUP, UNLED, PENDING, "the active is gone; who lacks records waits"),
    ROW(CATCHUP, WIN_SOLO, SOLO, "an operator's word: active without votes"),
    ROW(CATCHUP, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(CATCHUP, BREAK, HALTED, "the store failed"),
    ROW(SYNC, BEHIND, CATCHUP, "the active goes on without us, or a copy has begun"),
    ROW(SYNC, IN_SYNC, SYNC, "another epoch of the active"),
    ROW(SYNC, STAND, CANDIDATE, "the active is lost; we ask for votes"),
    ROW(SYNC, WIN_SOLO, SOLO, "an operator's word, or evidence: active without votes"),
    ROW(SYNC, WIN_PAIR, PAIR, "the peer hands the active role over"),
    ROW(SYNC, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(SYNC, BREAK, HALTED, "the store failed"),
    ROW(CANDIDATE, BEHIND, CATCHUP, "the peer is active; our proposal is withdrawn"),
    ROW(CANDIDATE, IN_SYNC, SYNC, "the peer is active with us in S; our proposal is withdrawn"),
    ROW(CANDIDATE, FAIL, PENDING, "not enough votes in time"),
    ROW(CANDIDATE, FAIL_ON, HOLD, "not enough votes in time; paused until there are"),
    ROW(CANDIDATE, WIN_SOLO, SOLO, "decided: active alone"),
    ROW(CANDIDATE, WIN_PAIR, PAIR, "decided: active, and the peer is in S"),
    ROW(CANDIDATE, DEPOSE, PENDING, "we have voted for the peer, or handed over to it"),
    ROW(CANDIDATE, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(CANDIDATE, BREAK, HALTED, "the store failed"),
    ROW(PAIR, STAND, CANDIDATE, "the peer needs a copy; it may have it outside S only"),
    ROW(PAIR, SHED, CANDIDATE, "the peer's disk is slow; work shall not wait for it"),
    ROW(PAIR, DEPART, HOLD, "the peer is lost; nothing can be acknowledged"),
    ROW(PAIR, HAND, DRAIN, "the peer shall take over"),
    ROW(PAIR, WIN_SOLO, SOLO, "an operator's word: alone without votes"),
    ROW(PAIR, DEPOSE, PENDING, "somebody is active in a higher epoch, or got our vote"),
    ROW(PAIR, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(PAIR, BREAK, HALTED, "the store failed"),
    ROW(SOLO, STAND, CANDIDATE, "the peer has caught up and shall be in S, or has promised more"),
    ROW(SOLO, DEPOSE, PENDING, "somebody is active in a higher epoch, or got our vote"),
    ROW(SOLO, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(SOLO, BREAK, HALTED, "the store failed"),
    ROW(HOLD, STAND, CANDIDATE, "the voters would let us go on alone"),
    ROW(HOLD, RETURN, PAIR, "the peer follows again in the same epoch"),
    ROW(HOLD, WIN_SOLO, SOLO, "an operator's word, evidence, or degraded: alone without votes"),
    ROW(HOLD, DEPOSE, PENDING, "somebody is active in a higher epoch, or got our vote"),
    ROW(HOLD, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(HOLD, BREAK, HALTED, "the store failed"),
    ROW(DRAIN, STAND, CANDIDATE, "the peer has everything; it is asked to take over"),
    ROW(DRAIN, KEEP, PAIR, "the peer did not get everything in time"),
    ROW(DRAIN, DEPART, HOLD, "the peer is lost"),
    ROW(DRAIN, WIN_SOLO, SOLO, "an operator's word: alone without votes"),
    ROW(DRAIN, DEPOSE, PENDING, "somebody is active in a higher epoch, or got our vote"),
    ROW(DRAIN, OUTLIVE, PENDING, "our directory is an old copy; we begin anew"),
    ROW(DRAIN, BREAK, HALTED, "the store failed"),
};

const char *ms_council_state_name(enum ms_council_state state)
{
    static const char *const names[MS_COUNCIL_STATES] = {
        [MS_COUNCIL_PENDING] = "PENDING", [MS_COUNCIL_CATCHUP] = "CATCHUP",
        [MS_COUNCIL_SYNC] = "SYNC",       [MS_COUNCIL_CANDIDATE] = "CANDIDATE",
        [MS_COUNCIL_PAIR] = "PAIR",       [MS_COUNCIL_SOLO] = "SOLO",
        [MS_COUNCIL_HOLD] = "HOLD",       [MS_COUNCIL_DRAIN] = "DRAIN",
        [MS_COUNCIL_HALTED] = "HALTED",
    };

    return (size_t)state < MS_COUNCIL_STATES ? names[state] : "UNKNOWN";
}

const char *ms_council_event_name(enum ms_council_event event)
{
    static const char *const names[MS_COUNCIL_EVENTS] = {
        [MS_COUNCIL_BEHIND] = "behind",     [MS_COUNCIL_IN_SYNC] = "in_sync",
        [MS_COUNCIL_UNLED] = "unled",       [MS_COUNCIL_STAND] = "stand",
        [MS_COUNCIL_FAIL] = "fail",         [MS_COUNCIL_FAIL_ON] = "fail_on",
        [MS_COUNCIL_WIN_SOLO] = "win_solo", [MS_COUNCIL_WIN_PAIR] = "win_pair",
        [MS_COUNCIL_DEPART] = "depart",     [MS_COUNCIL_RETURN] = "return",
        [MS_COUNCIL_HAND] = "hand",         [MS_COUNCIL_KEEP] = "keep",
        [MS_COUNCIL_DEPOSE] = "depose",     [MS_COUNCIL_SHED] = "shed",
        [MS_COUNCIL_OUTLIVE] = "outlive",   [MS_COUNCIL_BREAK] = "break",
    };

    ms_assert(event < MS_COUNCIL_EVENTS);
    return names[event];
}

void ms_council_rows(struct ms_fsm_row rows[static MS_COUNCIL_ROWS])
{
    size_t count = 0;

    for (size_t from = 0; from < MS_COUNCIL_STATES; from++) {
        for (size_t event = 0; event < MS_COUNCIL_EVENTS; event++) {
            const struct ms_council_row *row = &ms_council_table[from][event];

            if (row->why == NULL) {
                continue;
            }
            ms_assert(count < MS_COUNCIL_ROWS);
            rows[count++] = (struct ms_fsm_row){ms_council_state_name(row->from),
                                                ms_council_event_name(row->event),
                                                ms_council_state_name(row->to), row->why};
        }
    }
    ms_assert(count == MS_COUNCIL_ROWS);
}

struct ms_fsm ms_council_fsm(const struct ms_fsm_row rows[static MS_COUNCIL_ROWS])
{
    ms_assert(rows != NULL);
    return (struct ms_fsm){
        .title = "A master of a pair",
        .about =
            "Who is active, and what S is, the set of those that must hold a record before it is "
            "acknowledged. Every arrow into PAIR or SOLO is a decision with a new epoch, except "
            "that of a peer that is back.",
        .initial = "PENDING",
        .rows = rows,
        .count = MS_COUNCIL_ROWS,
    };
}
