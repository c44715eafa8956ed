/* Included before all sources of this program: bounds so small that every one of them is reached. */
#ifndef MIRROR_LIMITS_H
#define MIRROR_LIMITS_H

#include "core/limits.h"

#undef MS_BACKLOG_BYTES
#undef MS_BACKLOG_COPY_BYTES
#undef MS_SCAN_BYTES
#undef MS_LOG_FRAME_SIZE
#undef MS_LOG_AHEAD_BYTES
#undef MS_JOIN_LAG_BYTES
#undef MS_STANDBY_AHEAD_BYTES

#define MS_BACKLOG_BYTES      2000u
#define MS_BACKLOG_COPY_BYTES 12000u
#define MS_SCAN_BYTES         400u
#define MS_LOG_FRAME_SIZE     100u
#define MS_LOG_AHEAD_BYTES    1500u
#define MS_JOIN_LAG_BYTES     1000u

#define MS_STANDBY_AHEAD_BYTES 3000u

#endif
