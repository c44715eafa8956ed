/* Who greets a half that does not serve yet: waits while it may soon, is welcomed when it does, and is sent away else. */
#include "core/invariant.h"
#include "master/pair_state.h"

uint32_t ms_pair_greeters(const struct ms_pair *pair)
{
    return pair->greeters.count;
}

bool ms_pair_serves(const struct ms_pair *pair)
{
    return pair->tenure == MS_TENURE_ON && ms_master_is_ready(pair->master);
}

/* While it pauses it may be over: whoever greets then looks at the other half, too. */
static bool may_wait(const struct ms_pair *pair, ms_time now)
{
    switch (pair->tenure) {
    case MS_TENURE_NONE:
        return pair->life == MS_PAIR_RUNS && ms_council_is_expectant(pair->council, now);
    case MS_TENURE_READING:
    case MS_TENURE_ON:
        return pair->life == MS_PAIR_RUNS;
    case MS_TENURE_READING_PAUSED:
    case MS_TENURE_PAUSED:
        break;
    }
    return false;
}

bool ms_pair_hold_greeter(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    struct ms_greeter greeter = {.peer = event->peer,
                                 .epoch = event->epoch,
                                 .until = now + MS_GREETER_WAIT,
                                 .hello = *event->command->body.hello};
    const bool is_new = ms_greeters_take_newcomer(&pair->greeters, event->peer, &greeter.nonce);

    ms_assert(event->command->kind == MS_KIND_HELLO);
    if (!may_wait(pair, now) ||
        (!is_new && (pair->master == NULL || !ms_master_knows(pair->master, event->peer)))) {
        return false;
    }
    return ms_greeters_add(&pair->greeters, &greeter);
}

void ms_pair_refuse_greeter(struct ms_pair *pair, ms_peer peer)
{
    if (pair->tenure != MS_TENURE_NONE && ms_master_knows(pair->master, peer)) {
        ms_peers_push(&pair->gone, peer);
    }
    ms_peers_push(&pair->leaving, peer);
}

void ms_pair_tend_greeters(struct ms_pair *pair, ms_time now)
{
    const bool is_hopeful = may_wait(pair, now);
    const struct ms_greeter *first;

    while ((first = ms_greeters_first(&pair->greeters)) != NULL &&
           (!is_hopeful || (now >= first->until && !ms_pair_serves(pair)))) {
        const ms_peer peer = first->peer;

        ms_greeters_drop(&pair->greeters, peer);
        ms_pair_refuse_greeter(pair, peer);
    }
}

void ms_pair_welcome_greeter(struct ms_pair *pair, ms_time now)
{
    struct ms_greeter *first = ms_greeters_first(&pair->greeters);
    const struct ms_greeter greeter = *first;

    if (!greeter.is_opened && !ms_master_knows(pair->master, greeter.peer)) {
        first->is_opened = true;
        ms_pair_step_master(pair, now,
                            &(struct ms_event){.type = MS_EVENT_PEER_OPENED,
                                               .peer = greeter.peer,
                                               .nonce = greeter.nonce});
        return;
    }
    ms_greeters_drop(&pair->greeters, greeter.peer);
    if (ms_master_knows(pair->master, greeter.peer)) { /* else it had no room */
        ms_pair_step_master(
            pair, now,
            &(struct ms_event){.type = MS_EVENT_RECEIVED,
                               .peer = greeter.peer,
                               .epoch = greeter.epoch,
                               .command = &(struct ms_command){.kind = MS_KIND_HELLO,
                                                               .body.hello = &greeter.hello}});
    }
}
