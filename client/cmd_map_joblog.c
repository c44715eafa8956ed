#include "client/cmd_map_joblog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/text.h"

#define COLUMNS_SIZE 512
#define COLUMN_LAST  7 /* Signal, counted from 0; what is behind may have tabs */
#define WORD_BITS    64

bool ms_joblog_print(const struct ms_joblog_row *row, struct ms_cli_bytes *bytes)
{
    char columns[COLUMNS_SIZE];
    const int length =
        snprintf(columns, sizeof columns,
                 "%" PRIu64 "\t%.128s\t%" PRId64 ".%03d\t%" PRIu64 ".%03d\t%" PRIu64 "\t%" PRIu64
                 "\t%d\t%u\t",
                 row->seq, row->host, row->start_ms / 1000, (int)(row->start_ms % 1000),
                 row->runtime_ms / 1000, (int)(row->runtime_ms % 1000), row->sent, row->received,
                 row->exitval, row->signal);
    const char *at = row->command;
    size_t left = row->command_size;

    ms_assert(length > 0 && (size_t)length < sizeof columns);
    if (!ms_cli_bytes_add(bytes, columns, (size_t)length)) {
        return false;
    }
    while (left > 0) {
        const char *newline = memchr(at, '\n', left);
        const size_t plain = newline != NULL ? (size_t)(newline - at) : left;

        if (!ms_cli_bytes_add(bytes, at, plain) ||
            (newline != NULL && !ms_cli_bytes_add(bytes, "\\n", 2))) {
            return false;
        }
        left -= plain + (newline != NULL ? 1 : 0);
        at += plain + (newline != NULL ? 1 : 0);
    }
    return ms_cli_bytes_add(bytes, "\n", 1);
}

/* A whole number, maybe negative, of size bytes. */
static bool parse_int(const char *text, size_t size, int *value_out)
{
    const bool is_negative = size > 0 && text[0] == '-';
    uint64_t value;

    if (!ms_text_to_u64(text + is_negative, size - is_negative, &value) || value > INT32_MAX) {
        return false;
    }
    *value_out = is_negative ? -(int)value : (int)value;
    return true;
}

bool ms_joblog_parse(const char *line, struct ms_joblog_row *row_out)
{
    struct ms_joblog_row row = {.seq = 0};
    int signal = 0;

    for (int column = 0; column <= COLUMN_LAST; column++) {
        const size_t size = strcspn(line, "\t");
        bool is_right = true;

        if (column == 0) {
            is_right =
                ms_text_to_u64(line, size, &row.seq) && row.seq > 0 && row.seq < MS_JOBLOG_SEQ_MAX;
        } else if (column == 6) {
            is_right = parse_int(line, size, &row.exitval);
        } else if (column == COLUMN_LAST) {
            is_right = parse_int(line, size, &signal) && signal >= 0;
        }
        /* A line that was cut off, by a full disk or a kill, has no command. */
        if (!is_right || line[size] == '\0') {
            return false;
        }
        line += size + 1;
    }
    row.signal = (unsigned)signal;
    row.command = line;
    row.command_size = strlen(line);
    *row_out = row;
    return true;
}

bool ms_joblog_mark(struct ms_joblog_set *set, uint64_t seq, bool is_in)
{
    const size_t word = (size_t)(seq / WORD_BITS);
    const uint64_t bit = (uint64_t)1 << seq % WORD_BITS;

    ms_assert(seq < MS_JOBLOG_SEQ_MAX);
    if (word >= set->count) {
        if (!is_in) {
            return true;
        }
        const size_t count = 2 * word + 16;
        uint64_t *grown = realloc(set->words, count * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        memset(grown + set->count, 0, (count - set->count) * sizeof *grown);
        set->words = grown;
        set->count = count;
    }
    set->words[word] = is_in ? set->words[word] | bit : set->words[word] & ~bit;
    return true;
}

bool ms_joblog_has(const struct ms_joblog_set *set, uint64_t seq)
{
    const uint64_t word = seq / WORD_BITS;

    return word < set->count && (set->words[word] >> seq % WORD_BITS & 1) != 0;
}

void ms_joblog_free(struct ms_joblog_set *set)
{
    free(set->words);
    *set = (struct ms_joblog_set){.words = NULL};
}
