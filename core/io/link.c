#include "core/io/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/invariant.h"
#include "proto/frame.h"

#define INPUT_SIZE ((size_t)(16u << 10)) /* kept between frames; longer ones borrow more */

void ms_link_init(struct ms_link *link, int fd, uint32_t payload_max)
{
    ms_assert(payload_max <= MS_PAYLOAD_MAX_CEILING);
    *link = (struct ms_link){.fd = fd, .payload_max = payload_max};
    ms_encoder_init(&link->encoder);
}

void ms_link_finish(struct ms_link *link)
{
    if (link->fd >= 0) {
        close(link->fd);
    }
    ms_encoder_finish(&link->encoder);
    free(link->input);
    *link = (struct ms_link){.fd = -1};
}

bool ms_link_send(struct ms_link *link, const struct ms_command *command)
{
    return ms_encoder_put(&link->encoder, command->token.epoch, command) == MS_E_OK;
}

enum ms_link_state ms_link_flush(struct ms_link *link)
{
    while (ms_encoder_pending(&link->encoder) > 0) {
        const struct ms_bytes bytes = ms_encoder_flush(&link->encoder);
        const ssize_t size = send(link->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (size >= 0) {
            ms_encoder_consume(&link->encoder, (size_t)size);
        } else if (errno == EAGAIN) {
            return MS_LINK_BLOCKED;
        } else if (errno != EINTR) {
            return MS_LINK_ENDED;
        }
    }
    return MS_LINK_OK;
}

/* Room for the frame that has begun, or for small ones. */
static bool reserve(struct ms_link *link)
{
    const size_t wanted = link->need > INPUT_SIZE ? link->need : INPUT_SIZE;

    if (link->input_capacity < wanted || (link->input_size == 0 && link->input_capacity > wanted)) {
        uint8_t *moved = realloc(link->input, wanted);

        if (moved == NULL) {
            return false;
        }
        link->input = moved;
        link->input_capacity = wanted;
    }
    return true;
}

static bool handle(const struct ms_frame *frame, struct ms_decoder *decoder, ms_link_fn take,
                   void *context)
{
    struct ms_command command;
    bool has_more = false;
    enum ms_error error = ms_decoder_begin(decoder, frame);

    while (error == MS_E_OK) {
        error = ms_decoder_next(decoder, &command, &has_more);
        if (error != MS_E_OK || !has_more) {
            break;
        }
        if (!take(context, &command)) {
            return false;
        }
    }
    return error == MS_E_OK;
}

/* Takes the whole frames off the head of the input. */
static enum ms_link_state handle_all(struct ms_link *link, struct ms_decoder *decoder,
                                     ms_link_fn take, void *context)
{
    const struct ms_frame_limits limits = {.greeted = true, .payload_max = link->payload_max};
    size_t at = 0;

    for (link->need = 0; at < link->input_size;) {
        struct ms_frame frame;
        size_t used = 0;
        const struct ms_bytes rest = {link->input + at, link->input_size - at};

        if (ms_frame_parse(rest, &limits, &frame, &used, &link->need) != MS_E_OK) {
            return MS_LINK_BROKEN;
        }
        if (used == 0) {
            break;
        }
        if (!handle(&frame, decoder, take, context)) {
            return MS_LINK_BROKEN;
        }
        at += used;
        link->need = 0;
    }
    link->input_size -= at;
    if (at > 0 && link->input_size > 0) {
        memmove(link->input, link->input + at, link->input_size);
    }
    return MS_LINK_OK;
}

enum ms_link_state ms_link_receive(struct ms_link *link, struct ms_decoder *decoder,
                                   ms_link_fn take, void *context)
{
    if (!reserve(link)) {
        return MS_LINK_BROKEN;
    }
    const ssize_t size =
        recv(link->fd, link->input + link->input_size, link->input_capacity - link->input_size, 0);

    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? MS_LINK_BLOCKED : MS_LINK_ENDED;
    }
    if (size == 0) {
        return MS_LINK_ENDED;
    }
    link->input_size += (size_t)size;
    return handle_all(link, decoder, take, context);
}
