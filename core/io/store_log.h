/* A look at SQLite's write-ahead log before SQLite opens it. Private to the store.
 *
 * SQLite takes the log up to the first frame whose checksum is wrong, and forgets the rest: right for what a
 * power cut tore, wrong for a damaged byte in the midst of what was acknowledged. The two differ: every
 * commit is synced before the next begins, so a power cut tears one transaction at most. Where two or more
 * follow the first bad frame, the disk has lost what it had promised. And where the end of the log is known
 * (store_end.h), so has it when less of it is whole. */
#ifndef CORE_IO_STORE_LOG_H
#define CORE_IO_STORE_LOG_H

#include "core/error.h"
#include "core/io/store_end.h"
#include "core/text.h"

#define MS_STORE_LOG_SALTS 16 /* where they are in it */

/* MS_E_OK for a good or a torn log, and when there is none; STORE_CORRUPT with a sentence, or IO. *has_end_out: it is
 * the log of that end, and whole up to there. */
enum ms_error ms_store_log_verify(const char *path, const struct ms_store_end *end,
                                  bool *has_end_out, struct ms_complaint *complaint);

/* True when there is a log with a header of its own: SQLite has written to it. */
bool ms_store_log_is_there(const char *path);

#endif
