#include "master/main_pair.h"

#include "core/io/clock.h"
#include "core/io/store_aside.h"
#include "core/io/store_half.h"
#include "master/pair_report.h"
#include "proto/pair_record.h"
#include "proto/record.h"

static enum ms_error complain(struct ms_main_pair *self, const struct ms_complaint *complaint,
                              enum ms_error error)
{
    ms_log(self->program->log, MS_LEVEL_ERROR, "cannot begin as one half of a pair",
           MS_LOG_TEXT("error", complaint->text));
    self->program->has_explained = true;
    return error;
}

/* What is in the store of a half that was in no pair yet. */
struct census {
    uint64_t count;
    ms_epoch epoch; /* the highest that a master began there; 0 = none did */
    bool is_taken;
};

static bool count_entry(void *context, ms_seq seq, struct ms_bytes bytes)
{
    struct census *census = context;
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;

    (void)seq;
    census->count++;
    if (ms_record_next(&bytes, &entry) && entry.kind == MS_RECORD_EPOCH &&
        ms_record_read(&entry, &room, &record) == MS_E_OK && record.token.epoch > census->epoch) {
        census->epoch = record.token.epoch;
    }
    return true;
}

static enum ms_error take_census(struct ms_main_pair *self, struct census *census)
{
    struct ms_complaint complaint;
    enum ms_error error;

    if (census->is_taken) {
        return MS_E_OK;
    }
    census->is_taken = true;
    error = ms_store_replay(self->store->store, count_entry, census, &complaint);
    return error == MS_E_OK ? MS_E_OK : complain(self, &complaint, error);
}

/* A directory without a record is a new half's. What a single master kept there becomes the log of the pair that it
 * makes. Is there a pair by then, it is offered to that as what a deposed active has is (docs/decisions/0013). */
static enum ms_error make_record(struct ms_main_pair *self,
                                 const struct ms_master_settings *settings,
                                 struct ms_council_record *record, struct census *census)
{
    struct ms_entropy entropy = {0};
    struct ms_complaint complaint;
    const enum ms_error error = take_census(self, census);
    bool is_auto;

    if (error != MS_E_OK) {
        return error;
    }
    if (census->count > 0 && !settings->is_bootstrap) {
        ms_complain(&complaint,
                    "%s holds %llu records of a master without a peer: with --bootstrap they "
                    "become those of a new pair; the other half begins with an empty directory",
                    settings->data, (unsigned long long)census->count);
        return complain(self, &complaint, MS_E_BAD_ARGUMENT);
    }
    *record = (struct ms_council_record){
        .incarnation = ms_entropy_uuid(&entropy),
        .place = (uint8_t)settings->role,
        .lead = MS_MASTERS,
        .is_fresh = true,
        .start = {.number = (uint64_t)ms_clock_wall()}, /* above those of directories before it */
        .is_complete = census->count > 0,
        .unmerged = census->count > 0 && census->epoch == 0 ? 1 : census->epoch,
    };
    ms_master_settings_witnesses(settings, &record->witnesses, &is_auto, &complaint);
    return MS_E_OK;
}

/* The start is on the disk before anybody hears of it. A new directory has no record yet, and each start of it is somebody else. */
static enum ms_error count_start(struct ms_main_pair *self, struct ms_council_record *record,
                                 bool is_new)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    struct ms_complaint complaint;
    enum ms_error error;

    ms_council_record_start(record, ms_entropy_seed() | 1);
    if (is_new) {
        return MS_E_OK;
    }
    error = ms_voter_file_write(
        &self->file, (struct ms_bytes){bytes, ms_pair_record_write(bytes, record)}, &complaint);
    return error == MS_E_OK ? MS_E_OK : complain(self, &complaint, error);
}

static enum ms_error read_record(struct ms_main_pair *self,
                                 const struct ms_master_settings *settings,
                                 struct ms_council_record *record, struct census *census)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    struct ms_complaint complaint;
    enum ms_error error;
    size_t size = 0;

    error = ms_voter_file_read(&self->file, bytes, sizeof bytes, &size, &complaint);
    if (error == MS_E_NOT_FOUND) {
        error = make_record(self, settings, record, census);
        return error == MS_E_OK ? count_start(self, record, true) : error;
    }
    if (error == MS_E_OK) {
        error = ms_pair_record_read((struct ms_bytes){bytes, size}, record);
        ms_complain(&complaint, "%s is damaged, or of another version (%s)", self->file.path,
                    ms_error_name(error));
    }
    if (error == MS_E_OK && record->place != settings->role) {
        ms_complain(&complaint, "%s belongs to the %s of a pair, and role says %s", settings->data,
                    ms_pair_place_name(record->place), ms_pair_place_name((uint8_t)settings->role));
        error = MS_E_BAD_ARGUMENT;
    }
    return error == MS_E_OK ? count_start(self, record, false) : complain(self, &complaint, error);
}

