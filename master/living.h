/* Which numbers of records are live, as runs in rising order: how many numbers are not, then how many are, as varints, and so
 * on. What comes behind the last run is not. The active writes it, the passive keeps what it names. */
#ifndef MASTER_LIVING_H
#define MASTER_LIVING_H

#include "core/limits.h"
#include "core/types.h"

/* A list that is being written. */
struct ms_living {
    uint8_t bytes[MS_LOG_FRAME_SIZE];
    size_t size;
    ms_seq from, next; /* the run under way, from .. next - 1 */
    ms_seq told;       /* numbers up to it are in bytes */
};

/* A new list, of numbers above that. */
void ms_living_begin(struct ms_living *living, ms_seq above);
/* That one lives; numbers rise. False: there is no room for it. */
bool ms_living_add(struct ms_living *living, ms_seq seq);
/* No room for more, whatever comes. */
bool ms_living_is_full(const struct ms_living *living);
/* The list, which stands until the next begins. */
struct ms_bytes ms_living_end(struct ms_living *living);

/* A list that is being read. */
struct ms_living_reader {
    struct ms_bytes rest;
    ms_seq from, next; /* the present run */
};

/* Whether it is one of numbers above .. last. */
bool ms_living_is_sound(struct ms_bytes list, ms_seq above, ms_seq last);

/* Of a sound list, which must stand as long as it is read. */
void ms_living_open(struct ms_living_reader *reader, struct ms_bytes list, ms_seq above);
/* Whether that one lives; asked of rising numbers. */
bool ms_living_has(struct ms_living_reader *reader, ms_seq seq);

#endif
