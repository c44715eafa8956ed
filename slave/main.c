/* muster-slave: wires the slave's engine to the driver, the log and the threads of its handlers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/io/clock.h"
#include "core/io/driver.h"
#include "core/io/hosts.h"
#include "core/io/plugin.h"
#include "core/io/standard.h"
#include "core/io/workers.h"
#include "core/list.h"
#include "core/uri.h"
#include "slave/main_host.h"
#include "slave/main_load.h"
#include "slave/main_options.h"
#include "slave/main_routes.h"
#include "slave/main_witness.h"
#include "slave/slave.h"

#define PATH_SIZE     4096
#define SLOTS_GROWTH  4u  /* slots may be changed to so many times what they were */
#define SLOTS_MAX_MIN 64u /* and to so many, at the least */

/* The SlaveNode. */
struct program {
    struct ms_node node;
    struct ms_program base;
    struct ms_options options;
    struct slave_options settings;
    char **argv;
    char addresses[MS_ADDRESSES_MAX * (MS_ADDRESS_MAX + 1)];
    char name[MS_NAME_MAX + 1];
    uint32_t slots, slots_max;
    struct slave_labels labels;
    struct ms_main_load load;
    struct ms_plugins *plugins;
    struct ms_slave *slave;
    struct ms_driver *driver;
    struct ms_executor *executor;
    char **host_argv; /* of the processes for handlers, when they are isolated */
    struct ms_main_witness witness;
    ev_prepare readiness; /* until the first master is found */
};

static int complain(const char *text, int exit_code)
{
    fprintf(stderr, "%s: %s\n", slave_cli.program, text);
    return exit_code;
}

/* Takes any form of a master's address and writes what the upstream understands. */
static bool choose_addresses(struct program *program, const char *text,
                             struct ms_complaint *complaint)
{
    struct ms_uri_list list;
    struct ms_text out;

    if (!ms_uri_list_parse(text, MS_ADDRESS_CONNECT, &list, complaint)) {
        return false;
    }
    ms_text_init(&out, program->addresses, sizeof program->addresses);
    for (size_t i = 0; i < list.count; i++) {
        ms_text_add(&out, "%s", i > 0 ? "," : "");
        ms_address_print(&list.items[i].address, &out);
    }
    return !ms_text_is_cut(&out) || ms_complain(complaint, "the masters' addresses are too long");
}

/* Host and process number, in the letters that names have. */
static void choose_name(struct program *program)
{
    char host[MS_NAME_MAX + 1] = "slave";
    struct ms_text text;

    if (program->settings.name != NULL) {
        ms_text_copy(program->name, sizeof program->name, program->settings.name,
                     strlen(program->settings.name));
        return;
    }
    (void)!gethostname(host, sizeof host - 1);
    for (char *c = host; *c != '\0'; c++) {
        if (!ms_text_is_name(c, 1)) {
            *c = '-';
        }
    }
    ms_text_init(&text, program->name, sizeof program->name);
    ms_text_add(&text, "%.40s-%ld", host, (long)getpid());
}

/* What people may change the slots to while this runs: threads start when they are needed, while each process for
 * handlers is there from the beginning. */
static void choose_slots_max(struct program *program)
{
    const uint32_t more = SLOTS_GROWTH * program->slots;

    program->slots_max = program->slots;
    if (!program->settings.isolate) {
        program->slots_max = more < SLOTS_MAX_MIN  ? SLOTS_MAX_MIN
                             : more < MS_SLOTS_MAX ? more
                                                   : MS_SLOTS_MAX;
    }
}

