/* Who is let in: listeners for the pair alone (--peer-listen), without which everything is taken everywhere, and masters that are
 * not the other half. */
#include "master/pair_state.h"

#define IS_TAKEN                                                                                   \
    "another master with this --role is the other half, and is here: stop one of the two"
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

/* An address of the other half led to us: this start of the program has said that on a connection to itself. */
static bool is_self(const struct ms_pair *pair, const struct ms_pair_frame *hello)
{
    const struct ms_council_record *record = &pair->durable;

    return hello->role == MS_ROLE_MASTER && hello->node == record->place &&
           ms_uuid_equal(&hello->id, &record->incarnation) &&
           hello->start.number == record->start.number &&
           hello->start.lives[0] == record->start.lives[0];
}

/* Whoever is there hears by our greeting why; so each end of a connection to ourselves knows it. */
static void greet_back(struct ms_pair *pair, ms_peer peer)
{
    struct ms_pair_link *link = ms_pair_links_find(&pair->links, peer);
    struct ms_pair_link unknown = {.peer = peer};

    ms_pair_greet(pair, link != NULL ? link : &unknown);
}

bool ms_pair_refuses(struct ms_pair *pair, ms_time now, ms_peer peer,
                     const struct ms_pair_frame *hello)
{
    const char *address;

    if (is_self(pair, hello)) {
        greet_back(pair, peer);
        address = ms_pair_links_refuse_self(&pair->links, now, peer);
        if (address != NULL) {
            ms_trace(&pair->engine.trace, MS_LEVEL_WARN, "an address of the other half is our own",
                     "address=%s", address);
        }
        return true;
    }
    if (hello->role == MS_ROLE_MASTER && ms_council_refuses(pair->council, now, hello)) {
        greet_back(pair, peer);
        ms_pair_links_refuse(&pair->links, now, peer, MS_E_OK);
        return true;
    }
    if (hello->role == MS_ROLE_MASTER && ms_council_is_taken(pair->council, now, hello)) {
        ms_engine_send(&pair->engine, peer, 0,
                       &(struct ms_command){.kind = MS_KIND_ERROR,
                                            .error = MS_E_PERMISSION,
                                            .detail = ms_bytes_of(IS_TAKEN)});
        ms_pair_links_refuse(&pair->links, now, peer, MS_E_OK);
        return true;
    }
    return false;
}

void ms_pair_set_apart(struct ms_pair *pair, const char *address)
{
    struct ms_text text;

    ms_text_init(&text, pair->apart, sizeof pair->apart);
    ms_text_add(&text, "%s", address);
}

void ms_pair_set_reached(struct ms_pair *pair, const char *addresses)
{
    struct ms_text text;

    ms_text_init(&text, pair->reached, sizeof pair->reached);
    ms_text_add(&text, "%s", addresses);
}
