/* muster call: one call of a service, and its reply. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli_bytes.h"
#include "client/cli_commands.h"
#include "client/cli_out.h"
#include "client/ms_call.h"
#include "core/limits.h"
#include "core/uri.h"

struct settings {
    struct ms_cli_common common;
    const char *payload;
    const char *in;
    const char *out;
    ms_time wait;
    ms_time timeout;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "payload",
     .short_name = 'p',
     .kind = MS_OPTION_STRING,
     .argument = "TEXT",
     .group = "Call",
     .help = "what the service gets with it",
     .offset = offsetof(struct settings, payload)},
    {.name = "in",
     .short_name = 'i',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "the same, of a file; - is standard input",
     .offset = offsetof(struct settings, in)},
    {.name = "out",
     .short_name = 'o',
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .help = "write the reply there",
     .offset = offsetof(struct settings, out)},
    {.name = "wait",
     .kind = MS_OPTION_DURATION,
     .default_text = "0s",
     .help =
         "the service may answer so much later, if there is nothing to tell yet; a minute at most",
     .offset = offsetof(struct settings, wait)},
    {.name = "timeout",
     .kind = MS_OPTION_DURATION,
     .default_text = "0s",
     .help = "give up after this long; 0s = never. What it changes may be changed all the same",
     .offset = offsetof(struct settings, timeout)},
};

static const struct ms_cli cli = {
    .program = "muster call",
    .arguments = "URL",
    .summary = "Calls a service of the master, and prints the reply. It is sent again when the "
               "master changes, and carried out once.",
    .epilogue =
        "URL: SERVICE/PARAMETERS, ms://HOST:PORT/SERVICE/PARAMETERS, or\n"
        "COMPANY:master:HOST:PORT//SERVICE/PARAMETERS, or several of the last two, separated by\n"
        "commas, which differ in where they are.\n\nExamples:\n"
        "  muster call kv/put?key=colour --payload blue\n"
        "  muster call ms://127.0.0.1:7400/kv/get?key=colour\n"
        "  muster call 'chat/read?room=hall&since=0' --wait 30s\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

/* What one call is for, and where. */
struct target {
    char what[MS_URI_TEXT_MAX];
    char masters[MS_ADDRESSES_MAX * (MS_ADDRESS_MAX + 1)];
};

static bool is_url(const char *text)
{
    return strncmp(text, "ms://", 5) == 0 || strstr(text, ":master:") != NULL ||
           strstr(text, ":standby:") != NULL;
}

static bool read_target(const char *text, struct target *target, struct ms_complaint *complaint)
{
    struct ms_uri_list list;
    struct ms_text out;

    *target = (struct target){.what = ""};
    ms_text_init(&out, target->what, sizeof target->what);
    if (!is_url(text)) {
        ms_text_add(&out, "%s", text);
    } else if (!ms_uri_list_parse(text, MS_ADDRESS_CONNECT, &list, complaint)) {
        return false;
    } else {
        const struct ms_uri *first = &list.items[0];

        if (first->service[0] == '\0') {
            return ms_complain(complaint, "%s names no service", text);
        }
        ms_text_add(&out, "%s%s%s%s%s", first->company, first->company[0] != '\0' ? "//" : "",
                    first->service, first->parameters[0] != '\0' ? "/" : "", first->parameters);
        ms_text_init(&out, target->masters, sizeof target->masters);
        ms_uri_list_print_addresses(&list, &out);
    }
    if (strlen(target->what) > MS_DETAIL_MAX || target->what[0] == '\0') {
        return ms_complain(complaint, "SERVICE/PARAMETERS has 1 to %d bytes", MS_DETAIL_MAX);
    }
    return true;
}

struct answer {
    struct ms_cli_bytes bytes;
    char detail[MS_DETAIL_MAX + 1];
    int error;
    bool is_here, is_short_of_memory;
};

static void on_reply(struct ms_client *client, const struct ms_client_reply *reply, void *context)
{
    struct answer *answer = context;

    answer->is_here = true;
    answer->error = reply->error;
    snprintf(answer->detail, sizeof answer->detail, "%s", reply->detail);
    answer->is_short_of_memory =
        reply->payload_size > 0 &&
        !ms_cli_bytes_add(&answer->bytes, reply->payload, reply->payload_size);
    ms_client_break(client);
}

