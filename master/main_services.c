#include "master/main_services.h"

bool ms_main_services_load(struct ms_main_services *self, const char *directory,
                           struct ms_complaint *complaint)
{
    if (directory != NULL && !ms_service_files_load(&self->files, directory, complaint)) {
        return false;
    }
    for (uint32_t i = 0; i < self->files.count; i++) {
        const struct ms_service_file *file = &self->files.items[i];

        self->entries[i] = (struct ms_service_entry){file->service, file->name, file->parameters};
    }
    self->list = (struct ms_service_list){self->entries, self->files.count};
    return true;
}

void ms_main_services_finish(struct ms_main_services *self)
{
    ms_service_files_finish(&self->files);
    self->list = (struct ms_service_list){.items = NULL};
}
