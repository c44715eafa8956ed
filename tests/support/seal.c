#include "tests/support/seal.h"

#include "proto/record.h"

#define AT_CHECKSUM 4
#define AT_SEQ      8

static uint32_t table[256];

static void init_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
        }
        table[i] = crc;
    }
}

uint32_t seal_crc32(const uint8_t *at, size_t size)
{
    uint32_t crc = UINT32_MAX;

    if (table[1] == 0) {
        init_table();
    }
    for (size_t i = 0; i < size; i++) {
        crc = (crc >> 8) ^ table[(crc ^ at[i]) & 255];
    }
    return ~crc;
}

static size_t load_u32(const uint8_t *from)
{
    return (size_t)from[3] << 24 | (size_t)from[2] << 16 | (size_t)from[1] << 8 | from[0];
}

void seal_entries(uint8_t *journal, size_t size)
{
    size_t at = 0;

    while (size - at >= MS_RECORD_HEADER_SIZE) {
        const size_t length = load_u32(journal + at);
        if (length < MS_RECORD_HEADER_SIZE || length > size - at) {
            return;
        }
        const uint32_t crc = seal_crc32(journal + at + AT_SEQ, length - AT_SEQ);
        for (unsigned i = 0; i < sizeof crc; i++) {
            journal[at + AT_CHECKSUM + i] = (uint8_t)(crc >> (8 * i));
        }
        at += length;
    }
}
