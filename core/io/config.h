/* Reads a program's configuration file into its options: `key = value`, # comments, lists in braces, titled sections
 * `KIND "TITLE" { key = value }`. */
#ifndef CORE_IO_CONFIG_H
#define CORE_IO_CONFIG_H

#include <stdio.h>

#include "core/options.h"

/* Sets every key of the file at level FILE, and fills options->sections if there are any. '_' in a key equals '-'. On failure
 * false, and the complaint names file, line and, for an unknown key, all valid ones. Not thread-safe. */
bool ms_config_read(struct ms_options *options, const char *path, struct ms_complaint *complaint);

/* Sets every option that names an environment variable which is set. */
bool ms_config_environment(struct ms_options *options, struct ms_complaint *complaint);

/* Writes the values as they are now, and the sections as they were read, as a configuration file. */
void ms_config_dump(const struct ms_options *options, FILE *stream);

#endif
