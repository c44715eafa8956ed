#include "core/command.h"

#define NAME_IN(table, index)                                                                      \
    ((size_t)(index) < sizeof(table) / sizeof(table)[0] && (table)[index] != NULL ? (table)[index] \
                                                                                  : "unknown")

const char *ms_kind_name(enum ms_kind kind)
{
    static const char *const names[MS_KIND_COUNT] = {
        [MS_KIND_HELLO] = "HELLO",
        [MS_KIND_WELCOME] = "WELCOME",
        [MS_KIND_BEAT] = "BEAT",
        [MS_KIND_BEAT_ACK] = "BEAT_ACK",
        [MS_KIND_ERROR] = "ERROR",
        [MS_KIND_GOAWAY] = "GOAWAY",
        [MS_KIND_ANNOUNCE] = "ANNOUNCE",
        [MS_KIND_PULL] = "PULL",
        [MS_KIND_COMMAND] = "COMMAND",
        [MS_KIND_OUTPUT] = "OUTPUT",
        [MS_KIND_RESULT] = "RESULT",
        [MS_KIND_RESULT_ACK] = "RESULT_ACK",
        [MS_KIND_REVOKE] = "REVOKE",
        [MS_KIND_RETURN] = "RETURN",
        [MS_KIND_ROLL] = "ROLL",
        [MS_KIND_VERDICT] = "VERDICT",
        [MS_KIND_BYE] = "BYE",
        [MS_KIND_FOLLOW] = "FOLLOW",
        [MS_KIND_ADJUST] = "ADJUST",
        [MS_KIND_SUBMIT] = "SUBMIT",
        [MS_KIND_SUBMIT_ACK] = "SUBMIT_ACK",
        [MS_KIND_SUBMIT_NAK] = "SUBMIT_NAK",
        [MS_KIND_OUTCOME] = "OUTCOME",
        [MS_KIND_OUTCOME_ACK] = "OUTCOME_ACK",
        [MS_KIND_STREAM] = "STREAM",
        [MS_KIND_CANCEL] = "CANCEL",
        [MS_KIND_CANCEL_ACK] = "CANCEL_ACK",
        [MS_KIND_QUERY] = "QUERY",
        [MS_KIND_REPORT] = "REPORT",
        [MS_KIND_PART] = "PART",
        [MS_KIND_TAIL] = "TAIL",
        [MS_KIND_CALL] = "CALL",
        [MS_KIND_CALL_REPLY] = "CALL_REPLY",
        [MS_KIND_PEER_HELLO] = "PEER_HELLO",
        [MS_KIND_PEER_BEAT] = "PEER_BEAT",
        [MS_KIND_PREVOTE] = "PREVOTE",
        [MS_KIND_PREVOTE_ACK] = "PREVOTE_ACK",
        [MS_KIND_PROPOSE] = "PROPOSE",
        [MS_KIND_VOTE] = "VOTE",
        [MS_KIND_DECIDED] = "DECIDED",
        [MS_KIND_STALE] = "STALE",
        [MS_KIND_FAILED] = "FAILED",
        [MS_KIND_FOLLOW_LOG] = "FOLLOW_LOG",
        [MS_KIND_LOG_BEGIN] = "LOG_BEGIN",
        [MS_KIND_LOG_COPY] = "LOG_COPY",
        [MS_KIND_LOG] = "LOG",
        [MS_KIND_LOG_ACK] = "LOG_ACK",
        [MS_KIND_ORDER] = "ORDER",
        [MS_KIND_ORDER_ACK] = "ORDER_ACK",
        [MS_KIND_RECONCILE] = "RECONCILE",
        [MS_KIND_RECONCILE_ACK] = "RECONCILE_ACK",
        [MS_KIND_LOG_LIVE] = "LOG_LIVE",
    };

    return NAME_IN(names, kind);
}

const char *ms_status_name(enum ms_status status)
{
    static const char *const names[MS_STATUS_COUNT] = {
        [MS_STATUS_OK] = "ok",           [MS_STATUS_RETRY] = "retry",
        [MS_STATUS_FAIL] = "fail",       [MS_STATUS_CANCELLED] = "cancelled",
        [MS_STATUS_TIMEOUT] = "timeout", [MS_STATUS_CRASHED] = "crashed",
        [MS_STATUS_EXPIRED] = "expired", [MS_STATUS_LOST] = "lost",
    };

    return NAME_IN(names, status);
}

const char *ms_stream_name(enum ms_stream stream)
{
    static const char *const names[MS_STREAM_COUNT] = {
        [MS_STREAM_DATA] = "data",
        [MS_STREAM_STDERR] = "stderr",
        [MS_STREAM_LOG] = "log",
        [MS_STREAM_PROGRESS] = "progress",
    };

    return NAME_IN(names, stream);
}

const char *ms_durability_name(enum ms_durability durability)
{
    static const char *const names[MS_DURABILITY_COUNT] = {
        [MS_DURABILITY_MEM] = "mem",
        [MS_DURABILITY_LOCAL] = "local",
        [MS_DURABILITY_SYNC] = "sync",
        [MS_DURABILITY_STRICT] = "strict",
    };

    return NAME_IN(names, durability);
}

const char *ms_role_name(enum ms_role role)
{
    static const char *const names[MS_ROLE_COUNT] = {
        [MS_ROLE_NONE] = "none",     [MS_ROLE_SLAVE] = "slave",     [MS_ROLE_CLIENT] = "client",
        [MS_ROLE_MASTER] = "master", [MS_ROLE_WITNESS] = "witness", [MS_ROLE_OPERATOR] = "operator",
    };

    return NAME_IN(names, role);
}

const char *ms_slave_order_name(enum ms_slave_order order)
{
    static const char *const names[MS_SLAVE_ORDER_COUNT] = {
        [MS_SLAVE_ORDER_NONE] = "none",           [MS_SLAVE_ORDER_CORDON] = "cordon",
        [MS_SLAVE_ORDER_UNCORDON] = "uncordon",   [MS_SLAVE_ORDER_SLOTS] = "slots",
        [MS_SLAVE_ORDER_LOG_LEVEL] = "log-level",
    };

    return NAME_IN(names, order);
}

const char *ms_operation_name(enum ms_operation operation)
{
    static const char *const names[MS_OPERATION_COUNT] = {
        [MS_OPERATION_NONE] = "none",         [MS_OPERATION_CANCEL] = "cancel",
        [MS_OPERATION_KICK] = "kick",         [MS_OPERATION_RELEASE] = "release",
        [MS_OPERATION_PRIORITY] = "priority", [MS_OPERATION_CONCURRENCY] = "concurrency",
    };

    return NAME_IN(names, operation);
}