static bool check_settings(struct program *program, const char *masters,
                           struct ms_complaint *complaint)
{
    const struct slave_options *settings = &program->settings;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (settings->name != NULL && !ms_text_is_name(settings->name, strlen(settings->name))) {
        return ms_complain(complaint, "--name: 1 to %d letters, digits, '.', '_' or '-'",
                           MS_NAME_MAX);
    }
    if (settings->group != NULL && settings->group[0] != '\0' &&
        !ms_text_is_name(settings->group, strlen(settings->group))) {
        return ms_complain(complaint, "--group: 1 to %d letters, digits, '.', '_' or '-'",
                           MS_NAME_MAX);
    }
    if (settings->witness_only && settings->state == NULL) {
        return ms_complain(complaint,
                           "--witness-only: say with --state DIR where it keeps its votes");
    }
    choose_name(program);
    program->slots = (uint32_t)settings->slots;
    if (program->slots == 0) {
        program->slots =
            processors > 0 && processors < (long)MS_SLOTS_MAX ? (uint32_t)processors : 1;
    }
    choose_slots_max(program);
    return slave_options_fit(&program->options, complaint) &&
           slave_labels_read(&program->labels, &settings->label, complaint) &&
           choose_addresses(program, masters, complaint);
}

/* The directory that belongs to this program: of the installation, or of the build. False when
 * there is none. */
static bool find_handlers(char path_out[PATH_SIZE])
{
    static const char *const places[] = {MS_HANDLERS_FROM_BIN, "../lib/muster/handlers"};
    char self[PATH_SIZE];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    struct stat status;

    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct ms_text path;

        ms_text_init(&path, path_out, PATH_SIZE);
        ms_text_add(&path, "%s/%s", self, places[i]);
        if (!ms_text_is_cut(&path) && stat(path_out, &status) == 0 && S_ISDIR(status.st_mode)) {
            return true;
        }
    }
    return false;
}

/* Handlers that run anything need the user's word: asked for by name they are refused without it,
 * in a directory they are passed over. */
static bool check_exec(const struct program *program, bool is_named, struct ms_complaint *complaint)
{
    for (size_t i = ms_plugins_count(program->plugins); i-- > 0;) {
        const struct ms_plugin *plugin = ms_plugins_at(program->plugins, i);

        if (program->settings.allow_exec ||
            (plugin->handler->flags & MS_HANDLER_RUNS_ANYTHING) == 0) {
            continue;
        }
        if (is_named) {
            return ms_complain(complaint,
                               "%s: handler %s runs whatever is submitted; say --allow-exec to "
                               "serve it",
                               plugin->origin, plugin->handler->name);
        }
        ms_plugins_remove(program->plugins, plugin);
    }
    return true;
}

static bool load_handlers(struct program *program, struct ms_complaint *complaint)
{
    const struct slave_options *settings = &program->settings;
    char path[PATH_SIZE] = "";

    program->plugins = ms_plugins_create();
    if (program->plugins == NULL) {
        return ms_complain(complaint, "out of memory");
    }
    for (size_t i = 0; i < settings->handler.count; i++) {
        if (!ms_plugins_load(program->plugins, settings->handler.items[i], complaint)) {
            return false;
        }
    }
    if (!check_exec(program, true, complaint)) {
        return false;
    }
    const char *directory = settings->handlers;

    if (directory == NULL && find_handlers(path)) {
        directory = path;
    }
    if (directory != NULL && directory[0] != '\0' &&
        (!ms_plugins_load_directory(program->plugins, directory, complaint) ||
         !check_exec(program, false, complaint))) {
        return false;
    }
    if (ms_plugins_count(program->plugins) == 0) {
        return ms_complain(complaint, "no handlers: say --handler FILE.so or --handlers DIR");
    }
    return slave_routes_check(program->options.sections, program->plugins, complaint);
}

static struct program *program_of(struct ms_node *node)
{
    return ms_container_of(node, struct program, node);
}

static void set_level(struct program *program, enum ms_level level)
{
    ms_log_set_level(program->base.log, level);
    if (program->slave != NULL) {
        ms_slave_engine(program->slave)->trace = ms_log_trace(program->base.log);
    }
}

