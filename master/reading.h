/* What was asked of the store and comes later, piece by piece or at once: there is one at a time, and whoever does not need it any more
 * has to wait for it all the same. */
#ifndef MASTER_READING_H
#define MASTER_READING_H

enum ms_reading {
    MS_READING_NONE,
    MS_READING_ON,
    MS_READING_VOID, /* of something that is over: what comes is nobody's */
};

static inline enum ms_reading ms_reading_void(enum ms_reading reading)
{
    return reading == MS_READING_NONE ? MS_READING_NONE : MS_READING_VOID;
}

#endif
