/* muster-master: wires the engine to the driver. Nothing is decided here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/io/clock.h"
#include "core/io/driver.h"
#include "core/io/standard.h"
#include "core/list.h"
#include "core/uri.h"
#include "master/main_local.h"
#include "master/main_options.h"
#include "master/main_pair.h"
#include "master/main_providers.h"
#include "master/main_services.h"
#include "master/main_store.h"
#include "master/routes.h"

#define FLUSH_TURNS 3 /* of the loop at the end, so that the last words leave */

#define CLOCK_INTERVAL                                                                             \
    1. /* s; how often is looked whether somebody set the wall clock, or the disk is full */

/* The MasterNode. Its epoch is at least the wall clock at the start in seconds: without a data directory it
 * remembers no earlier one, and a master that comes after another has to be above it. */
struct master_node {
    struct ms_node node;
    struct ms_program program;
    struct ms_master_settings settings;
    struct ms_options options;
    char **argv;
    const char *url_address; /* in place of settings.listen; NULL = none */
    char url_text[MS_ADDRESS_MAX + 1];
    char name[MS_NAME_MAX + 1];
    struct ms_master *master;
    struct ms_driver *driver;
    struct ms_main_store store;
    struct ms_main_providers providers;
    struct ms_main_services services; /* until the program ends */
    struct ms_main_pair pair;         /* in place of master, with a peer */
    struct ms_main_local local;
    ev_timer clock;
};

static struct master_node *node_of(struct ms_node *node)
{
    return ms_container_of(node, struct master_node, node);
}

static bool serve(struct master_node *self);

/* Everything is read back, and its epoch is durable. */
static void begin(struct master_node *self)
{
    enum ms_error error = ms_main_pair_leave(&self->pair);

    if (error == MS_E_OK && !serve(self)) {
        error = MS_E_UNREACHABLE;
    }
    if (error != MS_E_OK) {
        ms_program_end(&self->program, ms_program_exit_code(error));
    }
}

static void on_effect(void *context, const struct ms_effect *effect)
{
    struct master_node *self = context;

    if (ms_main_pair_effect(&self->pair, effect) ||
        ms_main_providers_effect(&self->providers, effect)) {
        return;
    }
    switch (effect->type) {
    case MS_EFFECT_PERSIST:
        ms_main_store_write(&self->store, effect);
        break;
    case MS_EFFECT_READY:
        begin(self);
        break;
    case MS_EFFECT_STOPPED:
        ms_log(self->program.log, MS_LEVEL_INFO, "drained",
               MS_LOG_TEXT("error", ms_error_name(effect->error)));
        ms_program_end(&self->program, ms_program_exit_code(effect->error));
        break;
    default:
        break;
    }
}

/* The engine of the commands; NULL while this half of a pair is passive. */
static struct ms_master *serving(const struct master_node *self)
{
    return self->pair.pair != NULL ? ms_pair_master(self->pair.pair) : self->master;
}

static void on_clock(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct master_node *self = timer->data;
    struct ms_master_stats stats;

    (void)loop, (void)revents;
    if (self->pair.pair != NULL) {
        ms_pair_set_wall(self->pair.pair, ms_clock_wall_offset());
    } else {
        ms_master_set_wall(self->master, ms_clock_wall_offset());
    }
    ms_main_store_listen(&self->store);
    if (self->pair.pair != NULL) {
        ms_main_pair_watch(&self->pair);
    }
    if (serving(self) != NULL) {
        ms_master_stats(serving(self), &stats);
        ms_main_store_watch(&self->store, &stats);
    }
}

static bool set_routes(struct master_node *self, const struct ms_options *options)
{
    struct ms_routes routes;
    bool is_set;

    if (!ms_routes_read(&routes, options->sections)) {
        return false;
    }
    is_set = self->pair.pair != NULL ? ms_pair_set_routes(self->pair.pair, ms_clock_now(), &routes)
                                     : ms_master_set_routes(self->master, ms_clock_now(), &routes);
    ms_routes_finish(&routes);
    return is_set;
}

/* A master, or one half of a pair. */
static enum ms_error create(struct master_node *self, const struct ms_master_config *config)
{
    enum ms_error error = MS_E_OK;

    if (self->settings.peer != NULL) {
        error = ms_main_pair_open(&self->pair, &self->settings, config);
    } else {
        self->master = ms_master_create(config);
        error = self->master != NULL ? MS_E_OK : MS_E_NO_MEMORY;
    }
    return error == MS_E_OK && !set_routes(self, &self->options) ? MS_E_NO_MEMORY : error;
}

