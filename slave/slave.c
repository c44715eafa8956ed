#include "slave/slave.h"

#include <assert.h>
#include <stdlib.h>

#include "core/invariant.h"
#include "core/text.h"
#include "slave/slave_private.h"

static_assert(offsetof(struct ms_slave, engine) == 0, "an engine is its slave");
static_assert(MS_SLAVE_ROLLS_MAX + 2 * MS_SLAVE_ROOM_MIN < MS_EFFECTS_MAX, "a roll is one step");

static struct ms_slave *slave_of(struct ms_engine *engine)
{
    return (struct ms_slave *)(void *)engine;
}

static void discard_list(struct ms_slave *slave, struct ms_list *list)
{
    ms_list_for_each(link, list)
    {
        ms_slave_discard(slave, ms_container_of(link, struct ms_attempt, link));
    }
}

static void welcomed(struct ms_slave *slave)
{
    const struct ms_welcome *welcome = &slave->upstream.welcome;

    ms_assert(slave->credits.granted == 0);
    slave->stats.welcomes_total++;
    ms_trace(&slave->engine.trace, MS_LEVEL_INFO, "session stands",
             "master=%s session=%llu resumed=%s epoch=%llu held=%u", welcome->name,
             (unsigned long long)welcome->session, welcome->resumed ? "yes" : "no",
             (unsigned long long)slave->upstream.epoch,
             (unsigned)(ms_attempts_held(&slave->attempts) + slave->attempts.done_count));
    if (welcome->resumed) {
        slave->stats.resumes_total++;
        ms_slave_roll(slave);
        slave->phase = MS_SLAVE_ROLLING;
        return;
    }
    /* A new session owns nothing of the old one: others may run those commands already. */
    discard_list(slave, &slave->attempts.queued);
    discard_list(slave, &slave->attempts.running);
    discard_list(slave, &slave->attempts.done);
    slave->highest = (struct ms_token){0, 0};
    slave->phase = MS_SLAVE_RESENDING;
}

static void lost(struct ms_slave *slave, enum ms_error error)
{
    slave->phase = MS_SLAVE_OFFLINE;
    ms_credits_void(&slave->credits);
    slave->are_parts_taken = true; /* what came of them belongs to nothing any more */
    ms_trace(&slave->engine.trace, MS_LEVEL_WARN, "master lost", "error=%s held=%u",
             ms_error_name(error),
             (unsigned)(ms_attempts_held(&slave->attempts) + slave->attempts.done_count));
}

static void judged(struct ms_slave *slave, const struct ms_tokens *verdict)
{
    for (uint32_t i = 0; i < verdict->count; i++) {
        struct ms_attempt *attempt = ms_attempts_find(&slave->attempts, verdict->tokens[i]);

        if (attempt != NULL) {
            ms_slave_discard(slave, attempt);
        }
    }
    if (verdict->last) {
        ms_attempts_rewind(&slave->attempts);
        slave->phase = MS_SLAVE_RESENDING;
    }
}

static void fail(struct ms_slave *slave, ms_time now, enum ms_error error)
{
    ms_upstream_fail(&slave->upstream, now, error);
    lost(slave, slave->upstream.last_error);
}

/* Of what is granted and over, the next commands are handed back as they come; what runs goes on. */
static void set_slots(struct ms_slave *slave, uint32_t slots)
{
    const uint32_t running = slave->attempts.running_count;

    ms_trace(&slave->engine.trace, MS_LEVEL_INFO, "slots changed", "from=%u to=%u", slave->slots,
             slots);
    slave->slots = slots;
    slave->running_max = slots > running ? slots : running;
    slave->upstream.hello.slots = slots;
    slave->load.slots = slots;
    ms_credits_resize(&slave->credits, slots, slave->prefetch, ms_attempts_held(&slave->attempts));
}

/* People want it otherwise; a beat says at once how it is now. */
static void adjusted(struct ms_slave *slave, ms_time now, const struct ms_command *adjust)
{
    if (adjust->count > 0 && adjust->count <= slave->slots_max) {
        set_slots(slave, (uint32_t)adjust->count);
    }
    if (adjust->index > 0) {
        ms_engine_emit(&slave->engine,
                       &(struct ms_effect){.type = MS_EFFECT_LEVEL, .count = adjust->index - 1});
    }
    ms_upstream_beat(&slave->upstream, now);
}

