/* Limits of a standby whose disk does not keep up (master/pace.h), and of what operators are told of a pair. */
#ifndef CORE_LIMITS_STANDBY_H
#define CORE_LIMITS_STANDBY_H

#include "core/types.h"

#define MS_STANDBY_LAG  (500 * MS_MSEC) /* a record that it has not written by then is late */
#define MS_STANDBY_SLOW (5 * MS_SEC) /* of late records without a break: work goes on without it */
#define MS_STANDBY_LOOK (500 * MS_MSEC) /* between two looks; what is longer was our own fault */
#define MS_STANDBY_WELL (10 * MS_SEC)   /* it keeps up for so long before it counts again, */
#define MS_STANDBY_WELL_MAX                                                                        \
    (600 * MS_SEC) /* twice as long each time it is slow again, up to that, */
#define MS_STANDBY_FORGET (3600 * MS_SEC) /* unless it was well for so long in between */

#define MS_STANDBY_AHEAD_BYTES                                                                     \
    (16u << 20) /* of the stream, in the memory of one outside S that writes nothing */

#define MS_NOTICE_KEEP                                                                             \
    (15 * MS_SEC) /* what was refused is told of so long: it comes again before */

#endif
