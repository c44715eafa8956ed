#include "tests/sim/provider.h"

#include <string.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/world.h"

#define NAME         "sim"
#define PAYLOAD_SIZE 24
#define REST_ONE_IN  3 /* answers after which it rests */

typedef unsigned long long number;

void sim_provider_init(struct sim_world *world)
{
    const struct sim_config *config = &world->config;
    struct sim_provider *provider = &world->provider;
    static const uint8_t word[] = "provider";
    const uint64_t decided = sim_hash(config->seed, word, sizeof word);

    if (!config->has_provider) {
        return;
    }
    provider->total = 1 + (uint32_t)(decided % SIM_PROVIDER_MAX);
    /* What is kept takes room that others need. */
    provider->keeps = (decided >> 32) % 3 == 0 && provider->total <= config->commands_max / 4;
    provider->settings = (struct ms_source_settings){
        .name = NAME,
        .type = SIM_TYPE_FIRST,
        .attempts_max = config->attempts_max,
        .ahead = (uint32_t)(decided >> 40) % 3,
        .timeout = config->work_max * 2 + config->tick,
    };
}

static uint64_t all_of(const struct sim_provider *provider)
{
    return (UINT64_C(1) << provider->total) - 1;
}

static struct ms_id id_of(uint64_t seq)
{
    return (struct ms_id){ms_clients_own_uuid("provider", NAME), seq};
}

static struct sim_instance *instance_of(struct sim_world *world, const struct sim_node *node,
                                        const struct ms_effect *effect)
{
    struct sim_instance *instance = &world->provider.instances[node->index];

    if (effect->type != MS_EFFECT_OPEN &&
        (effect->peer != instance->opening || effect->epoch != instance->epoch)) {
        sim_fail(world, "provider", "%s speaks to a provider that is not open",
                 sim_node_name(world, node->index));
    }
    return instance;
}

static void open(struct sim_world *world, const struct sim_node *node,
                 const struct ms_effect *effect)
{
    const struct ms_bytes state = effect->command.payload;
    struct sim_instance instance = {.opening = effect->peer, .epoch = effect->epoch};

    if (state.size == sizeof instance.heard) {
        memcpy(&instance.heard, state.data, sizeof instance.heard);
    }
    *instance_of(world, node, effect) = instance;
    world->stats.counts[SIM_STAT_OPENED]++;
}

static struct ms_event answer_to(const struct ms_effect *effect, enum ms_event_type type)
{
    return (struct ms_event){.type = type,
                             .tag = effect->tag,
                             .peer = effect->peer,
                             .epoch = effect->epoch,
                             .seq = effect->seq};
}

/* Whoever asks for it, it is the same. */
static uint32_t record_of(struct sim_world *world, uint64_t seq, uint8_t *payload)
{
    struct sim_provider *provider = &world->provider;
    struct sim_observer *observer = world->observer;
    struct ms_command submit = {.kind = MS_KIND_SUBMIT,
                                .type = provider->settings.type,
                                .attempts_max = provider->settings.attempts_max,
                                .payload = {payload, PAYLOAD_SIZE}};
    uint32_t *record = &provider->records[seq - 1];

    if (*record != 0) {
        sim_payload(world, *record - 1, payload, PAYLOAD_SIZE);
        return *record - 1;
    }
    sim_payload(world, observer->records_count, payload, PAYLOAD_SIZE);
    *record = 1 + sim_record_add(world, &world->nodes[0], &submit);
    struct sim_record *added = &observer->records[*record - 1];
    const struct ms_id id = id_of(seq);

    added->incarnation = 0; /* no application waits for it */
    added->is_gone = true;
    added->is_sent = true;
    observer->open_count--;
    sim_record_number(world, *record - 1, &id);
    provider->made = provider->made > seq ? provider->made : (uint32_t)seq;
    return *record - 1;
}

static void make(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect,
                 uint64_t seq)
{
    struct ms_event answer = answer_to(effect, MS_EVENT_PRODUCED);
    uint8_t payload[PAYLOAD_SIZE];
    const uint8_t cursor = (uint8_t)seq;
    const struct ms_command command = {.kind = MS_KIND_SUBMIT,
                                       .payload = {payload, sizeof payload},
                                       .detail = {&cursor, sizeof cursor}};

    record_of(world, seq, payload);
    answer.seq = seq;
    answer.command = &command;
    sim_driver_post(world, node, &answer);
}

