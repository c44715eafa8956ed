/* Sections `route "TYPE" { ... }` of a slave: what it adds to a handler. */
#ifndef SLAVE_MAIN_ROUTES_H
#define SLAVE_MAIN_ROUTES_H

#include "core/io/plugin.h"
#include "core/sections.h"
#include "slave/slave.h"

extern const struct ms_section_kind slave_route_section;

/* False with file, line and what there is when a section is of a type that no handler runs. sections may be NULL. */
bool slave_routes_check(const struct ms_sections *sections, const struct ms_plugins *plugins,
                        struct ms_complaint *complaint);

/* What the section of that type says goes before what its handler says. */
void slave_routes_apply(const struct ms_sections *sections, struct ms_slave_type *type);

#endif
