/* The services of a master, found by their description files: each NAME.service in a directory says which library makes the service NAME, and
 * with which parameters:
 *
 *     library = kv.so
 *     parameters = value_max=65536
 *
 * A path without a leading slash begins at the directory. '#' begins a comment. A library is never unloaded. */
#ifndef CORE_IO_SERVICE_FILES_H
#define CORE_IO_SERVICE_FILES_H

#include "core/limits.h"
#include "core/text.h"
#include "services/ms_service.h"

struct ms_service_file {
    const struct ms_service *service;
    char name[MS_NAME_MAX + 1];
    char *parameters; /* malloc */
};

/* Zeroed is empty. In order of name, which is that of the chain. */
struct ms_service_files {
    struct ms_service_file items[MS_SERVICES_MAX];
    uint32_t count;
};

/* Reads all of a directory. False with the complaint, which names file and line: what cannot be read or loaded, an unknown word, another ABI (both numbers
 * are named), a service that breaks the rules. */
bool ms_service_files_load(struct ms_service_files *files, const char *directory,
                           struct ms_complaint *complaint);
void ms_service_files_finish(struct ms_service_files *files); /* accepts a zeroed one */

#endif
