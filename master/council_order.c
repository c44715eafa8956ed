/* What operators want. */
#include "core/invariant.h"
#include "master/council_private.h"

static enum ms_error refuse(struct ms_complaint *complaint, enum ms_error error, const char *why)
{
    ms_complain(complaint, "%s", why);
    return error;
}

static enum ms_error refuse_fresh(struct ms_complaint *complaint)
{
    return refuse(
        complaint, MS_E_PERMISSION,
        "this master was never in sync; a new pair is made by --bootstrap, on one of both");
}

static bool is_active(const struct ms_council *council)
{
    return council->reign != MS_COUNCIL_NO_REIGN;
}

static enum ms_error switch_over(struct ms_council *council, ms_time now,
                                 struct ms_complaint *complaint)
{
    if (!is_active(council)) {
        return refuse(complaint, MS_E_NOT_ACTIVE,
                      "this master is not active; the active one hands over");
    }
    if (council->is_slow) {
        return refuse(complaint, MS_E_RETRY_LATER,
                      "the disk of the other master is slow or full; it takes over when it has "
                      "kept up for a while");
    }
    if (council->state != MS_COUNCIL_PAIR || council->peer.frame.state != MS_COUNCIL_SYNC ||
        council->expelled == council->tenure.epoch) {
        return refuse(complaint, MS_E_RETRY_LATER,
                      "the other master is not in sync; it cannot take over without loss");
    }
    ms_council_hand(council, now);
    return MS_E_OK;
}

static enum ms_error promote(struct ms_council *council, ms_time now,
                             struct ms_complaint *complaint)
{
    const struct ms_electorate electorate = ms_council_electorate(council);

    if (is_active(council)) {
        return refuse(complaint, MS_E_BAD_ARGUMENT, "this master is active already");
    }
    if (council->record.is_fresh) {
        return refuse_fresh(complaint);
    }
    if (!ms_council_is_eligible(council)) {
        return refuse(complaint, MS_E_PERMISSION,
                      "this master may lack acknowledged work: it was not in sync at last");
    }
    if (electorate.list->count == 0 && council->peer.link != MS_COUNCIL_MET &&
        ms_council_alone(council) != MS_DECISION_INCUMBENT) {
        return refuse(
            complaint, MS_E_PERMISSION,
            "there is no witness and no peer to vote; if the other master is down for certain: "
            "muster promote --force --i-know");
    }
    if (ms_council_row(council->state, MS_COUNCIL_STAND) == NULL) {
        return refuse(complaint, MS_E_RETRY_LATER, "a decision is on its way");
    }
    /* Nothing is promised before it is known that it will be voted for. Whoever is asked may not have noticed yet that the active
     * is lost. */
    ms_election_end(&council->election);
    council->promote_until = now + 2 * council->times.silent;
    ms_council_stand(council, now, ms_council_alone(council));
    return MS_E_OK;
}

/* As far as is heard here. */
static bool is_other_serving(const struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link == MS_COUNCIL_MET && now - peer->heard_at < council->times.silent &&
           (peer->frame.state == MS_COUNCIL_PAIR || peer->frame.state == MS_COUNCIL_SOLO);
}

static enum ms_error force(struct ms_council *council, ms_time now, struct ms_complaint *complaint)
{
    const struct ms_council_record *record = &council->record;

    if (is_other_serving(council, now)) {
        return refuse(complaint, MS_E_PERMISSION,
                      "the other master is active, and is heard here: muster switchover changes "
                      "roles, and loses nothing; or stop it first");
    }
    if (council->state == MS_COUNCIL_SOLO) {
        return refuse(complaint, MS_E_BAD_ARGUMENT, "this master is active alone already");
    }
    if (record->is_fresh || !record->is_complete) {
        return record->is_fresh ? refuse_fresh(complaint)
                                : refuse(complaint, MS_E_PERMISSION,
                                         "this master has no complete log to serve from");
    }
    ms_council_trust_shown(council);
    ms_council_force(council, now);
    return MS_E_OK;
}

static enum ms_error set_hold(struct ms_council *council, bool is_on)
{
    struct ms_pair_hold *hold = &council->record.hold;

    if (hold->is_on != is_on) {
        *hold = (struct ms_pair_hold){.version = hold->version + 1, .is_on = is_on};
        council->beat_at = INT64_MIN; /* the peer shall know */
        ms_council_write(council);
    }
    return MS_E_OK;
}

bool ms_council_take_hold(struct ms_council *council)
{
    struct ms_pair_hold *mine = &council->record.hold;
    const struct ms_pair_hold *other = &council->peer.frame.hold;

    if (council->peer.link != MS_COUNCIL_MET || !ms_pair_hold_is_later(mine, other)) {
        return false;
    }
    *mine = *other;
    ms_council_write(council);
    return true;
}

static enum ms_error bootstrap(struct ms_council *council, struct ms_complaint *complaint)
{
    if (!council->record.is_fresh) {
        return refuse(complaint, MS_E_PERMISSION, "this master belongs to a cluster already");
    }
    council->config.is_bootstrap = true;
    return MS_E_OK;
}

static enum ms_error obey(struct ms_council *council, ms_time now, enum ms_order order,
                          struct ms_complaint *complaint)
{
    switch (order) {
    case MS_ORDER_SWITCHOVER:
        return switch_over(council, now, complaint);
    case MS_ORDER_PROMOTE:
        return promote(council, now, complaint);
    case MS_ORDER_FORCE:
        return force(council, now, complaint);
    case MS_ORDER_HOLD:
        return set_hold(council, true);
    case MS_ORDER_RELEASE:
        return set_hold(council, false);
    case MS_ORDER_BOOTSTRAP:
        return bootstrap(council, complaint);
    case MS_ORDER_NONE:
    case MS_ORDER_STATUS:
    case MS_ORDER_COUNT:
        break;
    }
    return refuse(complaint, MS_E_BAD_ARGUMENT, "no such order");
}

enum ms_error ms_council_order(struct ms_council *council, ms_time now, enum ms_order order,
                               struct ms_complaint *complaint)
{
    enum ms_error error;

    ms_council_evaluate(council, now);
    if (council->state == MS_COUNCIL_HALTED) {
        return refuse(complaint, MS_E_STORE_FAILED, "the store of this master failed");
    }
    if (council->write != MS_COUNCIL_WRITTEN) {
        return refuse(complaint, MS_E_RETRY_LATER, "a decision is being written");
    }
    error = obey(council, now, order, complaint);
    ms_council_evaluate(council, now);
    return error;
}
