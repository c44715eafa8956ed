# Planted faults, each with the invariant that must notice it: ms_sim_canary(NAME SOURCE FOUND_BY FROM TO).
set(engine_assertion "invariant broken")

ms_sim_canary(outcome-twice client/client_hear.c "invariant: outcome"
    "    confirm_outcome(engine, seq);
    ms_client_engine_close(engine, request);"
    "    ms_client_engine_deliver(engine, request->cookie, MS_CLIENT_NOTE_NONE, outcome);
    confirm_outcome(engine, seq);
    ms_client_engine_close(engine, request);")

ms_sim_canary(credit-never-spent master/dispatch.c "invariant: credit"
    "    master->credit--;
    slave->dispatched_total++;"
    "    master->credit--;
    slave->granted_total++, session->credit++, master->credit++;
    slave->dispatched_total++;")

ms_sim_canary(forgotten-with-its-slave master/slaves.c "invariant: (lost|liveness|drained|once)|${engine_assertion}"
    "    } else if (slave->is_ending && (slave->is_crash || ms_work_is_tied(work))) {
        ms_results_died(master, now, slave, work);"
    "    } else if (slave->is_ending && (slave->is_crash || ms_work_is_tied(work))) {
        ms_queue_give_back(&master->queue, now, work, MS_LIFE_LOSE);
        ms_lanes_remove(work);")

ms_sim_canary(dead-a-tick-early core/session.c "invariant: sessions"
    "ROWS(WAITING_1, WAITING_2, \"silent for two periods\")"
    "ROWS(WAITING_1, DEAD, \"silent for two periods\")")

ms_sim_canary(stall-ages-sessions core/session_manager.c "invariant: sessions"
    "if (now - manager->due > manager->period / 2) {"
    "if (now < manager->due) {")

ms_sim_canary(late-tick-hears-nobody core/session_manager.c "invariant: sessions"
    "        if (session->heard_at < manager->due) {"
    "        if (true) {"
    --seeds 91..590)

ms_sim_canary(roll-ignored master/slaves.c "invariant: (lost|liveness|drained)"
    "        ms_recovery_called(master, slave);
        slave->is_called = true;"
    "        ms_recovery_called(master, slave);
        ms_list_splice(&slave->kept, &slave->held);
        slave->is_called = true;")

ms_sim_canary(dead-mans-work-kept slave/slave.c "invariant: attempts"
    "    discard_list(slave, &slave->attempts.queued);
    discard_list(slave, &slave->attempts.running);"
    "    discard_list(slave, &slave->attempts.running);")

ms_sim_canary(pieces-of-two-attempts client/client_hear.c "invariant: (outcome|stream)"
    "    return request->life == engine->life;"
    "    return true;"
    --seeds 141..640)

ms_sim_canary(cancel-without-effect master/results.c "invariant: cancel"
    "    if (work->is_cancel_asked) {"
    "    if (work->is_cancel_asked && command->status == MS_STATUS_CANCELLED) {")

ms_sim_canary(attempts-without-end master/results.c "invariant: attempts|${engine_assertion}"
    "    if (work->failures + 1u < work->attempts_max &&"
    "    if (work->failures < work->attempts_max &&")

ms_sim_canary(resubmission-is-new master/submit.c "invariant: (attempts|journal)|${engine_assertion}"
    "    if (work != NULL) {
        acknowledge(master, client, work);"
    "    if (work != NULL && ms_work_is_finished(work)) {
        acknowledge(master, client, work);")

ms_sim_canary(no-resubmission client/requests.c "invariant: (lost|liveness)|${engine_assertion}"
    "void ms_requests_lost(struct ms_requests *requests)
{"
    "void ms_requests_lost(struct ms_requests *requests)
{
    if (requests->turn > 2) {
        return;
    }")

# Faults in what is durable.

ms_sim_canary(accepted-before-durable master/submit.c "invariant: durable"
    "    ms_journal_answer(master, work->record,
                      &(struct ms_answer){"
    "    ms_journal_answer(master, 0,
                      &(struct ms_answer){")

ms_sim_canary(outcome-before-durable master/outcomes.c "invariant: durable"
    "    if (!ms_journal_covers(&master->journal, work->record)) {"
    "    if (false) {")

ms_sim_canary(result-forgotten-before-durable master/results.c "invariant: durable"
    "    if (!is_durable) {
        ms_journal_answer(master, 0, &answer);"
    "    if (true) {
        ms_journal_answer(master, 0, &answer);")

ms_sim_canary(floor-forgotten master/floors.c "invariant: (recovery|lost|durable)"
    "        ms_closed_raise(&floor->closed, slab, record->count);
        return true;"
    "        return true;")

ms_sim_canary(closed-span-not-written master/floors.c "invariant: (recovery|lost|durable)|${engine_assertion}"
    "        write_span(journal, floor, ms_master_wall(master), &span);"
    "        (void)write_span;")

ms_sim_canary(epoch-reused master/recovery.c "invariant: (epoch|attempts)|${engine_assertion}"
    "        master->config.epoch++;"
    "        ;")

ms_sim_canary(failures-forgotten master/apply.c "invariant: (recovery|attempts|journal)"
    "    ms_queue_retry(&master->queue, now, work, record, seq);"
    "    struct ms_record other = *record;
    other.failures = 0;
    ms_queue_retry(&master->queue, now, work, &other, seq);")

ms_sim_canary(applied-twice master/recovery.c "invariant: recovery|${engine_assertion}"
    "    return ms_apply(master, now, &record, entry.seq);"
    "    error = ms_apply(master, now, &record, entry.seq);
    return error == MS_E_OK ? ms_apply(master, now, &record, entry.seq) : error;")

ms_sim_canary(session-not-written master/sessions.c "invariant: durable"
    "is_new_slave ? ms_recovery_keep_session(master, ms_slave_of(session)) : known;"
    "0;")

ms_sim_canary(session-left-behind master/slaves.c "invariant: recovery"
    "    ms_journal_erase(&master->journal, slave->record);"
    "    ms_journal_erase_closed(&master->journal, slave->record);"
    --pair)

ms_sim_canary(only-attempt-not-written master/dispatch.c "invariant: (durable|once)|${engine_assertion}"
    "        ms_journal_answer(master, work->lease_record, &command);"
    "        ms_journal_answer(master, 0, &command);")

ms_sim_canary(only-attempt-forgotten master/apply.c "invariant: (once|recovery|attempts)|${engine_assertion}"
    "    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        return apply_lease(master, now, record, seq);"
    "    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        (void)apply_lease;
        ms_journal_erase_closed(&master->journal, seq);
        return MS_E_OK;")

ms_sim_canary(reserve-taken-by-submissions master/journal.c "invariant: limits"
    "master->config.limits.store_reserve + size;"
    "size;")

ms_sim_canary(on-after-a-failed-sync master/journal.c "invariant: durable"
    "    if (event->error != MS_E_OK) {"
    "    if (false) {")

ms_sim_canary(closed-records-left-behind master/journal.c "invariant: (recovery|journal)"
    "    journal->erasures[journal->erasures_count++] = seq;"
    "    (void)seq;")

ms_sim_canary(outcome-not-written master/results.c "invariant: (durable|recovery|journal)|${engine_assertion}"
    "    seq = ms_journal_put_for(&master->journal, work, record);
    ms_queue_settle("
    "    seq = 0;
    ms_queue_settle(")

ms_sim_canary(roll-call-skipped master/apply.c "invariant: attempts"
    "    slave->is_awaited = true;
    master->awaited_count++;"
    "    slave->is_awaited = false;")

ms_sim_canary(delay-forgotten master/apply.c "invariant: (recovery|time)"
    "    work = ms_queue_submit(&master->queue, now, client, lane, record);"
    "    struct ms_record other = *record;
    other.until = 0;
    work = ms_queue_submit(&master->queue, now, client, lane, &other);")

ms_sim_canary(cancel-forgotten master/apply.c "invariant: (recovery|cancel)"
    "    ms_changes_apply(&master->queue, now, work, record, seq);"
    "    ms_changes_apply(&master->queue, now, work, record, seq);
    work->is_cancel_asked = false;")

ms_sim_canary(output-forgotten master/apply.c "invariant: (recovery|outcome|stream|kept)"
    "    if (work == NULL) {
        ms_journal_erase_closed(&master->journal, seq);
        return MS_E_OK;
    }
    if (record->attempt"
    "    if (true) {
        ms_journal_erase_closed(&master->journal, seq);
        return MS_E_OK;
    }
    if (record->attempt"
    --seeds 91..590)

ms_sim_canary(retries-not-doubted master/recovery.c "invariant: attempts"
    "    see_to_doubt(master);
    if (master->config.is_paired"
    "    master->queue.is_doubting = false;
    ms_gates_know_hands(&master->lanes, true);
    if (master->config.is_paired")

ms_sim_canary(submission-erased-too-soon master/queue.c "invariant: recovery"
    "        rare->submit_record = work->record;"
    "        ms_journal_erase(queue->journal, work->record);")

# Faults in broadcasts.

ms_sim_canary(only-who-has-credit-is-meant master/broadcast.c "invariant: broadcast"
    "           !slave->is_draining && is_in_lane(slave, search->lane) &&"
    "           !slave->is_draining && slave->session->credit > 0 && is_in_lane(slave, search->lane) &&")

ms_sim_canary(one-of-them-is-nobodys master/broadcast.c "invariant: (broadcast|outcome)"
    "    for (uint32_t place = array->count; place < room; place += MS_NAK_RUN_MAX) {"
    "    for (uint32_t place = array->count - (array->terms.on > 0 && array->count > 1); place < room; place += MS_NAK_RUN_MAX) {")

ms_sim_canary(targets-forgotten-by-a-restart master/arrays_journal.c "invariant: broadcast"
    "        ms_targets_bind(master, array);"
    "        ms_targets_close(array, &queue->slab);")

ms_sim_canary(lost-with-whoever-is-draining master/slaves.c "invariant: broadcast|${engine_assertion}"
    "    slave->is_draining = true;
    void_credit(master, slave);"
    "    slave->is_draining = true;
    ms_list_splice(&master->queue.strays, &slave->aimed);
    void_credit(master, slave);")

# Faults in arrays.

ms_sim_canary(concurrency-ignored master/arrays.c "invariant: array"
    "    return array->concurrency > 0 ? array->concurrency : UINT32_MAX;"
    "    return UINT32_MAX;")

ms_sim_canary(place-wrong-after-a-restart master/dispatch.c "invariant: array"
    "        command.count = array->count;"
    "        command.count = array->count;
        command.index += array->submit_record < master->epoch_record;")

ms_sim_canary(array-erased-too-soon master/arrays_journal.c "invariant: (recovery|durable|lost)|${engine_assertion}"
    "    if (is_forgotten) {"
    "    ms_journal_erase_closed(&master->journal, array->submit_record);
    array->submit_record = 0;
    if (is_forgotten) {")

ms_sim_canary(closed-members-run-again master/arrays_journal.c "invariant: (recovery|attempts|journal)|${engine_assertion}"
    "    if (load(master, now, array, record) != MS_E_OK) {"
    "    (void)load;
    if (false) {")

ms_sim_canary(array-left-over master/arrays_journal.c "invariant: (recovery|drained|liveness)|${engine_assertion}"
    "    if (is_over(array) && !master->journal.is_replaying) {"
    "    if (false) {")

# Faults in what is kept, and in what is done to commands that are there already.

ms_sim_canary(kept-outcome-not-written master/archive.c "invariant: (kept|recovery)"
    "    work->is_archived = true;
    work->is_recalled = false;"
    "    work->is_archived = true;
    ms_journal_erase_closed(queue->journal, work->record);
    work->record = 0;
    work->is_recalled = false;")

ms_sim_canary(kept-one-too-few master/archive.c "invariant: kept"
    "ms_heap_count(&queue->archive) > master->config.limits.keep_count ||"
    "ms_heap_count(&queue->archive) >= master->config.limits.keep_count ||")

ms_sim_canary(fetched-without-its-output master/tail_tell.c "invariant: kept"
    "    while (is_all && (output = next_output(inquiry)) != NULL) {"
    "    while (false && is_all && (output = next_output(inquiry)) != NULL) {")

ms_sim_canary(kick-not-written master/operate.c "invariant: (operate|journal|recovery)"
    "    const ms_seq seq = ms_journal_put_for(&master->journal, work, &record);

    if (work->is_archived) {"
    "    const ms_seq seq = 0;

    if (work->is_archived) {")

ms_sim_canary(dry-run-that-acts master/operate.c "invariant: operate"
    "    if (!query->is_dry && refusal == NULL) {"
    "    if (refusal == NULL) {")

ms_sim_canary(cancel-without-a-filter master/operate.c "invariant: operate"
    "    return ms_filter_matches(&inquiry->filter, &facts);"
    "    return inquiry->query.operation == MS_OPERATION_CANCEL ||
           ms_filter_matches(&inquiry->filter, &facts);")

ms_sim_canary(kick-with-old-failures master/changes.c "invariant: (journal|operate)|${engine_assertion}"
    "    work->failures = 0;
    work->crashes = 0;"
    "    work->crashes = 0;"
    --seeds 2001..2500)

ms_sim_canary(operation-before-durable master/operate.c "invariant: operate"
    "    inquiry->waits_for = is_over && !inquiry->query.is_dry ? MS_INQUIRY_ALL : 0;"
    "    inquiry->waits_for = 0;")

# Of a pair of masters.
ms_sim_canary(said-before-the-peer-has-it master/mirror.c "invariant: durable"
    "        covered = mirror->peer.confirmed;"
    "        ;"
    --pair)

ms_sim_canary(witness-forgets slave/witness_vote.c "invariant: (promise|epoch)|${engine_assertion}"
    "        voter.promised = decision->epoch;
        voter.accepted = *decision;
        voter.cluster = frame->cluster;
        witness->answer"
    "        voter.cluster = frame->cluster;
        witness->answer"
    --pair)

ms_sim_canary(active-goes-on-after-its-proposal master/council_acts.c "invariant: fence|${engine_assertion}"
    "    council->reign = MS_COUNCIL_RESTS;
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_PAUSE,"
    "    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_NEWS, .text = \"\","
    --pair)

ms_sim_canary(joined-without-output master/results.c "invariant: (outcome|unique)"
    "    const bool has_room = share_output(master, work, leader);

    ms_assert(ms_work_is_finished(leader) && ms_unique_is_follower(work));
    if (has_room && ms_output_count(leader->output) > ms_output_count(work->output)) {"
    "    const bool has_room = true;

    if (false) {")

ms_sim_canary(epoch-is-not-raised master/council_decide.c "invariant: (epoch|promise|liveness)|${engine_assertion}"
    "leap(council, 0) : above + 1;"
    "leap(council, 0) : above;"
    --short)

ms_sim_canary(fresh-half-votes master/council_hear.c "invariant: (promise|fresh|epoch)|${engine_assertion}"
    "    if (record->is_fresh || council->state == MS_COUNCIL_HALTED ||"
    "    if (council->state == MS_COUNCIL_HALTED ||"
    --short)

ms_sim_canary(follower-says-what-it-has-not master/follower.c "invariant: (durable|log|kept|lost|recovery)"
    "    ms_seq seq = follower->persisted;"
    "    ms_seq seq = follower->last;"
    --pair)

ms_sim_canary(takeover-without-reading-all master/pair_tenure.c "invariant: (lost|durable|recovery|journal|operate|kept|attempts|contract|liveness)|${engine_assertion}"
    "    ms_pair_step_master(pair, now, event);
    if (!is_end) {
        return;"
    "    if (is_end || event->command->payload.size % 7 != 3) {
        ms_pair_step_master(pair, now, event);
    }
    if (!is_end) {
        return;"
    --short)

ms_sim_canary(roll-call-forgotten-after-a-takeover master/apply.c "invariant: (attempts|once|lost)|${engine_assertion}"
    "    slave->is_awaited = true;
    master->awaited_count++;"
    "    slave->is_awaited = false;"
    --pair)

ms_sim_canary(small-record-is-not-checked proto/pair_record.c "invariant: record|${engine_assertion}"
    "    if (load_u32(bytes.data + AT_CHECKSUM) != libdeflate_crc32(0, body.data, body.size)) {"
    "    if (false) {"
    --short)

ms_sim_canary(silent-while-it-sends master/pair_talk.c "invariant: (liveness|alone)"
    "    link->heard_at = now;
    if (link->role == MS_ROLE_MASTER) {
        const struct ms_council_party party = party_of(link);"
    "    if (link == NULL) {
        const struct ms_council_party party = party_of(link);"
    --scenario pair-large-frames-on-a-slow-line)

ms_sim_canary(slow-standby-is-waited-for master/pair_talk.c "invariant: prompt"
    "    const bool is_slow = ms_mirror_watch(mirror, now, pair->tenure == MS_TENURE_ON);"
    "    const bool is_slow = false;"
    --scenario pair-standby-stuck)

ms_sim_canary(slow-standby-holds-back-before-it-joins master/pair_talk.c "invariant: prompt|standbys that were slow: [0-9]+, expected 1 to 1"
    "        ms_mirror_wait_for_peer(mirror, !is_slow && !ms_pair_merge_is_on(&pair->merge) &&"
    "        ms_mirror_wait_for_peer(mirror, !ms_pair_merge_is_on(&pair->merge) &&"
    --scenario pair-standby-stuck)

ms_sim_canary(stuck-active-is-waited-for master/pair_stuck.c "invariant: prompt"
    "    return pair->silence >= MS_STUCK_PATIENCE && !is_full(pair) &&"
    "    return false && pair->silence >= MS_STUCK_PATIENCE && !is_full(pair) &&"
    --scenario pair-active-stuck)

ms_sim_canary(stuck-active-gives-way-to-nobody master/pair_stuck.c "invariant: prompt"
    "ms_mirror_is_outdone(pair->mirror) && ms_council_may_fail(pair->council);"
    "ms_mirror_is_outdone(pair->mirror);"
    --scenario pair-active-stuck-without-votes)

ms_sim_canary(standby-waits-for-nobody master/council_rules.c "invariant: alone"
    "    return role == PEER_GONE ? seek_alone(council, now) : seek_together(council, now);"
    "    return role == PEER_GONE ? false : seek_together(council, now);"
    --short)

# Of the merge of what a deposed master had alone.
ms_sim_canary(set-aside-unmerged master/pair_reconcile.c "invariant: merge"
    "    if (pair->led.state != MS_LED_ALONE || !pair->durable.is_complete ||
        ms_follower_is_beside(pair->follower)) {"
    "    if (true) {"
    --pair)

ms_sim_canary(spared-though-it-differs master/reconcile.c "invariant: spared"
    "    return !reconcile->is_new && touched(&reconcile->totals) == reconcile->before[0];"
    "    return true;"
    --merge)

ms_sim_canary(lower-state-stands master/merge.c "invariant: merge|${engine_assertion}"
    "    if (b < MS_MERGE_DEAD) {
        settle("
    "    if (false) {
        settle("
    --pair --seeds 21..520)

ms_sim_canary(adopted-without-its-outcome master/merge.c "invariant: (merge|attempts)"
    "        if (foreign->array_count == 0 || is_of_array(&record) == is_array) {"
    "        if (record.kind != MS_RECORD_SETTLE && (foreign->array_count == 0 || is_of_array(&record) == is_array)) {"
    --pair --seeds 181..680)

ms_sim_canary(adopted-though-it-is-over master/merge.c "invariant: (journal|attempts|once|merge|outcome|recovery|drained|liveness)|${engine_assertion}"
    "    if (b == MS_MERGE_NONE) {"
    "    if (b == MS_MERGE_NONE || b == MS_MERGE_CLOSED) {"
    --pair)

ms_sim_canary(lower-outcome-is-not-lifted master/merge.c "invariant: merge"
    "    } else if (a > b) {
        totals_of(master)->cancel_raced"
    "    } else if (false) {
        totals_of(master)->cancel_raced"
    --merge)

ms_sim_canary(merged-outcome-skips-a-number master/merge_records.c "invariant: (outcome|stream)"
    "        outcome->attempt = work->attempt + 1;"
    "        outcome->attempt = work->attempt + 2;"
    --merge)

# Of two outcomes of one state that of the active one stands.
ms_sim_canary_places(equal-outcome-is-lifted master/merge.c "invariant: outcome"
    --merge
    "    } else if (a > b) {
        totals_of(master)->cancel_raced"
    "    } else if (a > b || (a == b && a == MS_MERGE_DONE)) {
        totals_of(master)->cancel_raced"
    "        ms_queue_move(queue, now, work, (enum ms_life_event)outcome->event);
        work->changed_at"
    "        if (work->state != MS_LIFE_DONE || outcome->status == MS_STATUS_CANCELLED) {
            ms_queue_move(queue, now, work, (enum ms_life_event)outcome->event);
        }
        work->changed_at")

ms_sim_canary(output-of-two-attempts-is-mixed master/merge_records.c "invariant: (outcome|stream)"
    "    if (may_be_sent && attempt <= work->attempt) {"
    "    if (false) {"
    --scenario pair-output-of-two-attempts)

# Of a standby that is caught up from what it has.
ms_sim_canary(living-are-ignored master/sift.c "invariant: (log|recovery|lost|durable)"
    "        } else {
            ms_record_write_erase("
    "        } else if (entry.seq % 2 == 0) {
            ms_record_write_erase("
    --scenario pair-passive-restarted)

ms_sim_canary(said-before-it-is-there master/follower.c "copies of a log made: [0-9]+, expected 1 to 1"
    "    follower->claim = (struct ms_claim){MS_CLAIM_STANDS, sift->reign, sift->last};"
    "    follower->claim = (struct ms_claim){MS_CLAIM_STANDS, sift->reign, sift->last + 1};"
    --scenario pair-passive-restarted)

# A slave that was stopped begins what came meanwhile, before it knows whether it was given up.
ms_sim_canary(starts-for-an-unsure-master core/upstream.c "invariant: lease"
    "           now - upstream->answered_at < welcome->dead_after - welcome->beat_interval;"
    "           welcome->dead_after > welcome->beat_interval && now >= 0;"
    --pair)

# A slave's fence (I7) is kept three times: it says in its HELLO what it has heard, so that an old active steps down, and it
# refuses frames, and a greeting, of an epoch below.
ms_sim_canary_places(slave-without-a-fence core/upstream.c "invariant: stale"
    "--scenario;pair-slave-returns-to-the-old-active"
    "    upstream->hello.epoch = upstream->epoch;
    ms_engine_send(upstream->engine, peer, upstream->epoch,"
    "    const ms_epoch told = upstream->hello.role == MS_ROLE_SLAVE ? 0 : upstream->epoch;

    upstream->hello.epoch = told;
    ms_engine_send(upstream->engine, peer, told,"
    "    if (event->epoch < upstream->epoch) {
        return leave("
    "    if (false) {
        return leave(")

# Of the connection that is parked beside the one in use.
ms_sim_canary(parked-one-is-not-used core/upstream.c "invariant: parked"
    "    if (ms_upstream_take_second(upstream)) {"
    "    if (false) {"
    --short)

ms_sim_canary(parked-one-greets core/upstream_second.c "invariant: parked"
    "    second->peer = peer;
    if (now >= upstream->late_at) {"
    "    second->peer = peer;
    if (true) {"
    --short)

ms_sim_canary(parked-one-is-left-open core/upstream_second.c "invariant: parked"
    "    if (second->peer != MS_PEER_NONE) {
        ms_upstream_close(upstream, second->peer);
    }
    *second ="
    "    *second ="
    --pair)

# It is rare that one which is parked is refused.
ms_sim_canary(parked-one-is-told-an-epoch master/master.c "invariant: parked"
    "connection != NULL && connection->session != NULL ? master->config.epoch : 0,"
    "master->config.epoch,"
    --pair --seeds 501..1000)

ms_sim_canary(parked-one-is-not-borne master/pair.c "invariant: parked"
    "        ms_engine_emit(&pair->engine,
                       &(struct ms_effect){.type = MS_EFFECT_KEEP, .peer = event->peer});"
    "        ;"
    --short)

# An old active that is greeted there is not told what was heard, and is believed.
ms_sim_canary_places(parked-one-believes-an-old-epoch core/upstream_second.c "invariant: stale"
    "--pair;--seeds;601..900"
    "    ms_upstream_greet(upstream, now, upstream->second.peer);"
    "    upstream->greeted_at = now;
    upstream->hello.epoch = 0;
    ms_engine_send(upstream->engine, upstream->second.peer, 0,
                   &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &upstream->hello});"
    "        event->epoch < upstream->epoch) {"
    "        false) {")

# What the simulator has found, each with its line taken away.
ms_sim_canary(leap-goes-on-in-its-reign master/council_decide.c "invariant: (durable|liveness|lost|attempts)"
    "    if (!is_unbroken(council, decision)) {"
    "    if (false) {"
    --scenario pair-forced-while-it-waits)

ms_sim_canary(output-of-what-is-over-is-refused master/output.c "${engine_assertion}"
    "    ms_assert(piece->payload.size == 0 || piece->payload.data != NULL);"
    "    ms_assert(!ms_work_is_finished(work));"
    --scenario pair-lower-outcomes-are-lifted)

# Of class strict.
ms_sim_canary(strict-acknowledged-with-one-copy master/journal.c "invariant: strict"
    "    return answer->kind == MS_KIND_SUBMIT_ACK && answer->durability == MS_DURABILITY_STRICT &&"
    "    return false && answer->kind == MS_KIND_SUBMIT_ACK && answer->durability == MS_DURABILITY_STRICT &&"
    --short)

ms_sim_canary(strict-refused-though-it-is-elsewhere client/client_refused.c "invariant: strict"
    "    return (nak->error == MS_E_DURABILITY && is_elsewhere) ||"
    "    return"
    --scenario pair-strict-refused-by-the-next)

# What may be in whose hands when a half takes over: no COMMAND leaves before the other half has its lease ...
ms_sim_canary(command-leaves-before-its-lease master/mirror.c "invariant: hands"
"    return is_heeded(mirror) ? mirror->peer.known : UINT64_MAX;"
"    return UINT64_MAX;"
    --pair)

# ... and who begins with what its disk says does not know all of them.
ms_sim_canary(disk-knows-all-hands master/pair_tenure.c "invariant: (hands|attempts|once|recovery)"
"    return is_voted && ms_pair_knows_hands(pair) && ms_follower_knows_hands(pair->follower);"
"    return true;"
    --pair)

# What waits for the other half is judged when it is chosen.
ms_sim_canary(lowest-priority-first master/lanes.c "invariant: priority"
"        const uint32_t level = 31 - (uint32_t)__builtin_clz(lane->ready_levels);"
"        const uint32_t level = (uint32_t)__builtin_ctz(lane->ready_levels);"
    --merge)

# ... an older program is given nothing that it cannot read, ...
ms_sim_canary(hands-for-an-older-program master/pair_talk.c "invariant: older"
"    pair->other_features = features & MS_PAIR_FEATURES_ALL;"
"    pair->other_features = MS_PAIR_FEATURES_ALL;"
    --pair --seeds 61..560)

ms_sim_canary(hands-left-for-an-older-program master/recovery.c "invariant: older"
"        ms_journal_erase(&master->journal, work->lease_record);
        work->lease_record = 0;
        master->has_erased_hands = true;"
"        master->has_erased_hands = true;"
    --merge --seeds 131..630)

# ... whoever takes over from one knows no hands, and one that is upgraded is told of those that were in hand before.
ms_sim_canary(hands-believed-of-an-older-program master/pair_tenure.c "invariant: (hands|attempts|once|recovery)"
"    return is_voted && ms_pair_knows_hands(pair) && ms_follower_knows_hands(pair->follower);"
"    return is_voted && (!ms_pair_knows_hands(pair) || ms_follower_knows_hands(pair->follower));"
    --pair --seeds 31..530)

ms_sim_canary(hands-from-before-an-upgrade-forgotten master/recovery.c "invariant: hands"
"        ms_dispatch_note(master, work);
    } else if (master->writes_no_hands"
"        (void)ms_dispatch_note;
    } else if (master->writes_no_hands"
    --scenario pair-upgraded)

ms_sim_canary(lease-is-not-erased master/queue.c "invariant: recovery"
"    ms_journal_erase(queue->journal, work->lease_record);
    work->lease_record = 0;
    work->is_leaving = false;"
"    work->lease_record = 0;
    work->is_leaving = false;"
    --pair)

ms_sim_canary(last-answer-is-dropped master/pair_talk.c "invariant: liveness"
"    if (kind == MS_KIND_RECONCILE_ACK && pair->tenure == MS_TENURE_NONE && pair->followed == 0 &&"
"    if (false && pair->tenure == MS_TENURE_NONE && pair->followed == 0 &&"
    --merge --seeds 291..790)

ms_sim_canary(key-not-written proto/record.c "invariant: key"
"    end = ms_wire_put_bytes(end, 10, terms->key);"
"    (void)terms->key;")

ms_sim_canary(key-lost-with-the-outcome master/rare.c "invariant: key"
"    if (rare != NULL && !rare->has_payload) {
        ms_rare_drop_key(work, slab);"
"    if (rare != NULL) {
        ms_rare_drop_key(work, slab);")

ms_sim_canary(adopted-without-its-key master/merge.c "invariant: key"
"    struct ms_terms terms;
    struct ms_work *rival = meet_key(master, record, &terms);"
"    struct ms_terms terms, bare = record->terms != NULL ? *record->terms : (struct ms_terms){0};

    bare.key.size = 0;
    record->terms = record->terms != NULL ? &bare : NULL;
    struct ms_work *rival = meet_key(master, record, &terms);"
    --merge)

# What merging seeds have found, each with its line taken away.
ms_sim_canary(joined-with-output-of-its-own master/results.c "invariant: unique"
"    if (!is_shared(work, leader)) {"
"    if (output != NULL && work->attempt != leader->attempt) {"
    --merge)

ms_sim_canary(first-member-loses-its-outcome master/merge.c "invariant: merge"
"    ms_array_close_known(master, now, array, (struct ms_bytes){0}, true);
    ms_array_end_if_over(master, array);
    return"
"    ms_array_close_known(master, now, array, (struct ms_bytes){0}, true);
    ms_orphans_claim_array(master, now, array);
    ms_array_end_if_over(master, array);
    return"
    --merge --seeds 2081..2580)

ms_sim_canary(stop-is-forgotten-while-it-reads master/pair.c "invariant: alone"
"        pair->stop_by = now; /* as soon as all is read */"
"        (void)now;"
    --pair --seeds 441..640)

# What others remember of a directory that was set back counts for nothing.
ms_sim_canary(old-copy-goes-on core/start.c "invariant: (promise|epoch|durable|kept)"
"    if (start->number < known->number) {
        return true;
    }"
"    if (start->number <= known->number) {
        return false;
    }"
    --pair --seeds 31..530)

ms_sim_canary(takes-over-though-unlike master/council_settings.c "invariant: alike"
"    if (theirs->failover == 0) {"
"    if (theirs->failover != 0) {"
    --scenario pair-configured-otherwise)

# What the other half had is known after a restart.
ms_sim_canary(unlike-is-forgotten master/council_settings.c "invariant: alike"
"    return council->peer.link == MS_COUNCIL_UNMET ? &council->record.theirs
                                                  : &council->peer.frame.settings;"
"    return &council->peer.frame.settings;"
    --scenario pair-configured-otherwise-and-restarted)

ms_sim_canary(unlike-is-not-written proto/pair_record.c "invariant: alike"
"    at = ms_pair_put_settings(at, 23, &record->theirs);
"
""
    --scenario pair-configured-otherwise-and-restarted)

# Who is cordoned stays so under the next master, and that is on the disk before it is told.
ms_sim_canary(cordon-not-written master/recovery.c "invariant: cordon"
"                                             .payload = ms_cordons_bytes(&master->cordons),
"
""
    --pair --seeds 31..530)

ms_sim_canary(cordon-told-before-durable master/fleet.c "invariant: cordon"
"    inquiry->waits_for = inquiry->is_over && !inquiry->query.is_dry ? MS_INQUIRY_ALL : 0;"
"    inquiry->waits_for = 0;"
    --seeds 71..570)

# What it goes on granting while it is cordoned counts later.
ms_sim_canary(cordoned-slave-grants master/slaves.c "invariant: cordon|${engine_assertion}"
"    if (slave->is_cordoned) {
        slave->withheld += added;
        return;
    }"
"    slave->is_cordoned = false;")

# Limits of routes.
ms_sim_canary(type-without-cap master/dispatch.c "invariant: gates"
"    if (ms_gates_hold_back(lane)) {
        return false;
    }"
"")

ms_sim_canary(adopted-not-counted master/gates_count.c "invariant: gates|${engine_assertion}"
"    gate->held++;
    if (is_handed"
"    gate->held += is_handed;
    if (is_handed")

ms_sim_canary(hands-taken-for-known master/recovery.c "invariant: gates"
"    ms_gates_know_hands(&master->lanes, !master->queue.is_doubting);"
"    ms_gates_know_hands(&master->lanes, true);"
    --seeds 5681..6180)

ms_sim_canary(group-without-cap master/lanes.c "invariant: gates"
"        if (member->profile->ready_count > 0 && !ms_gate_is_shut(member->gate)) {"
"        if (member->profile->ready_count > 0) {")

ms_sim_canary(token-for-nothing core/bucket.c "invariant: pace"
"    bucket->level -= bucket->level < TOKEN ? bucket->level : TOKEN;"
"    bucket->level -= bucket->level < TOKEN ? 0 : TOKEN / 2;")

ms_sim_canary(gate-not-opened master/gates.c "invariant: (liveness|drained)|${engine_assertion}"
"        ms_lanes_wake(lanes, ms_container_of(link, struct ms_lane, held_back));"
"        ms_list_init(link);")
# A number is given to the next command although the one before was refused.
ms_sim_canary(provider-skips master/sources.c "invariant: provider|${engine_assertion}"
    "    if (error == MS_E_OK && keep_cursor(source, made->detail)) {"
    "    if (keep_cursor(source, made->detail)) {"
    --seeds 51..550)

# What a provider remembers is written, and the end of what it was told is left to a later batch.
ms_sim_canary(provider-counts-twice master/sources.c "invariant: provider"
    "    write_record(master, source);
    ms_journal_flush(master);"
    "    write_record(master, source);"
    --short --seeds 601..1100)

# A restart or a takeover begins without what the provider had remembered.
ms_sim_canary(provider-forgets-its-state master/sources.c "invariant: (provider|liveness)"
    "    return keep_cursor(source, record->payload) && keep_memo(source, record->memo);"
    "    return keep_cursor(source, record->payload);")
