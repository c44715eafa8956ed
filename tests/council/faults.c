/* What goes wrong, and how often: each seed has its own mixture. */
#include "core/invariant.h"
#include "tests/council/parts.h"

#define EVIDENCE_ONE_IN 16 /* seeds in which masters take over by evidence, */
#define DEGRADING       8  /* and with this remainder: in which the active goes on without votes */
#define SLOW_ONE_IN     5  /* in which a disk is slow every now and then */
#define COPY_STEPS      8
#define SHOWN_ONE_IN    6 /* in which somebody shows epochs that nobody has served */
#define COPIED_ONE_IN   7 /* in which a directory is set back every now and then */

enum fault {
    FAULT_CRASH,
    FAULT_CRASH_BOTH,
    FAULT_CRASH_WITNESS,
    FAULT_STALL,
    FAULT_BREAK,
    FAULT_CUT_PEERS,
    FAULT_CUT_ONE_WAY,
    FAULT_ISOLATE,
    FAULT_WIPE,
    FAULT_SWITCHOVER,
    FAULT_PROMOTE,
    FAULT_HOLD,
    FAULT_RELEASE,
    FAULT_FORCE,
    FAULT_STORE,
    FAULT_OUTDONE,
    FAULT_AMNESIA,
    FAULT_LIST,
    FAULT_SHOW,
    FAULTS
};

static const uint32_t usual[FAULTS] = {
    [FAULT_CRASH] = 12,  [FAULT_CRASH_BOTH] = 2, [FAULT_CRASH_WITNESS] = 6, [FAULT_STALL] = 6,
    [FAULT_BREAK] = 10,  [FAULT_CUT_PEERS] = 6,  [FAULT_CUT_ONE_WAY] = 6,   [FAULT_ISOLATE] = 6,
    [FAULT_WIPE] = 4,    [FAULT_SWITCHOVER] = 8, [FAULT_PROMOTE] = 3,       [FAULT_HOLD] = 1,
    [FAULT_RELEASE] = 3, [FAULT_FORCE] = 1,      [FAULT_STORE] = 1,         [FAULT_OUTDONE] = 1,
    [FAULT_AMNESIA] = 2, [FAULT_LIST] = 8,
};

/* Nor that. Where nobody asks anybody, nobody is told. */
static void draw_copies(struct hall *hall)
{
    struct hall_faults *faults = &hall->faults;

    if (hall->seed % COPIED_ONE_IN == 2 && hall->plan.kind == HALL_PLAN_NONE &&
        !faults->is_evidence && !faults->is_degrading && !hall_keeps_identity) {
        faults->copied_every = (ms_time)(1 + hall->seed / COPIED_ONE_IN % 8) * 150 * MS_MSEC;
        faults->weights[FAULT_FORCE] = 0;
    }
}

void hall_faults_draw(struct hall *hall)
{
    struct hall_faults *faults = &hall->faults;

    /* One after the other: in an initialiser every compiler would have an order of its own. */
    *faults = (struct hall_faults){.pause_min = 1 * MS_MSEC, .pause_max = 4 * MS_SEC};
    faults->pause_max = hall_chance(hall, 2) ? 800 * MS_MSEC : faults->pause_max;
    faults->pause_max = hall_chance(hall, 3) ? 100 * MS_MSEC : faults->pause_max;
    faults->store_max = hall_chance(hall, 4) ? 400 * MS_MSEC : 3 * MS_MSEC;
    faults->delay_max = hall_chance(hall, 4) ? 120 * MS_MSEC : 2 * MS_MSEC;
    faults->copies_in_set = hall_chance(hall, 4);
    faults->wipes = hall_chance(hall, 3);
    faults->forces = hall_chance(hall, 20);
    /* In a third of the seeds few kinds of faults, so that they meet each other more often. */
    const uint32_t one_in = hall_chance(hall, 3) ? 4 : 1;

    for (uint32_t i = 0; i < FAULT_SHOW; i++) {
        faults->weights[i] = hall_chance(hall, one_in) ? usual[i] : 0;
    }
    if (!faults->wipes) {
        faults->weights[FAULT_WIPE] = 0;
        faults->weights[FAULT_AMNESIA] = 0;
    }
    if (!hall_chance(hall, 3)) {
        faults->weights[FAULT_LIST] = 0;
    }
    if (!faults->forces) {
        faults->weights[FAULT_FORCE] = 0;
    }
    faults->weights[FAULT_BREAK] += 1; /* something must go wrong */
    faults->is_evidence = hall->seed % EVIDENCE_ONE_IN == 0;
    faults->is_degrading = hall->seed % EVIDENCE_ONE_IN == DEGRADING;
    /* Not drawn, so that other seeds stay what they are. */
    faults->weights[FAULT_SHOW] = hall->seed % SHOWN_ONE_IN == 1 ? 10 : 0;
    faults->slow_every = hall->seed % SLOW_ONE_IN == 3
                             ? (ms_time)(1 + hall->seed / SLOW_ONE_IN % 40) * 100 * MS_MSEC
                             : 0;
    draw_copies(hall);
}

