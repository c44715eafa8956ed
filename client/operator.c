#include "client/operator.h"

#include "core/invariant.h"
#include "core/list.h"
#include "core/text.h"

#define TAG 1u /* of the one connection it wants */

static struct ms_operator *operator_of(struct ms_engine *engine)
{
    return ms_container_of(engine, struct ms_operator, base);
}

/* The end, whatever it is; a connection that stands is left. */
static void end(struct ms_operator *asker, enum ms_error error)
{
    ms_assert(asker->state != MS_OPERATOR_OVER);
    if (asker->peer != MS_PEER_NONE) {
        ms_engine_emit(&asker->base,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = asker->peer});
        asker->peer = MS_PEER_NONE;
    }
    asker->state = MS_OPERATOR_OVER;
    ms_engine_emit(&asker->base, &(struct ms_effect){.type = MS_EFFECT_STOPPED, .error = error});
}

static void deliver(struct ms_operator *asker, const struct ms_command *command)
{
    ms_engine_emit(&asker->base,
                   &(struct ms_effect){.type = MS_EFFECT_DELIVER, .command = *command});
}

static void begin(struct ms_operator *asker, ms_time now)
{
    asker->state = MS_OPERATOR_DIALLING;
    asker->over_by = now + asker->config.timeout;
    ms_engine_emit(
        &asker->base,
        &(struct ms_effect){.type = MS_EFFECT_CONNECT, .tag = TAG, .text = asker->config.address});
}

static void opened(struct ms_operator *asker, const struct ms_event *event)
{
    if (asker->state != MS_OPERATOR_DIALLING) { /* it was given up meanwhile */
        ms_engine_emit(&asker->base,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = event->peer});
        return;
    }
    asker->peer = event->peer;
    asker->state = MS_OPERATOR_GREETING;
    ms_engine_send(&asker->base, asker->peer, 0,
                   &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &asker->hello});
}

static void closed(struct ms_operator *asker, const struct ms_event *event)
{
    const bool is_dial = asker->state == MS_OPERATOR_DIALLING && event->tag == TAG;

    if (asker->state == MS_OPERATOR_OVER || (!is_dial && event->peer != asker->peer)) {
        return;
    }
    asker->peer = MS_PEER_NONE;
    end(asker, event->error != MS_E_OK ? event->error : MS_E_CLOSED);
}

static void greeted(struct ms_operator *asker, const struct ms_pair_frame *master)
{
    if (master == NULL || master->version_min > MS_PROTOCOL_MAX ||
        master->version_max < MS_PROTOCOL_MIN) {
        end(asker, MS_E_VERSION);
        return;
    }
    asker->master = *master;
    asker->state = MS_OPERATOR_ASKING;
    ms_engine_send(&asker->base, asker->peer, 0,
                   &(struct ms_command){.kind = MS_KIND_ORDER,
                                        .count = asker->config.order,
                                        .body.pair = &asker->hello});
}

/* An answer to the order; other kinds are not for operators. */
static void answered(struct ms_operator *asker, const struct ms_command *command)
{
    const bool is_status = asker->config.order == MS_ORDER_STATUS;

    if (command->kind == MS_KIND_REPORT && is_status) {
        deliver(asker, command);
        if (command->body.report->last) {
            end(asker, MS_E_OK);
        }
    } else if (command->kind == MS_KIND_ORDER_ACK && !is_status) {
        deliver(asker, command);
        end(asker, MS_E_OK);
    } else {
        end(asker, MS_E_ORDER);
    }
}

static void received(struct ms_operator *asker, const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    if (asker->peer == MS_PEER_NONE || event->peer != asker->peer) {
        return; /* read before a CLOSE was carried out */
    }
    if (command->kind == MS_KIND_ERROR) {
        deliver(asker, command);
        end(asker, command->error != 0 ? (enum ms_error)command->error : MS_E_CLOSED);
    } else if (asker->state == MS_OPERATOR_ASKING) {
        answered(asker, command);
    } else if (command->kind == MS_KIND_PEER_HELLO) {
        greeted(asker, command->body.pair);
    } else {
        end(asker, MS_E_ORDER);
    }
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_operator *asker = operator_of(engine);

    if (asker->state == MS_OPERATOR_BEGINNING) {
        begin(asker, now);
    }
    switch (event->type) {
    case MS_EVENT_PEER_OPENED:
        opened(asker, event);
        break;
    case MS_EVENT_PEER_CLOSED:
        closed(asker, event);
        break;
    case MS_EVENT_RECEIVED:
        received(asker, event);
        break;
    case MS_EVENT_STOP:
        if (asker->state != MS_OPERATOR_OVER) {
            end(asker, MS_E_CANCELLED);
        }
        break;
    default:
        break;
    }
    if (asker->state != MS_OPERATOR_OVER && now >= asker->over_by) {
        end(asker, MS_E_TIMEOUT);
    }
}

static ms_time deadline(const struct ms_engine *engine)
{
    const struct ms_operator *asker = (const struct ms_operator *)(const void *)engine;

    switch (asker->state) {
    case MS_OPERATOR_BEGINNING:
        return engine->now;
    case MS_OPERATOR_OVER:
        return MS_TIME_NEVER;
    default:
        return asker->over_by;
    }
}

static const struct ms_engine_ops ops = {.name = "operator", .step = step, .deadline = deadline};

bool ms_operator_init(struct ms_operator *asker, const struct ms_operator_config *config)
{
    ms_assert(config->order > MS_ORDER_NONE && config->order < MS_ORDER_COUNT);
    ms_assert(config->address[0] != '\0' && config->timeout > 0);
    *asker = (struct ms_operator){
        .config = *config,
        .peer = MS_PEER_NONE,
        .over_by = MS_TIME_NEVER,
        .hello = {.role = MS_ROLE_OPERATOR,
                  .version_min = MS_PROTOCOL_MIN,
                  .version_max = MS_PROTOCOL_MAX,
                  .hears_active = MS_TIME_NEVER},
    };
    ms_text_copy_name(asker->hello.name, config->name);
    ms_text_copy_name(asker->hello.build, config->build);
    return ms_engine_init(&asker->base, &ops);
}

void ms_operator_finish(struct ms_operator *asker)
{
    ms_engine_finish(&asker->base);
}
