# Rules of docs/decisions/0010-pair-model.md, each taken away, and the invariant that must notice:
# ms_council_canary(NAME FOUND_BY SOURCE FROM TO ...). The names in capitals are the model's switches.
set(MS_COUNCIL_CANARY_OPTIONS --storm-only)
set(MS_COUNCIL_CANARY_FIRST 1)

# MUT_DEGRADE
ms_council_canary(degrades-without-a-vote "invariant: (I(1|2|6)|F1):" master/council_decide.c
    "record->lead == record->place && is_list_empty ? MS_DECISION_INCUMBENT"
    "record->lead == record->place ? MS_DECISION_FORCED")

# MUT_INCUMBENT
ms_council_canary(standby-goes-alone "invariant: I(1|2|6):" master/council_decide.c
    "record->lead == record->place && is_list_empty ? MS_DECISION_INCUMBENT"
    "is_list_empty ? MS_DECISION_INCUMBENT")

# MUT_ELIGIBLE
ms_council_canary(votes-for-anybody "invariant: I(1|2|6):" core/decision.c
    "        return ms_decision_has(&voter->accepted, decision->proposer,
                               &decision->set[decision->proposer]);"
    "        return true;")

ms_council_canary(stands-outside-the-set "invariant: I(1|2|6):" master/council_rules.c
    "    if (!ms_council_is_eligible(council)) {"
    "    if (council->record.is_fresh || !council->record.is_complete) {"
    core/decision.c
    "        return ms_decision_has(&voter->accepted, decision->proposer,
                               &decision->set[decision->proposer]);"
    "        return true;")

# MUT_HALF
ms_council_canary(half-is-a-majority "invariant: I(1|2|6):" core/decision.c
    "    return 2 * count > list->count;"
    "    return 2 * count >= list->count;")

# MUT_EVIDENCE
ms_council_canary(one-witness-is-enough "invariant: I(1|2|6):" core/decision.c
    "    return 2 * count > list->count;"
    "    return count > 0;")

# MUT_IGNORE
ms_council_canary(proposer-keeps-serving "invariant: I(1|2|3|6):" master/council_decide.c
    "    ms_council_pause(council);
    ms_council_change(council, event);"
    "    ms_council_change(council, event);")

ms_council_canary(promise-not-durable-before-its-use "invariant: (durable|I3|I2):" master/council.c
    "council->count == 0 || council->write == MS_COUNCIL_WRITING"
    "council->count == 0")

ms_council_canary(consent-by-anybody "invariant: I(1|2|6):" core/decision.c
    "        return is_master && decision->served > served;"
    "        return is_master;"
    master/council_rules.c
    "    if (record->served > peer->served && record->is_complete) {"
    "    if (record->is_complete) {")

# MUT_FRESH_VOTES
ms_council_canary(fresh-votes "invariant: I17:" master/council_hear.c
    "    if (record->is_fresh || council->state == MS_COUNCIL_HALTED ||"
    "    if (council->state == MS_COUNCIL_HALTED ||"
    master/council_decide.c
    "    ms_assert(!record->is_fresh);
    ms_council_pause(council);"
    "    ms_council_pause(council);")

# MUT_CAUGHT_UP
ms_council_canary(member-without-a-decision "invariant: I2:" master/council_decide.c
    "    if (record->is_fresh && record->is_complete &&
        ms_decision_has(&record->voter.accepted, record->place, &record->incarnation)) {"
    "    if (record->is_fresh && record->is_complete) {")

# MUT_CANDIDATE
ms_council_canary(vote-after-following "invariant: follows:" master/council_decide.c
    "    /* Whoever takes anything of an epoch is no candidate for it any more. */
    ms_election_end(&council->election);"
    ""
    master/council_acts.c
    "    ms_assert(row != NULL);"
    "    if (row == NULL) {
        return;
    }")

# MUT_BOOT_SILENCE
ms_council_canary(bootstrap-by-silence "invariant: I2:" master/election.c
    "        return has_peer && is_unanimous(election, electorate.list, is_hopeful);"
    "        return true;")

# MUT_JOINT_NEW
ms_council_canary(new-list-alone "invariant: I(1|2|6):" master/election.c
    "        agrees(election, electorate.list, is_hopeful) &&
        (electorate.next == NULL || agrees(election, electorate.next, is_hopeful));"
    "        agrees(election, electorate.next != NULL ? electorate.next : electorate.list, is_hopeful);")

# MUT_LIST_ALONE
ms_council_canary(list-changed-by-one "invariant: I(1|2|6):" master/council_enrol.c
    "        if (is_confirmed(council)) {"
    "        if (true) {")

ms_council_canary(follows-below-its-promise "invariant: I4:" master/council_decide.c
    "    return decision->epoch >= record->voter.promised && decision->epoch > record->served &&"
    "    return decision->epoch > record->served &&")