static struct ms_master_config make_config(struct master_node *self)
{
    struct ms_master_config config = ms_master_settings_config(&self->settings);

    config.wall_offset = ms_clock_wall_offset();
    config.seed = ms_entropy_seed();
    config.name = self->name;
    config.build = MS_VERSION;
    config.services = &self->services.list;
    ms_main_providers_read(&self->providers, self->options.sections, &config);
    return config;
}

static enum ms_error init(struct ms_node *node)
{
    struct master_node *self = node_of(node);
    struct ms_master_config config;
    struct ms_driver_options options = {
        .size = sizeof options,
        .loop = self->program.loop,
        .is_server = true,
        .payload_max = (uint32_t)self->settings.payload_max,
        .peers_max = (uint32_t)self->settings.connections_max,
        .busy_poll = self->settings.busy_poll,
        .effect = on_effect,
        .context = self,
    };
    enum ms_error error;

    self->store.log = self->program.log;
    self->pair.program = &self->program;
    self->pair.store = &self->store;
    error = ms_main_pair_look(&self->pair, &self->settings);
    if (error == MS_E_OK) {
        error = ms_main_store_open(&self->store, self->program.loop, &self->settings);
    }
    if (error != MS_E_OK) {
        return error;
    }
    config = make_config(self);
    error = ms_main_pair_first_epoch(&self->pair, &self->settings, &config.epoch);
    if (error == MS_E_OK) {
        error = create(self, &config);
    }
    if (error != MS_E_OK) {
        ms_main_store_close(&self->store);
        return error;
    }
    options.engine =
        self->pair.pair != NULL ? ms_pair_engine(self->pair.pair) : ms_master_engine(self->master);
    options.engine->trace = ms_log_trace(self->program.log);
    self->driver = ms_driver_create(&options);
    if (self->driver == NULL || !ms_main_providers_start(&self->providers, self->program.loop)) {
        ms_driver_destroy(self->driver);
        self->driver = NULL;
        ms_main_pair_close(&self->pair);
        ms_master_destroy(self->master);
        self->master = NULL;
        ms_main_store_close(&self->store);
        return MS_E_NO_MEMORY;
    }
    self->store.driver = self->driver;
    self->providers.driver = self->driver;
    ev_timer_init(&self->clock, on_clock, CLOCK_INTERVAL, CLOCK_INTERVAL);
    self->clock.data = self;
    ev_timer_start(self->program.loop, &self->clock);
    ev_unref(self->program.loop);
    return MS_E_OK;
}

static void finish(struct ms_node *node)
{
    struct master_node *self = node_of(node);
    enum ms_error error;

    if (ev_is_active(&self->clock)) {
        ev_ref(self->program.loop);
        ev_timer_stop(self->program.loop, &self->clock);
    }
    ms_main_providers_stop(&self->providers);
    ms_driver_destroy(self->driver); /* a disk that hangs keeps nobody waiting but us */
    error = ms_main_store_close(&self->store);
    if (self->program.exit_code == EX_OK) {
        self->program.exit_code = ms_program_exit_code(error);
    }
    ms_main_pair_close(&self->pair);
    ms_master_destroy(self->master);
    self->driver = NULL;
    self->master = NULL;
}

static bool listen_at(struct master_node *self, const char *address, bool is_apart, char *bound_out)
{
    char why[MS_COMPLAINT_MAX];

    if (!(is_apart ? ms_driver_listen_apart : ms_driver_listen)(self->driver, address, bound_out,
                                                                why, sizeof why)) {
        ms_log(self->program.log, MS_LEVEL_ERROR, "cannot listen", MS_LOG_TEXT("address", address),
               MS_LOG_TEXT("error", why));
        ms_driver_stop_listening(self->driver);
        return false;
    }
    ms_log(self->program.log, MS_LEVEL_INFO, "listening", MS_LOG_TEXT("address", bound_out));
    return true;
}