static void received(struct ms_slave *slave, ms_time now, const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_COMMAND:
        ms_slave_command(slave, now, command);
        return;
    case MS_KIND_PART:
        ms_parts_add(&slave->parts, command);
        return;
    case MS_KIND_RESULT_ACK:
        ms_slave_acknowledged(slave, command);
        return;
    case MS_KIND_REVOKE:
        ms_slave_revoked(slave, command->token);
        return;
    case MS_KIND_FOLLOW:
        ms_slave_followed(slave, command->token);
        return;
    case MS_KIND_ADJUST:
        adjusted(slave, now, command);
        return;
    case MS_KIND_VERDICT:
        if (slave->phase != MS_SLAVE_ROLLING || command->body.tokens == NULL) {
            fail(slave, now, MS_E_ORDER);
            return;
        }
        judged(slave, command->body.tokens);
        return;
    case MS_KIND_GOAWAY:
        ms_trace(&slave->engine.trace, MS_LEVEL_INFO, "master drains", "error=%s",
                 ms_error_name((enum ms_error)command->error));
        return;
    default:
        fail(slave, now, MS_E_ROLE);
        return;
    }
}

static void abort_list(struct ms_slave *slave)
{
    ms_list_for_each(link, &slave->attempts.running)
    {
        ms_attempts_abort(&slave->attempts, ms_container_of(link, struct ms_attempt, link));
    }
}

static void end_now(struct ms_slave *slave, enum ms_error error)
{
    if (slave->life != MS_SLAVE_ENDS) {
        slave->life = MS_SLAVE_ENDS;
        slave->end_error = error;
        slave->drain_at = MS_TIME_NEVER;
        abort_list(slave);
    }
}

static void stop(struct ms_slave *slave, ms_time now)
{
    if (slave->life != MS_SLAVE_WORKS) {
        end_now(slave, MS_E_CANCELLED);
        return;
    }
    slave->life = MS_SLAVE_DRAINS;
    slave->drain_at = now + slave->drain_timeout;
    if (slave->phase == MS_SLAVE_SERVING) {
        ms_slave_go_away(slave);
    }
}

/* What the next BEAT says; the machine's part comes by LOAD. */
static void see_to_load(struct ms_slave *slave)
{
    slave->load.running = slave->attempts.running_count;
    slave->load.queued = slave->attempts.queued_count;
    slave->load.slots = slave->slots;
}

static void loaded(struct ms_slave *slave, const struct ms_load *load)
{
    ms_assert(load->cpu <= MS_PERMILLE_MAX || load->cpu == MS_PERMILLE_UNKNOWN);
    ms_assert(load->memory <= MS_PERMILLE_MAX || load->memory == MS_PERMILLE_UNKNOWN);
    slave->load.cpu = load->cpu;
    slave->load.memory = load->memory;
}

/* Routes; decides nothing. */
static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_slave *slave = slave_of(engine);

    if (slave->are_parts_taken) {
        slave->are_parts_taken = false;
        ms_parts_drop(&slave->parts);
    }
    see_to_load(slave);
    switch (ms_upstream_step(&slave->upstream, now, event)) {
    case MS_UPSTREAM_RECEIVED:
        received(slave, now, event->command);
        break;
    case MS_UPSTREAM_WELCOMED:
        welcomed(slave);
        break;
    case MS_UPSTREAM_MOVED:
        lost(slave, MS_E_TIMEOUT);
        welcomed(slave);
        break;
    case MS_UPSTREAM_LOST:
        lost(slave, slave->upstream.last_error);
        break;
    case MS_UPSTREAM_NOTHING:
    case MS_UPSTREAM_REFUSED:
        break;
    }
    if (slave->phase == MS_SLAVE_STOPPED) {
        return;
    }
    if (event->type == MS_EVENT_FINISHED) {
        ms_slave_finished(slave, event->command);
    } else if (event->type == MS_EVENT_OUTPUT) {
        ms_slave_output(slave, event->command);
    } else if (event->type == MS_EVENT_LOAD) {
        loaded(slave, event->command->body.load);
    } else if (event->type == MS_EVENT_STOP) {
        stop(slave, now);
    }
    ms_slave_expire(slave, now);
    if (now >= slave->drain_at) {
        end_now(slave, MS_E_TIMEOUT);
    }
    ms_slave_flow(slave, now);
}

