/* Texts with units: durations and sizes, read and printed. */
#include "core/options.h"

#include <string.h>

#include "core/invariant.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that printing finds the largest that divides. */
static const struct unit durations[] = {
    {"d", (uint64_t)MS_SEC * 60 * 60 * 24},
    {"h", (uint64_t)MS_SEC * 60 * 60},
    {"m", (uint64_t)MS_SEC * 60},
    {"s", (uint64_t)MS_SEC},
    {"ms", (uint64_t)MS_MSEC},
    {"us", (uint64_t)MS_USEC},
};

static const struct unit sizes[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"B", 1},
};

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define DURATION_HINT "like 500ms, 2s, 5m, 1h, 1d"
#define SIZE_HINT     "like 512B, 64KiB, 1MiB, 2GiB"

static bool parse_with_unit(const char *text, const struct unit *units, size_t count,
                            uint64_t *value_out)
{
    const size_t digits = strspn(text, "0123456789");
    uint64_t number;

    ms_assert(count > 0);
    if (!ms_text_to_u64(text, digits, &number)) {
        return false;
    }
    /* Nothing is nothing in every unit. */
    if (number == 0 && text[digits] == '\0') {
        *value_out = 0;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            if (number > (uint64_t)INT64_MAX / units[i].factor) {
                return false;
            }
            *value_out = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static void print_with_unit(uint64_t value, const struct unit *units, size_t count,
                            struct ms_text *text)
{
    if (value == 0) {
        ms_text_add(text, "0");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].factor == 0) {
            ms_text_add(text, "%llu%s", (unsigned long long)(value / units[i].factor),
                        units[i].name);
            return;
        }
    }
    ms_unreachable(); /* the last unit divides everything */
}

bool ms_parse_duration(const char *text, ms_time *value_out, struct ms_complaint *complaint)
{
    uint64_t value;

    ms_assert(text != NULL);
    if (!parse_with_unit(text, durations, COUNT(durations), &value)) {
        return ms_complain(
            complaint, "\"%.64s\" is not a duration: a whole number with a unit, " DURATION_HINT,
            text);
    }
    *value_out = (ms_time)value;
    return true;
}

bool ms_parse_size(const char *text, uint64_t *value_out, struct ms_complaint *complaint)
{
    uint64_t value;

    ms_assert(text != NULL);
    if (!parse_with_unit(text, sizes, COUNT(sizes), &value)) {
        return ms_complain(complaint,
                           "\"%.64s\" is not a size: a whole number with a unit, " SIZE_HINT, text);
    }
    *value_out = value;
    return true;
}

void ms_print_duration(ms_time value, struct ms_text *text)
{
    ms_assert(value >= 0);
    print_with_unit((uint64_t)value, durations, COUNT(durations), text);
}

void ms_print_size(uint64_t value, struct ms_text *text)
{
    print_with_unit(value, sizes, COUNT(sizes), text);
}
