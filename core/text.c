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

bool ms_text_is_name(const char *text, size_t size)
{
    ms_assert(text != NULL || size == 0);
    if (size == 0 || size > MS_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_digit = c >= '0' && c <= '9';

        if (!is_letter && !is_digit && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}