static ms_time earlier(ms_time a, ms_time b)
{
    return a < b ? a : b;
}

static ms_time deadline(const struct ms_engine *engine)
{
    const struct ms_slave *slave = (const struct ms_slave *)(const void *)engine;

    if (slave->phase == MS_SLAVE_STOPPED) {
        return MS_TIME_NEVER;
    }
    if (slave->has_more) {
        return engine->now;
    }
    return earlier(ms_upstream_deadline(&slave->upstream),
                   earlier(ms_heap_min(&slave->attempts.deadlines), slave->drain_at));
}

static bool add_types(struct ms_slave *slave, const struct ms_slave_config *config,
                      struct ms_complaint *complaint)
{
    slave->services = calloc(config->types_count + 1u, sizeof *slave->services);
    slave->announced = calloc(config->types_count + 1u, sizeof *slave->announced);
    if (slave->services == NULL || slave->announced == NULL) {
        return ms_complain(complaint, "%s", ms_error_text(MS_E_NO_MEMORY));
    }
    for (uint32_t i = 0; i < config->types_count; i++) {
        const struct ms_slave_type *type = &config->types[i];
        const ms_type number = type->type != 0 ? type->type : ms_type_of_name(type->name);

        slave->services[i] = (struct ms_service){slave, type->timeout, type->payload_max};
        slave->announced[i].type = number;
        ms_text_copy_name(slave->announced[i].name, type->name);
        const struct ms_route route = {
            .type = number,
            .kind = MS_ROUTE_LOCAL,
            .name = slave->announced[i].name,
            .handler = ms_slave_serve,
            .context = &slave->services[i],
        };

        if (ms_router_add(&slave->router, &route, complaint) != MS_E_OK) {
            return false;
        }
    }
    slave->types_count = config->types_count;
    slave->announce = (struct ms_announce){config->types_count, slave->announced};
    return true;
}

static uint32_t slots_max_of(const struct ms_slave_config *config)
{
    return config->slots_max > config->slots ? config->slots_max : config->slots;
}

static bool init_parts(struct ms_slave *slave, const struct ms_slave_config *config,
                       struct ms_complaint *complaint)
{
    static const struct ms_engine_ops ops = {"slave", step, deadline};
    const uint32_t attempts_max =
        2 * (slots_max_of(config) + config->prefetch) + MS_SLAVE_RESULTS_MAX;

    ms_rng_init(&slave->rng, config->seed);
    slave->tokens = calloc(attempts_max, sizeof *slave->tokens);
    slave->holdings = calloc(attempts_max, sizeof *slave->holdings);
    if (slave->tokens == NULL || slave->holdings == NULL || !ms_engine_init(&slave->engine, &ops) ||
        !ms_attempts_init(&slave->attempts, attempts_max,
                          config->kept_bytes_max != 0 ? config->kept_bytes_max
                                                      : MS_SLAVE_KEPT_BYTES_DEFAULT,
                          ms_rng_next(&slave->rng)) ||
        !ms_router_init(&slave->router, MS_SLAVE_TYPES_MAX, ms_rng_next(&slave->rng))) {
        return ms_complain(complaint, "%s", ms_error_text(MS_E_NO_MEMORY));
    }
    ms_credits_init(&slave->credits, config->mode, config->slots, config->prefetch);
    ms_upstream_init(&slave->upstream, &slave->engine, &slave->rng, config->addresses);
    slave->upstream.is_parking = true;
    slave->upstream.load = &slave->load;
    return add_types(slave, config, complaint);
}

static void introduce(struct ms_hello *hello, const struct ms_slave_config *config)
{
    hello->role = MS_ROLE_SLAVE;
    hello->node = config->node;
    hello->slots = config->slots;
    hello->slots_max = slots_max_of(config);
    hello->weight = config->weight;
    ms_text_copy_name(hello->name, config->name);
    ms_text_copy_name(hello->group, config->group);
    ms_text_copy_name(hello->build, config->build);
    ms_assert(config->labels_count <= MS_LABELS_MAX);
    for (uint32_t i = 0; i < config->labels_count; i++) {
        ms_assert(ms_text_is_label(config->labels[i], strlen(config->labels[i])));
        ms_text_copy_name(hello->labels[hello->labels_count++], config->labels[i]);
    }
}

