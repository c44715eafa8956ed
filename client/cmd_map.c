#include "client/cmd_map.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli_commands.h"

#define FIELD(member) .offset = offsetof(struct ms_mapper_settings, member)

static const char *const progress_names[] = {
    [MS_PROGRESS_NONE] = "none",
    [MS_PROGRESS_AUTO] = "auto",
    [MS_PROGRESS_PLAIN] = "plain",
    [MS_PROGRESS_MODES] = NULL,
};

static const struct ms_option table[] = {
    {.name = "jobs",
     .short_name = 'j',
     .kind = MS_OPTION_U64,
     .max = MS_MAPPER_JOBS_MAX,
     .default_text = "0",
     .group = "Commands",
     .help = "keep so many under way; 0 is twice the slots of all slaves",
     FIELD(jobs)},
    {.name = "retries",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_ATTEMPTS_MAX,
     .default_text = "1",
     .help = "run a command so many times at most until it succeeds",
     FIELD(retries)},
    {.name = "timeout",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .help = "end a command, with all it started, that runs longer; 0 is never",
     FIELD(timeout)},
    {.name = "halt",
     .kind = MS_OPTION_STRING,
     .argument = "WHEN,WHAT=N",
     .default_text = "never",
     .help = "after N times fail, success or done: start no more (soon), or cancel all (now)",
     FIELD(halt)},
    {.name = "workdir",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .help = "run commands in DIR; empty is the slave's own (default: the directory of this call)",
     FIELD(workdir)},
    {.name = "quote",
     .short_name = 'q',
     .kind = MS_OPTION_BOOL,
     .help = "take the words of COMMAND as they are; never use a shell",
     FIELD(quote)},
    {.name = "shell",
     .kind = MS_OPTION_BOOL,
     .help = "always use a shell, also where COMMAND needs none",
     FIELD(shell)},
    {.name = "dry-run",
     .short_name = 'n',
     .kind = MS_OPTION_BOOL,
     .help = "print the commands, run nothing",
     FIELD(dry_run)},
    {.name = "null",
     .short_name = '0',
     .kind = MS_OPTION_BOOL,
     .group = "Arguments",
     .help = "arguments end with a NUL byte, not with a newline",
     FIELD(null)},
    {.name = "arg-file",
     .short_name = 'a',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "read arguments from FILE in place of standard input",
     FIELD(arg_file)},
    {.name = "joblog",
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .group = "Records",
     .help = "write a line about each finished command to FILE",
     FIELD(joblog)},
    {.name = "resume",
     .kind = MS_OPTION_BOOL,
     .help = "pass over what the joblog says has been run",
     FIELD(resume)},
    {.name = "resume-failed",
     .kind = MS_OPTION_BOOL,
     .help = "pass over what the joblog says has succeeded",
     FIELD(resume_failed)},
    {.name = "results",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .help = "keep output as DIR/NUMBER/stdout, stderr, exitval and command",
     FIELD(results)},
    MS_CLI_COMMON_OPTIONS(struct ms_mapper_settings, common),
    {.name = "keep-order",
     .short_name = 'k',
     .kind = MS_OPTION_BOOL,
     .help = "print output in the order of the arguments",
     FIELD(keep_order)},
    {.name = "tag",
     .kind = MS_OPTION_BOOL,
     .help = "begin each line of output with the argument and a tab",
     FIELD(tag)},
    {.name = "bar",
     .kind = MS_OPTION_BOOL,
     .help = "show a bar if standard error is a terminal, nothing if it is not",
     FIELD(bar)},
    {.name = "progress",
     .kind = MS_OPTION_ENUM,
     .choices = progress_names,
     .default_text = "none",
     .help = "a bar on a terminal and lines elsewhere (auto), always lines (plain)",
     FIELD(progress)},
};

