#include "tests/support/samples.h"

#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define UUID(last)                                                                                 \
    {                                                                                              \
        {                                                                                          \
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, (last)                              \
        }                                                                                          \
    }

static const struct ms_hello hello = {
    .role = MS_ROLE_CLIENT,
    .version_min = 1,
    .version_max = 3,
    .features = MS_FEATURES_ALL,
    .node = UUID(1),
    .token = UUID(2),
    .epoch = 6,
    .floor = 99,
    .slots = 8,
    .slots_max = MS_SLOTS_MAX,
    .weight = MS_WEIGHT_MAX,
    .labels_count = 2,
    .name = "n\xc3\xa4me",
    .group = "group",
    .build = "muster 0.1.0",
    .labels = {"gpu", "zone=b"},
};

static const struct ms_load load = {
    .cpu = 0,
    .memory = MS_PERMILLE_MAX,
    .running = 7,
    .queued = UINT32_MAX,
    .slots = MS_SLOTS_MAX,
};

static const struct ms_welcome welcome = {
    .version = 1,
    .features = MS_FEATURE_RESUME,
    .token = UUID(3),
    .resumed = true,
    .session = 12,
    .payload_max = MS_PAYLOAD_MAX_CEILING,
    .outstanding_max = 1000,
    .beat_interval = 500 * MS_MSEC,
    .dead_after = 4 * MS_SEC,
    .name = "master",
    .build = "muster 0.1.0",
};

static const struct ms_announced types[] = {
    {.type = MS_TYPE_USER_MIN, .name = "first"},
    {.type = UINT64_MAX, .name = "last"},
};

static const struct ms_announce announce = {.count = 2, .types = types};

static const struct ms_token held[] = {{SAMPLES_EPOCH, 1}, {3, UINT64_MAX}};

static const struct ms_holding holdings[] = {
    {.id = {UUID(5), UINT64_MAX}, .type = UINT64_MAX, .attempt = UINT32_MAX},
    {.id.seq = 0},
};

static const struct ms_tokens roll = {
    .count = 2, .tokens = held, .holdings = holdings, .last = true};

static const struct ms_tokens tokens = {.count = 2, .tokens = held, .last = true};

static const struct ms_query query = {
    .what = MS_QUERY_SHOW,
    .id = {UUID(4), 5},
    .limit = 100,
    .state = "ready",
    .type = 4711,
    .where = "type == \"echo\" and age > 5m",
    .operation = MS_OPERATION_PRIORITY,
    .is_dry = true,
    .is_following = true,
    .from = UINT32_MAX,
    .value = INT64_MIN,
    .order = MS_SLAVE_ORDER_LOG_LEVEL,
};

static const struct ms_cell cells[] = {
    {.name = "name", .text = "a"},
    {.name = "age_us", .is_number = true, .number = 0},
    {.name = "name", .text = "b\xe2\x82\xac"},
    {.name = "age_us", .is_number = true, .number = UINT64_MAX},
};

static const struct ms_report report = {
    .error = MS_E_NOT_FOUND,
    .columns_count = 2,
    .cells_count = 4,
    .cells = cells,
    .last = true,
};

static const struct ms_usage usage = {1, 200, 30000, UINT64_MAX};

static const struct ms_terms terms = {
    .priority = MS_PRIORITY_MIN,
    .unique_mode = MS_UNIQUE_REPLACE,
    .array_count = 12,
    .array_concurrency = UINT32_MAX,
    .parts_size = UINT64_MAX,
    .run_at = 1,
    .deadline = MS_DURATION_MAX,
    .unique = BYTES("key \0 and more"),
    .group = BYTES("nightly"),
    .key = BYTES("user \0 \xff"),
    .on = MS_ON_ALL,
    .where = BYTES("group=web"),
};

#define JOIN                                                                                       \
    {                                                                                              \
        .epoch = UINT64_MAX, .kind = MS_DECISION_JOIN, .proposer = 1, .active = 1,                 \
        .set = {UUID(6), UUID(7)}, .served = 8,                                                    \
    }

