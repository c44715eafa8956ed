/* top: the slaves and the master, drawn anew each second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <ev.h>

#include "client/cli_commands.h"
#include "client/cli_pair.h"
#include "client/cli_table.h"
#include "client/cmd_top.h"
#include "core/io/clock.h"

#define LINES_DEFAULT   24
#define COLUMNS_DEFAULT 120
#define ALL_LINES       UINT32_MAX
#define FRAME_SIZE      (1u << 20)
#define PATIENCE_MS     900 /* for answers; then the frame shows what was known before */
#define PAIR_PATIENCE   (250 * MS_MSEC)
#define PAIR_LINE_SIZE  256

struct settings {
    struct ms_cli_common common;
    ms_time interval;
    bool is_once;
};

static const struct ms_option table[] = {
    {.name = "interval",
     .short_name = 'd',
     .kind = MS_OPTION_DURATION,
     .min = 100 * MS_MSEC,
     .max = 3600 * MS_SEC,
     .default_text = "1s",
     .group = "How",
     .help = "time between two frames",
     .offset = offsetof(struct settings, interval)},
    {.name = "once",
     .kind = MS_OPTION_BOOL,
     .help = "print one frame with all slaves and end; so it is when the output is no terminal",
     .offset = offsetof(struct settings, is_once)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli cli = {
    .program = "muster top",
    .summary =
        "Shows the master and its slaves, the busiest first, and draws them anew each second. "
        "With both\n"
        "masters of a pair it goes on with the other one.",
    .epilogue = "q or Ctrl-C ends it. JSON is what muster status and muster slaves print.\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
};

struct screen {
    const struct settings *settings;
    struct ev_loop *loop;
    struct ms_client *client;
    struct ms_top top;
    struct ms_cli_pair pair;
    char pair_line[PAIR_LINE_SIZE];
    bool has_pair, is_terminal, is_over;
    unsigned waiting; /* answers that have not come */
    int error;
    ev_io keys;
    ev_signal interrupts;
    struct termios before;
    bool is_raw;
    char *frame; /* FRAME_SIZE */
};

/* ---- questions ---- */

static void answered(struct screen *screen, const struct ms_client_report *report)
{
    if (report->error != MS_CLIENT_OK) {
        screen->error = report->error;
    }
    if (report->is_last && --screen->waiting == 0) {
        ms_client_break(screen->client);
    }
}

static void on_status(struct ms_client *client, const struct ms_client_report *report,
                      void *context)
{
    struct screen *screen = context;

    (void)client;
    if (!report->is_reset && report->error == MS_CLIENT_OK) {
        ms_top_take_master(&screen->top, report, ms_clock_now());
    }
    answered(screen, report);
}

static void on_slaves(struct ms_client *client, const struct ms_client_report *report,
                      void *context)
{
    struct screen *screen = context;

    (void)client;
    if (report->is_reset) {
        ms_top_begin_slaves(&screen->top);
    } else if (report->error == MS_CLIENT_OK) {
        ms_top_add_slaves(&screen->top, report);
    }
    answered(screen, report);
}

/* Both answers, or none in time: then they come later, from whichever master serves. */
static void ask(struct screen *screen)
{
    const struct ms_client_query status = {.size = sizeof status, .what = MS_CLIENT_ASK_STATUS};
    const struct ms_client_query slaves = {.size = sizeof slaves, .what = MS_CLIENT_ASK_SLAVES};

    if (screen->waiting == 0) {
        ms_top_begin_slaves(&screen->top);
        screen->waiting = 2;
        screen->error = ms_client_ask(screen->client, &status, on_status, screen);
        if (screen->error == MS_CLIENT_OK) {
            screen->error = ms_client_ask(screen->client, &slaves, on_slaves, screen);
        }
    }
    if (screen->error == MS_CLIENT_OK) {
        ms_client_run(screen->client, screen->settings->is_once ? -1 : PATIENCE_MS);
    }
    screen->top.trouble = screen->waiting > 0 ? "no master answers" : NULL;
    if (screen->waiting == 0) {
        ms_top_sort(&screen->top);
    }
}

/* One line about both halves. */
static void ask_pair(struct screen *screen)
{
    struct ms_text line;

    if (!screen->has_pair) {
        return;
    }
    ms_cli_pair_ask(&screen->pair, PAIR_PATIENCE);
    ms_text_init(&line, screen->pair_line, sizeof screen->pair_line);
    ms_text_add(&line, "pair:");
    for (size_t i = 0; i < screen->pair.count; i++) {
        const struct ms_cli_master *master = &screen->pair.masters[i];

        ms_text_add(&line, "%s %s %s", i > 0 ? "," : "", master->address,
                    master->is_single     ? "single"
                    : master->row == NULL ? "does not answer"
                                          : ms_cli_master_text(master, "role"));
        if (master->row != NULL) {
            ms_text_add(&line, " %s", ms_cli_master_text(master, "state"));
        }
    }
    screen->top.pair = screen->pair_line;
}

/* ---- the terminal ---- */

static void end(struct screen *screen)
{
    screen->is_over = true;
    ms_client_break(screen->client);
}

static void keys_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    char key = 'q';
    const ssize_t size = read(STDIN_FILENO, &key, 1);

    (void)revents;
    if (size == 0) {
        ev_io_stop(loop, watcher); /* nobody types any more */
    } else if (size == 1 && (key == 'q' || key == 'Q')) {
        end(watcher->data);
    }
}

static void interrupts_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    (void)loop;
    (void)revents;
    end(watcher->data);
}