static void carry_out(void *context, const struct ms_effect *effect)
{
    struct program *program = context;

    switch (effect->type) {
    case MS_EFFECT_RUN:
        program->executor->ops->submit(program->executor, &effect->command);
        break;
    case MS_EFFECT_ABORT:
        program->executor->ops->abort(program->executor, effect->command.token);
        break;
    case MS_EFFECT_FOLLOW:
        program->executor->ops->follow(program->executor, effect->command.token);
        break;
    case MS_EFFECT_LEVEL:
        set_level(program, (enum ms_level)effect->count);
        break;
    case MS_EFFECT_STOPPED:
        ms_program_end(&program->base, ms_program_exit_code(effect->error));
        break;
    default:
        break;
    }
}

static void report(void *context, const struct ms_event *event)
{
    const struct program *program = context;

    ms_driver_post(program->driver, event);
}

/* What a process of handlers is given stands in one frame. */
static size_t parts_bytes_max(const struct slave_options *settings)
{
    const uint64_t max = settings->payload_max;

    return settings->isolate && max > MS_PAYLOAD_MAX_CEILING ? MS_PAYLOAD_MAX_CEILING : max;
}

static struct ms_slave *create_slave(struct program *program, struct ms_complaint *complaint)
{
    struct ms_slave_type types[MS_SLAVE_TYPES_MAX];
    struct ms_entropy entropy = {.left = 0};
    const size_t count = ms_plugins_count(program->plugins);

    for (size_t i = 0; i < count; i++) {
        const struct ms_plugin *plugin = ms_plugins_at(program->plugins, i);

        types[i] = (struct ms_slave_type){
            .type = plugin->type,
            .name = plugin->handler->name,
            .timeout = plugin->handler->timeout_ms * MS_MSEC,
            .payload_max = plugin->handler->payload_max,
        };
        slave_routes_apply(program->options.sections, &types[i]);
    }
    return ms_slave_create(
        &(struct ms_slave_config){
            .addresses = program->addresses,
            .slots = program->slots,
            .prefetch = (uint32_t)program->settings.prefetch,
            .mode = (enum ms_credit_mode)program->settings.mode,
            .node = ms_entropy_uuid(&entropy),
            .seed = ms_entropy_seed(),
            .name = program->name,
            .group = program->settings.group,
            .build = MS_VERSION,
            .labels = program->labels.words,
            .labels_count = program->labels.count,
            .weight = (uint32_t)program->settings.weight,
            .slots_max = program->slots_max,
            .types = types,
            .types_count = (uint32_t)count,
            .drain_timeout = program->settings.drain_timeout,
            .parts_bytes_max = parts_bytes_max(&program->settings),
        },
        complaint);
}

/* Handlers in threads of this process. */
static bool create_workers(struct program *program, struct ms_complaint *complaint)
{
    program->executor = ms_workers_create(&(struct ms_workers_options){
        .size = sizeof(struct ms_workers_options),
        .loop = program->base.loop,
        .plugins = program->plugins,
        .slots = program->slots_max,
        .slave = program->name,
        .report = report,
        .context = program,
    });
    if (program->executor == NULL) {
        return ms_complain(complaint, "out of memory");
    }
    return ms_plugins_start(program->plugins, ms_workers_host(program->executor), complaint);
}

/* Handlers in processes of their own, where they also get their init and finish. */
static bool create_hosts(struct program *program, struct ms_complaint *complaint)
{
    program->host_argv = slave_host_argv(program->name, program->plugins);
    if (program->host_argv == NULL) {
        return ms_complain(complaint, "out of memory");
    }
    program->executor = ms_hosts_create(
        &(struct ms_hosts_options){
            .size = sizeof(struct ms_hosts_options),
            .loop = program->base.loop,
            .argv = program->host_argv,
            .slots = program->slots_max,
            .report = report,
            .context = program,
        },
        complaint);
    return program->executor != NULL;
}

/* A witness, beside the slave or alone. */
static enum ms_error create_witness(struct program *program, struct ms_complaint *complaint)
{
    if (program->settings.state == NULL) {
        return MS_E_OK;
    }
    program->witness.program = &program->base;
    program->witness.ends_program = program->settings.witness_only;
    return ms_main_witness_start(&program->witness, program->settings.state, program->addresses,
                                 program->name, complaint);
}

