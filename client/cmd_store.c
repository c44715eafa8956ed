/* check, export and import: a master's data directory while no master has it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "client/cli_record.h"
#include "core/io/clock.h"
#include "core/io/store.h"
#include "core/io/store_half.h"

#define EXPORT_NAME    "muster"
#define EXPORT_VERSION 1

struct settings {
    bool is_json;
};

static const struct ms_option check_table[] = {
    {.name = "json",
     .kind = MS_OPTION_BOOL,
     .group = "Output",
     .help = "print JSON",
     .offset = offsetof(struct settings, is_json)},
};

static const struct ms_cli check_cli = {
    .program = "muster check",
    .arguments = "DIR",
    .summary =
        "Verifies the data directory of a master that does not run: checksums, format, and that "
        "its records make sense together; of one half of a pair, that they fit its pair.meta. "
        "Changes nothing.",
    .epilogue =
        "Exit codes: 0 it is sound, 65 it is damaged (the record is named), 77 a master has it.\n",
    .table = check_table,
    .count = sizeof check_table / sizeof check_table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static const struct ms_cli export_cli = {
    .program = "muster export",
    .arguments = "DIR",
    .summary = "Prints the records of a data directory as JSON, one on a line. Changes nothing.",
    .epilogue = "Example: muster export DIR > backup.jsonl\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static const struct ms_cli import_cli = {
    .program = "muster import",
    .arguments = "DIR",
    .summary =
        "Makes a data directory of what muster export printed, read from standard input. DIR is "
        "made, or has to be without records. Until all has come it is not opened by anybody.",
    .epilogue = "Example: muster import NEW < backup.jsonl\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static int exit_code_of(enum ms_error error)
{
    switch (error) {
    case MS_E_OK:
        return EX_OK;
    case MS_E_PERMISSION:
        return EX_NOPERM;
    case MS_E_STORE_CORRUPT:
    case MS_E_VERSION:
    case MS_E_MALFORMED:
        return EX_DATAERR;
    case MS_E_NO_MEMORY:
        return EX_OSERR;
    default:
        return EX_IOERR;
    }
}

static struct ms_store *open_store(const struct ms_cli *cli, const char *directory,
                                   bool is_read_only, int *exit_out)
{
    enum ms_error error = MS_E_OK;
    struct ms_complaint complaint = {""};
    struct ms_store *store =
        ms_store_open(&(struct ms_store_options){.size = sizeof(struct ms_store_options),
                                                 .directory = directory,
                                                 .is_read_only = is_read_only},
                      &error, &complaint);

    if (store == NULL) {
        ms_cli_say(cli, "%s", complaint.text);
        *exit_out = exit_code_of(error);
    }
    return store;
}

/* One walk over a directory: each record is understood, and then looked at or printed. */
struct walking {
    struct ms_cli_audit audit;
    struct ms_complaint complaint;
    bool is_printing;
    enum ms_error error;
};

