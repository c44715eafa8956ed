#include "master/main_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/io/service_files.h"
#include "core/uri.h"
#include "master/main_local.h"
#include "master/main_providers.h"
#include "master/routes.h"

#define FIELD(member) .offset = offsetof(struct ms_master_settings, member)

static const char *const roles[] = {"primary", "backup", NULL};
/* In the order of enum ms_failover. */
static const char *const failovers[] = {"quorum", "evidence", "manual", NULL};
static const char *const profiles[] = {"lan", "wan", "fast", NULL};
static const char *const quorum_losses[] = {"hold", "degrade", NULL};
static const char *const failbacks[] = {"manual", "auto", NULL};

static const struct ms_option table[] = {
    {.name = "listen",
     .short_name = 'l',
     .kind = MS_OPTION_LIST,
     .argument = "HOST:PORT",
     .min = 1,
     .max = MS_ADDRESSES_MAX,
     .default_text = "127.0.0.1:7400",
     .env = "MUSTER_LISTEN",
     .key = "listen",
     .group = "Master",
     .help = "serve at HOST:PORT, [V6]:PORT or unix:/PATH; port 0 picks a free one",
     FIELD(listen)},
    {.name = "name",
     .short_name = 'n',
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .env = "MUSTER_NAME",
     .key = "name",
     .help = "what this master is called; the host's name when left out",
     FIELD(name)},
    {.name = "data",
     .short_name = 'd',
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .max = 1023,
     .env = "MUSTER_DATA",
     .key = "data",
     .help =
         "keep commands in DIR, so that nothing acknowledged is lost; without it they are kept in "
         "memory only",
     FIELD(data)},
    {.name = "tick",
     .kind = MS_OPTION_DURATION,
     .min = 10 * MS_MSEC,
     .max = 3600 * MS_SEC,
     .default_text = "1s",
     .key = "tick",
     .help = "one step of a silent session; after more than three of them it is dead",
     FIELD(tick)},
    {.name = "services",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .key = "services",
     .help = "load the services that are described there, each in a file NAME.service",
     FIELD(services)},
    {.name = "drain-timeout",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "60s",
     .is_reloadable = true,
     .key = "drain-timeout",
     .help = "wait this long for the last commands after the first SIGTERM",
     FIELD(drain_timeout)},
    {.name = "client-keep",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "10m",
     .is_reloadable = true,
     .key = "client-keep",
     .help = "keep outcomes this long for a client that fell silent and may come back",
     FIELD(client_keep)},
    {.name = "outcome-keep",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "7d",
     .is_reloadable = true,
     .key = "outcome-keep",
     .help = "the same for a client with durable commands",
     FIELD(outcome_keep)},
    {.name = "keep-age",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "7d",
     .is_reloadable = true,
     .key = "keep-age",
     .help = "keep outcomes of commands submitted with --keep, and of buried background ones, this "
             "long after their end",
     FIELD(keep_age)},
    {.name = "client-ttl",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "3653d",
     .is_reloadable = true,
     .key = "client-ttl",
     .help = "remember this long which commands a client that is gone has had, so that a repeated "
             "submission creates nothing",
     FIELD(client_ttl)},
    {.name = "epoch-above",
     .kind = MS_OPTION_U64,
     .argument = "EPOCH",
     .max = (uint64_t)1 << 62,
     .default_text = "0",
     .key = "epoch-above",
     .help =
         "begin above that epoch: of a single master whose log says that slaves or clients have "
         "heard of it, when no other master serves them any more; once",
     FIELD(epoch_above)},
    {.name = "busy-poll",
     .kind = MS_OPTION_DURATION,
     .max = MS_SEC,
     .default_text = "0",
     .key = "busy-poll",
     .help = "spin this long for input before sleeping: lower latency for a busy processor",
     FIELD(busy_poll)},
    {.name = "commit-poll",
     .kind = MS_OPTION_DURATION,
     .max = MS_SEC,
     .default_text = "1ms",
     .key = "commit-poll",
     .help =
         "do not sleep while a few commands wait for the disk, for so long at most and not when "
         "the last commit took longer: sooner acknowledgements for processor time that nobody "
         "else wants; 0 = sleep",
     FIELD(commit_poll)},
    {.name = "payload-max",
     .kind = MS_OPTION_SIZE,
     .min = 1,
     .max = MS_PAYLOAD_MAX_CEILING,
     .default_text = "1MiB",
     .key = "payload-max",
     .group = "Limits",
     .help = "largest payload of a command or result in one piece",
     FIELD(payload_max)},
    {.name = "commands-max",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_COMMANDS_MAX_DEFAULT,
     .default_text = "20000000",
     .is_reloadable = true,
     .key = "commands-max",
     .help = "commands kept at a time; beyond, clients are told to try again later",
     FIELD(commands_max)},
    {.name = "memory-max",
     .kind = MS_OPTION_SIZE,
     .min = 1u << 20,
     .default_text = "4GiB",
     .is_reloadable = true,
     .key = "memory-max",
     .help = "payloads, results and output kept at a time; beyond, as above",
     FIELD(memory_max)},
    {.name = "keep-count",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_COMMANDS_MAX_DEFAULT,
     .default_text = "10000",
     .is_reloadable = true,
     .key = "keep-count",
     .help = "outcomes kept to be asked for; beyond, the one that ended first is forgotten",
     FIELD(keep_count)},
    {.name = "keep-bytes",
     .kind = MS_OPTION_SIZE,
     .min = 1u << 10,
     .default_text = "64MiB",
     .is_reloadable = true,
     .key = "keep-bytes",
     .help = "memory for them, beside --memory-max; beyond, as above",
     FIELD(keep_bytes)},
    {.name = "store-max",
     .kind = MS_OPTION_SIZE,
     .default_text = "0",
     .key = "store-max",
     .help = "size of the data directory at most; 0: as large as the disk",
     FIELD(store_max)},
    {.name = "store-reserve",
     .kind = MS_OPTION_SIZE,
     .min = 1u << 20,
     .default_text = "64MiB",
     .key = "store-reserve",
     .help = "held ready in the data directory for results and cancellations when the disk is full",
     FIELD(store_reserve)},
    {.name = "connections-max",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_PEERS_MAX,
     .default_text = "1048576",
     .key = "connections-max",
     .help = "connections at a time, as far as the system has descriptors",
     FIELD(connections_max)},
    {.name = "sessions-max",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_PEERS_MAX,
     .default_text = "200000",
     .key = "sessions-max",
     .help = "slaves and clients at a time",
     FIELD(sessions_max)},
    {.name = "crashes-max",
     .kind = MS_OPTION_U64,
     .max = 1000,
     .default_text = "3",
     .is_reloadable = true,
     .key = "crashes-max",
     .help = "slaves or handlers a command may take down before it is given up",
     FIELD(crashes_max)},
    {.name = "local-handler",
     .kind = MS_OPTION_LIST,
     .argument = "FILE.so[:ARGS]|DIR",
     .max = MS_LOCAL_HANDLERS_MAX,
     .key = "local-handler",
     .group = "Handlers on this machine",
     .help = "run it here, too: a muster-slave beside this program is started with it, and kept "
             "running, under the master's name with -local, with label local; DIR is at most one",
     FIELD(local_handler)},
    {.name = "local-slots",
     .kind = MS_OPTION_U64,
     .max = MS_SLOTS_MAX,
     .default_text = "0",
     .key = "local-slots",
     .help = "how many commands it runs at a time; 0 = one for each processor",
     FIELD(local_slots)},
    {.name = "peer",
     .kind = MS_OPTION_STRING,
     .argument = "HOST:PORT[,HOST:PORT]",
     .max = (MS_ADDRESS_MAX + 1) * MS_ADDRESSES_MAX,
     .env = "MUSTER_PEER",
     .key = "peer",
     .group = "Pair",
     .help = "where the other master of a pair is; needs --data",
     FIELD(peer)},
    {.name = "role",
     .kind = MS_OPTION_ENUM,
     .choices = roles,
     .default_text = "primary",
     .key = "role",
     .help = "which of both this one is: one is primary, the other backup, whoever is active",
     FIELD(role)},
    {.name = "peer-listen",
     .kind = MS_OPTION_LIST,
     .argument = "HOST:PORT",
     .max = MS_ADDRESSES_MAX,
     .key = "peer-listen",
     .help = "take the other master and orders that change something there alone, and "
             "nobody else but witnesses",
     FIELD(peer_listen)},
    {.name = "bootstrap",
     .kind = MS_OPTION_BOOL,
     .key = "bootstrap",
     .help = "make a new pair, if neither the other master nor a witness knows of one; once, on "
             "one of both",
     FIELD(is_bootstrap)},
    {.name = "leave-pair",
     .kind = MS_OPTION_BOOL,
     .key = "leave-pair",
     .help =
         "without --peer: make the directory of the half of a pair that has everything a single "
         "master's; both are stopped, and the other half is not started any more",
     FIELD(is_leaving)},
    {.name = "failover",
     .kind = MS_OPTION_ENUM,
     .choices = failovers,
     .default_text = "quorum",
     .key = "failover",
     .help = "take over when a majority of the witnesses votes for it; also without, when a slave "
             "or client comes that has lost the other master too; or only when an operator says so",
     FIELD(failover)},
    {.name = "pair-profile",
     .kind = MS_OPTION_ENUM,
     .choices = profiles,
     .default_text = "lan",
     .key = "pair-profile",
     .help =
         "how long the other master and witnesses are waited for: a silent one is given up after "
         "1 s, after 5 s where the two are far apart, or after 0.4 s",
     FIELD(pair_profile)},
    {.name = "on-quorum-loss",
     .kind = MS_OPTION_ENUM,
     .choices = quorum_losses,
     .default_text = "hold",
     .key = "on-quorum-loss",
     .help = "what the active master does when it is left alone and too few witnesses vote: pause, "
             "or go on without votes; then the other one may be active too, and work be done twice",
     FIELD(on_quorum_loss)},
    {.name = "failback",
     .kind = MS_OPTION_ENUM,
     .choices = failbacks,
     .default_text = "manual",
     .key = "failback",
     .help = "whether the primary becomes active again by itself",
     FIELD(failback)},
    {.name = "failback-delay",
     .kind = MS_OPTION_DURATION,
     .default_text = "5m",
     .key = "failback-delay",
     .help = "after being in sync for so long",
     FIELD(failback_delay)},
    {.name = "keep-divergent",
     .kind = MS_OPTION_DURATION,
     .default_text = "30d",
     .key = "keep-divergent",
     .help = "keep a store that was set aside and is merged (divergent-EPOCH.db in --data) for so "
             "long",
     FIELD(keep_divergent)},
    {.name = "witness",
     .kind = MS_OPTION_STRING,
     .argument = "auto|none|ID,ID,ID",
     .default_text = "auto",
     .max = 256,
     .key = "witness",
     .help = "slaves that vote about who is active: enrolled as they come, none, or these",
     FIELD(witness)},
    {.name = "notify",
     .kind = MS_OPTION_STRING,
     .argument = "SCRIPT",
     .max = 1023,
     .key = "notify",
     .help = "run SCRIPT STATE EPOCH ALARM after each change of one of both; an active master is "
             "PAIR, SOLO, "
             "HOLD or DRAIN",
     FIELD(notify)},
    MS_PROGRAM_OPTIONS(struct ms_master_settings, program),
};