static const struct ms_pair_frame pair_hello = {
    .role = MS_ROLE_MASTER,
    .version_min = 1,
    .version_max = UINT32_MAX,
    .cluster = UUID(8),
    .id = UUID(7),
    .node = 1,
    .state = MS_COUNCIL_STATES - 1,
    .is_fresh = true,
    .is_complete = true,
    .promised = UINT64_MAX,
    .served = 9,
    .decision = JOIN,
    .hears_active = MS_TIME_NEVER,
    .witness_version = UINT32_MAX,
    .witnesses = {5, {UUID(11), UUID(12), UUID(13), UUID(14), UUID(15)}},
    .witnesses_next = {1, {UUID(16)}},
    .hold = {.version = 3, .is_on = true},
    .start = {UINT64_MAX, {1, 2, UINT64_MAX, 4, 5, 6, 7, 8}},
    .known = {{UUID(17), 5, 6}, {UUID(18), UINT64_MAX, UINT64_MAX}},
    .features = UINT64_MAX,
    .settings = {.beat = 250000,
                 .lease = 750000,
                 .silent = MS_DURATION_MAX,
                 .vote = 300000,
                 .tick = 1,
                 .failover = 3,
                 .witnesses = UINT64_MAX,
                 .quorum_loss = 2,
                 .failback = UINT32_MAX},
    .name = "b\xc3\xa4"
            "ckup",
    .build = "muster 0.1.0",
};

static const struct ms_pair_frame pair_witness = {
    .promised = 300, .decision = JOIN, .hears_active = MS_DURATION_MAX};

static const struct ms_pair_frame pair_decision = {
    .promised = 300, .served = 200, .decision = JOIN, .hears_active = MS_TIME_NEVER};

static const struct ms_pair_frame pair_plain = {
    .promised = 300, .served = 200, .hears_active = MS_TIME_NEVER};