static bool print_record(struct walking *walking, ms_seq seq, const struct ms_record *record)
{
    json_t *object = ms_cli_record_to_json(seq, record);

    if (object == NULL) {
        walking->error = MS_E_NO_MEMORY;
        return ms_complain(&walking->complaint, "out of memory");
    }
    const bool is_printed = json_dumpf(object, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;

    json_decref(object);
    if (!is_printed) {
        walking->error = MS_E_IO;
        return ms_complain(&walking->complaint, "cannot write to standard output: %s",
                           strerror(errno));
    }
    return true;
}

static bool walk_entry(void *context, ms_seq seq, struct ms_bytes bytes)
{
    struct walking *walking = context;
    struct ms_entry entry;
    struct ms_record_room room;
    struct ms_record record;

    walking->error = MS_E_STORE_CORRUPT;
    if (!ms_record_next(&bytes, &entry) || bytes.size > 0 || entry.seq != seq) {
        return ms_complain(&walking->complaint, "record %" PRIu64 " is damaged", seq);
    }
    const enum ms_error error = ms_record_read(&entry, &room, &record);

    if (error != MS_E_OK) {
        return ms_complain(&walking->complaint, "record %" PRIu64 " (%s): %s", seq,
                           ms_record_kind_name((enum ms_record_kind)entry.kind),
                           error == MS_E_VERSION ? "it is of a newer version of muster"
                                                 : "its body is malformed");
    }
    if (!walking->is_printing &&
        !ms_cli_audit_add(&walking->audit, seq, &record, &walking->complaint)) {
        return false;
    }
    walking->error = MS_E_OK;
    return !walking->is_printing || print_record(walking, seq, &record);
}

/* Returns the exit code; what is wrong was explained. */
static int walk(const struct ms_cli *cli, struct ms_store *store, struct walking *walking)
{
    const enum ms_error error = ms_store_replay(store, walk_entry, walking, &walking->complaint);

    if (walking->error == MS_E_OK && error == MS_E_OK) {
        return EX_OK;
    }
    ms_cli_say(cli, "%s", walking->complaint.text);
    return exit_code_of(walking->error != MS_E_OK ? walking->error : error);
}

/* ---- check ---- */

static void print_json(const struct ms_cli_audit *audit, const struct ms_store_stats *stats)
{
    json_t *kinds = json_object();
    json_t *settled = json_object();

    for (int kind = MS_RECORD_EPOCH; kind < MS_RECORD_KINDS; kind++) {
        json_object_set_new(kinds, ms_record_kind_name((enum ms_record_kind)kind),
                            json_integer((json_int_t)audit->kinds[kind]));
    }
    for (int status = 0; status < MS_STATUS_COUNT; status++) {
        json_object_set_new(settled, ms_status_name((enum ms_status)status),
                            json_integer((json_int_t)audit->settled[status]));
    }
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o}", "epoch", (json_int_t)audit->epoch, "commands_open",
        (json_int_t)audit->open, "payload_bytes", (json_int_t)audit->bytes, "file_bytes",
        (json_int_t)stats->file_bytes, "records", kinds, "outcomes", settled);

    json_dumpf(object, stdout, JSON_COMPACT); /* errors are found when it is flushed */
    json_decref(object);
    putchar('\n');
}

static void print_counts(const struct ms_cli_audit *audit, const struct ms_store_stats *stats)
{
    printf("sound: epoch %" PRIu64 ", %" PRIu64 " bytes of payload in %" PRIu64 " bytes of files\n",
           audit->epoch, audit->bytes, stats->file_bytes);
    for (int kind = MS_RECORD_EPOCH; kind < MS_RECORD_KINDS; kind++) {
        if (audit->kinds[kind] > 0) {
            printf("%-12s %" PRIu64 "\n", ms_record_kind_name((enum ms_record_kind)kind),
                   audit->kinds[kind]);
        }
    }
    printf("%-12s %" PRIu64 "\n", "open", audit->open);
    for (int status = 0; status < MS_STATUS_COUNT; status++) {
        if (audit->settled[status] > 0) {
            printf("%-12s %" PRIu64 "\n", ms_status_name((enum ms_status)status),
                   audit->settled[status]);
        }
    }
}

static bool has_records(const struct ms_cli_audit *audit)
{
    for (int kind = MS_RECORD_EPOCH; kind < MS_RECORD_KINDS; kind++) {
        if (audit->kinds[kind] > 0) {
            return true;
        }
    }
    return false;
}

/* Of a half of a pair: whether the store is the one that its record speaks of. */
static int check_half(const char *directory, const struct ms_cli_audit *audit)
{
    struct ms_council_record record;
    struct ms_complaint complaint;
    enum ms_error error = ms_store_half_look(directory, &record, &complaint);

    if (error == MS_E_NOT_FOUND) {
        return EX_OK;
    }
    if (error == MS_E_OK &&
        !ms_store_half_fits(directory, &record, has_records(audit), audit->epoch, &complaint)) {
        error = MS_E_STORE_CORRUPT;
    }
    if (error != MS_E_OK) {
        ms_cli_say(&check_cli, "%s", complaint.text);
    }
    return exit_code_of(error);
}

