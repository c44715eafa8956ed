/* Providers of a configuration: found by name or loaded from a shared object, and checked. */
#ifndef CORE_IO_PROVIDER_H
#define CORE_IO_PROVIDER_H

#include <stdbool.h>

#include "core/options.h"
#include "core/text.h"
#include "handlers/ms_provider.h"

extern const struct ms_provider ms_provider_lines;
extern const struct ms_provider ms_provider_range;

/* use: the name of one that is part of the program, or the file of a plug-in, which has a slash or ends with .so; it is never
 * unloaded. NULL with the complaint, without the name of the section. */
const struct ms_provider *ms_provider_find(const char *use, struct ms_complaint *complaint);

/* Every word of `with` is KEY=VALUE, with a key that the provider knows, once. False with the complaint. */
bool ms_provider_check_with(const struct ms_provider *provider, const struct ms_option_list *with,
                            struct ms_complaint *complaint);

/* Opens and closes it. False with what it says. */
bool ms_provider_check(const struct ms_provider *provider, const char *name,
                       const struct ms_option_list *with, struct ms_complaint *complaint);

#endif
