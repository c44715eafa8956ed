/* A look at SQLite's write-ahead log before SQLite opens it. Private to the store.
 *
 * SQLite takes the log up to the first frame whose checksum is wrong, and forgets the rest: right for what a
 * power cut tore, wrong for a damaged byte in the midst of what was acknowledged. The two differ: every
 * commit is synced before the next begins, so a power cut tears one transaction at most. Where two or more
 * follow the first bad frame, the disk has lost what it had promised. */
#ifndef CORE_IO_STORE_LOG_H
#define CORE_IO_STORE_LOG_H

#include "core/error.h"
#include "core/text.h"

/* MS_E_OK for a good or a torn log, and when there is none; STORE_CORRUPT with a sentence, or IO. */
enum ms_error ms_store_log_verify(const char *path, struct ms_complaint *complaint);

#endif