static int check(const struct settings *settings, const char *directory)
{
    struct walking walking = {.is_printing = false};
    struct ms_store_stats stats;
    int code = EX_OK;
    struct ms_store *store = open_store(&check_cli, directory, true, &code);

    if (store == NULL) {
        return code;
    }
    ms_cli_audit_init(&walking.audit, ms_entropy_seed());
    code = walk(&check_cli, store, &walking);
    if (code == EX_OK) {
        code = check_half(directory, &walking.audit);
    }
    ms_store_stats(store, &stats);
    if (code == EX_OK && settings->is_json) {
        print_json(&walking.audit, &stats);
    } else if (code == EX_OK) {
        print_counts(&walking.audit, &stats);
    }
    ms_cli_audit_finish(&walking.audit);
    ms_store_close(store);
    return code;
}

/* ---- export ---- */

static int export(const char *directory)
{
    struct walking walking = {.is_printing = true};
    int code = EX_OK;
    struct ms_store *store = open_store(&export_cli, directory, true, &code);

    if (store == NULL) {
        return code;
    }
    printf("{\"export\":\"" EXPORT_NAME "\",\"version\":%d}\n", EXPORT_VERSION);
    code = walk(&export_cli, store, &walking);
    if (code == EX_OK) {
        puts("{\"end\":true}");
    }
    ms_store_close(store);
    return code;
}

/* ---- import ---- */

struct importing {
    const char *directory;
    struct ms_store *store; /* NULL = nothing has come that could be kept */
    int code;               /* of what went wrong when it was to be opened */
    struct ms_cli_audit audit;
    struct ms_complaint complaint;
    bool has_begun, has_ended;
    uint64_t line;
};

static bool write_record(struct importing *importing, ms_seq seq, const struct ms_record *record)
{
    uint8_t *entry = malloc(ms_record_size_max(record));

    if (entry == NULL) {
        return ms_complain(&importing->complaint, "out of memory");
    }
    const size_t size = (size_t)(ms_record_write(entry, seq, record) - entry);

    ms_store_write(importing->store, seq, (struct ms_bytes){entry, size});
    free(entry);
    const char *failure = ms_store_failure(importing->store);

    return failure == NULL || ms_complain(&importing->complaint, "%s", failure);
}

static bool refuse_entry(void *context, ms_seq seq, struct ms_bytes bytes)
{
    (void)seq, (void)bytes;
    *(bool *)context = true;
    return false;
}

/* A directory with records is somebody's. */
static bool is_fresh(struct ms_store *store, struct ms_complaint *complaint)
{
    bool has_records = false;
    const enum ms_error error = ms_store_replay(store, refuse_entry, &has_records, complaint);

    if (has_records) {
        return ms_complain(complaint, "it holds records; import into a new directory");
    }
    return error == MS_E_OK;
}

/* Not before there is something to import, so that nothing is left behind of it. */
static bool open_new(struct importing *importing)
{
    importing->store = open_store(&import_cli, importing->directory, false, &importing->code);
    if (importing->store != NULL && !is_fresh(importing->store, &importing->complaint)) {
        ms_cli_say(&import_cli, "%s: %s", importing->directory, importing->complaint.text);
        importing->code = EX_CANTCREAT;
    }
    if (importing->code == EX_OK && !ms_store_mark(importing->directory, true)) {
        ms_cli_say(&import_cli, "%s: %s", importing->directory, strerror(errno));
        importing->code = EX_IOERR;
    }
    return importing->code == EX_OK;
}