static void produce(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    const struct sim_provider *provider = &world->provider;
    const struct ms_bytes cursor = effect->command.payload;
    const uint64_t behind = cursor.size == 0 ? 0 : cursor.data[0];
    struct ms_event answer = answer_to(effect, MS_EVENT_PRODUCED);
    struct ms_command end = {.kind = MS_KIND_NONE};
    uint64_t seq = effect->seq;

    instance_of(world, node, effect);
    if (behind + 1 != seq || effect->count == 0) {
        sim_fail(world, "provider", "number %llu is asked for behind number %llu", (number)seq,
                 (number)behind);
    }
    for (uint64_t i = 0; i < effect->count && seq <= provider->total; i++, seq++) {
        make(world, node, effect, seq);
    }
    answer.count = seq > provider->total ? MS_PRODUCED_END : MS_PRODUCED_MORE;
    if (answer.count == MS_PRODUCED_MORE &&
        sim_hash(world->config.seed, &seq, sizeof seq) % REST_ONE_IN == 0) {
        answer.count = MS_PRODUCED_REST;
        end.delay = world->config.tick;
    }
    answer.command = &end;
    sim_driver_post(world, node, &answer);
}

static void tell(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    const struct sim_provider *provider = &world->provider;
    struct sim_instance *instance = instance_of(world, node, effect);
    struct ms_event answer = answer_to(effect, MS_EVENT_TOLD);
    struct ms_command end = {.kind = MS_KIND_NONE};

    if (effect->command.kind != MS_KIND_OUTCOME) {
        return;
    }
    if (effect->seq == 0 || effect->seq > provider->total) {
        sim_fail(world, "provider", "an outcome of number %llu, which there is not",
                 (number)effect->seq);
    }
    if ((instance->heard >> (effect->seq - 1) & 1) != 0) {
        sim_fail(world, "provider", "the outcome of number %llu is counted twice",
                 (number)effect->seq);
    }
    instance->heard |= UINT64_C(1) << (effect->seq - 1);
    world->stats.counts[SIM_STAT_TOLD]++;
    if (provider->keeps) {
        answer.count = instance->heard == all_of(provider) ? MS_TOLD_ALL : MS_TOLD_KEEP;
    } else {
        answer.count = MS_TOLD_DONE;
        end.index = 1;
        end.payload = (struct ms_bytes){(const uint8_t *)&instance->heard, sizeof instance->heard};
    }
    answer.command = &end;
    sim_driver_post(world, node, &answer);
}

bool sim_provider_effect(struct sim_world *world, struct sim_node *node,
                         const struct ms_effect *effect)
{
    switch (effect->type) {
    case MS_EFFECT_OPEN:
        open(world, node, effect);
        return true;
    case MS_EFFECT_PRODUCE:
        produce(world, node, effect);
        return true;
    case MS_EFFECT_TELL:
        tell(world, node, effect);
        return true;
    default:
        return false;
    }
}

void sim_provider_wrote(struct sim_world *world, const struct sim_node *node,
                        const struct ms_record *record)
{
    for (uint64_t seq = 1; seq <= record->number; seq++) {
        const struct ms_id id = id_of(seq);

        if (!sim_master_knows(node, &id)) {
            sim_fail(world, "provider", "number %llu is left out, and number %llu was made",
                     (number)seq, (number)record->number);
        }
    }
    if (record->payload.size != 1 || record->payload.data[0] != record->number) {
        sim_fail(world, "provider", "the cursor behind number %llu is another one",
                 (number)record->number);
    }
}

bool sim_provider_is_done(const struct sim_world *world, const struct sim_node *node)
{
    const struct sim_provider *provider = &world->provider;
    const struct ms_source *source;
    uint64_t heard = 0;

    if (provider->total == 0) {
        return true;
    }
    source = &sim_master_of(node)->sources.items[0];
    if (source->memo_size == sizeof heard) {
        memcpy(&heard, source->memo, sizeof heard);
    }
    return source->state == MS_SOURCE_ENDED && source->number == provider->total &&
           source->client->live_count == 0 && (provider->keeps || heard == all_of(provider));
}
