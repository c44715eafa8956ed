# Planted faults in the log between two masters: ms_log_canary(NAME MODULE FOUND_BY FROM TO).

ms_log_canary(covered-ignores-the-peer mirror "invariant: covered: "
    "if (is_heeded(mirror) && mirror->peer.confirmed < covered) {"
    "if (mirror->is_waiting && mirror->peer.confirmed < covered) {")

ms_log_canary(nobody-is-waited-for mirror "invariant: (covered|complete): "
    "if (is_heeded(mirror) && mirror->peer.confirmed < covered) {"
    "if (mirror->is_pair && mirror->peer.confirmed < covered) {")

ms_log_canary(old-epochs-count mirror "invariant: covered: said in this epoch"
    "if (epoch == mirror->epoch && seq > peer->confirmed) {"
    "if (seq > peer->confirmed) {")

ms_log_canary(new-epoch-old-word mirror "invariant: covered: said in this epoch"
    "        mirror->peer.confirmed = 0; /* until it is said again */"
    "")

ms_log_canary(drained-of-all-but-erasures mirror "invariant: (drained|handover): "
    "mirror->peer.received == mirror->backlog.tip.number &&"
    "")

ms_log_canary(any-scan-will-do mirror "invariant: (follower|quiet|peer|takeover): "
    "    mirror->scan = ms_reading_void(mirror->scan);"
    "")

ms_log_canary(backlog-without-end mirror "invariant: backlog: it is bounded"
    "    while (ms_backlog_bytes(backlog) > MS_BACKLOG_COPY_BYTES ||
           (ms_backlog_bytes(backlog) > MS_BACKLOG_BYTES && backlog->base.number < keep)) {"
    "    while (ms_backlog_bytes(backlog) > MS_BACKLOG_BYTES && backlog->base.number < keep) {")

ms_log_canary(sent-without-end mirror_send "invariant: ahead: it is bounded"
    "        (ahead(mirror) >= MS_LOG_AHEAD_BYTES &&"
    "        (ahead(mirror) >= 10 * MS_LOG_AHEAD_BYTES &&")

ms_log_canary(part-of-a-copy-is-lost mirror_send "invariant: (peer|quiet): "
    "    copy->sent = 0;
    return true;"
    "    copy->sent = size % 3 == 0 ? size : 0;
    return true;")

ms_log_canary(copy-with-what-comes-later mirror_send "invariant: peer: "
    "    if (event->seq > copy->start.seq) {"
    "    if (size == SIZE_MAX) {")

ms_log_canary(copy-is-whole-at-once mirror_send "invariant: follower: its log is the active's"
    "                     .token = {mirror->reign, mirror->whole.number},
                     .id = {.seq = mirror->whole.seq},"
    "                     .token = {mirror->reign, mirror->copy.start.number},
                     .id = {.seq = mirror->copy.start.seq},")

ms_log_canary(whole-before-the-stream follower "invariant: follower: "
    "        follower->place.n < follower->whole_at || follower->persisted < seq) {"
    "        follower->persisted < follower->copied) {")

ms_log_canary(whole-before-it-is-durable follower "invariant: (follower|covered|complete|quiet): "
    "        follower->place.n < follower->whole_at || follower->persisted < seq) {"
    "        follower->place.n < follower->whole_at) {")

ms_log_canary(received-is-durable follower "invariant: (follower|covered): "
    "    ms_seq seq = follower->persisted;"
    "    ms_seq seq =
        follower->state == MS_FOLLOWER_STREAMING ? follower->last : follower->persisted;")

ms_log_canary(erasures-are-lost follower_hear "invariant: (quiet|follower|covered): "
    "    ms_follower_persist(follower, seq, entries);"
    "    if (highest > expected.above) {
        ms_follower_persist(follower, seq, entries);
    }")

ms_log_canary(erased-between-copy-and-stream follower_hear "invariant: (quiet|follower|covered): "
    "    ms_follower_persist(follower, seq, entries);"
    "    if (highest > expected.above || follower->is_whole) {
        ms_follower_persist(follower, seq, entries);
    }")

ms_log_canary(batch-torn-by-a-break follower "invariant: peer: "
    "    follower->is_ack_due = false;
    follower->parts.size = 0;"
    "    follower->is_ack_due = false;")

ms_log_canary(half-a-copy-kept follower "invariant: (claim|follower|quiet|peer|covered|takeover): |invariant broken"
    "        ms_follower_forget(follower); /* half a copy is nothing */"
    "        follower->place = follower->copy_at;
        follower->last = follower->copy_seq;")

ms_log_canary(cleared-without-a-word follower_hear "invariant: clear: the owner"
    "        follower->news = MS_FOLLOWER_INCOMPLETE;
    }
    return true;"
    "        follower->news = MS_FOLLOWER_INCOMPLETE;
        ms_follower_go_on(follower);
    }
    return true;")

ms_log_canary(set-aside-again follower "invariant: clear: set aside once"
    "    follower->divergent = divergent != follower->aside ? divergent : 0;"
    "    follower->divergent = divergent;")

ms_log_canary(durable-before-the-clear follower "invariant: (follower|covered|complete): "
    "    follower->persisted = follower->written = follower->copied = 0; /* the rest was before */"
    "    follower->written = follower->copied = 0;")

# Of catching up from what the follower has.
ms_log_canary(living-ignored sift "invariant: (quiet|follower|covered|complete): "
    "        } else {
            ms_record_write_erase("
    "        } else if (entry.seq % 2 == 0) {
            ms_record_write_erase(")

ms_log_canary(dead-are-listed living "invariant: claim: nothing refutes it"
    "    if (seq > living->next) {"
    "    if (seq > living->next + 1) {")

ms_log_canary(said-before-it-is-there follower "invariant: claim: "
    "    follower->claim = (struct ms_claim){MS_CLAIM_STANDS, sift->reign, sift->last};"
    "    follower->claim = (struct ms_claim){MS_CLAIM_STANDS, sift->reign, sift->last + 1};")

ms_log_canary(claim-of-another-reign mirror "invariant: (claim|peer): "
    "        command->count == mirror->reign && command->id.seq <= mirror->backlog.tip.seq;"
    "        command->count > 0 && command->id.seq <= mirror->backlog.tip.seq;")

ms_log_canary(sifted-without-a-word follower_hear "invariant: persist: the owner"
    "        follower->news = MS_FOLLOWER_INCOMPLETE;
    }
    return true;"
    "        follower->news = MS_FOLLOWER_INCOMPLETE;
    }
    if (is_sparse) {
        ms_follower_go_on(follower);
    }
    return true;")

ms_log_canary(digest-of-the-living-is-skipped follower "invariant: (follower|quiet|covered|complete|peer): "
    "    if (sift->digest != follower->sift_digest) {"
    "    if (false) {")

ms_log_canary(sifted-before-it-is-durable sift "invariant: (sifted|follower|covered|complete|quiet): "
    "    if (is_end && sift->erases_size == 0) {"
    "    if (is_end) {")
