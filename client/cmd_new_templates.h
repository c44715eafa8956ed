/* What `muster new` writes: the files of a new plug-in, with @NAME@ where its name goes. */
#ifndef CLIENT_CMD_NEW_TEMPLATES_H
#define CLIENT_CMD_NEW_TEMPLATES_H

#include "core/text.h"

struct ms_new_file {
    const char *name;
    const char *text;
};

/* Ended by a file without a name. */
extern const struct ms_new_file ms_new_handler_files[];
extern const struct ms_new_file ms_new_service_files[];

/* A word of letters, digits and '_' that does not begin with a digit, at most MS_NAME_MAX long: good
 * for a handler, a file and a target alike. False with the complaint. */
bool ms_new_check_name(const char *name, struct ms_complaint *complaint);

/* Adds the pattern to text with every @NAME@ replaced. */
void ms_new_expand(struct ms_text *text, const char *pattern, const char *name);

#endif