static enum fault draw(struct hall *hall)
{
    uint32_t sum = 0, at;

    for (uint32_t i = 0; i < FAULTS; i++) {
        sum += hall->faults.weights[i];
    }
    at = (uint32_t)ms_rng_below(&hall->rng, sum);
    for (uint32_t i = 0; i < FAULTS; i++) {
        if (at < hall->faults.weights[i]) {
            return (enum fault)i;
        }
        at -= hall->faults.weights[i];
    }
    return FAULT_BREAK;
}

static ms_time back_after(struct hall *hall)
{
    return hall_chance(hall, 2) ? hall_between(hall, 1 * MS_MSEC, 300 * MS_MSEC)
                                : hall_between(hall, 100 * MS_MSEC, 8 * MS_SEC);
}

static void start_later(struct hall *hall, uint8_t node)
{
    hall_push(hall, &(struct hall_event){
                        .at = hall->now + back_after(hall), .type = HALL_START, .node = node});
}

static void crash(struct hall *hall, uint8_t place)
{
    if (hall->masters[place].council != NULL) {
        hall_master_crash(hall, place);
        start_later(hall, place);
    }
}

static void cut_for(struct hall *hall, uint8_t from, uint8_t to, ms_time span)
{
    hall_say(hall, "cut %u-%u", from, to);
    hall_cut(hall, from, to);
    hall_push(hall, &(struct hall_event){
                        .at = hall->now + span, .type = HALL_HEAL, .node = from, .other = to});
}

static void cut(struct hall *hall, uint8_t from, uint8_t to, bool is_both)
{
    if (is_both) {
        hall_cut(hall, to, from);
    }
    cut_for(hall, from, to, back_after(hall));
}

/* A master cut off from some of the others. */
static void isolate(struct hall *hall, uint8_t place)
{
    for (uint8_t node = 0; node < MS_MASTERS + hall->witnesses_count; node++) {
        if (node != place && !hall_chance(hall, 3)) {
            cut(hall, place, node, true);
        }
    }
}

static void stall(struct hall *hall)
{
    const ms_time back = hall->now + back_after(hall);
    const ms_time until = back < hall->until ? back : hall->until;

    ms_time *slot = &hall->masters[ms_rng_below(&hall->rng, MS_MASTERS)].stalled_until;

    hall_stats[HALL_STAT_STALLS]++;
    if (hall->witnesses_count > 0 && hall_chance(hall, 3)) {
        slot = &hall->witnesses[ms_rng_below(&hall->rng, hall->witnesses_count)].stalled_until;
    }
    *slot = until > *slot ? until : *slot; /* what waited stays in order */
}

static void wipe(struct hall *hall, uint8_t place)
{
    if (hall->observer.wipes < 3) {
        hall_master_wipe(hall, place);
        start_later(hall, place);
    }
}

