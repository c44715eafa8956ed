/* What a master is told of a provider. What the provider is made of is the business of whoever carries out OPEN. */
#ifndef MASTER_SOURCES_SETTINGS_H
#define MASTER_SOURCES_SETTINGS_H

#include "core/limits.h"
#include "core/types.h"

#define MS_PROVIDER_TELL_MAX 64u    /* outcomes told to one and not yet answered */
#define MS_PROVIDER_KEPT_MAX 16384u /* outcomes that it lets be kept */

struct ms_source_settings {
    char name[MS_NAME_MAX + 1]; /* by which its commands are known for ever */
    ms_type type;               /* of all its commands */
    uint32_t attempts_max;      /* 0 = MS_ATTEMPTS_DEFAULT */
    uint32_t ahead;             /* commands that may be ready beyond what slaves have asked for */
    ms_time timeout;            /* of an attempt; 0 = none */
    int8_t priority;
};

#endif
