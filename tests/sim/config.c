#include "tests/sim/config.h"

#include <string.h>

#include "core/limits.h"
#include "tests/sim/load_keep.h"
#include "tests/sim/older.h"

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[] = {
#define SIM_FAULT_NAME(name, text) [SIM_FAULT_##name] = (text),
        SIM_TIMED_FAULTS(SIM_FAULT_NAME) SIM_DRAWN_FAULTS(SIM_FAULT_NAME)
            SIM_PAIR_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
    };

    return names[fault];
}

bool sim_fault_is_timed(enum sim_fault fault)
{
    return fault < SIM_FAULTS_TIMED || fault >= SIM_FAULTS_SINGLE;
}

static uint32_t draw(struct ms_rng *rng, uint32_t low, uint32_t high)
{
    return (uint32_t)ms_rng_between(rng, low, high);
}

/* Each magnitude is as likely as any other, so that small and large values both come up. */
static uint32_t draw_scaled(struct ms_rng *rng, uint32_t low, uint32_t high)
{
    uint32_t top = low;

    while (top < high && ms_rng_chance(rng, 3, 4)) {
        top = top * 2 + 1;
    }
    return draw(rng, low, top < high ? top : high);
}

static void draw_fault(struct sim_config *config, struct ms_rng *rng, enum sim_fault fault)
{
    if (sim_fault_is_timed(fault)) {
        const uint32_t period = (uint32_t)(config->tick / MS_MSEC);

        config->faults[fault] = draw(rng, period, 20 * period);
        if (fault == SIM_FAULT_CANCEL) {
            config->faults[fault] = 1 + config->faults[fault] / 10;
        } else if (fault >= SIM_FAULT_DISK_WRITE && fault <= SIM_FAULT_DISK_FLIP &&
                   !config->has_disk) {
            config->faults[fault] = 0;
        }
        return;
    }
    config->faults[fault] = draw(rng, 10, 300);
}

static void draw_faults(struct sim_config *config, struct ms_rng *rng)
{
    /* A third of the seeds know one kind of fault: with all of them at once, some masks others. */
    if (ms_rng_chance(rng, 1, 3)) {
        draw_fault(config, rng, (enum sim_fault)ms_rng_below(rng, SIM_FAULTS_SINGLE));
        return;
    }
    const uint32_t likely = draw(rng, 1, 6);

    for (uint32_t i = 0; i < SIM_FAULTS_SINGLE; i++) {
        if (ms_rng_chance(rng, likely, 8)) {
            draw_fault(config, rng, (enum sim_fault)i);
        }
    }
}

/* A quarter of the masters has no store; of the others, some see one class only. */
static void draw_store(struct sim_config *config, struct ms_rng *rng)
{
    config->attributes = (uint32_t)ms_rng_next(rng) & 1023;
    config->has_disk = ms_rng_chance(rng, 3, 4);
    if (!config->has_disk) {
        config->durable_permille = ms_rng_chance(rng, 1, 8) ? 20 : 0;
        return;
    }
    config->durable_permille = ms_rng_chance(rng, 1, 2) ? 1000 : draw(rng, 100, 900);
}

void sim_config_draw(struct sim_config *config, uint64_t seed, uint64_t steps)
{
    struct ms_rng rng;

    ms_rng_init(&rng, seed ^ UINT64_C(0x5157a3b1));
    *config = (struct sim_config){.seed = seed, .steps = steps};
    config->masters = 1;
    config->slaves = draw(&rng, 1, SIM_SLAVES_MAX);
    config->clients = draw(&rng, 1, SIM_CLIENTS_MAX);
    config->types = draw(&rng, 1, SIM_TYPES_MAX);
    for (uint32_t i = 0; i < SIM_SLAVES_MAX; i++) {
        config->slots[i] = draw_scaled(&rng, 1, 16);
        config->prefetch[i] = ms_rng_chance(&rng, 1, 2) ? draw(&rng, 1, 8) : 0;
        config->pulls_one[i] = ms_rng_chance(&rng, 1, 4);
    }
    config->outstanding = ms_rng_chance(&rng, 1, 2) ? draw(&rng, 1, 40) : draw_scaled(&rng, 1, 40);
    config->payload_max = draw_scaled(&rng, 32, 6000);
    config->payload_limit = ms_rng_chance(&rng, 1, 4) ? 4096 : MS_PAYLOAD_MAX_DEFAULT;
    config->sessions_max = 64;
    config->commands_max = ms_rng_chance(&rng, 1, 5) ? draw(&rng, 4, 40) : SIM_COMMANDS_MANY;
    config->attempts_max = draw_scaled(&rng, 1, 6);
    config->pieces_max = ms_rng_chance(&rng, 1, 2) ? draw_scaled(&rng, 1, 12) : 0;
    config->tick = draw(&rng, 40, 1000) * MS_MSEC;
    config->work_max = ms_rng_chance(&rng, 1, 2) ? draw(&rng, 1, 3000) * config->tick / 1000
                                                 : draw_scaled(&rng, 1, 2000) * config->tick / 1000;
    config->delay_base = draw_scaled(&rng, 20, (uint32_t)(config->tick / 40));
    config->drift_ppm = ms_rng_chance(&rng, 1, 2) ? draw(&rng, 0, 50000) : 0;
    config->window = draw_scaled(&rng, 1u << 11, 1u << 18);
    config->output_soft =
        ms_rng_chance(&rng, 1, 2) ? draw_scaled(&rng, 1u << 12, 1u << 20) : MS_OUTPUT_SOFT_MAX;
    config->cut_permille = draw(&rng, 0, 600);
    config->strange_permille = draw(&rng, 0, 30);
    config->dead_addresses = ms_rng_chance(&rng, 1, 5) ? draw(&rng, 1, 2) : 0;
    config->batches = ms_rng_chance(&rng, 1, 2);
    draw_store(config, &rng);
    draw_faults(config, &rng);
    sim_keep_config(config);
}

