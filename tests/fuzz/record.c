/* The input is a piece of a journal. Whatever it is, walking it ends inside it; what is read of it can be
 * written, and comes back the same; and what is written is what protobuf-c makes of it. An entry whose
 * checksum is wrong is put right first, or nothing would ever get past it. */
#include "proto/record.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "tests/support/oracle_record.h"
#include "tests/support/seal.h"

#define INPUT_MAX ((size_t)(64u << 10))
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The record once more, through bytes of our own. */
static void write_and_read(ms_seq seq, const struct ms_record *record)
{
    uint8_t *bytes = malloc(ms_record_size_max(record));
    uint8_t *expected = NULL;
    struct ms_record_room room;
    struct ms_record found;
    struct ms_entry entry;

    ms_assert(bytes != NULL);
    struct ms_bytes rest = {bytes, (size_t)(ms_record_write(bytes, seq, record) - bytes)};
    ms_assert(rest.size <= ms_record_size_max(record));
    ms_assert(ms_record_next(&rest, &entry));
    ms_assert(rest.size == 0 && entry.seq == seq && entry.kind == record->kind);
    ms_assert(ms_record_read(&entry, &room, &found) == MS_E_OK);
    ms_assert(oracle_record_equal(&found, record));
    const size_t size = oracle_record_pack(record, &expected);
    ms_assert(entry.bytes.size == MS_RECORD_HEADER_SIZE + size);
    ms_assert(size == 0 || memcmp(bytes + MS_RECORD_HEADER_SIZE, expected, size) == 0);
    free(expected);
    free(bytes);
}

static void take(const struct ms_entry *entry)
{
    struct ms_record_room room;
    struct ms_record record;
    const enum ms_error error = ms_record_read(entry, &room, &record);

    ms_assert(error == MS_E_OK || error == MS_E_MALFORMED || error == MS_E_VERSION);
    if (error != MS_E_OK) {
        return;
    }
    ms_assert(record.kind == entry->kind);
    if (record.kind == MS_RECORD_ERASE) {
        uint8_t erase[MS_RECORD_HEADER_SIZE];
        ms_assert(ms_record_write_erase(erase, entry->seq) == erase + sizeof erase);
        return;
    }
    const struct ms_bytes body = {entry->bytes.data + MS_RECORD_HEADER_SIZE,
                                  entry->bytes.size - MS_RECORD_HEADER_SIZE};
    ms_assert(oracle_record_matches(body, &record));
    write_and_read(entry->seq, &record);
}

static void walk(struct ms_bytes entries)
{
    struct ms_entry entry;

    for (size_t before = entries.size; ms_record_next(&entries, &entry); before = entries.size) {
        ms_assert(entries.size + entry.bytes.size == before);
        take(&entry);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    uint8_t *copy = malloc(size + 1);
    ms_assert(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    walk((struct ms_bytes){copy, size});
    seal_entries(copy, size);
    walk((struct ms_bytes){copy, size});
    free(copy);
    return 0;
}