# MUT_FRESH_SERVES
ms_council_canary(fresh-serves "invariant: I17:" master/council_order.c
    "    if (record->is_fresh || !record->is_complete) {"
    "    if (record->is_fresh && !record->is_complete && ms_uuid_is_zero(&record->voter.cluster)) {"
    master/council_decide.c
    "    ms_assert(!record->is_fresh && record->is_complete);"
    "")

# MUT_BOOT_UNBOUND
ms_council_canary(bootstrap-of-both "invariant: I(2|4):" master/council_hear.c
    "    return ms_uuid_is_zero(&record->voter.cluster)
               ? !council->config.is_bootstrap || record->place > 0
               : ms_uuid_equal(&record->voter.cluster, cluster);"
    "    return true;")

ms_council_canary(forced-into-the-next-epoch "invariant: I2:" master/council_decide.c
    "    return ms_epoch_leap(highest(council) + step, council->record.place,
                         ms_rng_below(&council->rng, MS_EPOCH_SPAN / 4));"
    "    return highest(council) + 1;")

# Found by a plan, as is the rest (plans.c).
ms_council_canary(forced-where-it-was-before "invariant: I2:" master/council_decide.c
    "        ms_epoch_forced_step(record->place, ms_rng_below(&council->rng, MS_EPOCH_FORCED_STEP / 4));"
    "        ms_epoch_forced_step(record->place, 0);"
    master/council_decide.c
    "                         ms_rng_below(&council->rng, MS_EPOCH_SPAN / 4));"
    "                         0);")

# Most of these rules are kept twice; then both guards are taken away, for one of them is found by nobody.

# MUT_CONSENT: votes of witnesses decide it.
ms_council_canary(consent-by-witnesses "invariant: I(1|2|6):" master/election.c
    "    case MS_DECISION_HANDOVER:
    case MS_DECISION_CONSENT: /* witnesses have no vote */
        return has_peer;"
    "    case MS_DECISION_HANDOVER:
        return has_peer;
    case MS_DECISION_CONSENT:
        return has_peer || is_agreed;"
    core/decision.c
    "        return is_master && decision->served > served;"
    "        return is_master ? decision->served > served
                         : ms_decision_has(&voter->accepted, decision->proposer,
                                           &decision->set[decision->proposer]);")

# A vote ends incumbency: whoever has voted is outside S, too, by what it has voted for.
ms_council_canary(incumbent-after-its-vote "invariant: I(1|2|6):" master/council_decide.c
    "    record->lead = decision->proposer;"
    ""
    master/council_rules.c
    "    if (!ms_council_is_eligible(council)) {"
    "    if (kind != MS_DECISION_INCUMBENT && !ms_council_is_eligible(council)) {")

# MUT_NEWCOMER_VOTES: and ADMIT is sought in SOLO only, that is, with the votes of witnesses for that already.
ms_council_canary(newcomer-votes "invariant: I2:" master/election.c
    "    case MS_DECISION_ADMIT: /* without the newcomer's vote */
        return is_agreed;"
    "    case MS_DECISION_ADMIT:
        return has_peer || is_agreed;"
    master/council_hear.c
    "    if (record->is_fresh || council->state == MS_COUNCIL_HALTED ||"
    "    if ((record->is_fresh && decision->kind != MS_DECISION_ADMIT) ||
        council->state == MS_COUNCIL_HALTED ||"
    master/council_decide.c
    "    ms_assert(decision->epoch > record->voter.promised);
    ms_assert(!record->is_fresh);"
    "    record->is_fresh = false;"
    master/council_rules.c
    "    return seek(council, now, way_on(council, now));
}

static bool rule_drain"
    "    if (is_peer_here(council, now) && council->peer.frame.is_fresh && council->is_mirrored) {
        return seek(council, now, MS_DECISION_ADMIT);
    }
    return seek(council, now, way_on(council, now));
}

static bool rule_drain")

