#include "client/cmd_submit.h"

#include "client/cli_time.h"
#include "core/command.h"
#include "core/verdict.h"

static const char *const unique_modes[] = {"default", "join", "reject", "replace", NULL};
static const char *const durabilities[] = {"default", "mem", "local", "sync", "strict", NULL};

static const char *const musts[] = {"all", "any", "quorum", NULL};

_Static_assert(MS_MUST_ALL == 0 && MS_MUST_ANY == 1 && MS_MUST_QUORUM == 2,
               "the words stand in the order of their numbers");
_Static_assert(MS_CLIENT_DURABILITY_STRICT == 4 && MS_CLIENT_UNIQUE_REPLACE == 3,
               "the words stand in the order of their numbers");

static const struct ms_option table[] = {
    {.name = "payload",
     .short_name = 'p',
     .kind = MS_OPTION_STRING,
     .argument = "TEXT",
     .group = "Command",
     .help = "the payload itself",
     .offset = offsetof(struct ms_submit_settings, payload)},
    {.name = "in",
     .short_name = 'i',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "read the payload from FILE, of any size; - is standard input",
     .offset = offsetof(struct ms_submit_settings, in)},
    {.name = "attempts",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_ATTEMPTS_MAX,
     .default_text = "1",
     .help = "try so many times; 1 = no retry",
     .offset = offsetof(struct ms_submit_settings, attempts)},
    {.name = "once",
     .kind = MS_OPTION_BOOL,
     .help = "never start it twice: when its slave is lost, it is lost",
     .offset = offsetof(struct ms_submit_settings, is_once)},
    {.name = "timeout",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .help = "end an attempt that takes longer; 0 = never",
     .offset = offsetof(struct ms_submit_settings, timeout)},
    {.name = "durability",
     .kind = MS_OPTION_ENUM,
     .choices = durabilities,
     .default_text = "default",
     .help = "what its acceptance means: mem, a master's memory; local, its disk; sync, the disks "
             "of all "
             "masters in sync; strict, two disks or refused; default, as the master is configured",
     .offset = offsetof(struct ms_submit_settings, durability)},
    {.name = "id",
     .kind = MS_OPTION_STRING,
     .argument = "TEXT",
     .help =
         "a name of your own, or CLIENT:SEQ: what was submitted under it before is not done again",
     .offset = offsetof(struct ms_submit_settings, id)},
    {.name = "background",
     .kind = MS_OPTION_BOOL,
     .help = "nobody will ever ask for the outcome; so it is without --wait and --out. "
             "One that is buried is kept all the same",
     .offset = offsetof(struct ms_submit_settings, is_background)},
    {.name = "delay",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .group = "When",
     .help = "do not begin before so much time has passed",
     .offset = offsetof(struct ms_submit_settings, delay)},
    {.name = "at",
     .kind = MS_OPTION_STRING,
     .argument = "TIME",
     .help = "do not begin before TIME: 18:30, 2026-11-20T18:30, 2026-11-20T17:30:00Z, @SECONDS or "
             "+90m",
     .offset = offsetof(struct ms_submit_settings, at)},
    {.name = "deadline",
     .kind = MS_OPTION_STRING,
     .argument = "TIME",
     .help = "do not begin after TIME, or so long from now (90m); then it is expired",
     .offset = offsetof(struct ms_submit_settings, deadline)},
    {.name = "priority",
     .kind = MS_OPTION_STRING,
     .argument = "NUMBER",
     .help = "-10 to 10; higher ones are started first, 0 is usual",
     .offset = offsetof(struct ms_submit_settings, priority)},
    {.name = "unique",
     .kind = MS_OPTION_STRING,
     .min = 1,
     .max = MS_UNIQUE_KEY_MAX,
     .argument = "KEY",
     .group = "Together",
     .help = "at most one live command of this type has KEY",
     .offset = offsetof(struct ms_submit_settings, unique)},
    {.name = "unique-mode",
     .kind = MS_OPTION_ENUM,
     .choices = unique_modes,
     .default_text = "default",
     .help = "when there is one: join its outcome, which is the default, reject this one, or "
             "replace (cancel) that one",
     .offset = offsetof(struct ms_submit_settings, unique_mode)},
    {.name = "group",
     .kind = MS_OPTION_STRING,
     .argument = "GROUP",
     .help = "one of a group, to be waited for with the others (muster wait --group)",
     .offset = offsetof(struct ms_submit_settings, group)},
    {.name = "key",
     .kind = MS_OPTION_STRING,
     .min = 1,
     .max = MS_KEY_MAX,
     .argument = "KEY",
     .help =
         "what it belongs to: a user, an account, a file. It may be shared, and an --array has one",
     .offset = offsetof(struct ms_submit_settings, key)},
    {.name = "array",
     .kind = MS_OPTION_U64,
     .max = MS_ARRAY_MAX,
     .default_text = "0",
     .help =
         "so many commands with the same payload, told apart by their place (MUSTER_ARRAY_INDEX)",
     .offset = offsetof(struct ms_submit_settings, array_count)},
    {.name = "concurrency",
     .kind = MS_OPTION_U64,
     .max = MS_ARRAY_MAX,
     .default_text = "0",
     .help = "of an array, or of --on, at most so many at a time; 0 = all",
     .offset = offsetof(struct ms_submit_settings, array_concurrency)},
    {.name = "on",
     .kind = MS_OPTION_STRING,
     .argument = "COUNT",
     .group = "On many slaves",
     .help = "all: run it once on each slave that fits; a number: on so many of them",
     .offset = offsetof(struct ms_submit_settings, on)},
    {.name = "where",
     .kind = MS_OPTION_STRING,
     .min = 1,
     .max = MS_WHERE_MAX,
     .argument = "FILTER",
     .help = "those are meant that fit, like 'group=web label=gpu'; as in muster slaves --where",
     .offset = offsetof(struct ms_submit_settings, where)},
    {.name = "must",
     .kind = MS_OPTION_ENUM,
     .choices = musts,
     .default_text = "all",
     .help =
         "with --wait, it is well when so many of them are: all, any of them, or a quorum, more "
         "than half",
     .offset = offsetof(struct ms_submit_settings, must)},
    {.name = "wait",
     .short_name = 'w',
     .kind = MS_OPTION_BOOL,
     .group = "Outcome",
     .help = "wait for the outcome and print the result",
     .offset = offsetof(struct ms_submit_settings, is_waiting)},
    {.name = "out",
     .short_name = 'o',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "write the result to FILE, if the command went well; implies --wait",
     .offset = offsetof(struct ms_submit_settings, out)},
    {.name = "keep",
     .kind = MS_OPTION_BOOL,
     .help = "the master keeps the outcome for muster result, as long as it is configured to",
     .offset = offsetof(struct ms_submit_settings, is_kept)},
    {.name = "progress",
     .kind = MS_OPTION_BOOL,
     .help = "print what the handler says of its progress",
     .offset = offsetof(struct ms_submit_settings, has_progress)},
    MS_CLI_COMMON_OPTIONS(struct ms_submit_settings, common),
};

