#include "core/io/store_log.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The format is fixed: "The Database File Format" of SQLite, chapter 4. Numbers are big endian; the checksum
 * takes words of the byte order that the magic number's last bit names. */
enum {
    LOG_HEADER_SIZE = 32,
    FRAME_HEADER_SIZE = 24,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 65536,
    TORN_MAX = 1,      /* transactions that a power cut may leave unfinished */
    SECTOR_SIZE = 512, /* the least that a disk writes whole */
    FRAME_SALTS = 8,   /* in the header of a frame */
    FRAME_SALTS_END = FRAME_SALTS + MS_STORE_SALTS_SIZE,
};

#define MAGIC 0x377f0682u

struct log {
    FILE *file;
    uint32_t page_size;
    uint32_t sums[2];
    bool is_big_endian;
    uint8_t salts[MS_STORE_SALTS_SIZE];
    uint8_t page[PAGE_SIZE_MAX];
};

static uint32_t number_at(const uint8_t *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof number);
    return be32toh(number);
}

static void add_sums(struct log *log, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint32_t words[2];

        memcpy(words, data + i, sizeof words);
        words[0] = log->is_big_endian ? be32toh(words[0]) : le32toh(words[0]);
        words[1] = log->is_big_endian ? be32toh(words[1]) : le32toh(words[1]);
        log->sums[0] += words[0] + log->sums[1];
        log->sums[1] += words[1] + log->sums[0];
    }
}

static bool are_sums_at(const struct log *log, const uint8_t *at)
{
    return log->sums[0] == number_at(at) && log->sums[1] == number_at(at + 4);
}

/* False: no log that SQLite would read a frame of. */
static bool read_header(struct log *log)
{
    uint8_t header[LOG_HEADER_SIZE];

    if (fread(header, 1, sizeof header, log->file) != sizeof header ||
        (number_at(header) & ~1u) != MAGIC) {
        return false;
    }
    log->is_big_endian = (header[3] & 1) != 0;
    log->page_size = number_at(header + 8);
    memcpy(log->salts, header + MS_STORE_LOG_SALTS, sizeof log->salts);
    add_sums(log, header, LOG_HEADER_SIZE - 8);
    return log->page_size >= PAGE_SIZE_MIN && log->page_size <= PAGE_SIZE_MAX &&
           log->page_size % 8 == 0 && are_sums_at(log, header + LOG_HEADER_SIZE - 8);
}

struct tally {
    unsigned long good; /* frames, from the first one on */
    unsigned lost;      /* commits behind the first bad one */
};

/* A power cut may leave salts of this life behind a commit mark of the life before, if they lie in two sectors. */
static bool is_mark_proven(uint64_t at)
{
    return at % SECTOR_SIZE + FRAME_SALTS_END <= SECTOR_SIZE;
}

static struct tally count(struct log *log)
{
    struct tally tally = {0};
    uint8_t header[FRAME_HEADER_SIZE];
    uint64_t at = LOG_HEADER_SIZE;
    bool is_good = true;

    while (fread(header, 1, sizeof header, log->file) == sizeof header &&
           fread(log->page, 1, log->page_size, log->file) == log->page_size) {
        const bool is_ours = memcmp(header + FRAME_SALTS, log->salts, sizeof log->salts) == 0;

        if (is_good) {
            add_sums(log, header, 8);
            add_sums(log, log->page, log->page_size);
            is_good = is_ours && are_sums_at(log, header + 16);
            tally.good += is_good ? 1 : 0;
        }
        if (!is_good && is_ours && number_at(header + 4) != 0 && is_mark_proven(at)) {
            tally.lost++;
        }
        at += sizeof header + log->page_size;
    }
    return tally;
}

static enum ms_error verify(struct log *log, const char *path, const struct ms_store_end *end,
                            bool *has_end_out, struct ms_complaint *complaint)
{
    const bool is_known = end->cycle != 0 && memcmp(end->salts, log->salts, sizeof log->salts) == 0;
    const struct tally tally = count(log);

    if (tally.lost > TORN_MAX) {
        ms_complain(complaint, "%s is damaged: frame %lu is bad, and %u transactions follow it",
                    path, tally.good + 1, tally.lost);
        return MS_E_STORE_CORRUPT;
    }
    if (is_known && tally.good < end->frames) {
        ms_complain(complaint, "%s is damaged: %lu frames of it are whole, %llu were acknowledged",
                    path, tally.good, (unsigned long long)end->frames);
        return MS_E_STORE_CORRUPT;
    }
    *has_end_out = is_known;
    return MS_E_OK;
}

bool ms_store_log_is_there(const char *path)
{
    struct log *log = calloc(1, sizeof *log);
    bool is_there = false;

    if (log != NULL && (log->file = fopen(path, "rbe")) != NULL) {
        is_there = read_header(log);
        fclose(log->file);
    }
    free(log);
    return is_there;
}

enum ms_error ms_store_log_verify(const char *path, const struct ms_store_end *end,
                                  bool *has_end_out, struct ms_complaint *complaint)
{
    struct log *log = calloc(1, sizeof *log);
    enum ms_error error = MS_E_OK;

    *has_end_out = false;
    if (log == NULL) {
        ms_complain(complaint, "%s: out of memory", path);
        return MS_E_NO_MEMORY;
    }
    log->file = fopen(path, "rbe");
    if (log->file == NULL) {
        error = errno == ENOENT ? MS_E_OK : MS_E_IO;
    } else if (read_header(log)) {
        error = verify(log, path, end, has_end_out, complaint);
    }
    if (log->file != NULL) {
        if (ferror(log->file) != 0) {
            error = MS_E_IO;
        }
        fclose(log->file);
    }
    if (error == MS_E_IO) {
        ms_complain(complaint, "%s: %s", path, strerror(errno));
    }
    free(log);
    return error;
}
