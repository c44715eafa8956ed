#include "master/sources.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/router.h"
#include "master/clients.h"
#include "master/outcomes.h"
#include "master/results.h"
#include "master/state.h"
#include "master/submit.h"

#define OPEN_PER_SLOT 4u /* commands of one that are not over, wherever they wait */

const char *ms_source_state_name(enum ms_source_state state)
{
    static const char *const names[MS_SOURCE_STATES] = {
        [MS_SOURCE_CLOSED] = "closed",   [MS_SOURCE_IDLE] = "idle",   [MS_SOURCE_ASKED] = "asked",
        [MS_SOURCE_RESTING] = "resting", [MS_SOURCE_ENDED] = "ended", [MS_SOURCE_FAILED] = "failed",
    };

    ms_assert(state < MS_SOURCE_STATES);
    return names[state];
}

/* --- birth and death --- */

static bool make(struct ms_master *master, uint32_t place)
{
    struct ms_source *source = &master->sources.items[place];
    struct ms_uuid uuid;

    source->settings = &master->config.sources[place];
    source->tag = place + 1;
    uuid = ms_clients_own_uuid("provider", source->settings->name);
    source->client = ms_clients_own(master, &uuid);
    if (source->client == NULL) {
        return false;
    }
    source->client->source = source;
    return true;
}

bool ms_sources_init(struct ms_master *master)
{
    struct ms_sources *sources = &master->sources;
    const uint32_t count = master->config.sources_count;

    ms_assert(count <= MS_SOURCES_MAX);
    if (count == 0) {
        return true;
    }
    sources->items = calloc(count, sizeof *sources->items);
    if (sources->items == NULL) {
        return false;
    }
    for (; sources->count < count; sources->count++) {
        if (!make(master, sources->count)) {
            return false;
        }
    }
    return true;
}

void ms_sources_finish(struct ms_sources *sources)
{
    for (uint32_t i = 0; i < sources->count; i++) {
        free(sources->items[i].cursor);
        free(sources->items[i].memo);
    }
    free(sources->items);
    *sources = (struct ms_sources){0};
}

/* False when memory is out. */
static bool keep(uint8_t **bytes, size_t *size, size_t *capacity, struct ms_bytes from)
{
    if (from.size > *capacity) {
        uint8_t *larger = realloc(*bytes, from.size);

        if (larger == NULL) {
            return false;
        }
        *bytes = larger;
        *capacity = from.size;
    }
    if (from.size > 0) {
        memcpy(*bytes, from.data, from.size);
    }
    *size = from.size;
    return true;
}

static bool keep_cursor(struct ms_source *source, struct ms_bytes cursor)
{
    return keep(&source->cursor, &source->cursor_size, &source->cursor_capacity, cursor);
}

static bool keep_memo(struct ms_source *source, struct ms_bytes memo)
{
    return keep(&source->memo, &source->memo_size, &source->memo_capacity, memo);
}

/* --- records --- */

static struct ms_source *find_name(const struct ms_sources *sources, struct ms_bytes name)
{
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct ms_bytes own = ms_bytes_of(sources->items[i].settings->name);

        if (own.size == name.size && memcmp(own.data, name.data, own.size) == 0) {
            return &sources->items[i];
        }
    }
    return NULL;
}

bool ms_sources_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq)
{
    struct ms_source *source = find_name(&master->sources, record->name);

    if (source == NULL) {
        return true;
    }
    if (source->record != 0 || record->payload.size > MS_PROVIDER_CURSOR_MAX ||
        record->number > MS_NUMBER_MAX) {
        return false;
    }
    source->record = seq;
    source->number = record->number;
    return keep_cursor(source, record->payload) && keep_memo(source, record->memo);
}

static void write_record(struct ms_master *master, struct ms_source *source)
{
    const ms_seq former = source->record;

    source->record =
        ms_journal_put(&master->journal, &(struct ms_record){
                                             .kind = MS_RECORD_PROVIDER,
                                             .at = ms_master_wall(master),
                                             .number = source->number,
                                             .name = ms_bytes_of(source->settings->name),
                                             .payload = {source->cursor, source->cursor_size},
                                             .memo = {source->memo, source->memo_size},
                                         });
    ms_journal_erase(&master->journal, former);
}

/* --- demand --- */

static void fail(struct ms_master *master, struct ms_source *source, struct ms_bytes why)
{
    const size_t size = why.size < sizeof source->why ? why.size : sizeof source->why - 1;

    source->state = MS_SOURCE_FAILED;
    if (size > 0) {
        memcpy(source->why, why.data, size);
    }
    source->why[size] = '\0';
    ms_trace(&master->engine.trace, MS_LEVEL_ERROR, "a provider cannot go on",
             "provider=\"%s\" number=%llu reason=\"%s\"", source->settings->name,
             (unsigned long long)source->number + 1, source->why);
}