bool ms_halt_parse(const char *text, struct ms_halt *halt_out, struct ms_complaint *complaint)
{
    static const char *const whens[] = {"never", "soon", "now"};
    static const char *const whys[] = {"fail", "success", "done"};
    struct ms_halt halt = {.when = MS_HALT_NEVER};
    const char *comma = strchr(text, ',');
    const char *equals = comma != NULL ? strchr(comma, '=') : NULL;
    const size_t when_size = comma != NULL ? (size_t)(comma - text) : strlen(text);
    bool is_known = false;

    if (strcmp(text, "never") == 0) {
        *halt_out = halt;
        return true;
    }
    for (size_t i = 1; i < 3; i++) {
        if (strlen(whens[i]) == when_size && memcmp(text, whens[i], when_size) == 0) {
            halt.when = i == 1 ? MS_HALT_SOON : MS_HALT_NOW;
        }
        const size_t why_size = equals != NULL ? (size_t)(equals - comma) - 1 : 0;

        for (size_t j = 0; j < 3 && equals != NULL; j++) {
            if (strlen(whys[j]) == why_size && memcmp(comma + 1, whys[j], why_size) == 0) {
                halt.why = j == 0 ? MS_HALT_FAIL : j == 1 ? MS_HALT_SUCCESS : MS_HALT_DONE;
                is_known = true;
            }
        }
    }
    if (halt.when == MS_HALT_NEVER || !is_known ||
        !ms_text_to_u64(equals + 1, strlen(equals + 1), &halt.count) || halt.count == 0) {
        return ms_complain(complaint,
                           "--halt '%s': it is never, or soon or now, a comma, and fail=N, "
                           "success=N or done=N with N from 1",
                           text);
    }
    *halt_out = halt;
    return true;
}

static bool check(const void *target, struct ms_complaint *complaint)
{
    const struct ms_mapper_settings *settings = target;
    struct ms_halt halt;

    if ((settings->resume || settings->resume_failed) && settings->joblog == NULL) {
        return ms_complain(complaint, "--resume and --resume-failed need --joblog FILE");
    }
    if (settings->quote && settings->shell) {
        return ms_complain(complaint, "--quote and --shell exclude each other");
    }
    if (settings->tag && settings->common.is_json) {
        return ms_complain(complaint, "--tag and --json exclude each other");
    }
    return ms_halt_parse(settings->halt, &halt, complaint);
}

static const struct ms_cli cli = {
    .program = "muster map",
    .arguments = "[--] [COMMAND...] [::: ARGUMENT...]",
    .summary = "Runs COMMAND once for each argument, on the slaves of a master. Arguments stand "
               "behind :::,\nor are read line by line from standard input.",
    .epilogue =
        "In COMMAND {} is the argument, {.} without extension, {/} without directories, {//} its\n"
        "directory, {/.} without both, {#} its number. Without any of them {} is appended.\n"
        "Without a COMMAND each argument is one. What a shell would read ($, |, >, ...) is given\n"
        "to a shell, with the argument quoted; everything else is run directly.\n\n"
        "The first Ctrl-C starts no more commands and waits, the second cancels those that run.\n\n"
        "Exit codes: 0 all well, 1 to 100 so many failed, 101 more failed, 130 interrupted,\n"
        "255 it could not do its work.\n\n"
        "Examples:\n"
        "  muster map gzip -9 ::: *.log\n"
        "  find . -name '*.png' -print0 | muster map -0 --bar convert {} {.}.jpg\n"
        "  muster map -k --retries 3 --joblog log 'curl -s {} | wc -c' < urls\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_max = -1,
    .check = check,
    .is_ordered = true,
};

/* Splits argv at the first ":::". False, explained, when there is another. */
static bool find_list(char **argv, int *words_out, struct ms_source *source)
{
    int count = 0;

    while (argv[count] != NULL && strcmp(argv[count], ":::") != 0) {
        count++;
    }
    *words_out = count;
    if (argv[count] == NULL) {
        return true;
    }
    source->list = argv + count + 1;
    while (source->list[source->list_count] != NULL) {
        if (strcmp(source->list[source->list_count], ":::") == 0) {
            ms_cli_usage_error(&cli, "there can be only one list of arguments (:::)");
            return false;
        }
        source->list_count++;
    }
    return true;
}

