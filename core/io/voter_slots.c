#include "core/io/voter_slots.h"

#include <assert.h>
#include <libdeflate.h>

#include "core/invariant.h"

enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_NUMBER = 8, /* what the checksum is of begins here */
    AT_SIZE = 16,
    AT_RECORD = 20,
};

static_assert(AT_RECORD + MS_VOTER_RECORD_MAX == MS_VOTER_BLOCK, "a record fits into a block");

static const uint8_t magic[AT_CHECKSUM] = {'M', 'S', 'V', '1'};

static void put_number(uint8_t *to, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        to[i] = (uint8_t)(number >> (8 * i));
    }
}

static uint64_t get_number(const uint8_t *from, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = size; i-- > 0;) {
        number = number << 8 | from[i];
    }
    return number;
}

static uint32_t checksum_of(const uint8_t *block, size_t record_size)
{
    return libdeflate_crc32(0, block + AT_NUMBER, AT_RECORD - AT_NUMBER + record_size);
}

void ms_voter_block_put(uint8_t *block_out, uint64_t number, struct ms_bytes record)
{
    ms_assert(number > 0);
    ms_assert(record.size <= MS_VOTER_RECORD_MAX);
    memset(block_out, 0, MS_VOTER_BLOCK);
    memcpy(block_out + AT_MAGIC, magic, sizeof magic);
    put_number(block_out + AT_NUMBER, number, 8);
    put_number(block_out + AT_SIZE, record.size, 4);
    if (record.size > 0) {
        memcpy(block_out + AT_RECORD, record.data, record.size);
    }
    put_number(block_out + AT_CHECKSUM, checksum_of(block_out, record.size), 4);
}

static bool get_block(const uint8_t *block, struct ms_voter_newest *found_out)
{
    const uint64_t size = get_number(block + AT_SIZE, 4);

    if (memcmp(block + AT_MAGIC, magic, sizeof magic) != 0 || size > MS_VOTER_RECORD_MAX ||
        get_number(block + AT_CHECKSUM, 4) != checksum_of(block, (size_t)size)) {
        return false;
    }
    *found_out = (struct ms_voter_newest){get_number(block + AT_NUMBER, 8),
                                          {block + AT_RECORD, (size_t)size}};
    return true;
}

bool ms_voter_slots_newest(const uint8_t *file, struct ms_voter_newest *newest_out)
{
    struct ms_voter_newest found, newest = {0};

    for (unsigned slot = 0; slot < 2; slot++) {
        const uint8_t *block = file + ms_voter_slot_at(slot);

        /* What belongs elsewhere was written to the wrong place. */
        if (get_block(block, &found) && found.record.size > 0 && found.number % 2 == slot &&
            found.number > newest.number) {
            newest = found;
        }
    }
    if (newest.number == 0) {
        return false;
    }
    if (get_block(file + MS_VOTER_MARK_AT, &found) && found.record.size == 0 &&
        found.number > newest.number) {
        return false;
    }
    *newest_out = newest;
    return true;
}