static uint32_t ready_of(const struct ms_lane *lane)
{
    uint32_t ready = lane->ready_count;

    for (uint32_t i = 0; i < lane->branches_count; i++) {
        ready += lane->branches[i].ready_count;
    }
    return ready;
}

/* What slaves that run the type have granted; counted no further than to max. */
static uint32_t credit_of(const struct ms_lane *lane, uint32_t max)
{
    uint64_t credit = 0;

    ms_list_for_each(link, &lane->members)
    {
        const struct ms_profile *profile =
            ms_container_of(link, struct ms_member, of_lane)->profile;

        ms_list_for_each(ready, &profile->ready)
        {
            credit += ms_container_of(ready, struct ms_session, link)->credit;
            if (credit >= max) {
                return max;
            }
        }
    }
    return (uint32_t)credit;
}

/* Others were asked for commands of that type, and these have not come. */
static uint32_t asked_of(const struct ms_sources *sources, ms_type type)
{
    uint32_t asked = 0;

    for (uint32_t i = 0; i < sources->count; i++) {
        const struct ms_source *other = &sources->items[i];

        if (other->state == MS_SOURCE_ASKED && other->settings->type == type) {
            asked += other->asked;
        }
    }
    return asked;
}

/* As long as commands of the type wait, whatever for, nobody lacks any. */
static uint32_t wanted(const struct ms_master *master, const struct ms_source *source)
{
    const struct ms_lane *lane = ms_lanes_find(&master->lanes, source->settings->type);
    uint32_t count, waiting;

    if (lane == NULL) {
        return 0;
    }
    waiting = ready_of(lane);
    count = source->settings->ahead;
    if (waiting == 0 && count < MS_PROVIDER_AHEAD) {
        count += credit_of(lane, MS_PROVIDER_AHEAD - count);
    }
    waiting += asked_of(&master->sources, source->settings->type);
    count = count < MS_PROVIDER_AHEAD ? count : MS_PROVIDER_AHEAD;
    return count > waiting ? count - waiting : 0;
}

static bool may_ask(const struct ms_master *master, const struct ms_source *source)
{
    const struct ms_client *client = source->client;
    const uint64_t open = (uint64_t)client->live_count - client->pending_count - client->sent_count;
    const uint64_t open_max = OPEN_PER_SLOT * master->slots + MS_PROVIDER_AHEAD;

    return source->state == MS_SOURCE_IDLE && ms_journal_covers(&master->journal, source->record) &&
           !ms_lanes_are_due(&master->lanes) && master->queue.doubted_count == 0 &&
           client->live_count + MS_PROVIDER_AHEAD <= MS_OUTSTANDING_MAX && open < open_max &&
           ms_queue_has_room(&master->queue, 1, 0);
}

/* The names by which an answer is known. */
static struct ms_effect effect_of(const struct ms_master *master, const struct ms_source *source,
                                  enum ms_effect_type type)
{
    return (struct ms_effect){
        .type = type, .tag = source->tag, .peer = source->openings, .epoch = master->queue.epoch};
}

static void open(struct ms_master *master, struct ms_source *source)
{
    struct ms_effect effect;

    source->openings++;
    source->state = MS_SOURCE_IDLE;
    effect = effect_of(master, source, MS_EFFECT_OPEN);
    effect.command.payload = (struct ms_bytes){source->memo, source->memo_size};
    ms_engine_emit(&master->engine, &effect);
    if (source->client->pending_count > 0) {
        ms_outcomes_mark(master, source->client);
    }
}

static void ask(struct ms_master *master, struct ms_source *source, uint32_t count)
{
    struct ms_effect effect = effect_of(master, source, MS_EFFECT_PRODUCE);

    effect.count = count;
    effect.seq = source->number + 1;
    effect.command.payload = (struct ms_bytes){source->cursor, source->cursor_size};
    source->state = MS_SOURCE_ASKED;
    source->asked = count;
    source->has_refused = false;
    ms_engine_emit(&master->engine, &effect);
}

/* Who has rested waits for nothing but demand: else the deadline would stay in the past. */
static void wake(struct ms_sources *sources, ms_time now)
{
    for (uint32_t i = 0; i < sources->count; i++) {
        struct ms_source *source = &sources->items[i];

        if (source->state == MS_SOURCE_RESTING && now >= source->rest_until) {
            source->state = MS_SOURCE_IDLE;
        }
    }
}

