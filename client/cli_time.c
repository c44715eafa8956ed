#include "client/cli_time.h"

#include <string.h>
#include <time.h>

#include "core/command.h"
#include "core/options.h"

#define TIME_HINT "like 2026-11-20T18:30, 2026-11-20T17:30:00Z, 18:30, @1800000000 or +90m"

int64_t ms_cli_wall_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_SEC + now.tv_nsec / 1000;
}

/* What is left behind the format; NULL when it does not fit. */
static const char *take(const char *text, const char *format, struct tm *fields_out)
{
    const struct tm none = {.tm_isdst = -1};

    *fields_out = none;
    return strptime(text, format, fields_out);
}

static bool parse_date(const char *text, int64_t *time_out)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                          "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"};

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm fields;
        const char *rest = take(text, formats[i], &fields);

        if (rest != NULL && (rest[0] == '\0' || strcmp(rest, "Z") == 0)) {
            const time_t seconds = rest[0] == 'Z' ? timegm(&fields) : mktime(&fields);

            *time_out = (int64_t)seconds * MS_SEC;
            return seconds >= 0;
        }
    }
    return false;
}

static bool parse_clock(const char *text, int64_t now_us, int64_t *time_out)
{
    const time_t now = (time_t)(now_us / MS_SEC);
    struct tm given, fields;
    const char *rest = take(text, "%H:%M:%S", &given);

    rest = rest != NULL && rest[0] == '\0' ? rest : take(text, "%H:%M", &given);
    if (rest == NULL || rest[0] != '\0' || localtime_r(&now, &fields) == NULL) {
        return false;
    }
    fields.tm_hour = given.tm_hour;
    fields.tm_min = given.tm_min;
    fields.tm_sec = given.tm_sec;
    fields.tm_isdst = -1;
    time_t seconds = mktime(&fields);

    if (seconds <= now) { /* it was so late already: tomorrow, which need not be in 24 hours */
        fields.tm_mday++;
        fields.tm_isdst = -1;
        seconds = mktime(&fields);
    }
    *time_out = (int64_t)seconds * MS_SEC;
    return seconds > now;
}

bool ms_cli_parse_time(const char *text, int64_t now_us, int64_t *time_out,
                       struct ms_complaint *complaint)
{
    uint64_t seconds;
    ms_time delay;

    if (text[0] == '@') {
        if (ms_text_to_u64(text + 1, strlen(text + 1), &seconds) &&
            seconds <= (uint64_t)(MS_DURATION_MAX / MS_SEC)) {
            *time_out = (int64_t)seconds * MS_SEC;
            return true;
        }
    } else if (text[0] == '+') {
        if (ms_parse_duration(text + 1, &delay, NULL) && delay <= MS_DURATION_MAX - now_us) {
            *time_out = now_us + delay;
            return true;
        }
    } else if (parse_date(text, time_out) || parse_clock(text, now_us, time_out)) {
        return true;
    }
    return ms_complain(complaint, "\"%s\" is no time, " TIME_HINT, text);
}

bool ms_cli_parse_priority(const char *text, int *priority_out, struct ms_complaint *complaint)
{
    const bool is_negative = text[0] == '-';
    const char *digits = text + (is_negative || text[0] == '+' ? 1 : 0);
    uint64_t number;

    if (!ms_text_to_u64(digits, strlen(digits), &number) || number > MS_PRIORITY_MAX) {
        return ms_complain(complaint, "\"%s\" is no priority: %d to %d, higher ones go first", text,
                           MS_PRIORITY_MIN, MS_PRIORITY_MAX);
    }
    *priority_out = is_negative ? -(int)number : (int)number;
    return true;
}