struct ms_slave *ms_slave_create(const struct ms_slave_config *config,
                                 struct ms_complaint *complaint)
{
    ms_assert(config->slots >= 1 && config->slots <= MS_SLOTS_MAX);
    ms_assert(config->prefetch <= MS_PREFETCH_MAX);
    ms_assert(config->types_count <= MS_SLAVE_TYPES_MAX);
    struct ms_slave *slave = calloc(1, sizeof *slave);

    if (slave == NULL) {
        ms_complain(complaint, "%s", ms_error_text(MS_E_NO_MEMORY));
        return NULL;
    }
    if (!init_parts(slave, config, complaint)) {
        ms_slave_destroy(slave);
        return NULL;
    }
    slave->slots = slave->running_max = config->slots;
    slave->slots_max = slots_max_of(config);
    slave->prefetch = config->prefetch;
    slave->load = (struct ms_load){.cpu = MS_PERMILLE_UNKNOWN, .memory = MS_PERMILLE_UNKNOWN};
    slave->parts.max = config->parts_bytes_max != 0 ? config->parts_bytes_max : MS_SPOOL_BYTES_MAX;
    slave->drain_at = MS_TIME_NEVER;
    slave->drain_timeout =
        config->drain_timeout > 0 ? config->drain_timeout : MS_DRAIN_TIMEOUT_DEFAULT;
    introduce(&slave->upstream.hello, config);
    ms_upstream_start(&slave->upstream, 0);
    return slave;
}

void ms_slave_destroy(struct ms_slave *slave)
{
    if (slave == NULL) {
        return;
    }
    ms_router_finish(&slave->router);
    ms_attempts_finish(&slave->attempts);
    ms_parts_drop(&slave->parts);
    ms_engine_finish(&slave->engine);
    free(slave->services);
    free(slave->announced);
    free(slave->tokens);
    free(slave->holdings);
    free(slave);
}

struct ms_engine *ms_slave_engine(struct ms_slave *slave)
{
    return &slave->engine;
}

void ms_slave_stats(const struct ms_slave *slave, struct ms_slave_stats *stats_out)
{
    *stats_out = slave->stats;
    stats_out->phase = slave->phase;
    stats_out->epoch = slave->upstream.epoch;
    stats_out->session = slave->upstream.welcome.session;
    stats_out->error = slave->upstream.last_error;
    stats_out->address = slave->upstream.addresses[slave->upstream.address_at];
    stats_out->is_draining = slave->life != MS_SLAVE_WORKS;
    stats_out->queued = slave->attempts.queued_count;
    stats_out->running = slave->attempts.running_count;
    stats_out->kept = slave->attempts.done_count;
    stats_out->granted = slave->credits.granted;
    stats_out->slots = slave->slots;
    stats_out->kept_bytes = ms_slab_used(&slave->attempts.slab);
}

const char *ms_slave_phase_name(enum ms_slave_phase phase)
{
    static const char *const names[MS_SLAVE_PHASES] = {
        [MS_SLAVE_OFFLINE] = "offline",     [MS_SLAVE_ROLLING] = "rolling",
        [MS_SLAVE_RESENDING] = "resending", [MS_SLAVE_SERVING] = "serving",
        [MS_SLAVE_STOPPED] = "stopped",
    };

    return (unsigned)phase < MS_SLAVE_PHASES ? names[phase] : "unknown";
}

void ms_slave_check(const struct ms_slave *slave)
{
    const struct ms_attempts *attempts = &slave->attempts;
    const bool is_up = ms_upstream_is_up(&slave->upstream);

    ms_attempts_check(attempts);
    ms_assert(attempts->running_count <= slave->running_max);
    ms_assert(slave->slots >= 1 && slave->slots <= slave->slots_max);
    ms_assert(slave->credits.granted <= slave->credits.target);
    ms_assert(slave->credits.granted <= ms_attempts_room(attempts));
    ms_assert(slave->credits.granted == 0 || slave->phase == MS_SLAVE_SERVING);
    ms_assert(slave->credits.granted == 0 ||
              slave->credits.granted + ms_attempts_held(attempts) <= slave->credits.target);
    ms_assert(attempts->queued_count <= slave->slots_max + slave->prefetch);
    ms_assert(is_up == (slave->phase == MS_SLAVE_ROLLING || slave->phase == MS_SLAVE_RESENDING ||
                        slave->phase == MS_SLAVE_SERVING));
}
