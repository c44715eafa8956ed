/* What the pair's parts say to the other half, to witnesses and to operators, and hear from them. */
#include "core/invariant.h"
#include "master/pair_report.h"
#include "master/pair_state.h"
#include "master/recovery.h"

static struct ms_council_party party_of(const struct ms_pair_link *link)
{
    return (struct ms_council_party){.is_witness = link->role == MS_ROLE_WITNESS, .id = link->id};
}

void ms_pair_send(struct ms_pair *pair, const struct ms_pair_link *link,
                  const struct ms_command *command)
{
    ms_engine_send(&pair->engine, link->peer, pair->durable.voter.promised, command);
}

static struct ms_pair_frame *next_frame(struct ms_pair *pair)
{
    ms_assert(pair->frames_count < MS_PAIR_FRAMES_MAX);
    return &pair->frames[pair->frames_count++];
}

void ms_pair_greet(struct ms_pair *pair, struct ms_pair_link *link)
{
    struct ms_pair_frame *frame;

    if (link->has_greeted || pair->frames_count == MS_PAIR_FRAMES_MAX) {
        return;
    }
    frame = next_frame(pair);
    ms_council_hello(pair->council, frame);
    frame->features = MS_PAIR_FEATURES_ALL;
    memcpy(frame->name, pair->name, sizeof frame->name);
    memcpy(frame->build, pair->build, sizeof frame->build);
    link->has_greeted = true;
    ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_MARK, .peer = link->peer});
    ms_pair_send(pair, link,
                 &(struct ms_command){.kind = MS_KIND_PEER_HELLO,
                                      .detail = ms_bytes_of(pair->reached),
                                      .body.pair = frame});
}

/* --- acts of the council --- */

static void send_act(struct ms_pair *pair, const struct ms_council_act *act)
{
    struct ms_pair_link *link = ms_pair_links_of(&pair->links, &act->to);
    struct ms_pair_frame *frame;

    if (link == NULL || pair->frames_count == MS_PAIR_FRAMES_MAX) {
        return; /* as if it were lost on its way */
    }
    if (act->kind == MS_KIND_PEER_HELLO) {
        ms_pair_greet(pair, link);
        return;
    }
    frame = next_frame(pair);
    *frame = act->frame;
    ms_pair_send(pair, link,
                 &(struct ms_command){.kind = act->kind,
                                      .error = act->error,
                                      .count = act->count,
                                      .flags = act->flags,
                                      .body.pair = frame});
}

static void follow(struct ms_pair *pair)
{
    if (pair->links.other == NULL || pair->tenure != MS_TENURE_NONE) {
        return;
    }
    pair->wants_go_on = false;
    pair->followed_on = pair->links.other->peer;
    if (ms_pair_offers(pair)) {
        return;
    }
    ms_follower_follow(pair->follower, pair->followed_on, pair->followed, pair->led.epoch);
}

/* In another epoch of the same reign the stream goes on. */
static void follow_act(struct ms_pair *pair, const struct ms_council_act *act)
{
    const struct ms_pair_link *other = pair->links.other;

    pair->followed = act->decision.epoch;
    if (other != NULL && other->peer == pair->followed_on) {
        ms_follower_epoch(pair->follower, pair->followed);
        ms_suffix_epoch(pair->suffix, pair->followed);
    } else {
        follow(pair);
    }
}

/* An offer goes on as long as the connection: an active that was silent for a moment goes on merging. */
static void unfollow(struct ms_pair *pair)
{
    pair->wants_go_on = false;
    pair->followed_on = MS_PEER_NONE;
    ms_follower_leave(pair->follower);
}

static void news(struct ms_pair *pair, const struct ms_council_act *act)
{
    pair->writing.told = (uint8_t)act->state;
    ms_trace(&pair->engine.trace, MS_LEVEL_INFO, "pair", "state=%s epoch=%llu text=\"%s\"",
             ms_council_state_name(act->state), (unsigned long long)act->decision.epoch,
             act->text != NULL ? act->text : "");
}

static void log_witness(struct ms_pair *pair, const char *what, const struct ms_uuid *id)
{
    char digits[MS_PAGE_ID_SIZE];
    struct ms_text text;

    ms_text_init(&text, digits, sizeof digits);
    ms_page_print_uuid(&text, id);
    ms_trace(&pair->engine.trace, MS_LEVEL_INFO, what, "id=%s", digits);
}

