/* What the council says: acts in order, and frames as they leave. */
#include "core/invariant.h"
#include "master/council_private.h"

void ms_council_emit(struct ms_council *council, const struct ms_council_act *act)
{
    const bool is_lossy = act->type == MS_COUNCIL_SEND || act->type == MS_COUNCIL_NEWS;

    if (is_lossy && council->count + MS_COUNCIL_ACTS_RESERVE >= MS_COUNCIL_ACTS_MAX) {
        return; /* as if it were lost on its way */
    }
    ms_assert(council->count < MS_COUNCIL_ACTS_MAX);
    council->acts[(council->head + council->count) % MS_COUNCIL_ACTS_MAX] = *act;
    council->count++;
}

/* As that record is; decision: that the frame is about, NULL = the accepted one. */
static void fill(const struct ms_council *council, const struct ms_council_record *record,
                 struct ms_pair_frame *frame, const struct ms_decision *decision)
{
    *frame = (struct ms_pair_frame){
        .role = MS_ROLE_MASTER,
        .version_min = MS_PROTOCOL_MIN,
        .version_max = MS_PROTOCOL_MAX,
        .cluster = record->voter.cluster,
        .id = record->incarnation,
        .node = record->place,
        .state = (uint8_t)council->state,
        .is_fresh = record->is_fresh,
        .is_complete = record->is_complete,
        .promised = record->voter.promised,
        .served = record->served,
        .decision = decision != NULL ? *decision : record->voter.accepted,
        .hears_active = MS_TIME_NEVER,
        .witness_version = record->witness_version,
        .witnesses = record->witnesses,
        .witnesses_next = record->witnesses_next,
        .hold = record->hold,
        .start = record->start,
        .known = {record->known[0], record->known[1]},
        .routes = council->routes,
    };
    if (decision != NULL && decision->kind == MS_DECISION_BOOTSTRAP) {
        frame->cluster = ms_uuid_is_zero(&record->voter.cluster) ? council->config.cluster_new
                                                                 : record->voter.cluster;
    }
}

void ms_council_hello(const struct ms_council *council, struct ms_pair_frame *frame_out)
{
    fill(council, &council->durable, frame_out, NULL);
    frame_out->settings = ms_council_settings(council);
}

/* A witness has no use for it. */
static uint8_t flags_of(const struct ms_council *council, const struct ms_council_party *party,
                        enum ms_kind kind)
{
    static const uint8_t flags[] = {0, MS_FLAG_SHORT, MS_FLAG_SHORT | MS_FLAG_FULL};

    return kind == MS_KIND_PEER_BEAT && !party->is_witness ? flags[council->room] : 0;
}

void ms_council_send(struct ms_council *council, const struct ms_council_party *party,
                     enum ms_kind kind, enum ms_error error, const struct ms_decision *decision)
{
    struct ms_council_act act = {.type = MS_COUNCIL_SEND,
                                 .to = *party,
                                 .kind = (uint8_t)kind,
                                 .error = (uint16_t)error,
                                 .count = kind == MS_KIND_PEER_BEAT ? council->beats : 0,
                                 .flags = flags_of(council, party, kind)};

    if (kind == MS_KIND_PEER_HELLO) {
        ms_council_hello(council, &act.frame);
    } else {
        fill(council, &council->record, &act.frame, decision);
    }
    ms_council_emit(council, &act);
}

void ms_council_answer(struct ms_council *council, const struct ms_council_party *party,
                       uint64_t count)
{
    struct ms_council_act act = {.type = MS_COUNCIL_SEND,
                                 .to = *party,
                                 .kind = MS_KIND_PEER_BEAT,
                                 .count = count,
                                 .flags =
                                     MS_FLAG_PAIR | flags_of(council, party, MS_KIND_PEER_BEAT)};

    fill(council, &council->record, &act.frame, NULL);
    ms_council_emit(council, &act);
}

void ms_council_send_all(struct ms_council *council, enum ms_kind kind)
{
    const struct ms_council_party peer = {.is_witness = false};

    if (council->peer.link == MS_COUNCIL_MET) {
        ms_council_send(council, &peer, kind, MS_E_OK, NULL);
    }
    for (size_t i = 0; i < MS_COUNCIL_WITNESSES_MAX; i++) {
        const struct ms_council_party party = {.is_witness = true, .id = council->witnesses[i].id};

        if (!ms_uuid_is_zero(&party.id)) {
            ms_council_send(council, &party, kind, MS_E_OK, NULL);
        }
    }
}

void ms_council_write(struct ms_council *council)
{
    ms_assert(council->write == MS_COUNCIL_WRITTEN);
    council->write = MS_COUNCIL_TO_WRITE;
    ms_council_emit(council,
                    &(struct ms_council_act){.type = MS_COUNCIL_STORE, .record = council->record});
}

void ms_council_pause(struct ms_council *council)
{
    if (council->reign != MS_COUNCIL_REIGNS) {
        return;
    }
    council->reign = MS_COUNCIL_RESTS;
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_PAUSE,
                                                      .state = council->state,
                                                      .decision = council->tenure});
}

void ms_council_stop(struct ms_council *council)
{
    if (council->reign == MS_COUNCIL_NO_REIGN) {
        return;
    }
    council->reign = MS_COUNCIL_NO_REIGN;
    council->is_mirrored = false;
    council->is_drained = false;
    council->is_slow = false;
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_STOP,
                                                      .state = council->state,
                                                      .decision = council->record.voter.accepted});
}

void ms_council_depose(struct ms_council *council)
{
    ms_election_end(&council->election);
    ms_council_pause(council);
    ms_council_stop(council);
    ms_council_change(council, MS_COUNCIL_DEPOSE);
}

static void tell(struct ms_council *council, const char *text)
{
    const bool is_active = council->reign != MS_COUNCIL_NO_REIGN;

    ms_trace(&council->trace, MS_LEVEL_DEBUG, "council", "state=%s promised=%llu text=\"%s\"",
             ms_council_state_name(council->state),
             (unsigned long long)council->record.voter.promised, text);
    ms_council_emit(council,
                    &(struct ms_council_act){.type = MS_COUNCIL_NEWS,
                                             .state = council->state,
                                             .decision = is_active ? council->tenure
                                                                   : council->record.voter.accepted,
                                             .text = text});
}

void ms_council_change(struct ms_council *council, enum ms_council_event event)
{
    const struct ms_council_row *row = ms_council_row(council->state, event);

    ms_assert(row != NULL);
    /* A follower that does not follow any more says so. */
    if (council->following > 0 && row->to != MS_COUNCIL_CATCHUP && row->to != MS_COUNCIL_SYNC) {
        council->following = 0;
        ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_LEAVE});
    }
    if (row->to == MS_COUNCIL_PAIR) {
        council->paired_at = council->now;
    }
    council->taken[council->state] |= (uint32_t)1 << event;
    council->state = row->to;
    council->alarm = NULL;
    council->beat_at = INT64_MIN; /* the others shall know at once */
    tell(council, row->why);
}

void ms_council_alarm(struct ms_council *council, const char *text)
{
    if (council->alarm != text) {
        council->alarm = text;
        tell(council, text);
    }
}
