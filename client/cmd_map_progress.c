#include "client/cmd_map_progress.h"

#include <inttypes.h>

#include "core/invariant.h"

#define SAMPLE    (500 * MS_MSEC) /* between looks at the rate */
#define WEIGHT    4               /* a new look counts for a quarter */
#define BAR_MIN   10
#define BAR_MAX   40
#define TEXT_ROOM 160

/* Commands per 1000 seconds. */
static uint64_t rate_of(uint64_t count, ms_time duration)
{
    if (duration <= 0) {
        return 0;
    }
    return (uint64_t)((double)count * 1000.0 * (double)MS_SEC / (double)duration);
}

void ms_progress_update(struct ms_progress *progress)
{
    const ms_time since = progress->elapsed - progress->seen_at;

    ms_assert(progress->done >= progress->seen_done);
    if (since < SAMPLE) {
        return;
    }
    const uint64_t latest = rate_of(progress->done - progress->seen_done, since);

    progress->rate_milli =
        progress->seen_at == 0 ? latest : (progress->rate_milli * (WEIGHT - 1) + latest) / WEIGHT;
    progress->seen_done = progress->done;
    progress->seen_at = progress->elapsed;
}

static uint64_t current_rate(const struct ms_progress *progress)
{
    return progress->seen_at > 0 ? progress->rate_milli
                                 : rate_of(progress->done, progress->elapsed);
}

static void add_seconds(struct ms_text *text, uint64_t seconds)
{
    if (seconds >= 3600) {
        ms_text_add(text, "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600, seconds / 60 % 60);
    } else if (seconds >= 60) {
        ms_text_add(text, "%" PRIu64 "m%02" PRIu64 "s", seconds / 60, seconds % 60);
    } else {
        ms_text_add(text, "%" PRIu64 "s", seconds);
    }
}

/* Below ten a second a figure behind the point. */
static void add_rate(struct ms_text *text, uint64_t milli)
{
    if (milli < 10000) {
        ms_text_add(text, "%" PRIu64 ".%" PRIu64 "/s", milli / 1000, milli / 100 % 10);
    } else {
        ms_text_add(text, "%" PRIu64 "/s", (milli + 500) / 1000);
    }
}

static void add_eta(struct ms_text *text, const struct ms_progress *progress, const char *before)
{
    const uint64_t rate = current_rate(progress);

    if (progress->total <= progress->done || rate == 0) {
        return;
    }
    ms_text_add(text, "%sETA ", before);
    add_seconds(text, ((progress->total - progress->done) * 1000 + rate - 1) / rate);
}

static unsigned percent_of(const struct ms_progress *progress)
{
    return progress->total == 0
               ? 0
               : (unsigned)((double)progress->done * 100.0 / (double)progress->total);
}

void ms_progress_print_bar(const struct ms_progress *progress, size_t width, struct ms_text *text)
{
    char room[TEXT_ROOM];
    struct ms_text figures;

    ms_text_init(&figures, room, sizeof room);
    if (progress->total > 0) {
        ms_text_add(&figures, " %3u%% %" PRIu64 "/%" PRIu64 "  ", percent_of(progress),
                    progress->done, progress->total);
    } else {
        ms_text_add(&figures, "%" PRIu64 " done  ", progress->done);
    }
    add_rate(&figures, current_rate(progress));
    add_eta(&figures, progress, "  ");
    if (progress->failed > 0) {
        ms_text_add(&figures, "  %" PRIu64 " failed", progress->failed);
    }
    if (progress->total > 0 && width > figures.length + BAR_MIN) {
        const size_t room_left = width - figures.length;
        const size_t columns = room_left < BAR_MAX ? room_left : BAR_MAX;
        const size_t full =
            (size_t)((double)columns * (double)progress->done / (double)progress->total);

        for (size_t i = 0; i < columns; i++) {
            ms_text_add(text, "%c", i < full ? '#' : '-');
        }
    }
    ms_text_add(text, "%.*s", (int)width, room);
}

void ms_progress_print_line(const struct ms_progress *progress, struct ms_text *text)
{
    if (progress->total > 0) {
        ms_text_add(text, "%" PRIu64 " of %" PRIu64 " done", progress->done, progress->total);
    } else {
        ms_text_add(text, "%" PRIu64 " done", progress->done);
    }
    ms_text_add(text, ", %" PRIu64 " failed, ", progress->failed);
    add_rate(text, current_rate(progress));
    add_eta(text, progress, ", ");
}

void ms_progress_print_summary(const struct ms_progress *progress, struct ms_text *text)
{
    const uint64_t tenths = (uint64_t)progress->elapsed / (MS_SEC / 10);
    const uint64_t rate = rate_of(progress->done, progress->elapsed);

    ms_text_add(text,
                "%" PRIu64 " commands, %" PRIu64 " failed, %" PRIu64 " retries, %" PRIu64
                ".%" PRIu64 " s, ",
                progress->done, progress->failed, progress->retries, tenths / 10, tenths % 10);
    if (rate < 10000) {
        ms_text_add(text, "%" PRIu64 ".%" PRIu64 " commands/s", rate / 1000, rate / 100 % 10);
    } else {
        ms_text_add(text, "%" PRIu64 " commands/s", (rate + 500) / 1000);
    }
}