#define PAIR_STEPS 3 /* many steps are beats */
#define STRICT_ONE_IN                                                                              \
    4 /* seeds, by their number: whoever draws something keeps what it drew before */
#define STRICT_REMAINDER 2

/* Times from much shorter than a tick to longer; the lease ends before anybody may call its holder silent. */
static void draw_times(struct sim_config *config, struct ms_rng *rng)
{
    struct sim_pair_config *pair = &config->pair;

    pair->silent = config->tick * draw(rng, 30, 200) / 100;
    pair->lease = pair->silent * 3 / 4;
    pair->beat = pair->silent / draw(rng, 4, 8);
    pair->vote = pair->silent * 3 / 10;
    pair->boot = pair->silent * draw(rng, 1, 5);
    pair->failback_delay = config->tick * draw(rng, 3, 30);
    pair->is_auto_failback = ms_rng_chance(rng, 1, 4);
}

static bool strikes_witness(enum sim_fault fault)
{
    return fault == SIM_FAULT_CRASH_WITNESS || fault == SIM_FAULT_STALL_WITNESS ||
           fault == SIM_FAULT_WITNESS_DISK || fault == SIM_FAULT_WIPE_WITNESS;
}

static void draw_pair_faults(struct sim_config *config, struct ms_rng *rng)
{
    const uint32_t likely = draw(rng, 0, 5);

    for (uint32_t i = SIM_FAULTS_SINGLE; i < SIM_FAULT_ORDER; i++) {
        if (ms_rng_chance(rng, likely, 8)) {
            draw_fault(config, rng, (enum sim_fault)i);
        }
    }
    if (ms_rng_chance(rng, 1, 2)) {
        draw_fault(config, rng, SIM_FAULT_CRASH_MASTER);
    }
    for (uint32_t i = 0; i < SIM_FAULTS && config->witnesses == 0; i++) {
        if (strikes_witness((enum sim_fault)i)) {
            config->faults[i] = 0;
        }
    }
}

/* What came later draws apart, so that the seeds of named scenarios stay what they are. */
static void draw_operators(struct sim_config *config, uint64_t seed)
{
    struct ms_rng rng;

    ms_rng_init(&rng, seed ^ UINT64_C(0x6f7065726174));
    config->pair.is_auto_enrol = config->witnesses > 0 && ms_rng_chance(&rng, 1, 3);
    if (ms_rng_chance(&rng, 1, 3)) {
        draw_fault(config, &rng, SIM_FAULT_ORDER);
    }
    if (config->pair.is_auto_enrol) { /* who is lost before another is enrolled would be missed */
        config->faults[SIM_FAULT_WIPE_WITNESS] = 0;
    }
}

#define FORCED_ONE_IN 8 /* seeds */

/* A history that merges: the active is cut off and alone, acknowledges, and an operator forces the other half. What is lost with
 * a disk then is lost, and what operators wish of commands may be repeated: those seeds have neither. */