/* Each address of a comma list. */
static bool check_addresses(const char *text, struct ms_complaint *complaint)
{
    char address[MS_ADDRESS_MAX + 1];
    struct ms_address parsed;
    uint32_t count = 0;

    for (const char *from = text; from != NULL; count++) {
        const char *comma = strchr(from, ',');
        const size_t length = comma != NULL ? (size_t)(comma - from) : strlen(from);

        if (length == 0 || length > MS_ADDRESS_MAX || count == MS_ADDRESSES_MAX) {
            return ms_complain(complaint,
                               "peer '%s': up to %u addresses HOST:PORT, separated by commas", text,
                               MS_ADDRESSES_MAX);
        }
        memcpy(address, from, length);
        address[length] = '\0';
        if (!ms_address_parse(address, MS_ADDRESS_CONNECT, &parsed, complaint)) {
            return false;
        }
        from = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_id(struct ms_uuid *id_out, const char *text, size_t length)
{
    if (length != 2 * sizeof id_out->bytes) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const int digit = hex_digit(text[i]);

        if (digit < 0) {
            return false;
        }
        id_out->bytes[i / 2] = (uint8_t)(id_out->bytes[i / 2] << 4 | digit);
    }
    return !ms_uuid_is_zero(id_out);
}

static bool is_named(const struct ms_witnesses *list, const struct ms_uuid *id)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (ms_uuid_equal(&list->ids[i], id)) {
            return true;
        }
    }
    return false;
}