static bool find_entry(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)seq, (void)entry;
    *(bool *)context = true;
    return false;
}

static enum ms_error check_store(struct ms_main_pair *self, const char *data,
                                 const struct ms_council_record *record)
{
    struct ms_complaint complaint;
    bool has_entries = false;
    enum ms_error error;

    if (!ms_store_half_has_entries(record)) {
        return MS_E_OK;
    }
    error = ms_store_replay(self->store->store, find_entry, &has_entries, &complaint);
    if (error == MS_E_OK && !ms_store_half_fits(data, record, has_entries, 0, &complaint)) {
        error = MS_E_STORE_CORRUPT;
    }
    return error == MS_E_OK ? MS_E_OK : complain(self, &complaint, error);
}

/* Once in each turn of the loop: what a turn only passed through is not told. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct ms_main_pair *self = prepare->data;
    const ms_time now = ms_clock_now();
    struct ms_pair_alarms alarms;
    struct ms_pair_stats stats;

    (void)loop, (void)revents;
    ms_pair_stats(self->pair, &stats);
    if (!ms_news_is_due(&self->news, now, &stats)) {
        return;
    }
    ms_pair_alarms(self->pair, now, &alarms);
    if (ms_news_take(&self->news, now, &stats, &alarms)) {
        ms_hook_run(self->hook, ms_council_state_name(stats.state), stats.epoch, self->news.alarm);
    }
}

static bool start_telling(struct ms_main_pair *self, const char *script)
{
    self->hook = ms_hook_create(self->program->loop, script, self->program->log);
    if (self->hook == NULL) {
        return false;
    }
    ev_prepare_init(&self->changes, on_prepare);
    self->changes.data = self;
    ev_prepare_start(self->program->loop, &self->changes);
    ev_unref(self->program->loop);
    return true;
}

static void stop_telling(struct ms_main_pair *self)
{
    if (self->hook != NULL) {
        ev_ref(self->program->loop);
        ev_prepare_stop(self->program->loop, &self->changes);
        ms_hook_destroy(self->hook);
        self->hook = NULL;
    }
}

static void tidy(struct ms_main_pair *self)
{
    const struct ms_asides asides = ms_store_aside_tidy(self->data, self->keep_divergent);

    ms_pair_set_asides(self->pair, asides.count);
}

/* Once a minute, so that people see soon what they have removed; and soon after something was set aside. */
static void on_tidying(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct ms_main_pair *self = timer->data;

    (void)loop, (void)revents;
    tidy(self);
}

static void start_tidying(struct ms_main_pair *self, const struct ms_master_settings *settings)
{
    self->data = settings->data;
    self->keep_divergent = settings->keep_divergent;
    tidy(self);
    ev_timer_init(&self->tidying, on_tidying, 0., (double)MS_DIVERGENT_INTERVAL / MS_SEC);
    self->tidying.data = self;
    ev_timer_again(self->program->loop, &self->tidying);
    ev_unref(self->program->loop);
}

static void stop_tidying(struct ms_main_pair *self)
{
    if (self->data != NULL) {
        ev_ref(self->program->loop);
        ev_timer_stop(self->program->loop, &self->tidying);
        self->data = NULL;
    }
}

/* The store does it in its own time. */
static void tidy_soon(struct ms_main_pair *self)
{
    ev_timer_stop(self->program->loop, &self->tidying);
    ev_timer_set(&self->tidying, 1., (double)MS_DIVERGENT_INTERVAL / MS_SEC);
    ev_timer_start(self->program->loop, &self->tidying);
}

static enum ms_error refuse_half(struct ms_main_pair *self, const char *data)
{
    ms_log(self->program->log, MS_LEVEL_ERROR, "the data directory is that of one half of a pair",
           MS_LOG_TEXT("data", data), MS_LOG_TEXT("needs", "--role and --peer, as before"),
           MS_LOG_TEXT("or",
                       "--leave-pair, for good: then it is no half any more, and the other half is "
                       "not started again"));
    self->program->has_explained = true;
    return MS_E_BAD_ARGUMENT;
}