static void lost(struct ms_pair *pair, ms_time now, struct ms_pair_link *link)
{
    const struct ms_council_party party = party_of(link);
    const bool is_other = link == pair->links.other;
    const bool is_witness = link->role == MS_ROLE_WITNESS;

    ms_pair_links_forget(&pair->links, now, link);
    if (is_other) {
        ms_mirror_connect(pair->mirror, MS_PEER_NONE);
        unfollow(pair);
        ms_suffix_leave(pair->suffix);
        ms_pair_forget_merge(pair);
        pair->asked = (struct ms_asked){0};
    }
    if (is_other) {
        ms_council_lost(pair->council, now, &party, false);
    } else if (is_witness && ms_pair_links_of(&pair->links, &party) == NULL) {
        log_witness(pair, "a witness is gone", &party.id);
        ms_council_lost(pair->council, now, &party, false);
    }
}

/* We are somebody else than who has greeted there. */
static void renew(struct ms_pair *pair)
{
    const ms_time now = pair->engine.now;

    pair->led = ms_pair_led(pair->durable.unmerged);
    ms_pair_keep_as(pair);
    for (uint32_t i = 0; i < pair->links.end; i++) {
        struct ms_pair_link *link = &pair->links.links[i];
        const ms_peer peer = link->peer;

        if (peer != MS_PEER_NONE && link->role != MS_ROLE_OPERATOR) {
            lost(pair, now, link);
            ms_engine_emit(&pair->engine,
                           &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
        }
    }
    ms_trace(&pair->engine.trace, MS_LEVEL_WARN,
             "the data directory is an older copy of what the others know: it begins anew, as an "
             "empty one, and what it has alone is handed over",
             "start=%llu", (unsigned long long)pair->durable.start.number);
}

static void carry_out(struct ms_pair *pair, const struct ms_council_act *act)
{
    switch (act->type) {
    case MS_COUNCIL_STORE:
        ms_pair_write(pair, act);
        break;
    case MS_COUNCIL_SEND:
        send_act(pair, act);
        break;
    case MS_COUNCIL_PAUSE:
        ms_pair_pause(pair);
        break;
    case MS_COUNCIL_SERVE:
        ms_pair_serve(pair, &act->decision);
        break;
    case MS_COUNCIL_STOP:
        ms_pair_stop(pair, &act->decision);
        break;
    case MS_COUNCIL_FOLLOW:
        follow_act(pair, act);
        break;
    case MS_COUNCIL_LEAVE:
        pair->followed = 0;
        unfollow(pair);
        break;
    case MS_COUNCIL_RENEW:
        renew(pair);
        break;
    case MS_COUNCIL_NEWS:
        news(pair, act);
        break;
    }
}

void ms_pair_act(struct ms_pair *pair)
{
    struct ms_council_act act;

    while (ms_council_next(pair->council, &act)) {
        carry_out(pair, &act);
    }
}

/* --- frames --- */

static void note_version(struct ms_pair *pair, ms_time now, enum ms_role role)
{
    if (role != MS_ROLE_OPERATOR) {
        ms_council_note(pair->council, now,
                        role == MS_ROLE_WITNESS ? MS_NOTICE_WITNESS_VERSION
                                                : MS_NOTICE_PEER_VERSION);
    }
}

static void keep_reached(struct ms_pair *pair, struct ms_bytes addresses)
{
    ms_assert(addresses.size < sizeof pair->other_reached);
    memset(pair->other_reached, 0, sizeof pair->other_reached);
    if (addresses.size > 0) {
        memcpy(pair->other_reached, addresses.data, addresses.size);
    }
}

/* What its program knows, which may be another one than on the connection before. */
static void keep_features(struct ms_pair *pair, uint64_t features)
{
    pair->other_features = features & MS_PAIR_FEATURES_ALL;
    if (pair->other_features != MS_PAIR_FEATURES_ALL) {
        ms_trace(&pair->engine.trace, MS_LEVEL_INFO, "the other half runs an older program",
                 "features=%llu ours=%llu", (unsigned long long)features,
                 (unsigned long long)MS_PAIR_FEATURES_ALL);
    }
    if (pair->master != NULL) {
        ms_recovery_write_hands(pair->master, ms_pair_knows_hands(pair));
    }
}

static bool is_of_our_version(const struct ms_pair_frame *hello)
{
    return hello->version_min <= MS_PROTOCOL_MAX && hello->version_max >= MS_PROTOCOL_MIN;
}

static void met(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const struct ms_pair_frame *hello = event->command->body.pair;
    struct ms_pair_link *link;
    struct ms_council_party party;

    /* The master within has thought of it as one of its own. */
    if (pair->tenure != MS_TENURE_NONE && ms_master_knows(pair->master, event->peer)) {
        ms_peers_push(&pair->gone, event->peer);
    }
    if (!is_of_our_version(hello)) {
        note_version(pair, now, hello->role);
        ms_pair_links_refuse(&pair->links, now, event->peer, MS_E_VERSION);
        return;
    }
    if (ms_pair_refuses(pair, now, event->peer, hello)) {
        return;
    }
    link = ms_pair_links_greeted(&pair->links, now, event->peer, hello);
    if (link == NULL) {
        return;
    }
    link->is_apart = event->is_apart;
    ms_pair_greet(pair, link);
    if (link->role == MS_ROLE_OPERATOR) {
        return;
    }
    if (link->role == MS_ROLE_MASTER) {
        keep_reached(pair, event->command->detail);
        keep_features(pair, hello->features);
    }
    party = party_of(link);
    if (party.is_witness) {
        log_witness(pair, "a witness is here", &party.id);
    }
    ms_council_met(pair->council, now, &party, hello);
    if (link->role == MS_ROLE_MASTER && pair->tenure != MS_TENURE_NONE) {
        ms_mirror_connect(pair->mirror, link->peer);
    }
    if (link->role == MS_ROLE_MASTER && pair->followed > 0) {
        follow(pair);
    }
}

void ms_pair_refuse_asked(struct ms_pair *pair)
{
    if (pair->asked.is_waiting && pair->links.other != NULL) {
        ms_pair_send(pair, pair->links.other,
                     &(struct ms_command){.kind = MS_KIND_LOG_BEGIN, .error = MS_E_NOT_ACTIVE});
    }
    pair->asked = (struct ms_asked){0};
}

/* The other half asks for the log. */
static bool hear_follow(struct ms_pair *pair, const struct ms_pair_link *link,
                        const struct ms_event *event)
{
    switch (pair->tenure) {
    case MS_TENURE_NONE:
        ms_pair_send(pair, link,
                     &(struct ms_command){.kind = MS_KIND_LOG_BEGIN, .error = MS_E_NOT_ACTIVE});
        return true;
    case MS_TENURE_READING:
    case MS_TENURE_READING_PAUSED:
        if (pair->asked.is_waiting) { /* each question has its answer */
            ms_pair_send(pair, link,
                         &(struct ms_command){.kind = MS_KIND_LOG_BEGIN, .error = MS_E_NOT_ACTIVE});
        }
        pair->asked = (struct ms_asked){true, event->epoch, event->command->token};
        return true;
    case MS_TENURE_ON:
    case MS_TENURE_PAUSED:
        break;
    }
    return ms_mirror_hear(pair->mirror, event->epoch, event->command);
}

static bool hear_log(struct ms_pair *pair, ms_time now, const struct ms_pair_link *link,
                     const struct ms_event *event)
{
    const struct ms_council_party party = party_of(link);
    const uint8_t kind = event->command->kind;

    if (link->role != MS_ROLE_MASTER) {
        return false;
    }
    ms_council_heard(pair->council, now, &party);
    if (kind == MS_KIND_FOLLOW_LOG) {
        return hear_follow(pair, link, event);
    }
    if (kind == MS_KIND_RECONCILE) {
        return ms_pair_hear_offer(pair, link, event->command);
    }
    if (kind == MS_KIND_LOG_ACK) {
        return (pair->tenure != MS_TENURE_ON && pair->tenure != MS_TENURE_PAUSED) ||
               ms_mirror_hear(pair->mirror, event->epoch, event->command);
    }
    /* An offer goes on while the active is silent, and its last answer comes only once. */
    if (kind == MS_KIND_RECONCILE_ACK && pair->tenure == MS_TENURE_NONE && pair->followed == 0 &&
        event->epoch >= ms_council_record(pair->council)->voter.promised) {
        return ms_suffix_hear(pair->suffix, event->command);
    }
    /* Nothing below the promise is taken, nor anything before its configuration. */
    if (pair->tenure != MS_TENURE_NONE || pair->followed == 0 || event->epoch < pair->followed) {
        if (kind == MS_KIND_LOG_BEGIN) {
            ms_follower_answered(pair->follower, link->peer);
        }
        return true;
    }
    if (kind == MS_KIND_RECONCILE_ACK) {
        return ms_suffix_hear(pair->suffix, event->command);
    }
    return ms_follower_hear(pair->follower, event->epoch, event->command);
}

/* Whoever was dialled does not want us there. It is dialled again, and said once. */
static void say_refused(struct ms_pair *pair, ms_time now, const struct ms_pair_link *link,
                        const struct ms_command *error)
{
    const struct ms_bytes why = error->detail.size > 0
                                    ? error->detail
                                    : ms_bytes_of(ms_error_text((enum ms_error)error->error));

    if (link->role != MS_ROLE_NONE) {
        return;
    }
    ms_pair_links_pass_over(&pair->links, now, link);
    if (!pair->links.is_refused) {
        pair->links.is_refused = true;
        ms_trace(&pair->engine.trace, MS_LEVEL_WARN, "the other half refuses", "text=\"%.*s\"",
                 (int)why.size, (const char *)why.data);
    }
}

static bool hear(struct ms_pair *pair, ms_time now, struct ms_pair_link *link,
                 const struct ms_event *event)
{
    const struct ms_council_party party = party_of(link);

    switch (event->command->kind) {
    case MS_KIND_FOLLOW_LOG:
    case MS_KIND_LOG_BEGIN:
    case MS_KIND_LOG_COPY:
    case MS_KIND_LOG:
    case MS_KIND_LOG_ACK:
    case MS_KIND_RECONCILE:
    case MS_KIND_RECONCILE_ACK:
    case MS_KIND_LOG_LIVE:
        return hear_log(pair, now, link, event);
    case MS_KIND_ORDER:
        if (link->role == MS_ROLE_OPERATOR) {
            ms_pair_order(pair, now, link, event->command);
        }
        return link->role == MS_ROLE_OPERATOR;
    case MS_KIND_ERROR:
        say_refused(pair, now, link, event->command);
        return false;
    case MS_KIND_PEER_HELLO:
    case MS_KIND_ORDER_ACK:
        return false;
    default:
        if (link->role == MS_ROLE_OPERATOR || event->command->kind < MS_KIND_PEER_HELLO) {
            return false;
        }
        ms_council_hear(pair->council, now, &party, event->epoch, event->command);
        return true;
    }
}

void ms_pair_receive(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    struct ms_pair_link *link = ms_pair_links_find(&pair->links, event->peer);

    if (link != NULL) {
        link->heard_at = now;
    }
    if (event->command->kind == MS_KIND_PEER_HELLO &&
        (link == NULL || link->role == MS_ROLE_NONE)) {
        met(pair, now, event);
    } else if (link == NULL) {
        ms_pair_send_away(pair, event->peer); /* it has not said who it is, or was replaced */
    } else if (!hear(pair, now, link, event)) {
        const ms_peer peer = link->peer;

        lost(pair, now, link);
        ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
    }
}

void ms_pair_arriving(struct ms_pair *pair, ms_time now, ms_peer peer)
{
    struct ms_pair_link *link = ms_pair_links_find(&pair->links, peer);

    if (link == NULL) {
        return;
    }
    link->heard_at = now;
    if (link->role == MS_ROLE_MASTER) {
        const struct ms_council_party party = party_of(link);

        ms_council_heard(pair->council, now, &party);
    }
}

void ms_pair_drop_silent(struct ms_pair *pair, ms_time now)
{
    struct ms_pair_link *link;

    while ((link = ms_pair_links_silent(&pair->links, now)) != NULL) {
        const ms_peer peer = link->peer;

        lost(pair, now, link);
        ms_engine_emit(&pair->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
    }
}

void ms_pair_closed(struct ms_pair *pair, ms_time now, const struct ms_event *event)
{
    const struct ms_council_party other = {.is_witness = false};
    struct ms_pair_link *link = ms_pair_links_find(&pair->links, event->peer);
    struct ms_uuid nonce;

    ms_greeters_take_newcomer(&pair->greeters, event->peer, &nonce);
    ms_greeters_drop(&pair->greeters, event->peer);
    if (event->tag != 0 && event->peer == MS_PEER_NONE) {
        if (ms_pair_links_failed(&pair->links, now, event)) {
            ms_council_lost(pair->council, now, &other, true);
        }
    } else if (link != NULL) {
        const bool is_reset = link->role == MS_ROLE_NONE; /* before it had greeted */

        lost(pair, now, link);
        if (is_reset && pair->links.other == NULL) {
            ms_council_lost(pair->council, now, &other, true);
        }
    } else if (pair->tenure == MS_TENURE_ON) {
        ms_pair_step_master(pair, now, event);
    } else if (pair->tenure != MS_TENURE_NONE && ms_master_knows(pair->master, event->peer)) {
        ms_peers_push(&pair->gone, event->peer);
    }
}

/* --- mirror and follower --- */

/* The other half knows records of services; or it is not there, and nobody in S is of an older program. */
static bool takes_services(const struct ms_pair *pair)
{
    return (pair->other_features & MS_PAIR_FEATURE_SERVICES) != 0 ||
           (!pair->is_pair && pair->links.other == NULL);
}

/* Of an older program it has records that it cannot read, and must not take over before they are gone. */
static bool has_hands(const struct ms_pair *pair)
{
    struct ms_mirror_stats stats;

    ms_mirror_stats(pair->mirror, &stats);
    return ms_recovery_has_hands(pair->master, stats.peer_durable) ||
           (!takes_services(pair) && ms_services_have_records(&pair->master->services));
}

static void compare_active(struct ms_pair *pair, ms_time now)
{
    struct ms_mirror *mirror = pair->mirror;
    const bool is_in_the_way = ms_pair_compare_merge(pair);
    const bool is_slow = ms_mirror_watch(mirror, now, pair->tenure == MS_TENURE_ON);

    ms_services_allow(&pair->master->services, takes_services(pair));
    if ((is_in_the_way || ms_mirror_needs_copy(mirror)) && pair->is_pair) {
        ms_council_expel(pair->council, now);
    }
    if (!pair->is_pair && pair->tenure == MS_TENURE_ON) { /* what is proposed relies on it */
        /* One that offers what it has alone takes nothing before that is merged, and durable. */
        ms_mirror_wait_for_peer(mirror, !is_slow && !ms_pair_merge_is_on(&pair->merge) &&
                                            !has_hands(pair) && ms_mirror_is_near(mirror) &&
                                            ms_council_is_heard(pair->council, now));
    }
    ms_council_slow(pair->council, now, is_slow);
    if (ms_mirror_is_complete(mirror)) { /* the other half has nothing of its own any more */
        pair->master->may_lack = false;
    }
    ms_council_mirrored(pair->council, now, ms_mirror_is_complete(mirror));
    if (ms_council_state(pair->council) == MS_COUNCIL_DRAIN && ms_mirror_is_drained(mirror)) {
        ms_council_drained(pair->council, now);
    }
}

static void compare_passive(struct ms_pair *pair, ms_time now)
{
    ms_pair_compare_suffix(pair, now);
    switch (ms_follower_news(pair->follower)) {
    case MS_FOLLOWER_NOTHING:
        break;
    case MS_FOLLOWER_INCOMPLETE:
        pair->wants_go_on = true;
        break;
    case MS_FOLLOWER_COMPLETE:
        pair->led = ms_pair_led(0);
        ms_council_followed(pair->council, now, pair->followed, true);
        break;
    case MS_FOLLOWER_REFUSED:
        pair->follow_at = now + MS_PAIR_FOLLOW_INTERVAL;
        break;
    }
    /* The council takes it only while it follows as we do, so it is told until it has. */
    if (pair->wants_go_on && pair->durable.is_complete) {
        ms_council_followed(pair->council, now, pair->followed, false);
    } else if (!pair->wants_go_on && !pair->durable.is_complete &&
               ms_follower_is_complete(pair->follower)) {
        ms_council_followed(pair->council, now, pair->followed, true);
    }
    ms_pair_act(pair);
    if (pair->wants_go_on && pair->writing.state == MS_PAIR_WRITTEN && !pair->durable.is_complete) {
        pair->wants_go_on = false;
        ms_follower_go_on(pair->follower);
    }
    if (pair->followed > 0 && now >= pair->follow_at) {
        pair->follow_at = MS_TIME_NEVER;
        follow(pair);
    }
}

void ms_pair_compare(struct ms_pair *pair, ms_time now)
{
    ms_follower_treasure(pair->follower, pair->durable.is_complete);
    if (pair->tenure == MS_TENURE_ON || pair->tenure == MS_TENURE_PAUSED) {
        compare_active(pair, now);
    } else if (pair->tenure == MS_TENURE_NONE) {
        compare_passive(pair, now);
    }
}