# MUT_LIST_FRESH: and who is fresh is never SYNC, nor is the active PAIR with it.
ms_council_canary(fresh-confirms-a-list "invariant: I2:" master/council_enrol.c
    "    return !peer->is_fresh && peer->state == MS_COUNCIL_SYNC &&"
    "    return (peer->is_fresh || peer->state == MS_COUNCIL_SYNC) &&"
    master/council_enrol.c
    "    ms_assert(council->state == MS_COUNCIL_PAIR);
    if (record->is_changing) {"
    "    if (record->is_changing) {"
    master/council_rules.c
    "    if (council->election.phase != MS_ELECTION_NONE ||
        !ms_council_is_due(council, now, council->retry_at) || !is_patience_over(council, now)) {"
    "    if (council->record.is_changing && council->peer.link == MS_COUNCIL_MET &&
        council->record.voter.promised == council->tenure.epoch && ms_council_enrol(council, now)) {
        return true;
    }
    if (council->election.phase != MS_ELECTION_NONE ||
        !ms_council_is_due(council, now, council->retry_at) || !is_patience_over(council, now)) {")

# MUT_JOINT_OLD
ms_council_canary(old-list-alone "invariant: I2:" master/election.c
    "        agrees(election, electorate.list, is_hopeful) &&
        (electorate.next == NULL || agrees(election, electorate.next, is_hopeful));"
    "        agrees(election, electorate.list, is_hopeful);")

# MUT_UNLED: of what it follows it takes S and the lists, and not who is active; and the peer votes on every JOIN.
ms_council_canary(follows-without-a-lead "invariant: I2:" master/council_decide.c
    "    record->lead = decision->active;
    record->is_forced = false; /* that is over */"
    "    record->is_forced = false;"
    master/election.c
    "    case MS_DECISION_JOIN: /* with witnesses it could be decided without him, and would be of no use */
    case MS_DECISION_HANDOVER:"
    "    case MS_DECISION_JOIN:
        return has_peer || is_agreed;
    case MS_DECISION_HANDOVER:")

# Found by seeds in which a directory is set back: neither does the half hear that it is an old copy, nor does the other one mind.
ms_council_canary(old-copy-is-not-told "invariant: I(1|2|4|6):" core/start.c
    "    if (start->number < known->number) {
        return true;
    }"
    "    if (start->number <= known->number) {
        return false;
    }")

# It is told, and goes on; and the other half meets and hears it.
ms_council_canary(old-copy-goes-on "invariant: I(1|2|4|6):" master/council_starts.c
    "        council->outlived_by = *known;
        return is_replacement(record, known);"
    "        return true;"
    master/council_hear.c
    "    if (!party->is_witness && !ms_council_note_start(council, frame)) {
        return;
    }"
    ""
    master/council_hear.c
    "        ms_council_alarm(council, \"the peer came with an old copy of its directory\");
        return false;"
    "")

# A vote that is fresh by its own word only: who knew it takes it for what it was.
ms_council_canary(old-copy-keeps-its-name "invariant: I(1|2|4|6|17):" master/council_starts.c
    "    *record = anew(council, newest.number + MS_START_LEAP);"
    "    record->is_fresh = true;
    ms_start_renew(&record->start, newest.number + MS_START_LEAP);")

# These are met by few seeds.
set(MS_COUNCIL_CANARY_OPTIONS --storm-only)
set(MS_COUNCIL_CANARY_FIRST 20001)
# Who is the incumbent: a vote for somebody else, and a HANDOVER that one has proposed, end it at once.
ms_council_canary(incumbent-after-its-handover "invariant: I(1|2|6):" master/council_decide.c
    "    if (decision.kind == MS_DECISION_HANDOVER) {
        record->lead = decision.active;
    }"
    "")

# MUT_SELFNAME
ms_council_canary(incumbent-by-its-own-word "invariant: I(1|2|6):" master/council_decide.c
    "    if (decision.kind == MS_DECISION_HANDOVER) {
        record->lead = decision.active;
    }"
    "    record->lead = decision.active;")

set(MS_COUNCIL_CANARY_FIRST 1)

# It hangs; what else it does is too rare.
set(MS_COUNCIL_CANARY_OPTIONS "")
ms_council_canary(greets-with-what-is-not-durable "invariant" master/council_acts.c
    "    fill(council, &council->durable, frame_out, NULL);"
    "    fill(council, &council->record, frame_out, NULL);")

# Found by L3: a master that was left alone waits.
ms_council_canary(evidence-is-nothing "invariant: L3:" master/council_rules.c
    "    if (has_evidence(council)) {"
    "    if (false) {")

# Found by L1: who follows takes the two leaps together for an error.
ms_council_canary(leaps-as-far-again "invariant: L1:" master/council_decide.c
    "                          highest(council) > told + MS_EPOCH_FORCED_STEP;"
    "                          false;")

# Of --on-quorum-loss degrade, which is the active's alone.
ms_council_canary(standby-degrades-too "invariant: F1:" master/council_rules.c
    "    if (has_evidence(council)) {"
    "    if (council->config.is_degrading || has_evidence(council)) {")

# Found by seeds in which somebody shows epochs that nobody has served.
ms_council_canary(slaves-choose-the-epoch "invariant: L(1|3):" master/council_doubt.c
    "    note_shown(council, now, hello);
    if (is_own"
    "    note_shown(council, now, hello);
    if (ms_epoch_is_near(hello->epoch, council->record.voter.promised) &&
        hello->epoch > council->seen) {
        council->seen = hello->epoch;
    }
    if (is_own")

ms_council_canary(goes-above-the-voters-limit "invariant: L(1|3):" core/decision.c
    "epoch - promised <= MS_EPOCH_SEEN_MAX"
    "epoch - promised <= 2 * MS_EPOCH_FORCED_STEP")

ms_council_canary(shown-is-believed "invariant: F2:" master/council_doubt.c
    "    note_shown(council, now, hello);
    if (is_own"
    "    note_shown(council, now, hello);
    if (council->reign != MS_COUNCIL_NO_REIGN && council->state != MS_COUNCIL_CANDIDATE) {
        ms_council_depose(council);
    }
    if (is_own")
