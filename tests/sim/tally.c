#include "tests/sim/tally.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/state.h"
#include "tests/sim/driver.h"
#include "tests/sim/observer.h"

#define CALLS_MAX   2048u /* of one world */
#define CALL_ONE_IN 3u    /* turns of a client */
#define LOG_DUE     1500u /* bytes after which a snapshot is made, once in a reign */

/* What is replicated: how often each call was carried out. */
struct tally {
    struct ms_service_unit *unit;
    uint8_t done[CALLS_MAX];
};

/* One world lives at a time. */
static struct {
    struct sim_world *world;
    uint32_t calls;
    uint8_t acknowledged[CALLS_MAX];
} now;

static void *create(const struct ms_service_host *host)
{
    struct tally *tally = calloc(1, sizeof *tally);

    ms_assert(tally != NULL);
    tally->unit = host->context;
    return tally;
}

static int apply(void *state, const struct ms_service_change *change, struct ms_service_writer *out)
{
    struct tally *tally = state;
    uint32_t call = 0;

    ms_assert(change->data_size >= sizeof call);
    memcpy(&call, change->data, sizeof call);
    ms_assert(call < CALLS_MAX);
    if (tally->done[call] < UINT8_MAX && ++tally->done[call] > 1 && !sim_was_torn(now.world)) {
        sim_fail(now.world, "tally", "call %u of service %s is carried out twice", call,
                 tally->unit->name);
    }
    ms_service_write(out, &call, sizeof call);
    return MS_SERVICE_REPLY;
}

static int snapshot(const void *state, struct ms_service_writer *out)
{
    const struct tally *tally = state;

    return ms_service_write(out, tally->done, sizeof tally->done);
}

static int restore(void *state, const void *data, size_t size)
{
    struct tally *tally = state;

    if (size != sizeof tally->done) {
        return -1;
    }
    memcpy(tally->done, data, size);
    return 0;
}

static int take_over(void *state, uint64_t epoch, int64_t wall_us, struct ms_service_writer *out)
{
    struct tally *tally = state;

    (void)epoch, (void)wall_us, (void)out;
    tally->unit->log_due = LOG_DUE;
    return MS_SERVICE_REPLY;
}

const struct ms_service_list *sim_tally_services(const struct sim_world *world)
{
    static const struct ms_service service = {
        MS_SERVICE_HEADER, .type = "tally",      .create = create,   .destroy = free,
        .apply = apply,    .snapshot = snapshot, .restore = restore, .take_over = take_over,
    };
    static const struct ms_service_entry entry = {&service, "tally", ""};
    static const struct ms_service_list list = {&entry, 1};

    return world->config.has_services ? &list : NULL;
}

void sim_tally_begin(struct sim_world *world)
{
    memset(&now, 0, sizeof now);
    now.world = world;
}

/* Decided by its number instead of drawn: what is drawn beside it stays as it was. */
void sim_tally_call(struct sim_world *world, struct sim_node *node)
{
    const uint64_t parts[2] = {world->steps, node->index};
    uint8_t payload[64] = {0};

    if (!world->config.has_services || now.calls == CALLS_MAX ||
        sim_hash(world->config.seed, parts, sizeof parts) % CALL_ONE_IN != 0) {
        return;
    }
    memcpy(payload, &now.calls, sizeof now.calls);
    sim_driver_post(
        world, node,
        &(struct ms_event){.type = MS_EVENT_REQUEST,
                           .seq = SIM_TALLY_COOKIES + now.calls++,
                           .command = &(struct ms_command){.kind = MS_KIND_CALL,
                                                           .detail = ms_bytes_of("tally/note"),
                                                           .payload = {payload, sizeof payload}}});
}

void sim_tally_replied(struct sim_world *world, const struct ms_effect *effect)
{
    const struct ms_command *reply = &effect->command;
    const uint32_t call = (uint32_t)(effect->seq - SIM_TALLY_COOKIES);

    if (effect->seq < SIM_TALLY_COOKIES || call >= now.calls || now.acknowledged[call] > 0) {
        sim_fail(world, "tally", "a reply that nobody waits for");
    }
    if (reply->error != MS_E_OK) {
        return;
    }
    if (reply->payload.size != sizeof call ||
        memcmp(reply->payload.data, &call, sizeof call) != 0) {
        sim_fail(world, "tally", "call %u has the reply of another one", call);
    }
    now.acknowledged[call] = 1;
    world->stats.counts[SIM_STAT_CALLS]++;
}

static struct ms_service_unit *unit_of(const struct ms_master *master)
{
    return ms_services_find(&master->services, "tally", strlen("tally"));
}

void sim_tally_compare(struct sim_world *world, const struct ms_master *master,
                       const struct ms_master *again)
{
    struct ms_bytes one, other;

    if (!world->config.has_services || unit_of(master)->state != MS_UNIT_SERVES) {
        return;
    }
    one = ms_service_unit_image(unit_of(master));
    other = ms_service_unit_image(unit_of(again));
    if (one.size != other.size || memcmp(one.data, other.data, one.size) != 0) {
        sim_fail(world, "tally", "after a restart the service is in another state");
    }
}

void sim_tally_finish(struct sim_world *world, const struct ms_master *master)
{
    const struct tally *tally;

    if (!world->config.has_services || !world->config.has_disk || sim_was_torn(world)) {
        return;
    }
    tally = unit_of(master)->data;
    for (uint32_t i = 0; i < now.calls; i++) {
        if (now.acknowledged[i] > tally->done[i]) {
            sim_fail(world, "tally", "call %u was acknowledged, and nothing is known of it", i);
        }
    }
}
