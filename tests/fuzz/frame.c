/* The first byte says what the connection may send; the rest arrives as a stream of frames, also in
 * pieces. Whatever the pieces, the same frames come out. */
#include "proto/frame.h"

#include "core/invariant.h"

#define PAYLOAD_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ms_frame_limits limits_of(uint8_t choice)
{
    return (struct ms_frame_limits){
        .greeted = (choice & 1) != 0,
        .payload_max = (choice & 2) != 0 ? PAYLOAD_MAX : MS_PAYLOAD_MAX_CEILING,
    };
}

static void check_frame(const struct ms_frame *frame, const struct ms_frame_limits *limits,
                        struct ms_bytes input, size_t used)
{
    uint8_t header[MS_FRAME_HEADER_SIZE];

    ms_assert(frame->body.size <= ms_frame_size_max(frame->kind, limits));
    ms_assert(frame->body.data == input.data + MS_FRAME_HEADER_SIZE);
    ms_assert(used == MS_FRAME_HEADER_SIZE + frame->body.size);
    ms_frame_header(header, frame->kind, frame->epoch, (uint32_t)frame->body.size);
    for (size_t i = 0; i < sizeof header; i++) {
        ms_assert(header[i] == input.data[i] || (i >= 4 && i < 8)); /* flags are ignored */
    }
}

/* Every shorter input of this frame must ask for more, or be refused for the same reason. */
static void check_prefixes(struct ms_bytes input, const struct ms_frame_limits *limits,
                           enum ms_error whole, size_t total)
{
    const size_t end = total < MS_FRAME_HEADER_SIZE ? total : MS_FRAME_HEADER_SIZE;

    for (size_t size = 0; size < end; size++) {
        struct ms_frame frame;
        size_t used = 1, need = 0;
        const enum ms_error error =
            ms_frame_parse((struct ms_bytes){input.data, size}, limits, &frame, &used, &need);
        ms_assert(error == MS_E_OK || error == whole);
        ms_assert(error != MS_E_OK || (used == 0 && need > size));
    }
}

/* What is asked for is what the header announces, and that is within the limit of its kind. */
static void check_promise(struct ms_bytes input, const struct ms_frame_limits *limits, size_t need)
{
    if (input.size < MS_FRAME_HEADER_SIZE) {
        ms_assert(need == MS_FRAME_HEADER_SIZE);
        return;
    }
    ms_assert(need - MS_FRAME_HEADER_SIZE <=
              ms_frame_size_max((enum ms_kind)input.data[3], limits));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const struct ms_frame_limits limits = limits_of(data[0]);
    struct ms_bytes input = {data + 1, size - 1};
    for (;;) {
        struct ms_frame frame;
        size_t used = 0, need = 0;
        const enum ms_error error = ms_frame_parse(input, &limits, &frame, &used, &need);
        check_prefixes(input, &limits, error, used > 0 ? used : input.size);
        if (error != MS_E_OK) {
            ms_assert(ms_error_is_fatal(error));
            return 0;
        }
        if (used == 0) {
            ms_assert(need > input.size);
            check_promise(input, &limits, need);
            return 0;
        }
        check_frame(&frame, &limits, input, used);
        input.data += used;
        input.size -= used;
    }
}
