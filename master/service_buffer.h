/* What a service writes: bytes that grow up to a limit of their kind. */
#ifndef MASTER_SERVICE_BUFFER_H
#define MASTER_SERVICE_BUFFER_H

#include "core/types.h"
#include "services/ms_service.h"

/* Zeroed is empty, and takes nothing. */
struct ms_service_buffer {
    struct ms_service_writer writer; /* first; what the service gets */
    uint8_t *data;
    size_t size, capacity, max;
    bool is_cut; /* something did not fit, or memory is out: all of it is void */
};

/* Empty, and takes up to max bytes; memory of before is used again. */
struct ms_service_writer *ms_service_buffer_begin(struct ms_service_buffer *buffer, size_t max);
void ms_service_buffer_finish(struct ms_service_buffer *buffer); /* accepts a zeroed one */

void ms_service_buffer_add(struct ms_service_buffer *buffer, const void *data, size_t size);
/* Numbers as they lie in a snapshot: little endian, of so many bytes (1 .. 8). */
void ms_service_buffer_number(struct ms_service_buffer *buffer, uint64_t number, unsigned size);

static inline struct ms_bytes ms_service_buffer_bytes(const struct ms_service_buffer *buffer)
{
    return (struct ms_bytes){buffer->data, buffer->size};
}

/* Reading it back: false, and nothing is taken, when so much is not there. */
bool ms_service_take_number(struct ms_bytes *bytes, unsigned size, uint64_t *number_out);
bool ms_service_take_bytes(struct ms_bytes *bytes, uint64_t size, struct ms_bytes *taken_out);

#endif
