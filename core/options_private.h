/* How options are told to people, for those who print them in another form. */
#ifndef CORE_OPTIONS_PRIVATE_H
#define CORE_OPTIONS_PRIVATE_H

#include "core/options.h"

/* What may be given, in words; nothing for kinds that take anything. */
void ms_option_print_range(const struct ms_option *option, struct ms_text *text);

/* Words from column on, broken before width. */
void ms_option_print_wrapped(const char *words, size_t column, size_t width, struct ms_text *text);

#endif
