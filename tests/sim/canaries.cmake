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

ms_sim_canary(forgotten-with-its-slave master/slaves.c "invariant: (lost|liveness|drained)|${engine_assertion}"
    "    } else if (slave->is_ending && (slave->is_crash || ms_work_is_once(work))) {
        ms_results_died(master, now, slave, work);"
    "    } else if (slave->is_ending && (slave->is_crash || ms_work_is_once(work))) {
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
    "        if (true) {")

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
    "    return true;")

ms_sim_canary(cancel-without-effect master/results.c "invariant: cancel"
    "    if (work->is_cancel_asked) {"
    "    if (work->is_cancel_asked && command->status == MS_STATUS_CANCELLED) {")

ms_sim_canary(attempts-without-end master/results.c "invariant: attempts|${engine_assertion}"
    "    if (work->failures + 1u < work->attempts_max &&"
    "    if (work->failures < work->attempts_max &&")

ms_sim_canary(resubmission-is-new master/clients.c "invariant: attempts|${engine_assertion}"
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