/* Listens everywhere; the address of the first one is what the port file holds. */
static bool serve(struct master_node *self)
{
    const bool is_url = self->url_address != NULL;
    const struct ms_option_list *peers = &self->settings.peer_listen;
    const size_t count = is_url ? 1 : self->settings.listen.count;
    char first[MS_ADDRESS_MAX + 1] = "", bound[MS_ADDRESS_MAX + 1], reached[MS_DETAIL_MAX + 1];
    struct ms_text list;

    ms_text_init(&list, reached, sizeof reached);
    for (size_t i = 0; i < count; i++) {
        const char *given = is_url ? self->url_address : self->settings.listen.items[i];

        if (!listen_at(self, given, false, bound)) {
            return false;
        }
        if (i == 0) {
            ms_text_copy(first, sizeof first, bound, strlen(bound));
        }
        ms_master_add_reached(&list, &(struct ms_master_listener){given, bound}, self->name);
    }
    for (size_t i = 0; i < peers->count; i++) {
        if (!listen_at(self, peers->items[i], true, bound)) {
            return false;
        }
        if (i == 0) {
            ms_pair_set_apart(self->pair.pair, bound);
        }
    }
    if (self->pair.pair != NULL) {
        ms_pair_set_reached(self->pair.pair, reached);
    }
    return ms_main_local_start(&self->local, &self->program, &self->settings, self->name, first) &&
           ms_program_serving(&self->program, first);
}

/* With a data directory it serves when everything is read back and the new epoch is durable. */
static enum ms_error start(struct ms_node *node)
{
    struct master_node *self = node_of(node);

    if (self->store.store != NULL && self->pair.pair == NULL) {
        return ms_main_store_replay(&self->store);
    }
    return serve(self) ? MS_E_OK : MS_E_UNREACHABLE;
}

static void stop(struct ms_node *node)
{
    struct master_node *self = node_of(node);

    ms_main_local_stop(&self->local);
    ms_driver_stop_listening(self->driver);
    for (int i = 0; i < FLUSH_TURNS; i++) {
        ev_run(self->program.loop, EVRUN_NOWAIT);
    }
}

static void reset(struct ms_node *node)
{
    finish(node);
    if (init(node) != MS_E_OK) {
        fputs("muster-master: out of memory\n", stderr);
        abort();
    }
}

static const struct ms_node_ops ops = {
    .name = "master", .init = init, .start = start, .stop = stop, .reset = reset, .finish = finish};

static void on_stop(void *context, bool is_now)
{
    struct master_node *self = context;

    (void)is_now; /* the engine counts for itself */
    if (self->driver != NULL) {
        ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_STOP});
    }
}

/* A changed option that only a start takes over is named, so that nobody thinks it holds. */
static void warn_of_restart(const struct master_node *self, const struct ms_options *fresh)
{
    char before[MS_OPTION_STRING_MAX], after[MS_OPTION_STRING_MAX];
    struct ms_text text;

    for (size_t i = 0; i < fresh->count; i++) {
        const struct ms_option *option = &fresh->table[i];

        ms_text_init(&text, before, sizeof before);
        ms_options_print_value(&self->options, option, &text);
        ms_text_init(&text, after, sizeof after);
        ms_options_print_value(fresh, option, &text);
        if (!option->is_reloadable && strcmp(before, after) != 0) {
            ms_log(self->program.log, MS_LEVEL_WARN, "needs a restart",
                   MS_LOG_TEXT("option", option->name), MS_LOG_TEXT("value", after));
        }
    }
}

static void on_reload(void *context)
{
    struct master_node *self = context;
    struct ms_master_settings settings = {0};
    struct ms_options options;
    struct ms_complaint complaint;
    struct ms_master_config config;

    if (!ms_cli_reload(&ms_master_cli, self->argv, &settings, &options, &complaint)) {
        ms_log(self->program.log, MS_LEVEL_ERROR, "not reloaded",
               MS_LOG_TEXT("error", complaint.text));
        return;
    }
    if (!set_routes(self, &options)) {
        ms_log(self->program.log, MS_LEVEL_ERROR, "not reloaded",
               MS_LOG_TEXT("error", "out of memory"));
        ms_options_finish(&options);
        return;
    }
    config = ms_master_settings_config(&settings);
    config.epoch = 1; /* the running one stays */
    ms_log_set_level(self->program.log, (enum ms_level)settings.program.log_level);
    if (self->pair.pair != NULL) {
        ms_pair_reconfigure(self->pair.pair, &config);
    } else {
        ms_master_engine(self->master)->trace = ms_log_trace(self->program.log);
        ms_master_reconfigure(self->master, &config);
    }
    ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_RELOAD});
    warn_of_restart(self, &options);
    ms_log(self->program.log, MS_LEVEL_INFO, "reloaded");
    ms_options_finish(&options);
}