static void set_up_terminal(struct screen *screen)
{
    ev_signal_init(&screen->interrupts, interrupts_cb, SIGINT);
    screen->interrupts.data = screen;
    ev_signal_start(screen->loop, &screen->interrupts);
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &screen->before) != 0) {
        return;
    }
    struct termios raw = screen->before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    screen->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    ev_io_init(&screen->keys, keys_cb, STDIN_FILENO, EV_READ);
    screen->keys.data = screen;
    ev_io_start(screen->loop, &screen->keys);
    fputs("\033[?1049h\033[?25l", stdout); /* another page, no cursor */
}

static void restore_terminal(struct screen *screen)
{
    ev_signal_stop(screen->loop, &screen->interrupts);
    if (!screen->is_raw) {
        return;
    }
    ev_io_stop(screen->loop, &screen->keys);
    tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
    fputs("\033[?25h\033[?1049l", stdout);
}

static void draw(struct screen *screen)
{
    struct winsize size = {.ws_row = LINES_DEFAULT, .ws_col = COLUMNS_DEFAULT};
    struct ms_text out;

    ms_text_init(&out, screen->frame, FRAME_SIZE);
    if (screen->is_terminal) {
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    }
    const uint32_t lines = screen->settings->is_once ? ALL_LINES
                           : size.ws_row > 0         ? size.ws_row - 1u
                                                     : LINES_DEFAULT;

    ms_top_print(&screen->top, lines, size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT, &out);
    if (screen->settings->is_once) {
        fputs(screen->frame, stdout);
        return;
    }
    /* Line by line over the old ones: a screen that is cleared first flickers. */
    fputs("\033[H", stdout);
    for (const char *c = screen->frame; *c != '\0'; c++) {
        if (*c == '\n') {
            fputs("\033[K", stdout);
        }
        putchar(*c);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

static int show(struct screen *screen)
{
    const struct settings *settings = screen->settings;

    while (!screen->is_over) {
        const ms_time begun = ms_clock_now();

        ask(screen);
        if (screen->error != MS_CLIENT_OK) {
            ms_cli_say(&cli, "%s", ms_client_strerror(screen->error));
            return ms_cli_exit_code(screen->error);
        }
        ask_pair(screen);
        if (!screen->is_over) {
            draw(screen);
        }
        if (settings->is_once) {
            break;
        }
        const ms_time left = begun + settings->interval - ms_clock_now();

        if (!screen->is_over && left > 0) {
            ms_client_run(screen->client, left / MS_MSEC);
        }
    }
    return EX_OK;
}

static int run_screen(struct screen *screen)
{
    int code = EX_OK;

    screen->client = ms_cli_connect(&cli, &screen->settings->common, NULL, &code);
    if (screen->client == NULL) {
        return code;
    }
    if (strchr(screen->settings->common.master, ',') != NULL) {
        code = ms_cli_pair_init(&screen->pair, &cli, screen->settings->common.master);
        screen->has_pair = code == EX_OK;
    }
    if (code == EX_OK) {
        if (!screen->settings->is_once) {
            set_up_terminal(screen);
        }
        code = show(screen);
        if (!screen->settings->is_once) {
            restore_terminal(screen);
        }
    }
    ms_cli_pair_finish(&screen->pair);
    ms_client_close(screen->client, 0);
    ms_client_destroy(screen->client);
    return code;
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    struct screen screen = {.settings = &settings};
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);
    int code = EX_OSERR;

    if (result.is_done) {
        return result.exit_code;
    }
    screen.is_terminal = isatty(STDOUT_FILENO);
    settings.is_once = settings.is_once || !screen.is_terminal;
    screen.loop = ev_default_loop(EVFLAG_AUTO);
    screen.frame = malloc(FRAME_SIZE);
    if (screen.frame != NULL && ms_top_init(&screen.top)) {
        code = run_screen(&screen);
    } else {
        ms_cli_say(&cli, "out of memory");
    }
    ms_top_finish(&screen.top);
    free(screen.frame);
    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_top = {
    .name = "top",
    .summary = "the master and its slaves, drawn anew each second",
    .cli = &cli,
    .run = run,
};
