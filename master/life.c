#include "master/life.h"

#include "core/invariant.h"

#define ROW(state, happening, next, words)                                                         \
    [MS_LIFE_##state][MS_LIFE_##happening] = {MS_LIFE_##state, MS_LIFE_##happening,                \
                                              MS_LIFE_##next, words}

const struct ms_life_row ms_life_table[MS_LIFE_STATES][MS_LIFE_EVENTS] = {
    ROW(NONE, SUBMIT, READY, "accepted; it may be handed out at once"),
    ROW(NONE, SUBMIT_LATER, DELAYED, "accepted with a delay"),
    ROW(READY, HAND_OUT, LEASED, "a slave that runs its type has credit; a new attempt and token"),
    ROW(READY, ADOPT, LEASED, "a slave has had it in hand since before the master started"),
    ROW(READY, POSTPONE, DELAYED, "somebody put it off"),
    ROW(READY, EXPIRE, BURIED, "its deadline passed before it was started"),
    ROW(READY, CANCEL, CANCELLED, "its submitter cancelled it before anybody had it"),
    ROW(DELAYED, DUE, READY, "its time has come"),
    ROW(DELAYED, RELEASE, READY, "somebody released it before its time"),
    ROW(DELAYED, POSTPONE, DELAYED, "somebody gave it another time"),
    ROW(DELAYED, ADOPT, LEASED, "a slave has had it in hand since before the master started"),
    ROW(DELAYED, EXPIRE, BURIED, "its deadline passed before it was started"),
    ROW(DELAYED, CANCEL, CANCELLED, "its submitter cancelled it while it waited"),
    ROW(DELAYED, SUCCEED, DONE, "the command that it joined succeeded"),
    ROW(DELAYED, FAIL, BURIED, "the command that it joined was buried"),
    ROW(LEASED, RETURN, READY, "handed back before it was started; the attempt does not count"),
    ROW(LEASED, LOSE, READY, "the session that held it ended; the attempt is void"),
    ROW(LEASED, RETRY, DELAYED, "the attempt failed and another may help; back-off with jitter"),
    ROW(LEASED, SUCCEED, DONE, "the result is ok"),
    ROW(LEASED, FAIL, BURIED, "the handler says that it failed for good"),
    ROW(LEASED, EXHAUST, BURIED, "attempts are used up, or it took down too many slaves"),
    ROW(LEASED, OVERFLOW, BURIED, "more output than the master keeps; the attempt is revoked"),
    ROW(LEASED, FORFEIT, BURIED, "its slave is lost, and it may be started only once"),
    ROW(LEASED, EXPIRE, BURIED, "the attempt failed, and the next would come after its deadline"),
    ROW(LEASED, CANCEL, CANCELLED, "cancelled while it ran; the slave let go of it, or is gone"),
    ROW(DONE, CONFIRM, CLOSED, "its submitter has the outcome"),
    ROW(DONE, ABANDON, CLOSED, "nobody waits for the outcome: background, or the client is gone"),
    ROW(DONE, CANCEL, CANCELLED, "the other half of the pair had confirmed that it was cancelled"),
    ROW(DONE, RETIRE, CLOSED, "kept long enough: age, count or bytes of kept outcomes"),
    ROW(BURIED, KICK, READY,
        "somebody wants it tried again: a new generation, attempts count anew"),
    ROW(BURIED, SUCCEED, DONE, "the other half of the pair had a result of it that is ok"),
    ROW(BURIED, CANCEL, CANCELLED,
        "the other half of the pair had confirmed that it was cancelled"),
    ROW(BURIED, RETIRE, CLOSED, "kept long enough: age, count or bytes of kept outcomes"),
    ROW(BURIED, CONFIRM, CLOSED, "its submitter has the outcome"),
    ROW(BURIED, ABANDON, CLOSED, "nobody waits for the outcome: background, or the client is gone"),
    ROW(CANCELLED, RETIRE, CLOSED, "kept long enough: age, count or bytes of kept outcomes"),
    ROW(CANCELLED, CONFIRM, CLOSED, "its submitter has the outcome"),
    ROW(CANCELLED, ABANDON, CLOSED,
        "nobody waits for the outcome: background, or the client is gone"),
};

bool ms_life_buries(enum ms_life_event event)
{
    ms_assert(event < MS_LIFE_EVENTS);
    return ms_life_table[MS_LIFE_LEASED][event].to == MS_LIFE_BURIED ||
           ms_life_table[MS_LIFE_READY][event].to == MS_LIFE_BURIED;
}

const char *ms_life_state_name(enum ms_life_state state)
{
    static const char *const names[MS_LIFE_STATES] = {
        [MS_LIFE_NONE] = "none",           [MS_LIFE_READY] = "ready",
        [MS_LIFE_DELAYED] = "delayed",     [MS_LIFE_LEASED] = "leased",
        [MS_LIFE_DONE] = "done",           [MS_LIFE_BURIED] = "buried",
        [MS_LIFE_CANCELLED] = "cancelled", [MS_LIFE_CLOSED] = "closed",
    };

    ms_assert(state < MS_LIFE_STATES);
    return names[state];
}

const char *ms_life_event_name(enum ms_life_event event)
{
    static const char *const names[MS_LIFE_EVENTS] = {
        [MS_LIFE_SUBMIT] = "submit",     [MS_LIFE_SUBMIT_LATER] = "submit_later",
        [MS_LIFE_DUE] = "due",           [MS_LIFE_HAND_OUT] = "hand_out",
        [MS_LIFE_RETURN] = "return",     [MS_LIFE_LOSE] = "lose",
        [MS_LIFE_RETRY] = "retry",       [MS_LIFE_SUCCEED] = "succeed",
        [MS_LIFE_FAIL] = "fail",         [MS_LIFE_EXHAUST] = "exhaust",
        [MS_LIFE_OVERFLOW] = "overflow", [MS_LIFE_CANCEL] = "cancel",
        [MS_LIFE_CONFIRM] = "confirm",   [MS_LIFE_ABANDON] = "abandon",
        [MS_LIFE_ADOPT] = "adopt",       [MS_LIFE_FORFEIT] = "forfeit",
        [MS_LIFE_EXPIRE] = "expire",     [MS_LIFE_KICK] = "kick",
        [MS_LIFE_RELEASE] = "release",   [MS_LIFE_POSTPONE] = "postpone",
        [MS_LIFE_RETIRE] = "retire",
    };

    ms_assert(event < MS_LIFE_EVENTS);
    return names[event];
}

void ms_life_rows(struct ms_fsm_row rows[static MS_LIFE_ROWS])
{
    size_t count = 0;

    for (size_t from = 0; from < MS_LIFE_STATES; from++) {
        for (size_t event = 0; event < MS_LIFE_EVENTS; event++) {
            const struct ms_life_row *row = &ms_life_table[from][event];

            if (row->why == NULL) {
                continue;
            }
            ms_assert(count < MS_LIFE_ROWS);
            rows[count++] =
                (struct ms_fsm_row){ms_life_state_name(row->from), ms_life_event_name(row->event),
                                    ms_life_state_name(row->to), row->why};
        }
    }
    ms_assert(count == MS_LIFE_ROWS);
}

struct ms_fsm ms_life_fsm(const struct ms_fsm_row rows[static MS_LIFE_ROWS])
{
    ms_assert(rows != NULL);
    return (struct ms_fsm){
        .title = "The life of a command",
        .about =
            "What the master keeps of a command. States only change along these rows; a command "
            "that is closed is forgotten, and its number is refused from then on.",
        .initial = "none",
        .rows = rows,
        .count = MS_LIFE_ROWS,
    };
}