static bool read_payload(const struct settings *settings, struct ms_cli_bytes *payload)
{
    const bool is_stdin = settings->in != NULL && strcmp(settings->in, "-") == 0;
    bool is_read;
    int fd;

    if (settings->in == NULL) {
        return settings->payload == NULL || settings->payload[0] == '\0' ||
               ms_cli_bytes_add(payload, settings->payload, strlen(settings->payload));
    }
    fd = is_stdin ? STDIN_FILENO : open(settings->in, O_RDONLY | O_CLOEXEC);
    is_read = fd >= 0 && ms_cli_bytes_read(payload, fd, MS_SERVICE_RECORD_MAX);
    if (!is_read) {
        ms_cli_say(&cli, "cannot read %s: %s", settings->in, strerror(errno));
    }
    if (fd >= 0 && !is_stdin) {
        close(fd);
    }
    return is_read;
}

static int print(const struct settings *settings, const struct answer *answer)
{
    struct ms_cli_out out = {.path = settings->out, .fd = STDOUT_FILENO};
    int code = EX_OK;

    if (settings->common.is_json) {
        json_t *object = json_object();
        char *text;

        ms_cli_bytes_to_json(&answer->bytes, object, "reply");
        text = json_dumps(object, JSON_COMPACT);
        puts(text != NULL ? text : "{}");
        free(text);
        json_decref(object);
        return EX_OK;
    }
    if (settings->out != NULL && !ms_cli_out_open(&cli, settings->out, &out)) {
        return EX_CANTCREAT;
    }
    if (!ms_cli_bytes_write(&answer->bytes, out.fd)) {
        ms_cli_say(&cli, "cannot write the reply: %s", strerror(errno));
        code = EX_IOERR;
    }
    return settings->out != NULL ? ms_cli_out_close(&cli, &out, code) : code;
}

static int call(const struct settings *settings, const struct target *target,
                const struct ms_cli_bytes *payload, struct answer *answer)
{
    struct ms_cli_common common = settings->common;
    struct ms_client *client;
    int code = EX_OK;

    common.master = target->masters[0] != '\0' ? target->masters : common.master;
    client = ms_cli_connect(&cli, &common, NULL, &code);
    if (client == NULL) {
        return code;
    }
    const int error = ms_client_call(client,
                                     &(struct ms_client_call){
                                         .size = sizeof(struct ms_client_call),
                                         .what = target->what,
                                         .payload = payload->data,
                                         .payload_size = payload->size,
                                         .wait_ms = settings->wait / MS_MSEC,
                                     },
                                     on_reply, answer);
    if (error != MS_CLIENT_OK) {
        answer->error = error;
    } else if (!answer->is_here) {
        ms_client_run(client, settings->timeout > 0 ? settings->timeout / MS_MSEC : -1);
        answer->error = answer->is_here ? answer->error : MS_CLIENT_TIMEOUT;
    }
    ms_client_close(client, 0);
    ms_client_destroy(client);
    if (answer->error != MS_CLIENT_OK) {
        ms_cli_say(&cli, "%s",
                   answer->detail[0] != '\0' ? answer->detail : ms_client_strerror(answer->error));
        return ms_cli_exit_code(answer->error);
    }
    return answer->is_short_of_memory ? EX_OSERR : print(settings, answer);
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);
    struct ms_cli_bytes payload = {.data = NULL};
    struct answer answer = {.error = MS_CLIENT_OK};
    struct ms_complaint complaint;
    struct target target;
    int code = EX_NOINPUT;

    if (result.is_done) {
        return result.exit_code;
    }
    if (settings.in != NULL && settings.payload != NULL) {
        code = ms_cli_usage_error(&cli, "either --payload or --in, not both");
    } else if (!read_target(argv[result.argument_at], &target, &complaint)) {
        code = ms_cli_usage_error(&cli, complaint.text);
    } else if (read_payload(&settings, &payload)) {
        code = call(&settings, &target, &payload, &answer);
    }
    ms_cli_bytes_free(&payload);
    ms_cli_bytes_free(&answer.bytes);
    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_call = {
    .name = "call",
    .summary = "call a service of the master",
    .cli = &cli,
    .run = run,
};
