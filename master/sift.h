/* How a follower reads its own store. It *looks*: of which reign is it (its EPOCH record says so), and what is the highest
 * record in it? And it *sifts*: what does not live any more, by a list of the active's (master/living.h), is erased. One SCAN at a
 * time is asked for; because a SCAN is answered when all that was PERSISTed before is durable, the one that finds nothing
 * to erase any more says that all erasures are. */
#ifndef MASTER_SIFT_H
#define MASTER_SIFT_H

#include "core/engine.h"
#include "master/living.h"
#include "master/reading.h"

enum ms_sift_state {
    MS_SIFT_IDLE,
    MS_SIFT_LOOKING,
    MS_SIFT_SIFTING, /* a list is here, and not done with */
};

struct ms_sift {
    enum ms_sift_state state;
    enum ms_reading scan; /* SCANNED will come */
    ms_seq above;         /* the store was read up to there */
    ms_epoch reign;       /* that was seen last; 0 = none */
    ms_seq last;          /* likewise; 0 = it is empty */
    uint64_t digest;      /* of what lives, from the first list on */
    ms_seq upto;          /* of the list */
    uint8_t list[MS_LOG_FRAME_SIZE];
    struct ms_living_reader reader;
    uint8_t erases[MS_SCAN_BYTES]; /* entries to be PERSISTed */
    size_t erases_size;
};

/* From the beginning of the store; what was asked before is void. */
void ms_sift_look(struct ms_sift *sift);
/* Lists come, from the beginning. */
void ms_sift_begin(struct ms_sift *sift);
/* What lives of the numbers behind the last list, up to that one. False when it is not sound, or the last is not done with. */
bool ms_sift_list(struct ms_sift *sift, struct ms_bytes list, ms_seq upto);
void ms_sift_leave(struct ms_sift *sift);

/* A SCAN is under way, or may be asked for. */
bool ms_sift_is_scanning(const struct ms_sift *sift);
bool ms_sift_is_due(const struct ms_sift *sift);
void ms_sift_scan(struct ms_sift *sift, struct ms_engine *engine);

enum ms_sift_outcome {
    MS_SIFT_VOID,
    MS_SIFT_MORE, /* erases are to be persisted now, if there are any, and a SCAN is due */
    MS_SIFT_DONE,
    MS_SIFT_BROKEN, /* the store cannot be read */
};
enum ms_sift_outcome ms_sift_scanned(struct ms_sift *sift, const struct ms_event *event);

#endif
