/* Epochs that others show: whom they are believed of, and how far. docs/decisions/0019-shown-epochs.md says why. */
#include "core/invariant.h"
#include "master/council_private.h"

#define ID_SIZE (2 * sizeof(struct ms_uuid) + 1)

static bool is_voter(const struct ms_council *council, const struct ms_council_party *party)
{
    return !party->is_witness || ms_council_is_enrolled(council, &party->id);
}

static const char *print(const struct ms_uuid *id, char digits[static ID_SIZE])
{
    struct ms_text text;

    ms_text_init(&text, digits, ID_SIZE);
    ms_text_add_hex(&text, id->bytes, sizeof id->bytes);
    return digits;
}

static void warn_far(struct ms_council *council, const struct ms_council_party *party,
                     ms_epoch epoch)
{
    struct ms_council_shown *shown = &council->shown;
    char digits[ID_SIZE];

    ms_council_note(council, council->now, MS_NOTICE_EPOCH_FAR);
    if (shown->far_warned_at != INT64_MIN &&
        council->now - shown->far_warned_at < MS_OUTDONE_INTERVAL) {
        return;
    }
    shown->far_warned_at = council->now;
    ms_trace(&council->trace, MS_LEVEL_WARN,
             "an epoch is shown that nobody can have come to: it is not believed",
             "by=%s id=%s epoch=%llu promised=%llu", party->is_witness ? "witness" : "peer",
             print(party->is_witness ? &party->id : &council->peer.id, digits),
             (unsigned long long)epoch, (unsigned long long)council->record.voter.promised);
}

void ms_council_see(struct ms_council *council, const struct ms_council_party *party,
                    ms_epoch epoch)
{
    const ms_epoch promised = council->record.voter.promised;

    if (promised == 0 || epoch <= promised || epoch <= council->seen) {
        return; /* who has promised nothing takes the first epoch that it is told of */
    }
    if (!ms_epoch_leaves_room(epoch, promised)) {
        warn_far(council, party, epoch);
    } else if (is_voter(council, party)) {
        council->seen = epoch;
    }
}

void ms_council_note_answer(struct ms_council *council, struct ms_council_witness *witness,
                            uint64_t beat)
{
    if (beat <= council->beats && council->beats - beat < MS_COUNCIL_BEATS_KEPT) {
        witness->answered_at = council->beats_at[beat % MS_COUNCIL_BEATS_KEPT];
    }
}

/* --- slaves and clients --- */

void ms_council_forget_shown(struct ms_council *council)
{
    council->shown = (struct ms_council_shown){.warned_at = INT64_MIN, .far_warned_at = INT64_MIN};
    council->doubt.epoch = 0;
}

static void note_shown(struct ms_council *council, ms_time now, const struct ms_hello *hello)
{
    struct ms_council_shown *shown = &council->shown;
    char digits[ID_SIZE];

    if (shown->epoch <= council->record.voter.promised ||
        now - shown->last_at >= MS_NOTICE_SHOWN_KEEP) {
        shown->epoch = 0;
        shown->at = now;
    }
    shown->epoch = hello->epoch > shown->epoch ? hello->epoch : shown->epoch;
    shown->last_at = now;
    if (shown->warned_at != INT64_MIN && now - shown->warned_at < MS_OUTDONE_INTERVAL) {
        return;
    }
    shown->warned_at = now;
    ms_trace(&council->trace, MS_LEVEL_WARN,
             "a slave or client has heard of a higher epoch than this half",
             "role=%s name=\"%s\" node=%s epoch=%llu promised=%llu", ms_role_name(hello->role),
             ms_text_is_name(hello->name, strlen(hello->name)) ? hello->name : "",
             print(&hello->node, digits), (unsigned long long)hello->epoch,
             (unsigned long long)council->record.voter.promised);
}

bool ms_council_has_shown(const struct ms_council *council, ms_time now)
{
    const struct ms_council_shown *shown = &council->shown;

    return shown->epoch > council->record.voter.promised &&
           now - shown->at >= MS_NOTICE_SHOWN_WAIT && now - shown->last_at < MS_NOTICE_SHOWN_KEEP;
}

void ms_council_trust_shown(struct ms_council *council)
{
    const ms_epoch epoch = council->shown.epoch;

    if (epoch > council->seen && ms_epoch_leaves_room(epoch, council->record.voter.promised)) {
        council->seen = epoch;
    }
}

/* Alone by votes, or as the incumbent: nobody else gets votes, so only by force the other half can be active, and those epochs lie
 * in its half of a span above. Alone without votes: it may have had them, wherever we are. */
static bool is_possible(const struct ms_council *council, ms_epoch epoch)
{
    const bool is_forced = epoch / MS_EPOCH_SPAN > council->tenure.epoch / MS_EPOCH_SPAN &&
                           epoch % MS_EPOCH_SPAN / (MS_EPOCH_SPAN / 2) == ms_council_other(council);

    return ms_epoch_leaves_room(epoch, council->record.voter.promised) &&
           (is_forced || council->record.is_forced);
}

/* A pair needs no doubt: nothing is acknowledged without the other half, which would not be there. */
void ms_council_outdone(struct ms_council *council, ms_time now, const struct ms_hello *hello,
                        bool is_own)
{
    ms_council_evaluate(council, now);
    if (hello->epoch <= council->record.voter.promised || council->state == MS_COUNCIL_HALTED) {
        return;
    }
    note_shown(council, now, hello);
    if (is_own && council->state == MS_COUNCIL_SOLO && council->reign != MS_COUNCIL_NO_REIGN &&
        council->doubt.epoch == 0 && is_possible(council, hello->epoch)) {
        council->doubt = (struct ms_council_doubt){hello->epoch, now};
        council->beat_at = INT64_MIN; /* they are asked at once */
    }
    ms_council_evaluate(council, now);
}

/* --- what the others say to it --- */

/* Since then the peer has answered, and has served nothing above. */
static bool is_denied_by_peer(const struct ms_council *council)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link == MS_COUNCIL_MET && peer->answered_at > council->doubt.at &&
           peer->frame.served <= council->record.served;
}

static bool is_denied_by(const struct ms_council *council, const struct ms_witnesses *list)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        for (size_t j = 0; j < MS_COUNCIL_WITNESSES_MAX; j++) {
            const struct ms_council_witness *witness = &council->witnesses[j];

            count += ms_uuid_equal(&witness->id, &list->ids[i]) &&
                     witness->answered_at > council->doubt.at &&
                     witness->promised <= council->record.voter.promised;
        }
    }
    return 2 * count > list->count;
}

static bool is_denied(const struct ms_council *council)
{
    const struct ms_electorate electorate = ms_council_electorate(council);

    return is_denied_by_peer(council) ||
           (is_denied_by(council, electorate.list) &&
            (electorate.next == NULL || is_denied_by(council, electorate.next)));
}

bool ms_council_is_in_doubt(const struct ms_council *council)
{
    return council->doubt.epoch > council->record.voter.promised;
}

bool ms_council_settle_doubt(struct ms_council *council, ms_time now)
{
    if (council->doubt.epoch == 0) {
        return false;
    }
    if (!ms_council_is_in_doubt(council) || is_denied(council)) {
        council->doubt.epoch = 0;
        return true;
    }
    if (council->state != MS_COUNCIL_SOLO || council->reign == MS_COUNCIL_NO_REIGN ||
        !ms_council_is_due(council, now, council->doubt.at + council->times.silent)) {
        return false;
    }
    ms_council_depose(council);
    return true;
}
