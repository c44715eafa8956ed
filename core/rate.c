#include "core/rate.h"

#include <string.h>

#include "core/invariant.h"

static const struct {
    char name;
    uint64_t seconds;
} spans[] = {{'s', 1}, {'m', 60}, {'h', 3600}};

#define SPANS (sizeof spans / sizeof spans[0])

static uint64_t usual_burst(uint64_t per_second)
{
    return (per_second + MS_RATE_ONE - 1) / MS_RATE_ONE;
}

/* A number of 1 .. MS_RATE_MAX at *at, which goes behind it. */
static bool take_number(const char **at, uint64_t *number_out)
{
    const size_t digits = strspn(*at, "0123456789");

    if (!ms_text_to_u64(*at, digits, number_out) || *number_out == 0 || *number_out > MS_RATE_MAX) {
        return false;
    }
    *at += digits;
    return true;
}

static bool take_span(const char **at, uint64_t *seconds_out)
{
    if (**at != '/') {
        return false;
    }
    for (size_t i = 0; i < SPANS; i++) {
        if ((*at)[1] == spans[i].name) {
            *seconds_out = spans[i].seconds;
            *at += 2;
            return true;
        }
    }
    return false;
}

static bool parse(const char *text, struct ms_rate *rate)
{
    uint64_t number, seconds;

    if (!take_number(&text, &number) || !take_span(&text, &seconds)) {
        return false;
    }
    rate->per_second = number * (MS_RATE_ONE / seconds);
    rate->burst = usual_burst(rate->per_second);
    if (*text == ':') {
        text++;
        return take_number(&text, &rate->burst) && *text == '\0';
    }
    return *text == '\0';
}

bool ms_rate_parse(const char *text, struct ms_rate *rate_out, struct ms_complaint *complaint)
{
    struct ms_rate rate = {0};

    ms_assert(text != NULL);
    if (strcmp(text, "0") != 0 && !parse(text, &rate)) {
        return ms_complain(complaint,
                           "\"%.64s\" is not a rate: N/s, N/m or N/h, then :BURST if it is wanted, "
                           "numbers of 1 to %llu; or 0, no limit",
                           text, MS_RATE_MAX);
    }
    ms_assert((rate.per_second > 0) == (rate.burst > 0));
    *rate_out = rate;
    return true;
}

void ms_rate_print(const struct ms_rate *rate, struct ms_text *text)
{
    size_t span = 0;

    if (!ms_rate_is_limit(rate)) {
        ms_text_add(text, "0");
        return;
    }
    while (rate->per_second % (MS_RATE_ONE / spans[span].seconds) != 0) {
        span++;
        ms_assert(span < SPANS); /* in an hour any is whole */
    }
    ms_text_add(text, "%llu/%c",
                (unsigned long long)(rate->per_second / (MS_RATE_ONE / spans[span].seconds)),
                spans[span].name);
    if (rate->burst != usual_burst(rate->per_second)) {
        ms_text_add(text, ":%llu", (unsigned long long)rate->burst);
    }
}