static const struct ms_command samples[MS_KIND_COUNT] = {
    [MS_KIND_HELLO] = {.kind = MS_KIND_HELLO, .body.hello = &hello},
    [MS_KIND_WELCOME] = {.kind = MS_KIND_WELCOME, .body.welcome = &welcome},
    [MS_KIND_BEAT] = {.kind = MS_KIND_BEAT, .count = 300, .body.load = &load},
    [MS_KIND_BEAT_ACK] = {.kind = MS_KIND_BEAT_ACK, .count = UINT64_MAX},
    [MS_KIND_ERROR] = {.kind = MS_KIND_ERROR, .error = MS_E_MALFORMED, .detail = BYTES("why")},
    [MS_KIND_GOAWAY] = {.kind = MS_KIND_GOAWAY, .error = MS_E_DRAINING, .detail = BYTES("h:1")},
    [MS_KIND_ANNOUNCE] = {.kind = MS_KIND_ANNOUNCE, .body.announce = &announce},
    [MS_KIND_PULL] = {.kind = MS_KIND_PULL, .count = 1 << 20},
    [MS_KIND_COMMAND] = {.kind = MS_KIND_COMMAND,
                         .type = 4711,
                         .id = {UUID(5), 77},
                         .token = {SAMPLES_EPOCH, 1234567},
                         .attempt = 3,
                         .timeout = MS_DURATION_MAX,
                         .flags = MS_FLAG_STREAM | MS_FLAG_PARTS,
                         .payload = BYTES("payload \0 and more"),
                         .index = 11,
                         .count = MS_ARRAY_MAX},
    [MS_KIND_OUTPUT] = {.kind = MS_KIND_OUTPUT,
                        .token = {3, 1234567},
                        .stream = MS_STREAM_PROGRESS,
                        .index = UINT32_MAX,
                        .payload = BYTES("1 2 half")},
    [MS_KIND_RESULT] = {.kind = MS_KIND_RESULT,
                        .token = {3, MS_NUMBER_MAX},
                        .status = MS_STATUS_CRASHED,
                        .code = INT32_MIN,
                        .signal = 11,
                        .count = 2,
                        .delay = MS_DURATION_MAX,
                        .usage = &usage,
                        .detail = BYTES("killed by signal 11"),
                        .payload = BYTES("rest")},
    [MS_KIND_RESULT_ACK] = {.kind = MS_KIND_RESULT_ACK, .token = {3, 1000}, .count = 200},
    [MS_KIND_REVOKE] = {.kind = MS_KIND_REVOKE, .token = {3, 1}},
    [MS_KIND_RETURN] = {.kind = MS_KIND_RETURN, .token = {SAMPLES_EPOCH, UINT64_MAX}},
    [MS_KIND_ROLL] = {.kind = MS_KIND_ROLL, .body.tokens = &roll},
    [MS_KIND_VERDICT] = {.kind = MS_KIND_VERDICT, .body.tokens = &tokens},
    [MS_KIND_BYE] = {.kind = MS_KIND_BYE},
    [MS_KIND_FOLLOW] = {.kind = MS_KIND_FOLLOW, .token = {SAMPLES_EPOCH, 9}},
    [MS_KIND_ADJUST] = {.kind = MS_KIND_ADJUST, .count = MS_SLOTS_MAX, .index = 4},
    [MS_KIND_SUBMIT] = {.kind = MS_KIND_SUBMIT,
                        .type = MS_TYPE_USER_MIN,
                        .id.seq = UINT64_MAX - 12,
                        .attempts_max = MS_ATTEMPTS_MAX,
                        .timeout = 3 * MS_SEC,
                        .delay = 10 * MS_MSEC,
                        .flags = MS_FLAG_BACKGROUND | MS_FLAG_STREAM | MS_FLAG_ONCE | MS_FLAG_KEEP |
                                 MS_FLAG_PARTS,
                        .durability = MS_DURABILITY_STRICT,
                        .terms = &terms,
                        .payload = BYTES("work")},
    [MS_KIND_SUBMIT_ACK] = {.kind = MS_KIND_SUBMIT_ACK,
                            .id.seq = 5,
                            .count = 3,
                            .durability = MS_DURABILITY_SYNC,
                            .copies = 200},
    [MS_KIND_SUBMIT_NAK] = {.kind = MS_KIND_SUBMIT_NAK,
                            .id.seq = 6,
                            .error = MS_E_RETRY_LATER,
                            .delay = 5 * MS_SEC,
                            .count = 3,
                            .detail = BYTES("full")},
    [MS_KIND_OUTCOME] = {.kind = MS_KIND_OUTCOME,
                         .id.seq = 128,
                         .status = MS_STATUS_FAIL,
                         .attempt = 2,
                         .code = -1,
                         .signal = 9,
                         .usage = &usage,
                         .detail = BYTES("no"),
                         .payload = BYTES("result"),
                         .index = 4},
    [MS_KIND_OUTCOME_ACK] = {.kind = MS_KIND_OUTCOME_ACK, .id.seq = 9, .count = 1},
    [MS_KIND_STREAM] = {.kind = MS_KIND_STREAM,
                        .id.seq = 10,
                        .attempt = 1,
                        .stream = MS_STREAM_STDERR,
                        .index = 128,
                        .payload = BYTES("oops")},
    [MS_KIND_CANCEL] = {.kind = MS_KIND_CANCEL, .id.seq = 11},
    [MS_KIND_CANCEL_ACK] = {.kind = MS_KIND_CANCEL_ACK,
                            .id.seq = 12,
                            .flags = MS_FLAG_STARTED,
                            .error = MS_E_NOT_FOUND},
    [MS_KIND_QUERY] = {.kind = MS_KIND_QUERY, .count = 4, .body.query = &query},
    [MS_KIND_REPORT] = {.kind = MS_KIND_REPORT, .count = 4, .body.report = &report},
    [MS_KIND_PART] = {.kind = MS_KIND_PART,
                      .token = {SAMPLES_EPOCH, UINT64_MAX},
                      .index = 1023,
                      .payload = BYTES("part \0")},
    [MS_KIND_TAIL] = {.kind = MS_KIND_TAIL,
                      .count = UINT64_MAX,
                      .attempt = UINT32_MAX,
                      .stream = MS_STREAM_LOG,
                      .index = UINT32_MAX,
                      .payload = BYTES("line")},
    [MS_KIND_CALL] = {.kind = MS_KIND_CALL,
                      .id.seq = 300,
                      .count = 299,
                      .timeout = MS_SEC,
                      .detail = BYTES("kv/put?key=a"),
                      .payload = BYTES("value \0")},
    [MS_KIND_CALL_REPLY] = {.kind = MS_KIND_CALL_REPLY,
                            .id.seq = 300,
                            .error = MS_E_RETRY_LATER,
                            .delay = MS_SEC,
                            .detail = BYTES("later"),
                            .payload = BYTES("none")},
    [MS_KIND_PEER_HELLO] = {.kind = MS_KIND_PEER_HELLO, .body.pair = &pair_hello},
    [MS_KIND_PEER_BEAT] = {.kind = MS_KIND_PEER_BEAT,
                           .count = UINT64_MAX,
                           .flags = MS_FLAG_PAIR,
                           .body.pair = &pair_witness},
    [MS_KIND_PREVOTE] = {.kind = MS_KIND_PREVOTE, .body.pair = &pair_decision},
    [MS_KIND_PREVOTE_ACK] = {.kind = MS_KIND_PREVOTE_ACK,
                             .error = MS_E_NOT_ACTIVE,
                             .body.pair = &pair_decision},
    [MS_KIND_PROPOSE] = {.kind = MS_KIND_PROPOSE, .body.pair = &pair_decision},
    [MS_KIND_VOTE] = {.kind = MS_KIND_VOTE, .error = MS_E_STALE_EPOCH, .body.pair = &pair_decision},
    [MS_KIND_DECIDED] = {.kind = MS_KIND_DECIDED, .body.pair = &pair_hello},
    [MS_KIND_STALE] = {.kind = MS_KIND_STALE, .body.pair = &pair_plain},
    [MS_KIND_FAILED] = {.kind = MS_KIND_FAILED, .body.pair = &pair_plain},
    [MS_KIND_FOLLOW_LOG] = {.kind = MS_KIND_FOLLOW_LOG,
                            .token = {5, UINT64_MAX},
                            .body.pair = &pair_plain},
    [MS_KIND_LOG_BEGIN] = {.kind = MS_KIND_LOG_BEGIN,
                           .token = {5, 0},
                           .flags = MS_FLAG_PAIR,
                           .error = MS_E_NOT_ACTIVE,
                           .body.pair = &pair_plain},
    [MS_KIND_LOG_COPY] = {.kind = MS_KIND_LOG_COPY,
                          .flags = MS_FLAG_PAIR,
                          .payload = BYTES("live \0 records"),
                          .body.pair = &pair_plain},
    [MS_KIND_LOG] = {.kind = MS_KIND_LOG,
                     .token = {5, 1},
                     .id.seq = UINT64_MAX,
                     .flags = MS_FLAG_PAIR,
                     .payload = BYTES("entries \0"),
                     .body.pair = &pair_plain},
    [MS_KIND_LOG_ACK] = {.kind = MS_KIND_LOG_ACK,
                         .token = {5, 300},
                         .id.seq = 128,
                         .body.pair = &pair_plain},
    [MS_KIND_ORDER] = {.kind = MS_KIND_ORDER,
                       .count = MS_ORDER_COUNT - 1,
                       .body.pair = &pair_plain},
    [MS_KIND_ORDER_ACK] = {.kind = MS_KIND_ORDER_ACK,
                           .error = MS_E_NOT_ACTIVE,
                           .detail = BYTES("why"),
                           .body.pair = &pair_plain},
    [MS_KIND_RECONCILE] = {.kind = MS_KIND_RECONCILE,
                           .token = {5, 0},
                           .count = 300,
                           .flags = MS_FLAG_PAIR,
                           .payload = BYTES("what \0 I have"),
                           .body.pair = &pair_plain},
    [MS_KIND_RECONCILE_ACK] = {.kind = MS_KIND_RECONCILE_ACK,
                               .token = {5, 128},
                               .count = UINT64_MAX,
                               .flags = MS_FLAG_PAIR,
                               .error = MS_E_NOT_ACTIVE,
                               .body.pair = &pair_plain},
    [MS_KIND_LOG_LIVE] = {.kind = MS_KIND_LOG_LIVE,
                          .id.seq = 300,
                          .count = UINT64_MAX,
                          .payload = BYTES("\0\1\2"),
                          .body.pair = &pair_plain},
};

bool sample_exists(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT && samples[kind].kind != MS_KIND_NONE;
}

const struct ms_command *sample_of(enum ms_kind kind)
{
    return &samples[kind];
}