static void draw_forces(struct sim_config *config, uint64_t seed)
{
    static const enum sim_fault others[] = {SIM_FAULT_WIPE_MASTER, SIM_FAULT_WIPE_WITNESS};
    const uint32_t period = (uint32_t)(config->tick / MS_MSEC);
    struct ms_rng rng;

    ms_rng_init(&rng, seed ^ UINT64_C(0x666f726365));
    if (!ms_rng_chance(&rng, 1, FORCED_ONE_IN)) {
        return;
    }
    config->faults[SIM_FAULT_FORCE] = draw(&rng, 1 + period / 2, 6 * period);
    /* What a merge brings of clients that are gone is kept for long, and would leave no room in a small one. */
    config->commands_max = SIM_COMMANDS_MANY;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        config->faults[others[i]] = 0;
    }
    config->keep = (struct sim_keep_config){.permille = 0};
}

#define FLAPPING_ONE_IN 8 /* seeds */

static void draw_flaps(struct sim_config *config, uint64_t seed)
{
    struct ms_rng rng;

    ms_rng_init(&rng, seed ^ UINT64_C(0x666c6170));
    if (ms_rng_chance(&rng, 1, FLAPPING_ONE_IN)) {
        draw_fault(config, &rng, SIM_FAULT_FLAP);
    }
}

#define STUCK_ONE_IN 16 /* seeds */

/* In half of those seeds nothing else goes wrong, and times are those of a real pair: then it is known how long anybody may
 * wait. */
static void calm(struct sim_config *config, uint64_t seed)
{
    if (seed / STUCK_ONE_IN % 2 == 0) {
        memset(config->faults, 0, sizeof config->faults);
        config->pair.beat = MS_PEER_BEAT_DEFAULT;
        config->pair.lease = MS_PEER_LEASE_DEFAULT;
        config->pair.silent = MS_PEER_SILENT_DEFAULT;
        config->pair.vote = MS_VOTE_TIMEOUT;
    }
}

/* Not drawn, so that other seeds stay what they are. */
static void choose_stuck(struct sim_config *config, uint64_t seed)
{
    if (seed % STUCK_ONE_IN != 7) {
        return;
    }
    calm(config, seed);
    config->faults[SIM_FAULT_STUCK] = 2 * (uint32_t)(config->tick / MS_MSEC);
}

#define STUCK_ACTIVE_REMAINDER 15 /* of the same number */

/* Here it is the active's disk. */
static void choose_stuck_active(struct sim_config *config, uint64_t seed)
{
    if (seed % STUCK_ONE_IN == STUCK_ACTIVE_REMAINDER) {
        calm(config, seed);
        config->faults[SIM_FAULT_STUCK_ACTIVE] = 2 * (uint32_t)(config->tick / MS_MSEC);
    }
}

#define FLIPPED_ONE_IN    16 /* seeds, by their number, too */
#define FLIPPED_REMAINDER 11

static void choose_small_flips(struct sim_config *config, uint64_t seed)
{
    if (seed % FLIPPED_ONE_IN == FLIPPED_REMAINDER) {
        config->faults[SIM_FAULT_SMALL_FLIP] = 1 + (uint32_t)(config->tick / MS_MSEC);
    }
}

#define SET_BACK_ONE_IN    5 /* seeds */
#define SET_BACK_REMAINDER 3

/* Not drawn, either. Where nobody asks anybody there is nobody who remembers. */
static void choose_set_back(struct sim_config *config, uint64_t seed)
{
    config->pair.is_set_back =
        seed % SET_BACK_ONE_IN == SET_BACK_REMAINDER && config->witnesses > 0 &&
        config->faults[SIM_FAULT_FORCE] == 0 && config->faults[SIM_FAULT_STUCK] == 0 &&
        config->faults[SIM_FAULT_STUCK_ACTIVE] == 0 && config->faults[SIM_FAULT_SMALL_FLIP] == 0;
    if (config->pair.is_set_back) {
        config->faults[SIM_FAULT_WIPE_MASTER] = 2 * (uint32_t)(config->tick / MS_MSEC);
    }
}

#define UNLIKE_ONE_IN    16 /* seeds, by their number, too */
#define UNLIKE_REMAINDER 3

/* Operators, who may tell a half to take over all the same, have no part in it. */
static void choose_unlike(struct sim_config *config, uint64_t seed)
{
    if (seed % UNLIKE_ONE_IN == UNLIKE_REMAINDER) {
        config->pair.unlike = (enum sim_unlike)(
            SIM_UNLIKE_SLOW + seed / UNLIKE_ONE_IN % (SIM_UNLIKES - SIM_UNLIKE_SLOW));
        config->faults[SIM_FAULT_ORDER] = 0;
        config->faults[SIM_FAULT_FORCE] = 0;
        if (config->faults[SIM_FAULT_CRASH_MASTER] == 0) { /* or nobody would start anew */
            config->faults[SIM_FAULT_CRASH_MASTER] = 1 + (uint32_t)(config->tick / MS_MSEC);
        }
    }
}