const struct ms_cli ms_submit_cli = {
    .program = "muster submit",
    .arguments = "TYPE",
    .summary =
        "Submits one command. Without --wait it prints the command's id once it is accepted.",
    .epilogue =
        "TYPE is the name of a handler, or a number.\n\n"
        "Exit codes with --wait: 0 ok, 1 failed, 2 cancelled, 124 timed out, 130 interrupted\n"
        "(Ctrl-C cancels the command); with --on 0 or 1, as --must says. Otherwise 0, or those of\n"
        "sysexits.h. With --on and --wait a line for each slave: its name, the status, the "
        "result.\n\n"
        "Examples:\n"
        "  muster submit echo --payload hello --wait\n"
        "  muster submit checksum --in FILE --wait\n"
        "  muster submit report --id report-2026-11-20 --at 18:30 --deadline 20:00\n"
        "  muster submit reload --on all --where group=web --wait\n"
        "  muster submit thumb --array 100 --concurrency 8 --group photos --background\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static bool check_pairs(const struct ms_submit_settings *settings, struct ms_complaint *complaint)
{
    if (settings->payload != NULL && settings->in != NULL) {
        return ms_complain(complaint, "--payload and --in exclude each other");
    }
    if (settings->is_background && (settings->is_waiting || settings->out != NULL)) {
        return ms_complain(complaint, "a --background command has no outcome to wait for");
    }
    if (settings->at != NULL && settings->delay != 0) {
        return ms_complain(complaint, "--at and --delay exclude each other");
    }
    if (settings->is_once && settings->attempts > 1) {
        return ms_complain(complaint, "what is started once has one attempt");
    }
    if (settings->array_count == 0 && settings->on == NULL && settings->array_concurrency > 0) {
        return ms_complain(complaint, "--concurrency is for an --array, or --on");
    }
    if (settings->array_count > 0 && settings->out != NULL) {
        return ms_complain(complaint, "--out is for one result, and an --array has many");
    }
    if (settings->array_count > 0 && settings->unique != NULL) {
        return ms_complain(complaint, "the members of an --array cannot be --unique");
    }
    if (settings->unique == NULL && settings->unique_mode != 0) {
        return ms_complain(complaint, "--unique-mode is for a --unique KEY");
    }
    if (settings->group != NULL && !ms_text_is_name(settings->group, strlen(settings->group))) {
        return ms_complain(complaint, "--group: up to %d letters, digits, '.', '_', '-'",
                           MS_NAME_MAX);
    }
    if (settings->id != NULL && settings->id[0] == '\0') {
        return ms_complain(complaint, "--id: an empty name");
    }
    return true;
}

/* Who a broadcast is for, and how many numbers it takes. */
static bool read_on(const struct ms_submit_settings *settings,
                    struct ms_client_submission *submission, struct ms_complaint *complaint)
{
    uint64_t count;

    if (settings->on == NULL) {
        return settings->where == NULL || ms_complain(complaint, "--where is for --on");
    }
    if (settings->out != NULL || settings->unique != NULL) {
        return ms_complain(complaint, "--on excludes --out and --unique: it has many results");
    }
    submission->where = settings->where;
    if (strcmp(settings->on, "all") == 0) {
        submission->on = MS_CLIENT_ON_ALL;
        submission->array_count = MS_TARGETS_MAX;
        return settings->array_count == 0 ||
               ms_complain(complaint, "--on and --array exclude each other");
    }
    if (!ms_text_to_u64(settings->on, strlen(settings->on), &count) || count == 0 ||
        count > MS_TARGETS_MAX) {
        return ms_complain(complaint, "--on %s: all, or 1 to %u slaves", settings->on,
                           MS_TARGETS_MAX);
    }
    submission->on = (uint32_t)count;
    submission->array_count = (uint32_t)count;
    return settings->array_count == 0 ||
           ms_complain(complaint, "--on and --array exclude each other");
}

static bool read_times(const struct ms_submit_settings *settings, int64_t now_us,
                       struct ms_client_submission *submission, struct ms_complaint *complaint)
{
    ms_time duration;

    if (settings->at != NULL &&
        !ms_cli_parse_time(settings->at, now_us, &submission->run_at_us, complaint)) {
        return false;
    }
    if (settings->deadline == NULL) {
        return true;
    }
    if (ms_parse_duration(settings->deadline, &duration, NULL) &&
        duration <= MS_DURATION_MAX - now_us) {
        submission->deadline_us = now_us + duration;
    } else if (!ms_cli_parse_time(settings->deadline, now_us, &submission->deadline_us,
                                  complaint)) {
        return false;
    }
    if (submission->deadline_us == 0) {
        submission->deadline_us = 1; /* 1970 has passed, too; 0 would be none */
    }
    if (submission->deadline_us < submission->run_at_us) {
        return ms_complain(complaint, "its --deadline is before the time it may begin --at");
    }
    return true;
}

/* Who leaves without an outcome says so at once: else the master would forget what it buries when he is gone, and
 * after a restart wait for him. */
static bool is_background(const struct ms_submit_settings *settings)
{
    return settings->is_background || (!settings->is_waiting && settings->out == NULL);
}

bool ms_submit_read(const struct ms_submit_settings *settings, int64_t now_us,
                    struct ms_client_submission *submission_out, struct ms_complaint *complaint)
{
    struct ms_client_submission submission = {
        .size = sizeof submission,
        .attempts = (uint32_t)settings->attempts,
        .flags = (is_background(settings) ? MS_CLIENT_BACKGROUND : 0) |
                 (settings->is_once ? MS_CLIENT_ONCE : 0) |
                 (settings->is_kept ? MS_CLIENT_KEEP : 0),
        .timeout_ms = (uint64_t)((settings->timeout + MS_MSEC - 1) / MS_MSEC),
        .delay_ms = (uint64_t)((settings->delay + MS_MSEC - 1) / MS_MSEC),
        .durability = (int)settings->durability,
        .unique = settings->unique,
        .unique_mode = (int)settings->unique_mode,
        .group = settings->group,
        .key = settings->key,
        .key_size = settings->key != NULL ? strlen(settings->key) : 0,
        .array_count = (uint32_t)settings->array_count,
        .array_concurrency = (uint32_t)settings->array_concurrency,
    };

    if (!check_pairs(settings, complaint) || !read_on(settings, &submission, complaint) ||
        !read_times(settings, now_us, &submission, complaint)) {
        return false;
    }
    if (settings->priority != NULL &&
        !ms_cli_parse_priority(settings->priority, &submission.priority, complaint)) {
        return false;
    }
    *submission_out = submission;
    return true;
}

void ms_submit_id(const struct ms_submit_settings *settings, char client_out[MS_CLI_ID_SIZE],
                  uint64_t *seq_out)
{
    if (!ms_cli_parse_id(settings->id, client_out, seq_out)) {
        ms_cli_client_of_text(client_out, settings->id);
        *seq_out = 1;
    }
}