/* The record stays ours, and as it is, until the epoch is durable. */
static enum ms_error prepare_leaving(struct ms_main_pair *self, const char *data)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    struct ms_complaint complaint;
    enum ms_error error;
    size_t size = 0;

    error = ms_voter_file_open(&self->file, data, MS_STORE_HALF_RECORD_NAME, &complaint);
    if (error != MS_E_OK) {
        return complain(self, &complaint, error);
    }
    error = ms_voter_file_read(&self->file, bytes, sizeof bytes, &size, &complaint);
    if (error == MS_E_OK) {
        error = ms_pair_record_read((struct ms_bytes){bytes, size}, &self->left);
        ms_complain(&complaint, "%s is damaged, or of another version (%s)", self->file.path,
                    ms_error_name(error));
    }
    if (error == MS_E_OK && !ms_store_half_may_leave(data, &self->left, &complaint)) {
        error = MS_E_BAD_ARGUMENT;
    }
    self->is_leaving = error == MS_E_OK;
    if (error != MS_E_OK) {
        ms_voter_file_close(&self->file);
        return complain(self, &complaint, error);
    }
    return MS_E_OK;
}

enum ms_error ms_main_pair_first_epoch(struct ms_main_pair *self,
                                       const struct ms_master_settings *settings,
                                       ms_epoch *epoch_out)
{
    ms_epoch epoch = (ms_epoch)ms_clock_wall();
    enum ms_error error = MS_E_OK;

    if (self->is_leaving) {
        error = check_store(self, settings->data, &self->left);
        epoch = ms_epoch_of_leaving(&self->left, ms_entropy_seed());
    }
    *epoch_out = epoch > settings->epoch_above ? epoch : settings->epoch_above + 1;
    return error;
}

enum ms_error ms_main_pair_leave(struct ms_main_pair *self)
{
    struct ms_complaint complaint;
    enum ms_error error;

    if (!self->is_leaving) {
        return MS_E_OK;
    }
    error = ms_voter_file_remove(&self->file, &complaint);
    if (error != MS_E_OK) {
        return complain(self, &complaint, error);
    }
    ms_log(self->program->log, MS_LEVEL_WARN, "has left its pair, and is a single master",
           MS_LOG_NUMBER("promised", self->left.voter.promised),
           MS_LOG_TEXT("other", "empty its directory: it must not be started again as it is"));
    self->is_leaving = false;
    ms_voter_file_close(&self->file);
    return MS_E_OK;
}

enum ms_error ms_main_pair_look(struct ms_main_pair *self,
                                const struct ms_master_settings *settings)
{
    struct ms_council_record record;
    struct ms_complaint complaint;
    enum ms_error error;

    if (settings->data == NULL) {
        return MS_E_OK;
    }
    error = ms_store_half_look(settings->data, &record, &complaint);
    if (error == MS_E_NOT_FOUND) {
        return MS_E_OK;
    }
    if (settings->peer == NULL && !settings->is_leaving) {
        return refuse_half(self, settings->data);
    }
    if (settings->peer == NULL) {
        return prepare_leaving(self, settings->data);
    }
    if (error == MS_E_OK && !ms_store_half_check(settings->data, &record, &complaint)) {
        return complain(self, &complaint, MS_E_STORE_CORRUPT);
    }
    return MS_E_OK; /* what cannot be read now is explained when the directory is ours */
}

static void post(struct ms_main_pair *self, const struct ms_event *event)
{
    ms_driver_post(self->store->driver, event);
}

static void on_written(void *context, enum ms_error error, const char *why)
{
    struct ms_main_pair *self = context;

    if (error != MS_E_OK) {
        ms_log(self->program->log, MS_LEVEL_ERROR, "the record of the pair cannot be kept",
               MS_LOG_TEXT("error", why));
    }
    post(self, &(struct ms_event){.type = MS_EVENT_STORED,
                                  .error = error == MS_E_OK ? MS_E_OK : MS_E_STORE_FAILED});
}

enum ms_error ms_main_pair_open(struct ms_main_pair *self,
                                const struct ms_master_settings *settings,
                                const struct ms_master_config *config)
{
    struct ms_entropy entropy = {0};
    struct ms_complaint complaint;
    struct census census = {0};
    struct ms_pair_config options = {
        .master = *config,
        .council = {.failover = (enum ms_failover)settings->failover,
                    .is_degrading = settings->on_quorum_loss != 0,
                    .is_bootstrap = settings->is_bootstrap,
                    .is_auto_failback = settings->failback != 0,
                    .times = ms_master_settings_times(settings),
                    .tick = settings->tick,
                    .cluster_new = ms_entropy_uuid(&entropy),
                    .incarnation_new = ms_entropy_uuid(&entropy),
                    .seed = ms_entropy_seed()},
        .trace = ms_log_trace(self->program->log),
        .peer = settings->peer,
    };
    enum ms_error error;

    error = ms_voter_file_open(&self->file, settings->data, MS_STORE_HALF_RECORD_NAME, &complaint);
    if (error != MS_E_OK) {
        return complain(self, &complaint, error);
    }
    ms_master_settings_witnesses(settings, &options.council.pinned, &options.council.is_auto_enrol,
                                 &complaint);
    options.council.is_pinned = !options.council.is_auto_enrol;
    error = read_record(self, settings, &options.council.record, &census);
    if (error != MS_E_OK) {
        return error;
    }
    error = check_store(self, settings->data, &options.council.record);
    if (error == MS_E_OK && options.council.record.is_fresh) {
        error = take_census(self, &census);
        options.council.epoch_first = census.epoch + 1;
    }
    self->pair = error == MS_E_OK ? ms_pair_create(&options) : NULL;
    if (self->pair == NULL) {
        return error != MS_E_OK ? error : MS_E_NO_MEMORY;
    }
    self->writer = ms_voter_writer_create(self->program->loop, &self->file, on_written, self);
    if (self->writer == NULL) {
        return MS_E_NO_MEMORY;
    }
    ms_store_may_drop(self->store->store, true); /* it follows, until it serves */
    start_tidying(self, settings);
    return settings->notify == NULL || start_telling(self, settings->notify) ? MS_E_OK
                                                                             : MS_E_NO_MEMORY;
}

