#include "client/cli_bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY_FIRST 4096
#define NAME_SIZE      64

static bool reserve(struct ms_cli_bytes *bytes, size_t more)
{
    size_t capacity = bytes->capacity == 0 ? CAPACITY_FIRST : bytes->capacity;

    if (more <= bytes->capacity - bytes->size) {
        return true;
    }
    while (capacity - bytes->size < more) {
        if (capacity > SIZE_MAX / 2) {
            return false;
        }
        capacity *= 2;
    }
    uint8_t *grown = realloc(bytes->data, capacity);

    if (grown == NULL) {
        return false;
    }
    bytes->data = grown;
    bytes->capacity = capacity;
    return true;
}

bool ms_cli_bytes_add(struct ms_cli_bytes *bytes, const void *data, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (!reserve(bytes, size)) {
        return false;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return true;
}

bool ms_cli_bytes_read(struct ms_cli_bytes *bytes, int fd, size_t max)
{
    for (;;) {
        if (!reserve(bytes, CAPACITY_FIRST)) {
            errno = ENOMEM;
            return false;
        }
        const ssize_t got = read(fd, bytes->data + bytes->size, bytes->capacity - bytes->size);

        if (got == 0) {
            return true;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        bytes->size += (size_t)got;
        if (bytes->size > max) {
            errno = EFBIG;
            return false;
        }
    }
}

bool ms_cli_bytes_write(const struct ms_cli_bytes *bytes, int fd)
{
    size_t done = 0;

    while (done < bytes->size) {
        const ssize_t put = write(fd, bytes->data + done, bytes->size - done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *ms_cli_base64(const uint8_t *data, size_t size)
{
    char *text = malloc((size + 2) / 3 * 4 + 1);
    size_t length = 0;

    if (text == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t three = (uint32_t)data[i] << 16 |
                               (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)data[i + 2] : 0);

        text[length++] = base64_digits[three >> 18];
        text[length++] = base64_digits[three >> 12 & 63];
        text[length++] = left > 1 ? base64_digits[three >> 6 & 63] : '=';
        text[length++] = left > 2 ? base64_digits[three & 63] : '=';
    }
    text[length] = '\0';
    return text;
}

static bool is_base64(const char *text, size_t length, size_t digits)
{
    const size_t padding = length - digits;

    return length % 4 == 0 && padding <= 2 && strspn(text + digits, "=") == padding;
}

bool ms_cli_base64_decode(const char *text, uint8_t *bytes_out, size_t *size_out)
{
    const size_t length = strlen(text);
    const size_t digits = strspn(text, base64_digits);
    uint32_t bits = 0;
    size_t size = 0;

    if (!is_base64(text, length, digits)) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        /* What was read is behind what is written, so the two may be the same place. */
        bits = bits << 6 | (uint32_t)(strchr(base64_digits, text[i]) - base64_digits);
        if (i % 4 != 0) {
            bytes_out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    *size_out = size;
    return true;
}

void ms_cli_bytes_to_json(const struct ms_cli_bytes *bytes, json_t *object, const char *name)
{
    char other_name[NAME_SIZE];
    json_t *value =
        bytes->size == 0 ? json_string("") : json_stringn((const char *)bytes->data, bytes->size);

    if (value != NULL) {
        json_object_set_new(object, name, value);
        return;
    }
    char *text = ms_cli_base64(bytes->data, bytes->size);

    if (text != NULL) {
        snprintf(other_name, sizeof other_name, "%s_base64", name);
        json_object_set_new(object, other_name, json_string(text));
        free(text);
    }
}

void ms_cli_bytes_free(struct ms_cli_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct ms_cli_bytes){.data = NULL};
}