static void on_dump(void *context)
{
    const struct master_node *self = context;
    struct ms_master_stats stats;

    ms_main_pair_dump(&self->pair);
    if (serving(self) == NULL) {
        ms_main_store_dump(&self->store);
        return;
    }
    ms_master_stats(serving(self), &stats);
    ms_log(
        self->program.log, MS_LEVEL_INFO, "state", MS_LOG_NUMBER("commands", stats.commands_count),
        MS_LOG_NUMBER("ready", stats.commands[MS_LIFE_READY]),
        MS_LOG_NUMBER("leased", stats.commands[MS_LIFE_LEASED]),
        MS_LOG_NUMBER("slaves", stats.slaves_count), MS_LOG_NUMBER("clients", stats.clients_count),
        MS_LOG_NUMBER("credit", stats.credit), MS_LOG_NUMBER("submitted", stats.submitted_total),
        MS_LOG_NUMBER("outcomes", stats.outcomes_total), MS_LOG_NUMBER("bytes", stats.bytes_used));
    ms_main_store_dump(&self->store);
}

/* False when the URL names no place that this program can serve. */
static bool read_url(struct master_node *self, const char *text, struct ms_complaint *complaint)
{
    struct ms_text address;
    struct ms_uri uri;

    if (!ms_uri_parse(text, MS_ADDRESS_LISTEN, &uri, complaint)) {
        return false;
    }
    if (uri.role == MS_URI_ROLE_STANDBY) {
        return ms_complain(
            complaint, "%s: the standby of a pair is started with --role backup and --peer", text);
    }
    ms_text_init(&address, self->url_text, sizeof self->url_text);
    ms_address_print(&uri.address, &address);
    if (ms_text_is_cut(&address)) {
        return ms_complain(complaint, "%s: the address is too long", text);
    }
    self->url_address = self->url_text;
    return true;
}

/* The host's name up to its first dot, as far as its letters are allowed in a name. */
static void choose_name(struct master_node *self)
{
    char host[MS_NAME_MAX + 1] = "";

    if (self->settings.name != NULL) {
        snprintf(self->name, sizeof self->name, "%s", self->settings.name);
        return;
    }
    if (gethostname(host, sizeof host - 1) != 0) {
        host[0] = '\0';
    }
    host[strcspn(host, ".")] = '\0';
    snprintf(self->name, sizeof self->name, "%s",
             ms_text_is_name(host, strlen(host)) ? host : "master");
}

static bool says_listen(const struct master_node *self)
{
    return ms_options_level(&self->options, ms_options_find(&self->options, "listen")) ==
           MS_OPTION_FLAG;
}

int main(int argc, char **argv)
{
    if (!ms_standard_hold()) {
        return EX_OSERR;
    }
    static struct master_node self;
    struct ms_cli_result parsed =
        ms_cli_parse(&ms_master_cli, argc, argv, &self.settings, &self.options);
    struct ms_complaint complaint;
    int exit_code;

    if (parsed.is_done) {
        return parsed.exit_code;
    }
    self.argv = argv;
    if (parsed.argument_at < argc) {
        if (says_listen(&self)) {
            return ms_cli_usage_error(&ms_master_cli, "either a URL or --listen, not both");
        }
        if (!read_url(&self, argv[parsed.argument_at], &complaint)) {
            return ms_cli_usage_error(&ms_master_cli, complaint.text);
        }
    }
    if (!ms_master_options_fit(&self.options, &complaint)) {
        return ms_cli_usage_error(&ms_master_cli, complaint.text);
    }
    if (!ms_main_services_load(&self.services, self.settings.services, &complaint)) {
        return ms_cli_usage_error(&ms_master_cli, complaint.text);
    }
    choose_name(&self);
    if (!ms_program_init(&self.program, "muster-master", &self.settings.program)) {
        return EX_OSERR;
    }
    ms_node_prepare(&self.node, &ops);
    self.program.node = &self.node;
    self.program.context = &self;
    self.program.on_stop = on_stop;
    self.program.on_reload = on_reload;
    self.program.on_dump = on_dump;
    exit_code = ms_program_run(&self.program);
    ms_program_finish(&self.program);
    ms_main_services_finish(&self.services);
    ms_options_finish(&self.options);
    return exit_code;
}