void hall_lose(struct hall *hall, uint8_t place)
{
    if (!hall->is_calm) {
        wipe(hall, place);
        hall_heal(hall, 0, 1);
    }
}

/* One is cut off from everybody, the other takes over, loses its disk, and meets the first, which has heard of nothing. */
static void forget(struct hall *hall, uint8_t place)
{
    hall_say(hall, "%u is cut off, and the other will lose its disk", place);
    for (uint8_t node = 0; node < MS_MASTERS + hall->witnesses_count; node++) {
        if (node != place) {
            hall_cut(hall, node, place);
            cut_for(hall, place, node, 6 * MS_SEC);
        }
    }
    hall_push(hall,
              &(struct hall_event){.at = hall->now + hall_between(hall, 1 * MS_SEC, 3 * MS_SEC),
                                   .type = HALL_LOSE,
                                   .node = (uint8_t)(1 - place)});
}

void hall_order(struct hall *hall, uint8_t place, enum ms_order what)
{
    struct ms_complaint complaint;
    const struct hall_master *self = &hall->masters[place];

    if (self->council != NULL && hall->now >= self->stalled_until) {
        hall_say(hall, "%u is ordered %d", place, (int)what);
        ms_council_order(self->council, hall->now, what, &complaint);
        hall_master_act(hall, place);
    }
}

static void switch_over(struct hall *hall)
{
    hall_order(hall, 0, MS_ORDER_SWITCHOVER);
    hall_order(hall, 1, MS_ORDER_SWITCHOVER);
}

static void fail_store(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->council != NULL) {
        ms_council_failed(self->council, hall->now);
        hall_master_act(hall, place);
        crash(hall, place);
    }
}

static void crash_witness(struct hall *hall)
{
    if (hall->witnesses_count > 0) {
        const uint8_t node =
            (uint8_t)(MS_MASTERS + ms_rng_below(&hall->rng, hall->witnesses_count));

        hall_witness_crash(hall, node);
        start_later(hall, node);
    }
}

static void break_link(struct hall *hall, uint8_t place)
{
    uint8_t other = (uint8_t)ms_rng_below(&hall->rng, MS_MASTERS + hall->witnesses_count);

    other = other == place || hall_chance(hall, 2) ? (uint8_t)(1 - place) : other;
    hall_break(hall, place, other);
}

static void cut_one_way(struct hall *hall, uint8_t place)
{
    uint8_t other = (uint8_t)ms_rng_below(&hall->rng, MS_MASTERS + hall->witnesses_count);

    other = other == place || hall_chance(hall, 3) ? (uint8_t)(1 - place) : other;
    if (hall_chance(hall, 2)) {
        cut(hall, place, other, false);
    } else {
        cut(hall, other, place, false);
    }
}

static void outdo(struct hall *hall, uint8_t place)
{
    if (hall->masters[place].council != NULL) {
        const struct ms_hello hello = {.role = MS_ROLE_SLAVE, .epoch = hall->observer.newest};

        ms_council_outdone(hall->masters[place].council, hall->now, &hello, true);
        hall_master_act(hall, place);
    }
}

/* Small jumps, what a forced one might be, and all around what voters take. */
static ms_epoch made_up(struct hall *hall, ms_epoch promised)
{
    const ms_epoch limit = promised + 2 * MS_EPOCH_FORCED_STEP;
    const ms_epoch epochs[] = {promised + 1,
                               promised + 1000,
                               promised + MS_EPOCH_FORCED_STEP + MS_EPOCH_FORCED_STEP / 2,
                               promised + MS_EPOCH_SEEN_MAX,
                               limit - 1,
                               limit,
                               limit + 1,
                               promised + 3 * MS_EPOCH_FORCED_STEP,
                               UINT64_MAX};

    return epochs[ms_rng_below(&hall->rng, sizeof epochs / sizeof epochs[0])];
}

