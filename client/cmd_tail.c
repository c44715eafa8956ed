/* tail and result: the output of a command of anybody's, while it runs and afterwards. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_bytes.h"
#include "client/cli_commands.h"
#include "client/cli_out.h"
#include "client/cli_outcome.h"
#include "client/cli_table.h"

struct settings {
    struct ms_cli_common common;
    const char *out;
    bool is_following;
};

static const struct ms_option tail_table[] = {
    {.name = "follow",
     .short_name = 'f',
     .kind = MS_OPTION_BOOL,
     .group = "Output",
     .help = "go on until the command has ended, and exit as it did",
     .offset = offsetof(struct settings, is_following)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_option result_table[] = {
    {.name = "out",
     .short_name = 'o',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .group = "Outcome",
     .help = "write the result to FILE, if the command went well",
     .offset = offsetof(struct settings, out)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli tail_cli = {
    .program = "muster tail",
    .arguments = "CLIENT:SEQ",
    .summary = "Prints the output of a command as far as it has come, its standard error to ours.",
    .epilogue =
        "Without --follow it prints what the master has: small writes of a command that nobody\n"
        "watches stay with its slave until somebody does.\n"
        "Exit codes with --follow are those of muster submit --wait; 69: it is not known.\n",
    .table = tail_table,
    .count = sizeof tail_table / sizeof tail_table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static const struct ms_cli result_cli = {
    .program = "muster result",
    .arguments = "CLIENT:SEQ",
    .summary =
        "Prints the result of a command that was submitted with --keep, whoever submitted it.",
    .epilogue =
        "Exit codes are those of muster submit --wait; 69: it is not known, or not kept; 75: it "
        "has no outcome yet.\n",
    .table = result_table,
    .count = sizeof result_table / sizeof result_table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

struct asking {
    struct ms_cli_question question; /* first, so that the callbacks find the rest */
    const struct ms_cli *cli;
    const struct settings *settings;
    const char *id;
    struct ms_cli_bytes output;
    uint32_t attempt; /* of the output */
    uint64_t missed;  /* bytes of it, as far as that was said */
    struct ms_cli_out out;
    int code;
};

static struct asking *asking_of(struct ms_cli_question *question)
{
    return (struct asking *)(void *)question;
}

/* As it comes: standard output may be a pipe that somebody watches. */
static void tail_output(struct ms_cli_question *question, const struct ms_client_output *output)
{
    struct asking *asking = asking_of(question);

    if (asking->attempt != 0 && output->attempt != asking->attempt) {
        ms_cli_say(asking->cli, "attempt %" PRIu32, output->attempt);
    }
    asking->attempt = output->attempt;
    if (output->stream == MS_CLIENT_DATA) {
        fwrite(output->data, 1, output->data_size, stdout);
        fflush(stdout);
    } else if (output->stream == MS_CLIENT_STDERR || output->stream == MS_CLIENT_LOG) {
        fwrite(output->data, 1, output->data_size, stderr);
        fputs(output->stream == MS_CLIENT_LOG ? "\n" : "", stderr);
    } else if (output->stream == MS_CLIENT_PROGRESS) {
        ms_cli_say(asking->cli, "progress %.*s", (int)output->data_size,
                   (const char *)output->data);
    }
}

/* The master does not keep everything for those who read slower than the command writes. */
static void say_missed(struct asking *asking, const struct ms_client_report *report)
{
    for (uint32_t i = 0; report->rows > 0 && i < report->columns; i++) {
        const struct ms_client_cell *cell = &report->cells[i];

        if (strcmp(cell->name, "missed_bytes") == 0 && cell->number > asking->missed) {
            ms_cli_say(asking->cli, "%" PRIu64 " bytes were gone before they could be read here",
                       cell->number - asking->missed);
            asking->missed = cell->number;
        }
    }
}