void ms_sources_run(struct ms_master *master, ms_time now)
{
    struct ms_sources *sources = &master->sources;

    wake(sources, now);
    if (!master->is_ready || ms_master_is_draining(master)) {
        return;
    }
    for (uint32_t i = 0; i < sources->count; i++) {
        struct ms_source *source = &sources->items[i];
        const bool is_closed = source->state == MS_SOURCE_CLOSED;
        const uint32_t count = !is_closed && may_ask(master, source) ? wanted(master, source) : 0;

        if (!is_closed && count == 0) {
            continue;
        }
        if (ms_engine_room(&master->engine) == 0) {
            master->has_more = true;
        } else if (is_closed) {
            open(master, source);
            master->has_more = true; /* it may be asked in the next step */
        } else {
            ask(master, source, count);
        }
    }
}

ms_time ms_sources_deadline(const struct ms_sources *sources)
{
    ms_time at = MS_TIME_NEVER;

    for (uint32_t i = 0; i < sources->count; i++) {
        const struct ms_source *source = &sources->items[i];

        if (source->state == MS_SOURCE_RESTING && source->rest_until < at) {
            at = source->rest_until;
        }
    }
    return at;
}

/* --- answers --- */

/* The one that the answer is from, if it is still that. */
static struct ms_source *find(struct ms_master *master, const struct ms_event *event)
{
    struct ms_source *source;

    if (event->tag == 0 || event->tag > master->sources.count ||
        event->epoch != master->queue.epoch) {
        return NULL;
    }
    source = &master->sources.items[event->tag - 1];
    return event->peer == source->openings && source->state != MS_SOURCE_CLOSED ? source : NULL;
}

static void rest(struct ms_source *source, ms_time until)
{
    source->state = MS_SOURCE_RESTING;
    source->rest_until = until;
}

static void end_answer(struct ms_master *master, ms_time now, struct ms_source *source,
                       const struct ms_event *event)
{
    const ms_time delay = event->command->delay;

    if (source->has_refused) {
        rest(source, now + MS_RETRY_LATER_DELAY);
        return;
    }
    switch ((enum ms_produced)event->count) {
    case MS_PRODUCED_MORE:
        source->state = MS_SOURCE_IDLE;
        break;
    case MS_PRODUCED_REST:
        rest(source, now + (delay > 0 && delay < MS_DELAY_MAX ? delay : MS_RETRY_LATER_DELAY));
        break;
    case MS_PRODUCED_END:
        source->state = MS_SOURCE_ENDED;
        ms_trace(&master->engine.trace, MS_LEVEL_INFO, "a provider is at its end",
                 "provider=\"%s\" commands=%llu", source->settings->name,
                 (unsigned long long)source->number);
        break;
    case MS_PRODUCED_FAILED:
        fail(master, source, event->command->detail);
        break;
    }
}

/* It may be asked for again when there is room. */
static bool may_pass(enum ms_error error)
{
    return error == MS_E_RETRY_LATER || error == MS_E_STORE_FULL || error == MS_E_DRAINING ||
           error == MS_E_DURABILITY || error == MS_E_UNKNOWN_TYPE;
}

static enum ms_error submit(struct ms_master *master, ms_time now, struct ms_source *source,
                            const struct ms_event *event)
{
    const struct ms_source_settings *settings = source->settings;
    const struct ms_command *made = event->command;
    struct ms_terms terms = {.priority = settings->priority};
    const struct ms_command submission = {
        .kind = MS_KIND_SUBMIT,
        .type = settings->type,
        .id = {.client = source->client->uuid, .seq = event->seq},
        .attempts_max = settings->attempts_max,
        .timeout = settings->timeout,
        .payload = made->payload,
        .terms = &terms,
    };

    if (made->terms != NULL) {
        terms.key = made->terms->key;
    }
    return ms_submit_own(master, now, source->client, &submission);
}

/* One command: it is submitted, and its number taken, or neither. */
static void take(struct ms_master *master, ms_time now, struct ms_source *source,
                 const struct ms_event *event)
{
    const struct ms_command *made = event->command;
    enum ms_error error;

    if (source->has_refused || ms_master_is_draining(master) || event->seq != source->number + 1) {
        source->has_refused = true;
        return;
    }
    source->asked -= source->asked > 0;
    if (made->detail.size > MS_PROVIDER_CURSOR_MAX) {
        fail(master, source, ms_bytes_of("its cursor is too long"));
        return;
    }
    error = submit(master, now, source, event);
    if (error == MS_E_OK && keep_cursor(source, made->detail)) {
        source->number++;
        write_record(master, source);
    } else if (error == MS_E_OK || may_pass(error)) {
        source->has_refused = true;
    } else {
        fail(master, source,
             ms_bytes_of(master->complaint.text[0] != '\0' ? master->complaint.text
                                                           : ms_error_text(error)));
    }
}