static bool create_parts(struct program *program, struct ms_complaint *complaint)
{
    program->slave = create_slave(program, complaint);
    if (program->slave == NULL) {
        return false;
    }
    ms_slave_engine(program->slave)->trace = ms_log_trace(program->base.log);
    program->driver = ms_driver_create(&(struct ms_driver_options){
        .size = sizeof(struct ms_driver_options),
        .loop = program->base.loop,
        .engine = ms_slave_engine(program->slave),
        .payload_max = MS_PAYLOAD_MAX_CEILING,
        .peers_max = 64,
        .busy_poll = program->settings.busy_poll,
        .effect = carry_out,
        .context = program,
    });
    if (program->driver == NULL) {
        return ms_complain(complaint, "out of memory");
    }
    return program->settings.isolate ? create_hosts(program, complaint)
                                     : create_workers(program, complaint);
}

static void log_state(void *context)
{
    struct program *program = context;
    struct ms_slave_stats slave;
    struct ms_workers_stats workers = {0};
    struct ms_hosts_stats hosts = {0};

    ms_main_witness_dump(&program->witness);
    if (program->slave == NULL) {
        return;
    }
    ms_slave_stats(program->slave, &slave);
    if (program->settings.isolate) {
        ms_hosts_stats(program->executor, &hosts);
    } else {
        ms_workers_stats(program->executor, &workers);
    }
    ms_log(program->base.log, MS_LEVEL_INFO, "state",
           MS_LOG_TEXT("phase", ms_slave_phase_name(slave.phase)),
           MS_LOG_TEXT("master", slave.address), MS_LOG_TEXT("error", ms_error_name(slave.error)),
           MS_LOG_NUMBER("epoch", slave.epoch), MS_LOG_NUMBER("session", slave.session),
           MS_LOG_NUMBER("slots", slave.slots), MS_LOG_NUMBER("running", slave.running),
           MS_LOG_NUMBER("queued", slave.queued), MS_LOG_NUMBER("kept", slave.kept),
           MS_LOG_NUMBER("granted", slave.granted), MS_LOG_NUMBER("commands", slave.commands_total),
           MS_LOG_NUMBER("results", slave.results_total),
           MS_LOG_NUMBER("returned", slave.returned_total), MS_LOG_NUMBER("late", slave.late_total),
           MS_LOG_NUMBER("timeouts", slave.timeouts_total),
           MS_LOG_NUMBER("threads", workers.threads), MS_LOG_NUMBER("processes", hosts.ready),
           MS_LOG_NUMBER("crashes", hosts.crashed_total));
}

/* The first session with a master is when this program serves. */
static void readiness_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    struct program *program = watcher->data;
    struct ms_slave_stats stats;

    (void)revents;
    ms_slave_stats(program->slave, &stats);
    if (stats.phase != MS_SLAVE_SERVING) {
        return;
    }
    ev_prepare_stop(loop, watcher);
    if (!ms_program_serving(&program->base, stats.address)) {
        ms_program_end(&program->base, EX_CANTCREAT);
    }
}

static enum ms_error start(struct ms_node *node)
{
    struct program *program = program_of(node);
    struct ms_complaint complaint;
    enum ms_error error = create_witness(program, &complaint);

    if (error == MS_E_OK && !program->settings.witness_only && !create_parts(program, &complaint)) {
        error = MS_E_INTERNAL;
    }
    if (error != MS_E_OK) {
        ms_log(program->base.log, MS_LEVEL_ERROR, "cannot start",
               MS_LOG_TEXT("error", complaint.text));
        program->base.has_explained = true;
        node->ops->stop(node);
        return error;
    }
    if (program->settings.witness_only) {
        return ms_program_serving(&program->base, program->addresses) ? MS_E_OK : MS_E_IO;
    }
    ms_main_load_start(&program->load, program->base.loop, program->driver);
    ev_prepare_init(&program->readiness, readiness_cb);
    program->readiness.data = program;
    ev_prepare_start(program->base.loop, &program->readiness);
    return MS_E_OK;
}

