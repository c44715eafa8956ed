/* One command of every kind, with every field that the kind has set. */
#ifndef SUPPORT_SAMPLES_H
#define SUPPORT_SAMPLES_H

#include "core/command.h"

#define SAMPLES_EPOCH ((ms_epoch)7)

/* Lives for ever. kind must be one of enum ms_kind. */
const struct ms_command *sample_of(enum ms_kind kind);

bool sample_exists(enum ms_kind kind);

#endif
