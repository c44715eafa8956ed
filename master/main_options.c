#include "master/main_options.h"

#include "core/limits.h"
#include "core/uri.h"

#define FIELD(member) .offset = offsetof(struct ms_master_settings, member)

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
    {.name = "client-ttl",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "3653d",
     .is_reloadable = true,
     .key = "client-ttl",
     .help = "remember this long which commands a client that is gone has had, so that a repeated "
             "submission creates nothing",
     FIELD(client_ttl)},
    {.name = "busy-poll",
     .kind = MS_OPTION_DURATION,
     .max = MS_SEC,
     .default_text = "0",
     .key = "busy-poll",
     .help = "spin this long for input before sleeping: lower latency for a busy processor",
     FIELD(busy_poll)},
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
    MS_PROGRAM_OPTIONS(struct ms_master_settings, program),
};

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
    return true;
}

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
    .arguments_max = 1,
    .check = check,
};

struct ms_master_config ms_master_settings_config(const struct ms_master_settings *settings)
{
    return (struct ms_master_config){
        .payload_max = (uint32_t)settings->payload_max,
        .crashes_max = (uint32_t)settings->crashes_max,
        .tick = settings->tick,
        .drain_timeout = settings->drain_timeout,
        .client_keep = settings->client_keep,
        .outcome_keep = settings->outcome_keep,
        .client_ttl = settings->client_ttl,
        .is_durable = settings->data != NULL,
        .limits = {.sessions_max = (uint32_t)settings->sessions_max,
                   .commands_max = (uint32_t)settings->commands_max,
                   .bytes_max = settings->memory_max,
                   .store_reserve = settings->store_reserve},
    };
}
