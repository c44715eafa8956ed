#include "core/io/store_end.h"

#include <endian.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>

enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_CYCLE = 8,
    AT_SALTS = 16,
    AT_FRAMES = 24,
    SIZE = 32,
};

static const uint8_t magic[AT_CHECKSUM] = {'M', 'S', 'L', 'E'};

static uint64_t load(const uint8_t *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof number);
    return le64toh(number);
}

static void store(uint8_t *at, uint64_t number)
{
    number = htole64(number);
    memcpy(at, &number, sizeof number);
}

static uint32_t checksum(const uint8_t *bytes)
{
    return htole32(libdeflate_crc32(0, bytes + AT_CYCLE, SIZE - AT_CYCLE));
}

static bool is_whole(const uint8_t *bytes)
{
    const uint32_t sum = checksum(bytes);

    return memcmp(bytes, magic, sizeof magic) == 0 &&
           memcmp(bytes + AT_CHECKSUM, &sum, sizeof sum) == 0;
}

int ms_store_end_open(const char *path, bool is_read_only, struct ms_store_end *end_out)
{
    const int flags = is_read_only ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    uint8_t bytes[SIZE];

    *end_out = (struct ms_store_end){0};
    if (fd >= 0 && pread(fd, bytes, SIZE, 0) == SIZE && is_whole(bytes)) {
        end_out->cycle = load(bytes + AT_CYCLE);
        end_out->frames = load(bytes + AT_FRAMES);
        memcpy(end_out->salts, bytes + AT_SALTS, sizeof end_out->salts);
    }
    if (fd >= 0 && is_read_only) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void ms_store_end_write(int fd, const struct ms_store_end *end)
{
    uint8_t bytes[SIZE];
    uint32_t sum;

    store(bytes + AT_CYCLE, end->cycle);
    memcpy(bytes + AT_SALTS, end->salts, sizeof end->salts);
    store(bytes + AT_FRAMES, end->frames);
    memcpy(bytes, magic, sizeof magic);
    sum = checksum(bytes);
    memcpy(bytes + AT_CHECKSUM, &sum, sizeof sum);
    if (fd >= 0 && pwrite(fd, bytes, SIZE, 0) != SIZE) {
        return; /* what stands there, or a part of both, which is not whole, says less */
    }
}