/* A witness that nobody has enrolled greets, and goes. */
static void greet_as_witness(struct hall *hall, uint8_t place, ms_epoch epoch)
{
    struct ms_council *council = hall->masters[place].council;
    const struct ms_council_party party = {.is_witness = true, .id = {{0xee, place}}};
    const struct ms_pair_frame hello = {.role = MS_ROLE_WITNESS,
                                        .version_min = MS_PROTOCOL_MIN,
                                        .version_max = MS_PROTOCOL_MAX,
                                        .cluster = hall->masters[place].disk.voter.cluster,
                                        .id = party.id,
                                        .promised = epoch,
                                        .hears_active = MS_TIME_NEVER};

    ms_council_met(council, hall->now, &party, &hello);
    ms_council_lost(council, hall->now, &party, false);
}

/* A witness, enrolled or not, says that it has promised that. */
static void say_as_witness(struct hall *hall, uint8_t place, ms_epoch epoch)
{
    struct ms_council *council = hall->masters[place].council;
    const struct ms_council_party party = {
        .is_witness = true,
        .id = hall_witness_id(
            (uint8_t)(MS_MASTERS + ms_rng_below(&hall->rng, hall->witnesses_count)))};
    const struct ms_pair_frame frame = {
        .role = MS_ROLE_WITNESS, .id = party.id, .promised = epoch, .hears_active = MS_TIME_NEVER};
    const struct ms_command beat = {.kind = MS_KIND_PEER_BEAT, .body.pair = &frame};

    ms_council_hear(council, hall->now, &party, epoch, &beat);
}

/* F2: an epoch that somebody has made up ends no tenure by itself, and pauses none. */
static void show(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->council == NULL || hall->now < self->stalled_until) {
        return;
    }
    ms_council_tick(self->council, hall->now);
    hall_master_act(hall, place);
    const enum hall_reign reign = self->reign;
    const ms_epoch epoch = made_up(hall, self->disk.voter.promised);
    const struct ms_hello hello = {.role = MS_ROLE_CLIENT, .epoch = epoch};

    hall_say(hall, "%u is shown %llu", place, (unsigned long long)epoch);
    hall_stats[HALL_STAT_SHOWN]++;
    if (hall_chance(hall, 3)) {
        greet_as_witness(hall, place, epoch);
    } else if (hall->witnesses_count > 0 && hall_chance(hall, 3)) {
        say_as_witness(hall, place, epoch);
    } else if (epoch > self->disk.voter.promised) {
        ms_council_outdone(self->council, hall->now, &hello, hall_chance(hall, 4));
    }
    hall_master_act(hall, place);
    if (self->reign != reign) {
        hall_fail(hall, "invariant: F2: %u is shown an epoch, and its tenure is over", place);
    }
}

/* Somebody wants another list, of any length; and on its way the network falls apart. */
static void enrol(struct hall *hall)
{
    struct ms_witnesses list = {.count = 0};

    for (uint32_t i = 0; i < hall->witnesses_count && list.count < MS_WITNESSES_MAX; i++) {
        if (hall_chance(hall, 2)) {
            list.ids[list.count++] = hall_witness_id((uint8_t)(MS_MASTERS + i));
        }
    }
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        if (hall->masters[place].council != NULL) {
            ms_council_want_witnesses(hall->masters[place].council, hall->now, &list);
            hall_master_act(hall, place);
        }
    }
    if (hall_chance(hall, 2)) {
        const ms_time at = hall->now + hall_between(hall, 1 * MS_MSEC, 12 * MS_MSEC);

        hall_push(hall, &(struct hall_event){.at = at, .type = HALL_SPLIT});
    }
}

static const enum ms_order orders[FAULTS] = {[FAULT_PROMOTE] = MS_ORDER_PROMOTE,
                                             [FAULT_HOLD] = MS_ORDER_HOLD,
                                             [FAULT_RELEASE] = MS_ORDER_RELEASE,
                                             [FAULT_FORCE] = MS_ORDER_FORCE};

