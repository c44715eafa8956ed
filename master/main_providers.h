/* Sections `provider "NAME" { ... }` of muster-master: read, loaded, checked, and carried out for the engine. */
#ifndef MASTER_MAIN_PROVIDERS_H
#define MASTER_MAIN_PROVIDERS_H

#include "core/io/driver.h"
#include "core/io/producer.h"
#include "core/sections.h"
#include "master/master.h"

extern const struct ms_section_kind master_provider_section;

/* Zeros are none. */
struct ms_main_providers {
    struct ms_producer *producer; /* NULL = there are no providers */
    struct ms_source_settings sources[MS_SOURCES_MAX];
    struct ms_producer_settings settings[MS_SOURCES_MAX];
    uint32_t count;
    struct ms_driver *driver; /* that hears the answers; set when it is made */
};

/* The sections, which were checked and are borrowed, as config wants them. */
void ms_main_providers_read(struct ms_main_providers *providers, const struct ms_sections *sections,
                            struct ms_master_config *config);

/* False when memory is out. */
bool ms_main_providers_start(struct ms_main_providers *providers, struct ev_loop *loop);
void ms_main_providers_stop(struct ms_main_providers *providers);

/* True: the effect was for a provider. */
bool ms_main_providers_effect(struct ms_main_providers *providers, const struct ms_effect *effect);

#endif