bool ms_master_settings_witnesses(const struct ms_master_settings *settings,
                                  struct ms_witnesses *list_out, bool *is_auto_out,
                                  struct ms_complaint *complaint)
{
    const char *text = settings->witness;

    *list_out = (struct ms_witnesses){0};
    *is_auto_out = strcmp(text, "auto") == 0;
    if (*is_auto_out || strcmp(text, "none") == 0) {
        return true;
    }
    while (text != NULL) {
        const char *comma = strchr(text, ',');
        const size_t length = comma != NULL ? (size_t)(comma - text) : strlen(text);
        struct ms_uuid id;

        if (list_out->count == MS_WITNESSES_MAX || !read_id(&id, text, length)) {
            return ms_complain(
                complaint,
                "witness '%s': auto, none, or up to %u ids of 32 hex digits, separated by commas",
                settings->witness, MS_WITNESSES_MAX);
        }
        if (is_named(list_out, &id)) { /* no frame or record may have it so, and it has one vote */
            return ms_complain(complaint, "witness '%s': %.*s is named twice", settings->witness,
                               (int)length, text);
        }
        list_out->ids[list_out->count++] = id;
        text = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

static bool check_pair(const struct ms_master_settings *settings, struct ms_complaint *complaint)
{
    struct ms_witnesses witnesses;
    struct ms_address address;
    bool is_auto;

    if (settings->peer == NULL && settings->is_leaving && settings->data == NULL) {
        return ms_complain(complaint, "leave-pair: say which directory with data");
    }
    if (settings->peer == NULL) {
        return ms_master_settings_are_single(settings, complaint);
    }
    if (settings->is_leaving || settings->epoch_above > 0) {
        return ms_complain(complaint, "%s is of a single master: peer says that this one is not",
                           settings->is_leaving ? "leave-pair" : "epoch-above");
    }
    if (settings->data == NULL) {
        return ms_complain(complaint, "peer '%s': a pair needs a directory, say which with data",
                           settings->peer);
    }
    for (size_t i = 0; i < settings->peer_listen.count; i++) {
        if (!ms_address_parse(settings->peer_listen.items[i], MS_ADDRESS_LISTEN, &address,
                              complaint)) {
            return false;
        }
    }
    if (settings->notify != NULL && access(settings->notify, X_OK) != 0) {
        return ms_complain(complaint, "notify '%s': no file that can be run", settings->notify);
    }
    return check_addresses(settings->peer, complaint) &&
           ms_master_settings_fall_back(settings, complaint) &&
           ms_master_settings_witnesses(settings, &witnesses, &is_auto, complaint);
}

/* All of it is tried, so that --check says what a start would. */
static bool check_services(const char *directory, struct ms_complaint *complaint)
{
    struct ms_service_files *files = calloc(1, sizeof *files);
    const bool is_fine = files != NULL && ms_service_files_load(files, directory, complaint);

    if (files != NULL) {
        ms_service_files_finish(files);
    }
    free(files);
    return is_fine;
}

static bool check(const void *target, struct ms_complaint *complaint)
{
    const struct ms_master_settings *settings = target;
    struct ms_address address;

    for (size_t i = 0; i < settings->listen.count; i++) {
        if (!ms_address_parse(settings->listen.items[i], MS_ADDRESS_LISTEN, &address, complaint)) {
            return false;
        }
    }
    if (settings->name != NULL && !ms_text_is_name(settings->name, strlen(settings->name))) {
        return ms_complain(complaint, "name '%s': letters, digits and . _ - : are allowed",
                           settings->name);
    }
    if (settings->services != NULL && !check_services(settings->services, complaint)) {
        return false;
    }
    return check_pair(settings, complaint);
}

static const struct ms_section_kind *const sections[] = {&ms_route_section,
                                                         &master_provider_section, NULL};

const struct ms_cli ms_master_cli = {
    .program = "muster-master",
    .arguments = "[URL]",
    .summary = "Takes commands from clients and hands them to slaves.\n"
               "With --data what it acknowledged survives a crash; without, it is kept in memory.",
    .epilogue =
        "URL: HOST:PORT, ms://HOST:PORT or COMPANY:master:HOST:PORT//SERVICE/PARAMETERS says\n"
        "where to serve, in place of --listen.\n"
        "\n"
        "SIGTERM drains (no new commands, waits for those that are here), a second one ends\n"
        "at once; SIGHUP reads the configuration again; SIGUSR2 logs the state.",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .config_option = "config",
    .sections = sections,
    .arguments_max = 1,
    .check = check,
};

struct ms_council_times ms_master_settings_times(const struct ms_master_settings *settings)
{
    /* In the order of profiles. */
    static const struct ms_council_times times[] = {
        {.beat = MS_PEER_BEAT_DEFAULT,
         .lease = MS_PEER_LEASE_DEFAULT,
         .silent = MS_PEER_SILENT_DEFAULT,
         .vote = MS_VOTE_TIMEOUT},
        {.beat = 1 * MS_SEC, .lease = 4 * MS_SEC, .silent = 5 * MS_SEC, .vote = 1500 * MS_MSEC},
        {.beat = 100 * MS_MSEC,
         .lease = 300 * MS_MSEC,
         .silent = 400 * MS_MSEC,
         .vote = 150 * MS_MSEC},
    };
    struct ms_council_times chosen = times[settings->pair_profile];

    chosen.failback_delay = settings->failback_delay;
    return chosen;
}

struct ms_master_config ms_master_settings_config(const struct ms_master_settings *settings)
{
    return (struct ms_master_config){
        .payload_max = (uint32_t)settings->payload_max,
        .crashes_max = (uint32_t)settings->crashes_max,
        .tick = settings->tick,
        .drain_timeout = settings->drain_timeout,
        .client_keep = settings->client_keep,
        .outcome_keep = settings->outcome_keep,
        .keep_age = settings->keep_age,
        .client_ttl = settings->client_ttl,
        .is_durable = settings->data != NULL,
        .limits = {.sessions_max = (uint32_t)settings->sessions_max,
                   .commands_max = (uint32_t)settings->commands_max,
                   .bytes_max = settings->memory_max,
                   .store_reserve = settings->store_reserve,
                   .keep_count = (uint32_t)settings->keep_count,
                   .keep_bytes = settings->keep_bytes,
                   .connections_max = (uint32_t)settings->connections_max,
                   .store_max = settings->store_max},
    };
}

static bool is_everywhere(const struct ms_address *address)
{
    return address->kind == MS_ADDRESS_TCP &&
           (strcmp(address->host, "*") == 0 || strcmp(address->host, "::") == 0 ||
            strcmp(address->host, "0.0.0.0") == 0);
}

static void add_address(struct ms_text *list, const struct ms_address *address)
{
    char text[MS_ADDRESS_MAX + 1];
    struct ms_text one;

    ms_text_init(&one, text, sizeof text);
    ms_address_print(address, &one);
    if (!ms_text_is_cut(&one) && list->length + 1 + one.length < list->size) {
        ms_text_add(list, "%s%s", list->length > 0 ? "," : "", text);
    }
}

void ms_master_add_reached(struct ms_text *list, const struct ms_master_listener *listener,
                           const char *name)
{
    struct ms_address given, bound;
    struct ms_complaint complaint;

    if (!ms_address_parse(listener->given, MS_ADDRESS_LISTEN, &given, &complaint) ||
        !ms_address_parse(listener->bound, MS_ADDRESS_LISTEN, &bound, &complaint)) {
        return;
    }
    if (is_everywhere(&given)) {
        ms_text_copy(bound.host, sizeof bound.host, name, strlen(name));
    } else if (given.port != 0 && strcmp(given.host, bound.host) != 0) {
        add_address(list, &given);
    }
    add_address(list, &bound);
}