void hall_split(struct hall *hall)
{
    if (hall->is_calm) {
        return;
    }
    hall_say(hall, "split");
    hall_cut(hall, 1, 0);
    cut_for(hall, 0, 1, 6 * MS_SEC);
    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        const uint8_t node = (uint8_t)(MS_MASTERS + i);
        const uint8_t place = (uint8_t)ms_rng_below(&hall->rng, MS_MASTERS);

        hall_cut(hall, node, place);
        cut_for(hall, place, node, 6 * MS_SEC);
    }
}

static bool has_voters(const struct ms_council_record *record)
{
    return record->witnesses.count > 0 &&
           (!record->is_changing || record->witnesses_next.count > 0);
}

/* Whoever could be asked for a vote, or have it asked of, remembers a start that is not in the copy. */
static bool is_outlived(const struct hall *hall, uint8_t place)
{
    const struct hall_master *self = &hall->masters[place], *other = &hall->masters[1 - place];
    const uint64_t number = self->disk.start.number;

    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        if (hall->witnesses[i].known_on_disk[place].number != number) {
            return false;
        }
    }
    return self->copy.record.start.lives[0] != 0 && self->copy.record.start.number < number &&
           ms_uuid_equal(&self->copy.record.voter.cluster, &other->disk.voter.cluster) &&
           has_voters(&self->copy.record) && has_voters(&self->disk) && has_voters(&other->disk) &&
           !other->disk.is_fresh && !hall_master_is_old(other) &&
           other->disk.known[place].number == number;
}

/* So often for one master, then for the other: its directory is copied, it is started again, the copy is put back when it can be. */
void hall_copy(struct hall *hall)
{
    const uint8_t place = (uint8_t)(hall->copies / COPY_STEPS % MS_MASTERS);
    struct hall_master *self = &hall->masters[place];

    if (hall->is_calm) {
        return;
    }
    switch (hall->copies++ % COPY_STEPS) {
    case 0:
        self->copy = (struct hall_copy){.record = self->disk, .log = self->log};
        break;
    case 1:
        crash(hall, place);
        break;
    default:
        if (hall->observer.wipes < 3 && is_outlived(hall, place)) {
            hall_master_put_back(hall, place);
            self->copy = (struct hall_copy){.log = 0};
            start_later(hall, place);
        }
        break;
    }
    hall_push(hall,
              &(struct hall_event){.at = hall->now + hall->faults.copied_every, .type = HALL_COPY});
}

void hall_fault(struct hall *hall)
{
    const uint8_t place = (uint8_t)ms_rng_below(&hall->rng, MS_MASTERS);

    const enum fault what = draw(hall);

    switch (what) {
    case FAULT_CRASH_BOTH:
        crash(hall, (uint8_t)(1 - place));
        /* fall through */
    case FAULT_CRASH:
        crash(hall, place);
        break;
    case FAULT_CRASH_WITNESS:
        crash_witness(hall);
        break;
    case FAULT_STALL:
        stall(hall);
        break;
    case FAULT_CUT_PEERS:
        cut(hall, 0, 1, true);
        break;
    case FAULT_CUT_ONE_WAY:
        cut_one_way(hall, place);
        break;
    case FAULT_ISOLATE:
        isolate(hall, place);
        break;
    case FAULT_WIPE:
        wipe(hall, place);
        break;
    case FAULT_SWITCHOVER:
        switch_over(hall);
        break;
    case FAULT_PROMOTE:
    case FAULT_HOLD:
    case FAULT_RELEASE:
    case FAULT_FORCE:
        hall_order(hall, place, orders[what]);
        break;
    case FAULT_STORE:
        fail_store(hall, place);
        break;
    case FAULT_SHOW:
    case FAULT_OUTDONE:
        (what == FAULT_SHOW ? show : outdo)(hall, place);
        break;
    case FAULT_LIST:
        enrol(hall);
        break;
    case FAULT_AMNESIA:
        forget(hall, place);
        break;
    case FAULT_BREAK:
    case FAULTS:
        break_link(hall, place);
        break;
    }
}
