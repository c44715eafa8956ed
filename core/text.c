#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"

void ms_text_init(struct ms_text *text, char *data, size_t size)
{
    ms_assert(data != NULL || size == 0);
    *text = (struct ms_text){.data = data, .size = size};
    if (size > 0) {
        data[0] = '\0';
    }
}

void ms_text_add(struct ms_text *text, const char *format, ...)
{
    const bool has_room = text->length < text->size;
    va_list arguments;

    va_start(arguments, format);
    const int added = vsnprintf(has_room ? text->data + text->length : NULL,
                                has_room ? text->size - text->length : 0, format, arguments);
    va_end(arguments);
    ms_assert(added >= 0);
    text->length += (size_t)added;
}

bool ms_text_is_cut(const struct ms_text *text)
{
    return text->length >= text->size;
}

/* Days since 1970 as a date: years are counted from March, so that leap days come last. */
static void add_date(struct ms_text *text, int64_t days)
{
    const int64_t shifted = days + 719468; /* since the first of March of the year 0 */
    const int64_t era = shifted / 146097;
    const int64_t day_of_era = shifted % 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month = (5 * day_of_year + 2) / 153;
    const int64_t day = day_of_year - (153 * month + 2) / 5 + 1;

    ms_assert(day >= 1 && day <= 31);
    ms_text_add(text, "%04lld-%02lld-%02lld",
                (long long)(year_of_era + era * 400 + (month >= 10 ? 1 : 0)),
                (long long)(month < 10 ? month + 3 : month - 9), (long long)day);
}

void ms_text_add_hex(struct ms_text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ms_text_add(text, "%02x", bytes[i]);
    }
}

void ms_text_add_time(struct ms_text *text, int64_t wall_us)
{
    const int64_t ms = wall_us / 1000;
    const int64_t second = ms / 1000 % 86400;

    ms_assert(wall_us >= 0);
    add_date(text, ms / 1000 / 86400);
    ms_text_add(text, "T%02lld:%02lld:%02lld", (long long)(second / 3600),
                (long long)(second / 60 % 60), (long long)(second % 60));
    if (ms % 1000 != 0) {
        ms_text_add(text, ".%03lld", (long long)(ms % 1000));
    }
    ms_text_add(text, "Z");
}

bool ms_complain(struct ms_complaint *complaint, const char *format, ...)
{
    va_list arguments;

    ms_assert(format != NULL);
    if (complaint == NULL) {
        return false;
    }
    va_start(arguments, format);
    vsnprintf(complaint->text, sizeof complaint->text, format, arguments);
    va_end(arguments);
    /* The sentence quotes what somebody typed or sent; a terminal must survive it. */
    for (char *c = complaint->text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
    return false;
}

bool ms_text_to_u64(const char *digits, size_t size, uint64_t *value_out)
{
    uint64_t value = 0;

    ms_assert(digits != NULL);
    if (size == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(digits[i] - '0');

        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *value_out = value;
    return true;
}

bool ms_text_copy(char *to, size_t to_size, const char *from, size_t from_size)
{
    ms_assert(from != NULL || from_size == 0);
    if (from_size >= to_size) {
        return false;
    }
    if (from_size > 0) {
        memcpy(to, from, from_size);
    }
    to[from_size] = '\0';
    return true;
}

void ms_text_copy_name(char *to, const char *from)
{
    const size_t length = from != NULL ? strlen(from) : 0;
    const size_t size = length < MS_NAME_MAX ? length : MS_NAME_MAX;

    ms_assert(to != NULL);
    memcpy(to, from != NULL ? from : "", size);
    to[size] = '\0';
}

static bool is_of_name(char c)
{
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';

    return is_letter || is_digit || c == '.' || c == '_' || c == '-';
}

bool ms_text_is_name(const char *text, size_t size)
{
    ms_assert(text != NULL || size == 0);
    if (size == 0 || size > MS_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_of_name(text[i])) {
            return false;
        }
    }
    return true;
}

bool ms_text_is_label(const char *text, size_t size)
{
    size_t equals = size; /* place of the sign that stands between key and value */

    ms_assert(text != NULL || size == 0);
    if (size == 0 || size > MS_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '=' && equals == size) {
            equals = i;
        } else if (!is_of_name(text[i]) && text[i] != ':') {
            return false;
        }
    }
    return equals > 0 && equals != size - 1;
}