unsigned long long sim_config_steps(const struct sim_config *config)
{
    return config->masters > 1 ? config->steps / PAIR_STEPS : config->steps;
}

void sim_config_draw_pair(struct sim_config *config, uint64_t seed, uint64_t steps)
{
    struct ms_rng rng;

    sim_config_draw(config, seed, steps);
    config->kind = SIM_KIND_PAIR;
    ms_rng_init(&rng, seed ^ UINT64_C(0x70616972));
    config->masters = 2;
    config->steps *= PAIR_STEPS;
    config->witnesses = draw(&rng, 0, SIM_WITNESSES_MAX);
    if (!config->has_disk) {
        config->has_disk = true;
        config->durable_permille = draw(&rng, 500, 1000);
    }
    config->pair.is_strict = seed % STRICT_ONE_IN == STRICT_REMAINDER;
    draw_times(config, &rng);
    draw_pair_faults(config, &rng);
    draw_operators(config, seed);
    draw_forces(config, seed);
    draw_flaps(config, seed);
    choose_stuck(config, seed);
    choose_stuck_active(config, seed);
    choose_small_flips(config, seed);
    choose_set_back(config, seed);
    choose_unlike(config, seed);
    sim_older_config(config);
}

static void draw_short_fault(struct sim_config *config, struct ms_rng *rng)
{
    /* Half of them strike a master: that is what this is about. */
    static const enum sim_fault masters[] = {
        SIM_FAULT_CRASH_MASTER, SIM_FAULT_STALL_MASTER, SIM_FAULT_DRAIN_MASTER,
        SIM_FAULT_CRASH_BOTH,   SIM_FAULT_CUT_PEERS,    SIM_FAULT_WIPE_MASTER,
        SIM_FAULT_PARTITION,    SIM_FAULT_ONE_WAY,      SIM_FAULT_DISK_SYNC,
        SIM_FAULT_ORDER,
    };
    const uint32_t period = (uint32_t)(config->tick / MS_MSEC);
    enum sim_fault fault = (enum sim_fault)ms_rng_below(rng, SIM_FAULT_FORCE);

    if (ms_rng_chance(rng, 1, 2)) {
        fault = masters[ms_rng_below(rng, sizeof masters / sizeof masters[0])];
    }
    if ((config->witnesses == 0 && strikes_witness(fault)) ||
        (config->pair.is_auto_enrol && fault == SIM_FAULT_WIPE_WITNESS)) {
        fault = SIM_FAULT_CRASH_MASTER;
    }
    draw_fault(config, rng, fault);
    if (sim_fault_is_timed(fault)) {
        config->faults[fault] = draw(rng, 1 + period / 4, 4 * period);
    }
}

#define SHORT_OUTSTANDING 6
#define SHORT_SUBMISSIONS 30
#define SHORT_COMMANDS    64
#define SHORT_PAYLOAD     500

void sim_config_draw_short(struct sim_config *config, uint64_t seed, uint64_t steps)
{
    struct ms_rng rng;

    sim_config_draw_pair(config, seed, steps);
    config->kind = SIM_KIND_SHORT;
    ms_rng_init(&rng, seed ^ UINT64_C(0x73686f7274));
    config->witnesses = draw(&rng, 0, 3);
    config->pair.is_auto_enrol = config->pair.is_auto_enrol && config->witnesses > 0;
    config->slaves = draw(&rng, 1, 2);
    config->clients = draw(&rng, 1, 2);
    config->types = draw(&rng, 1, 2);
    config->outstanding = draw(&rng, 1, SHORT_OUTSTANDING);
    config->submissions_max = draw(&rng, 2, SHORT_SUBMISSIONS);
    config->commands_max =
        config->commands_max < SHORT_COMMANDS ? config->commands_max : SHORT_COMMANDS;
    config->sessions_max = 16;
    config->payload_max = draw_scaled(&rng, 32, SHORT_PAYLOAD);
    config->pieces_max = config->pieces_max < 2 ? config->pieces_max : 2;
    config->work_max = draw_scaled(&rng, 1, 600) * config->tick / 1000;
    config->pair.boot = config->pair.silent;
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        config->faults[i] = 0;
    }
    draw_short_fault(config, &rng);
    if (ms_rng_chance(&rng, 1, 2)) {
        draw_short_fault(config, &rng);
    }
    choose_small_flips(config, seed);
    choose_unlike(config, seed);
    sim_older_config(config);
}