/* The row at the end; without --follow there may be no status in it, for the command still runs. */
static void tail_report(struct ms_cli_question *question, const struct ms_client_report *report)
{
    struct asking *asking = asking_of(question);
    struct ms_client_result result;

    say_missed(asking, report);
    if (!asking->settings->is_following || !ms_cli_outcome_of_report(report, &result)) {
        return;
    }
    asking->code = ms_cli_outcome_exit_code(result.status);
    ms_cli_outcome_say(asking->cli, &result);
}

static void result_output(struct ms_cli_question *question, const struct ms_client_output *output)
{
    struct asking *asking = asking_of(question);

    if (output->attempt != asking->attempt) {
        asking->output.size = 0;
        asking->attempt = output->attempt;
    }
    if (output->stream == MS_CLIENT_STDERR && !asking->settings->common.is_json) {
        fwrite(output->data, 1, output->data_size, stderr);
    }
    if (output->stream == MS_CLIENT_DATA &&
        !ms_cli_bytes_add(&asking->output, output->data, output->data_size)) {
        question->error = MS_CLIENT_NO_MEMORY;
        question->is_done = true;
    }
}

static void result_report(struct ms_cli_question *question, const struct ms_client_report *report)
{
    struct asking *asking = asking_of(question);
    const struct settings *settings = asking->settings;
    struct ms_client_result result;

    if (!ms_cli_outcome_of_report(report, &result)) {
        if (report->rows > 0) {
            ms_cli_say(asking->cli, "it has no outcome yet; muster why %s says what it waits for",
                       asking->id);
            asking->code = EX_TEMPFAIL;
        }
        return;
    }
    asking->code = ms_cli_outcome_exit_code(result.status);
    const char *out = asking->code == EX_OK ? settings->out : NULL;

    if ((settings->out == NULL ? !settings->common.is_json : asking->code == EX_OK) &&
        !ms_cli_outcome_write(asking->cli, &asking->output, asking->out.fd, out)) {
        asking->code = EX_IOERR;
    }
    if (settings->common.is_json) {
        ms_cli_outcome_print_json(asking->id, &result, &asking->output, out);
    }
    ms_cli_outcome_say(asking->cli, &result);
}

static int ask(struct asking *asking, const struct settings *settings, const struct ms_cli_id *id)
{
    struct ms_client_query *query = &asking->question.query;

    asking->settings = settings;
    asking->id = id->text;
    asking->question.called = id->text;
    query->client_id = id->client;
    query->seq = id->seq;
    query->is_following = settings->is_following;
    if (!ms_cli_out_open(asking->cli, settings->out, &asking->out)) {
        return EX_CANTCREAT;
    }
    const int code = ms_cli_put_question(asking->cli, &settings->common, &asking->question);

    ms_cli_bytes_free(&asking->output);
    return ms_cli_out_close(asking->cli, &asking->out, code != EX_OK ? code : asking->code);
}

static int ask_tail(void *settings, const struct ms_cli_id *id)
{
    struct asking asking = {
        .question = {.query.what = MS_CLIENT_ASK_TAIL,
                     .on_output = tail_output,
                     .on_report = tail_report},
        .cli = &tail_cli,
    };

    return ask(&asking, settings, id);
}

static int ask_result(void *settings, const struct ms_cli_id *id)
{
    struct asking asking = {
        .question = {.query.what = MS_CLIENT_ASK_RESULT,
                     .on_output = result_output,
                     .on_report = result_report},
        .cli = &result_cli,
    };

    return ask(&asking, settings, id);
}

static int run_tail(int argc, char **argv)
{
    struct settings settings = {.out = NULL};

    return ms_cli_run_on_id(&tail_cli, argc, argv, &settings, ask_tail);
}

static int run_result(int argc, char **argv)
{
    struct settings settings = {.is_following = false};

    return ms_cli_run_on_id(&result_cli, argc, argv, &settings, ask_result);
}

const struct ms_cli_command ms_cmd_tail = {"tail", "the output of a command, as it comes",
                                           &tail_cli, run_tail};
const struct ms_cli_command ms_cmd_result = {"result", "the result of a command that was kept",
                                             &result_cli, run_result};