static bool import_header(struct importing *importing, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "export"));
    const json_t *version = json_object_get(object, "version");

    if (name == NULL || strcmp(name, EXPORT_NAME) != 0) {
        return ms_complain(&importing->complaint, "this is not what muster export prints");
    }
    importing->has_begun = true;
    if (json_integer_value(version) != EXPORT_VERSION) {
        return ms_complain(&importing->complaint, "it was exported by a newer version of muster");
    }
    return open_new(importing);
}

static bool import_object(struct importing *importing, const json_t *object)
{
    struct ms_record_room room;
    struct ms_record record;
    ms_seq seq = 0;

    if (!importing->has_begun) {
        return import_header(importing, object);
    }
    if (importing->has_ended) {
        return ms_complain(&importing->complaint, "there is more behind its end");
    }
    if (json_is_true(json_object_get(object, "end"))) {
        importing->has_ended = true;
        return true;
    }
    return ms_cli_record_from_json(object, &seq, &record, &room, &importing->complaint) &&
           ms_cli_audit_add(&importing->audit, seq, &record, &importing->complaint) &&
           write_record(importing, seq, &record);
}

static bool import_lines(struct importing *importing)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    bool is_well = true;

    while (is_well && (length = getline(&line, &capacity, stdin)) >= 0) {
        json_t *object = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, NULL);

        importing->line++;
        is_well = object != NULL ? import_object(importing, object)
                                 : ms_complain(&importing->complaint, "not a JSON object");
        json_decref(object);
    }
    free(line);
    if (is_well && ferror(stdin)) {
        return ms_complain(&importing->complaint, "cannot read: %s", strerror(errno));
    }
    if (is_well && !importing->has_ended) {
        return ms_complain(&importing->complaint, "it ends in the middle: a piece was cut off");
    }
    return is_well;
}

static void say_where(const struct importing *importing)
{
    if (importing->line == 0) {
        ms_cli_say(&import_cli, "standard input is empty: give it what muster export printed");
    } else {
        ms_cli_say(&import_cli, "line %" PRIu64 ": %s", importing->line, importing->complaint.text);
    }
}

static int import(const char *directory)
{
    struct importing importing = {.directory = directory, .code = EX_OK};
    int code = EX_OK;

    ms_cli_audit_init(&importing.audit, ms_entropy_seed());
    if (!import_lines(&importing)) {
        code = importing.code;
        if (code == EX_OK) {
            say_where(&importing);
            code = importing.store != NULL && ms_store_failure(importing.store) != NULL
                       ? EX_IOERR
                       : EX_DATAERR;
        }
    }
    ms_cli_audit_finish(&importing.audit);
    if (importing.store != NULL && !ms_store_close(importing.store) && code == EX_OK) {
        ms_cli_say(&import_cli, "%s: not all of it could be written", directory);
        code = EX_IOERR;
    }
    if (code == EX_OK && !ms_store_mark(directory, false)) {
        ms_cli_say(&import_cli, "%s: %s", directory, strerror(errno));
        code = EX_IOERR;
    }
    return code;
}

/* ---- the three commands ---- */

static int run(const struct ms_cli *cli, int (*act)(const char *directory), int argc, char **argv)
{
    struct settings settings = {.is_json = false};
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const char *directory = argv[result.argument_at];
    const int code = act != NULL ? act(directory) : check(&settings, directory);

    ms_options_finish(&options);
    return ms_cli_finish_output(cli, code);
}

static int run_check(int argc, char **argv)
{
    return run(&check_cli, NULL, argc, argv);
}

static int run_export(int argc, char **argv)
{
    return run(&export_cli, export, argc, argv);
}

static int run_import(int argc, char **argv)
{
    return run(&import_cli, import, argc, argv);
}

const struct ms_cli_command ms_cmd_check = {"check", "verify a data directory", &check_cli,
                                            run_check};
const struct ms_cli_command ms_cmd_export = {"export", "print a data directory as JSON",
                                             &export_cli, run_export};
const struct ms_cli_command ms_cmd_import = {"import", "make a data directory of an export",
                                             &import_cli, run_import};
