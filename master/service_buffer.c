#include "master/service_buffer.h"

#include <stdlib.h>

#include "core/invariant.h"

#define CAPACITY_MIN (size_t)256

static bool make_room(struct ms_service_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : CAPACITY_MIN;
    uint8_t *data;

    if (buffer->capacity - buffer->size >= size) {
        return true;
    }
    while (capacity - buffer->size < size) {
        capacity *= 2;
    }
    data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void ms_service_buffer_add(struct ms_service_buffer *buffer, const void *data, size_t size)
{
    ms_assert(buffer->size <= buffer->max);
    if (size == 0 || buffer->is_cut) {
        return;
    }
    if (data == NULL || size > buffer->max - buffer->size || !make_room(buffer, size)) {
        buffer->is_cut = true;
        buffer->size = 0;
        return;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static int write(struct ms_service_writer *writer, const void *data, size_t size)
{
    struct ms_service_buffer *buffer = (struct ms_service_buffer *)(void *)writer;

    ms_service_buffer_add(buffer, data, size);
    return buffer->is_cut ? -1 : 0;
}

struct ms_service_writer *ms_service_buffer_begin(struct ms_service_buffer *buffer, size_t max)
{
    ms_assert(max > 0 && max <= SIZE_MAX / 4);
    buffer->writer = (struct ms_service_writer){MS_SERVICE_ABI, sizeof buffer->writer, write};
    buffer->size = 0;
    buffer->max = max;
    buffer->is_cut = false;
    return &buffer->writer;
}

void ms_service_buffer_finish(struct ms_service_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct ms_service_buffer){.data = NULL};
}

void ms_service_buffer_number(struct ms_service_buffer *buffer, uint64_t number, unsigned size)
{
    uint8_t bytes[8];

    ms_assert(size >= 1 && size <= sizeof bytes);
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
    ms_service_buffer_add(buffer, bytes, size);
}

bool ms_service_take_number(struct ms_bytes *bytes, unsigned size, uint64_t *number_out)
{
    uint64_t number = 0;

    ms_assert(size >= 1 && size <= 8);
    if (bytes->size < size) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        number |= (uint64_t)bytes->data[i] << (8 * i);
    }
    bytes->data += size;
    bytes->size -= size;
    *number_out = number;
    return true;
}

bool ms_service_take_bytes(struct ms_bytes *bytes, uint64_t size, struct ms_bytes *taken_out)
{
    ms_assert(bytes->data != NULL || bytes->size == 0);
    if (bytes->size < size) {
        return false;
    }
    *taken_out = (struct ms_bytes){bytes->data, (size_t)size};
    if (size > 0) {
        bytes->data += size;
        bytes->size -= (size_t)size;
    }
    return true;
}
