#include "core/invariant.h"
#include "tests/support/oracle_record.h"

#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define CLIENT                                                                                     \
    {                                                                                              \
        {                                                                                          \
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16                                  \
        }                                                                                          \
    }
#define NODE                                                                                       \
    {                                                                                              \
        {                                                                                          \
            [15] = 1                                                                               \
        }                                                                                          \
    }
#define AT INT64_C(1700000000123456)

static const struct ms_usage usage = {1, 200, 30000, UINT64_MAX};

static const struct ms_terms terms = {
    .priority = MS_PRIORITY_MIN,
    .unique_mode = MS_UNIQUE_REPLACE,
    .array_count = MS_ARRAY_MAX,
    .array_concurrency = 7,
    .parts_size = UINT64_MAX,
    .run_at = AT + 1,
    .deadline = MS_DURATION_MAX,
    .unique = BYTES("key \0 and more"),
    .group = BYTES("nightly"),
    .key = BYTES("user \0 \xff"),
    .on = MS_ON_ALL,
    .targets = BYTES("0123456789abcdef0123456789ABCDEF\003web"),
};

static const struct ms_record samples[MS_RECORD_KINDS] = {
    [MS_RECORD_EPOCH] = {.at = AT, .token.epoch = UINT64_MAX / 4, .name = BYTES("muster 0.1.0")},
    [MS_RECORD_TYPE] = {.at = AT, .type = MS_TYPE_USER_MIN, .name = BYTES("echo")},
    [MS_RECORD_SESSION] = {.at = AT,
                           .uuid = CLIENT,
                           .node = NODE,
                           .number = 12,
                           .name = BYTES("slave"),
                           .count = MS_SLOTS_MAX},
    [MS_RECORD_SESSION_END] = {.at = AT, .uuid = CLIENT},
    [MS_RECORD_CLIENT] = {.at = AT, .id.client = CLIENT, .count = UINT64_MAX},
    [MS_RECORD_CLOSED] = {.at = AT,
                          .id.client = CLIENT,
                          .number = 4096,
                          .payload = BYTES("\x01\x02")},
    [MS_RECORD_CLOSED_RUN] = {.at = AT, .id.client = CLIENT, .number = 4096, .count = 1000000},
    [MS_RECORD_SUBMIT] = {.at = AT,
                          .id = {CLIENT, UINT64_MAX},
                          .type = UINT64_MAX,
                          .flags = MS_FLAG_ONCE | MS_FLAG_KEEP,
                          .durability = MS_DURABILITY_STRICT,
                          .attempts_max = MS_ATTEMPTS_MAX,
                          .timeout = MS_DURATION_MAX,
                          .until = AT + MS_SEC,
                          .terms = &terms,
                          .payload = BYTES("payload \0 and more")},
    [MS_RECORD_LEASE] = {.at = AT,
                         .id = {CLIENT, 1},
                         .token = {3, UINT64_MAX},
                         .attempt = UINT32_MAX,
                         .uuid = CLIENT,
                         .name = BYTES("slave")},
    [MS_RECORD_HAND] = {.at = AT,
                        .id = {CLIENT, 1},
                        .token = {3, UINT64_MAX},
                        .attempt = UINT32_MAX,
                        .uuid = CLIENT,
                        .name = BYTES("slave")},
    [MS_RECORD_RETURN] = {.at = AT,
                          .id = {CLIENT, 1},
                          .event = 4,
                          .status = MS_STATUS_LOST,
                          .failures = 128,
                          .crashes = 3},
    [MS_RECORD_PIECE] = {.at = AT,
                         .id = {CLIENT, 1},
                         .attempt = 2,
                         .stream = MS_STREAM_PROGRESS,
                         .index = UINT32_MAX,
                         .payload = BYTES("1 2 half")},
    [MS_RECORD_RETRY] = {.at = AT,
                         .id = {CLIENT, 1},
                         .event = 6,
                         .status = MS_STATUS_RETRY,
                         .attempt = 2,
                         .failures = 1,
                         .crashes = 1,
                         .code = INT32_MIN,
                         .signal = 11,
                         .until = AT + 5,
                         .name = BYTES("slave"),
                         .detail = BYTES("killed by signal 11")},
    [MS_RECORD_SETTLE] = {.at = AT,
                          .id = {CLIENT, 1},
                          .event = 8,
                          .status = MS_STATUS_FAIL,
                          .attempt = 2,
                          .failures = UINT32_MAX,
                          .crashes = UINT32_MAX,
                          .code = -1,
                          .signal = UINT32_MAX,
                          .usage = &usage,
                          .name = BYTES("slave"),
                          .detail = BYTES("no"),
                          .payload = BYTES("result")},
    [MS_RECORD_CLOSE] = {.at = AT, .id = {CLIENT, 1}, .event = 12},
    [MS_RECORD_CHANGE] = {.at = AT,
                          .id = {CLIENT, 1},
                          .event = MS_OPERATION_PRIORITY,
                          .until = AT,
                          .count = UINT64_MAX},
    [MS_RECORD_PART] = {.at = AT, .id = {CLIENT, 1}, .index = 1023, .payload = BYTES("part")},
    [MS_RECORD_DUE] = {.at = AT, .id = {CLIENT, 1}},
    [MS_RECORD_PROVIDER] = {.at = AT,
                            .name = BYTES("tiles"),
                            .number = UINT64_MAX,
                            .payload = BYTES("cursor"),
                            .memo = BYTES("state")},
    [MS_RECORD_GROUP] = {.at = AT,
                         .name = BYTES("nightly"),
                         .payload = BYTES("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0")},
    [MS_RECORD_SERVICE] = {.at = AT,
                           .id = {CLIENT, UINT64_MAX},
                           .event = MS_CHANGE_CALL,
                           .count = UINT64_MAX - 1,
                           .number = UINT64_MAX,
                           .token.epoch = 7,
                           .name = BYTES("kv"),
                           .payload = BYTES("put \0 a")},
    [MS_RECORD_SERVICE_STATE] = {.at = AT,
                                 .index = 1,
                                 .count = 2,
                                 .number = 12,
                                 .name = BYTES("kv"),
                                 .payload = BYTES("state \0")},
};

const struct ms_record *sample_record(enum ms_record_kind kind)
{
    static struct ms_record copies[MS_RECORD_KINDS];

    ms_assert(kind > MS_RECORD_ERASE && kind < MS_RECORD_KINDS);
    copies[kind] = samples[kind];
    copies[kind].kind = (uint8_t)kind;
    return &copies[kind];
}