#define KEYS_ONE_IN  2 /* seeds */
#define GATES_ONE_IN 3

/* Not drawn, so that loads stay as they were. */
static bool knows_orders(uint64_t seed)
{
    static const uint8_t word[] = "orders";

    return (sim_hash(seed, word, sizeof word) & 1) != 0;
}

static bool knows_services(uint64_t seed)
{
    static const uint8_t word[] = "services";

    return (sim_hash(seed, word, sizeof word) & 1) != 0;
}

static bool knows_broadcasts(uint64_t seed)
{
    static const uint8_t word[] = "broadcasts";

    return sim_hash(seed, word, sizeof word) % 3 != 0;
}

static bool knows_gates(uint64_t seed)
{
    static const uint8_t word[] = "gates";

    return sim_hash(seed, word, sizeof word) % GATES_ONE_IN == 0;
}

/* Not drawn, either. An older half would not know its records. */
static bool has_provider(const struct sim_config *config)
{
    static const uint8_t word[] = "provides";

    return config->has_disk && config->pair.older == SIM_NOT_OLDER &&
           sim_hash(config->seed, word, sizeof word) % 3 == 0;
}

void sim_config_draw_kind(struct sim_config *config, enum sim_kind kind, uint64_t seed,
                          uint64_t steps)
{
    static void (*const draws[])(struct sim_config *, uint64_t, uint64_t) = {
        [SIM_KIND_SINGLE] = sim_config_draw,
        [SIM_KIND_PAIR] = sim_config_draw_pair,
        [SIM_KIND_SHORT] = sim_config_draw_short,
        [SIM_KIND_MERGE] = sim_config_draw_merge,
    };

    draws[kind](config, seed, steps);
    config->has_keys = seed % KEYS_ONE_IN == 0;
    config->has_orders = knows_orders(seed);
    config->has_services = config->pair.older == SIM_NOT_OLDER && knows_services(seed);
    /* Who is cordoned and stays so would never have an outcome. */
    config->has_broadcasts = !config->has_orders && knows_broadcasts(seed);
    config->has_gates = knows_gates(seed);
    config->has_provider = has_provider(config);
}

const char *sim_kind_option(enum sim_kind kind)
{
    static const char *const options[] = {
#define SIM_KIND_OPTION(name, option) [SIM_KIND_##name] = (option),
        SIM_KINDS(SIM_KIND_OPTION)
#undef SIM_KIND_OPTION
    };

    return options[kind];
}

uint64_t sim_kind_steps(enum sim_kind kind)
{
    return kind == SIM_KIND_SHORT   ? SIM_STEPS_SHORT
           : kind == SIM_KIND_MERGE ? SIM_STEPS_MERGE
                                    : SIM_STEPS_DEFAULT;
}

void sim_config_print(const struct sim_config *config, FILE *out)
{
    fprintf(out,
            "seed %llu: %u masters, %u witnesses, %u slaves, %u clients, %u types, %u outstanding, "
            "payload %u, tick %lld ms, "
            "delay %lld us, work %lld ms, drift %u ppm, window %u, %s, %u/1000 durable\nfaults:",
            (unsigned long long)config->seed, config->masters, config->witnesses, config->slaves,
            config->clients, config->types, config->outstanding, config->payload_max,
            (long long)(config->tick / MS_MSEC), (long long)config->delay_base,
            (long long)(config->work_max / MS_MSEC), config->drift_ppm, config->window,
            config->has_disk ? "a disk" : "no disk", config->durable_permille);
    if (config->pair.is_strict) {
        fputs(" strict", out);
    }
    if (config->has_gates) {
        fputs(" gates", out);
    }
    if (config->pair.unlike != SIM_LIKE) {
        fprintf(out, " unlike=%d", (int)config->pair.unlike);
    }
    if (config->pair.older != SIM_NOT_OLDER) {
        fprintf(out, " older=%d", (int)config->pair.older);
    }
    if (config->keep.permille > 0 || config->keep.wishes != 0) {
        fprintf(out, " keep=%u/1000,%u,%lluB,%lldms wishes=%u/1000,%#x", config->keep.permille,
                config->keep.count_max, (unsigned long long)config->keep.bytes_max,
                (long long)(config->keep.age_max / MS_MSEC), config->keep.wish_permille,
                config->keep.wishes);
    }
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        if (config->faults[i] != 0) {
            fprintf(out, " %s=%u%s", sim_fault_name((enum sim_fault)i), config->faults[i],
                    sim_fault_is_timed((enum sim_fault)i) ? "ms" : "/1000");
        }
    }
    fputc('\n', out);
}