static void stop(struct ms_node *node)
{
    struct program *program = program_of(node);

    ev_prepare_stop(program->base.loop, &program->readiness);
    ms_main_load_stop(&program->load);
    ms_main_witness_stop(&program->witness);
    if (program->executor != NULL && !program->executor->ops->destroy(program->executor)) {
        /* A handler that does not listen holds a thread that nobody can end but the process. */
        ms_log(program->base.log, MS_LEVEL_WARN, "a handler did not stop");
        ms_log_destroy(program->base.log);
        _exit(program->base.exit_code);
    }
    ms_plugins_stop(program->plugins);
    ms_driver_destroy(program->driver);
    ms_slave_destroy(program->slave);
    free(program->host_argv);
    program->host_argv = NULL;
    program->executor = NULL;
    program->driver = NULL;
    program->slave = NULL;
}

static void finish(struct ms_node *node)
{
    struct program *program = program_of(node);

    ms_plugins_destroy(program->plugins);
    program->plugins = NULL;
}

static const struct ms_node_ops node_ops = {
    .name = "slave",
    .start = start,
    .stop = stop,
    .finish = finish,
};

static void on_stop(void *context, bool is_now)
{
    const struct program *program = context;

    (void)is_now; /* the engine counts */
    ms_driver_post(program->driver != NULL ? program->driver : program->witness.driver,
                   &(struct ms_event){.type = MS_EVENT_STOP});
}

static void on_reload(void *context)
{
    struct program *program = context;
    struct slave_options settings;
    struct ms_options options;
    struct ms_complaint complaint;

    if (!ms_cli_reload(&slave_cli, program->argv, &settings, &options, &complaint)) {
        ms_log(program->base.log, MS_LEVEL_ERROR, "configuration not reloaded",
               MS_LOG_TEXT("error", complaint.text));
        return;
    }
    set_level(program, (enum ms_level)settings.program.log_level);
    ms_options_finish(&options);
    ms_log(program->base.log, MS_LEVEL_INFO, "configuration reloaded");
}

/* The default loop reaps every child it hears of. Those of handlers and of the executor are theirs,
 * and neither may the parent's habit of ignoring its children reach them. */
static void leave_children_alone(void)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};

    sigaction(SIGCHLD, &by_default, NULL);
}

static int run(struct program *program)
{
    if (!ms_program_init(&program->base, slave_cli.program, &program->settings.program)) {
        return EX_OSERR;
    }
    leave_children_alone();
    ms_node_prepare(&program->node, &node_ops);
    program->base.node = &program->node;
    program->base.context = program;
    program->base.on_stop = on_stop;
    program->base.on_reload = on_reload;
    program->base.on_dump = log_state;
    const int exit_code = ms_program_run(&program->base);

    ms_program_finish(&program->base);
    return exit_code;
}

int main(int argc, char **argv)
{
    if (!ms_standard_hold()) {
        return EX_OSERR;
    }
    if (slave_host_is_meant(argc, argv)) {
        return slave_host_main(argc, argv);
    }
    static struct program program;
    struct ms_complaint complaint;
    const struct ms_cli_result parsed =
        ms_cli_parse(&slave_cli, argc, argv, &program.settings, &program.options);
    int exit_code;

    if (parsed.is_done) {
        return parsed.exit_code;
    }
    program.argv = argv;
    const char *masters =
        parsed.argument_at < argc ? argv[parsed.argument_at] : program.settings.master;

    if (!check_settings(&program, masters, &complaint)) {
        exit_code = ms_cli_usage_error(&slave_cli, complaint.text);
    } else if (!program.settings.witness_only && !load_handlers(&program, &complaint)) {
        exit_code = complain(complaint.text, EX_CONFIG);
    } else {
        exit_code = run(&program);
    }
    ms_plugins_destroy(program.plugins);
    ms_options_finish(&program.options);
    return exit_code;
}
