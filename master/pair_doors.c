/* Listeners for the pair alone (--peer-listen): who may say what where. Without them everything is taken everywhere. */
#include "master/pair_state.h"

#define FOR_PAIR "this listener is for the pair alone: slaves and clients are served at --listen"

static void refuse(struct ms_pair *pair, const struct ms_event *event, const char *detail)
{
    ms_engine_send(&pair->engine, event->peer, 0,
                   &(struct ms_command){.kind = MS_KIND_ERROR,
                                        .error = MS_E_PERMISSION,
                                        .detail = ms_bytes_of(detail)});
    ms_engine_emit(&pair->engine,
                   &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = event->peer});
    ms_trace(&pair->engine.trace, MS_LEVEL_WARN, "refused at this listener",
             "peer=%llu text=\"%s\"", (unsigned long long)event->peer, detail);
}

/* The connection ends without an event: whoever knows of it forgets it. */
static void forget(struct ms_pair *pair, ms_peer peer)
{
    struct ms_uuid nonce;

    ms_greeters_take_newcomer(&pair->greeters, peer, &nonce);
    ms_greeters_drop(&pair->greeters, peer);
    if (pair->tenure != MS_TENURE_NONE && ms_master_knows(pair->master, peer)) {
        ms_peers_push(&pair->gone, peer);
    }
}

bool ms_pair_admits(struct ms_pair *pair, const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    if (pair->apart[0] == '\0' || ms_pair_links_find(&pair->links, event->peer) != NULL) {
        return true;
    }
    if (event->is_apart && command->kind < MS_KIND_PEER_HELLO) {
        refuse(pair, event, FOR_PAIR);
    } else if (!event->is_apart && command->kind == MS_KIND_PEER_HELLO &&
               command->body.pair->role == MS_ROLE_MASTER) {
        pair->complaint.text[0] = '\0';
        ms_complain(
            &pair->complaint,
            "the other master is heard at %s only (--peer-listen): its --peer must name that",
            pair->apart);
        refuse(pair, event, pair->complaint.text);
    } else {
        return true;
    }
    forget(pair, event->peer);
    return false;
}

bool ms_pair_obeys(const struct ms_pair *pair, const struct ms_pair_link *link)
{
    return pair->apart[0] == '\0' || link->is_apart;
}
