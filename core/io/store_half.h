/* What the directory of one half of a pair says of itself, looked at from outside: by tools, and by a master before it makes
 * anything there. */
#ifndef CORE_IO_STORE_HALF_H
#define CORE_IO_STORE_HALF_H

#include "core/decision.h"
#include "core/error.h"
#include "core/text.h"

#define MS_STORE_HALF_RECORD_NAME "pair.meta"

/* OK; NOT_FOUND: it is no half's; MALFORMED, VERSION, PERMISSION, IO: with a sentence that names the file. Whoever votes reads it
 * by core/io/voter_file.h instead. */
enum ms_error ms_store_half_look(const char *directory, struct ms_council_record *record_out,
                                 struct ms_complaint *complaint);

/* Whether the store of a half with this record has entries: one that says it has everything has at least the record of the
 * epoch that was begun last, but for one that has decided to begin its first one, and has not yet done so. */
bool ms_store_half_has_entries(const struct ms_council_record *record);

/* False when nothing of a store is left in the directory of a half that has entries: to make a new one would be to forget
 * them. Then with a sentence that says what to do. */
bool ms_store_half_check(const char *directory, const struct ms_council_record *record,
                         struct ms_complaint *complaint);

/* Whether its store may become that of a single master: it has everything, and was active last, as far as it knows. Else with a
 * sentence that says what to do. */
bool ms_store_half_may_leave(const char *directory, const struct ms_council_record *record,
                             struct ms_complaint *complaint);

/* As check, once the store was read: whether it has entries, and the highest epoch that a master began in it (0 = none), which was
 * promised before it was begun. */
bool ms_store_half_fits(const char *directory, const struct ms_council_record *record,
                        bool has_entries, ms_epoch epoch, struct ms_complaint *complaint);

#endif
