/* The services that --services names, for as long as the program runs. */
#ifndef MASTER_MAIN_SERVICES_H
#define MASTER_MAIN_SERVICES_H

#include "core/io/service_files.h"
#include "master/services.h"

struct ms_main_services {
    struct ms_service_files files;
    struct ms_service_entry entries[MS_SERVICES_MAX];
    struct ms_service_list list;
};

/* directory: NULL = there are none. False with the complaint. */
bool ms_main_services_load(struct ms_main_services *self, const char *directory,
                           struct ms_complaint *complaint);
void ms_main_services_finish(struct ms_main_services *self);

#endif