static bool make_directory(const char *path)
{
    struct stat status;

    if (mkdir(path, 0777) == 0) {
        return true;
    }
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return true;
    }
    ms_cli_say(&cli, "%s: %s", path, strerror(errno));
    return false;
}

static int map_with(struct ms_mapper *mapper, char **argv)
{
    const struct ms_mapper_settings *settings = mapper->settings;
    const enum ms_template_mode mode = settings->quote   ? MS_TEMPLATE_WORDS
                                       : settings->shell ? MS_TEMPLATE_SHELL
                                                         : MS_TEMPLATE_AUTO;
    struct ms_complaint complaint;
    const char *path = settings->arg_file != NULL ? settings->arg_file : "-";
    int words;

    mapper->source.fd = -1;
    if (!find_list(argv, &words, &mapper->source)) {
        return MS_MAPPER_EXIT_ERROR;
    }
    if (mapper->source.list != NULL && settings->arg_file != NULL) {
        ms_cli_usage_error(&cli, "arguments come from ::: or from --arg-file, not from both");
        return MS_MAPPER_EXIT_ERROR;
    }
    mapper->template = ms_template_create(argv, (size_t)words, mode, &complaint);
    if (mapper->template == NULL) {
        ms_cli_usage_error(&cli, complaint.text);
        return MS_MAPPER_EXIT_ERROR;
    }
    mapper->source.lines.delimiter = settings->null ? '\0' : '\n';
    if (!ms_source_open(&mapper->source, &cli, mapper->source.list != NULL ? NULL : path,
                        mapper->has_bar || mapper->has_plain) ||
        (settings->results != NULL && !settings->dry_run && !make_directory(settings->results)) ||
        !ms_mapper_open_joblog(mapper)) {
        return MS_MAPPER_EXIT_ERROR;
    }
    return settings->dry_run ? ms_mapper_dry_run(mapper) : ms_mapper_run(mapper);
}

static int close_joblog(const struct ms_mapper *mapper, int code)
{
    if (mapper->joblog != NULL && fclose(mapper->joblog) != 0) {
        ms_cli_say(&cli, "%s: %s", mapper->settings->joblog, strerror(errno));
        return MS_MAPPER_EXIT_ERROR;
    }
    return code;
}

static int run(int argc, char **argv)
{
    static struct ms_mapper mapper;
    struct ms_mapper_settings settings;
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code == EX_OK ? EX_OK : MS_MAPPER_EXIT_ERROR;
    }
    const bool is_terminal = isatty(STDERR_FILENO) == 1;

    mapper.cli = &cli;
    mapper.settings = &settings;
    mapper.has_bar = is_terminal && (settings.bar || settings.progress == MS_PROGRESS_AUTO);
    mapper.has_plain = settings.progress == MS_PROGRESS_PLAIN ||
                       (settings.progress == MS_PROGRESS_AUTO && !is_terminal);
    mapper.is_terminal = isatty(STDOUT_FILENO) == 1;
    ms_halt_parse(settings.halt, &mapper.halt, &complaint);
    const int code = close_joblog(&mapper, map_with(&mapper, argv + result.argument_at));

    ms_source_close(&mapper.source);
    ms_template_destroy(mapper.template);
    ms_expansion_free(&mapper.expansion);
    ms_cli_bytes_free(&mapper.request);
    ms_cli_bytes_free(&mapper.text);
    ms_options_finish(&options);
    if (code == MS_MAPPER_EXIT_ERROR) {
        return code; /* explained already */
    }
    return ms_cli_finish_output(&cli, EX_OK) == EX_OK ? code : MS_MAPPER_EXIT_ERROR;
}

const struct ms_cli_command ms_cmd_map = {
    .name = "map",
    .summary = "run a command for each of many arguments",
    .cli = &cli,
    .run = run,
};
