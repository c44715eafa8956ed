/* Checksums of journals, not by the code of proto/record.c, so that the two prove each other. */
#ifndef SUPPORT_SEAL_H
#define SUPPORT_SEAL_H

#include "core/types.h"

uint32_t seal_crc32(const uint8_t *at, size_t size);

/* Gives every entry that lies inside the journal, up to the first that does not, its checksum. */
void seal_entries(uint8_t *journal, size_t size);

#endif