static void produced(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    struct ms_source *source = find(master, event);

    ms_assert(event->command != NULL);
    if (source == NULL || source->state != MS_SOURCE_ASKED) {
        return;
    }
    if (event->command->kind == MS_KIND_SUBMIT) {
        take(master, now, source, event);
    } else {
        end_answer(master, now, source, event);
    }
}

/* --- outcomes --- */

bool ms_source_may_hear(const struct ms_source *source)
{
    return source->telling < MS_PROVIDER_TELL_MAX && source->state != MS_SOURCE_CLOSED &&
           source->state != MS_SOURCE_FAILED;
}

void ms_sources_tell(struct ms_master *master, struct ms_source *source,
                     const struct ms_command *command)
{
    struct ms_effect effect = effect_of(master, source, MS_EFFECT_TELL);

    ms_assert(ms_source_may_hear(source));
    effect.seq = command->id.seq;
    effect.command = *command;
    source->telling += command->kind == MS_KIND_OUTCOME;
    ms_engine_emit(&master->engine, &effect);
}

/* All that it has answered, in the order in which they were sent. */
static void confirm_kept(struct ms_master *master, ms_time now, struct ms_source *source)
{
    struct ms_client *client = source->client;
    uint32_t count = client->sent_count - source->telling;

    ms_assert(client->sent_count >= source->telling);
    for (; count > 0; count--) {
        const struct ms_work *work = ms_work_of(ms_list_first(&client->sent));

        ms_outcomes_confirm(master, now, client, work->seq, 1);
    }
    source->kept = 0;
}

static void count_outcome(struct ms_source *source, const struct ms_work *work)
{
    source->done_total += work->status == MS_STATUS_OK;
    source->failed_total += work->status != MS_STATUS_OK;
}

/* What it remembers is written in the same batch as the end of what it has heard. */
static void remember(struct ms_master *master, struct ms_source *source, struct ms_bytes memo)
{
    if (memo.size > MS_PROVIDER_STATE_MAX || !keep_memo(source, memo)) {
        fail(master, source, ms_bytes_of("its state is too long"));
        return;
    }
    write_record(master, source);
    ms_journal_flush(master);
}

static void hear_answer(struct ms_master *master, ms_time now, struct ms_source *source,
                        const struct ms_event *event)
{
    switch ((enum ms_told)event->count) {
    case MS_TOLD_DONE:
        ms_outcomes_confirm(master, now, source->client, event->seq, 1);
        break;
    case MS_TOLD_KEEP:
        source->kept++;
        break;
    case MS_TOLD_ALL:
        confirm_kept(master, now, source);
        break;
    case MS_TOLD_FAILED:
        fail(master, source, event->command->detail);
        return;
    }
    if (source->kept > MS_PROVIDER_KEPT_MAX) {
        fail(master, source, ms_bytes_of("it lets too many outcomes be kept"));
    } else if (event->command->index > 0 && event->count != MS_TOLD_KEEP) {
        remember(master, source, event->command->payload);
    }
}

static void told(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    struct ms_source *source = find(master, event);
    const struct ms_work *work =
        source != NULL ? ms_queue_find(&master->queue, source->client, event->seq) : NULL;

    ms_assert(event->command != NULL);
    if (source == NULL || source->telling == 0) {
        return;
    }
    source->telling--;
    if (work != NULL && ms_work_is_finished(work)) {
        count_outcome(source, work);
    }
    if (source->state != MS_SOURCE_FAILED) {
        hear_answer(master, now, source, event);
    }
    if (source->client->pending_count > 0) {
        ms_outcomes_mark(master, source->client);
    }
}

void ms_sources_hear(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    if (event->type == MS_EVENT_PRODUCED) {
        produced(master, now, event);
    } else {
        told(master, now, event);
    }
}

void ms_sources_reopen(struct ms_master *master)
{
    for (uint32_t i = 0; i < master->sources.count; i++) {
        struct ms_source *source = &master->sources.items[i];

        if (source->state != MS_SOURCE_FAILED) {
            source->state = MS_SOURCE_CLOSED;
            source->telling = 0;
            source->kept = 0;
            ms_outcomes_rewind(source->client);
            master->has_more = true;
        }
    }
}