static bool on_entry(void *context, ms_seq seq, struct ms_bytes entry)
{
    const struct ms_main_pair *self = context;

    return ms_main_store_gather(self->store, seq, entry);
}

static void on_reread(void *context, enum ms_error error, const char *why)
{
    struct ms_main_pair *self = context;

    if (error != MS_E_OK) {
        ms_log(self->program->log, MS_LEVEL_ERROR, "cannot read the data directory back",
               MS_LOG_TEXT("error", why != NULL ? why : ms_error_text(error)));
        ms_program_end(self->program, ms_program_exit_code(error));
        return;
    }
    ms_main_store_gathered(self->store);
}

bool ms_main_pair_effect(struct ms_main_pair *self, const struct ms_effect *effect)
{
    const struct ms_store_reader reader = {.entry = on_entry, .done = on_reread, .context = self};

    switch (effect->type) {
    case MS_EFFECT_STORE:
        ms_voter_writer_write(self->writer, effect->command.payload);
        return true;
    case MS_EFFECT_REPLAY:
        ms_store_reread(self->store->store, &reader);
        return true;
    case MS_EFFECT_SCAN:
        ms_store_scan(self->store->store, effect->seq, (size_t)effect->count);
        return true;
    case MS_EFFECT_CLEAR:
        ms_store_clear(self->store->store, (enum ms_clear)effect->seq, effect->count,
                       (enum ms_aside)effect->tag);
        if (effect->count > 0) {
            tidy_soon(self);
        }
        return true;
    case MS_EFFECT_READY: /* it listens from the start */
        return self->pair != NULL;
    default:
        return false;
    }
}

static void tell_dropped(struct ms_main_pair *self, const struct ms_store_stats *store)
{
    if (store->dropped_total != self->dropped_told) {
        ms_log(self->program->log, MS_LEVEL_WARN,
               "the disk is full: the oldest stores that were set aside are removed, which are "
               "merged",
               MS_LOG_TEXT("data", self->data),
               MS_LOG_NUMBER("removed", store->dropped_total - self->dropped_told));
        self->dropped_told = store->dropped_total;
        tidy(self);
    }
}

void ms_main_pair_watch(struct ms_main_pair *self)
{
    const bool is_passive = ms_pair_master(self->pair) == NULL;
    struct ms_store_stats store;

    ms_store_may_drop(self->store->store, is_passive);
    ms_store_stats(self->store->store, &store);
    tell_dropped(self, &store);
    if (is_passive) {
        ms_main_store_watch_copy(self->store, store.room_bytes);
    }
}

void ms_main_pair_dump(const struct ms_main_pair *self)
{
    struct ms_pair_stats stats;

    if (self->pair == NULL) {
        return;
    }
    ms_pair_stats(self->pair, &stats);
    ms_log(self->program->log, MS_LEVEL_INFO, "pair",
           MS_LOG_TEXT("state", ms_council_state_name(stats.state)),
           MS_LOG_NUMBER("epoch", stats.epoch), MS_LOG_NUMBER("promised", stats.promised),
           MS_LOG_NUMBER("copies", stats.copies), MS_LOG_NUMBER("lag_bytes", stats.lag_bytes),
           MS_LOG_NUMBER("witnesses", stats.witnesses_connected));
}

void ms_main_pair_close(struct ms_main_pair *self)
{
    stop_telling(self);
    stop_tidying(self);
    ms_voter_writer_destroy(self->writer);
    self->writer = NULL;
    if (self->pair != NULL || self->is_leaving) {
        ms_voter_file_close(&self->file);
    }
    self->is_leaving = false;
    ms_pair_destroy(self->pair);
    self->pair = NULL;
}
