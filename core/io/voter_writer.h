/* Writes the file of a voting record without stopping the loop: on a thread of its own, because a disk that is slow must not
 * silence whoever votes. A witness beats meanwhile, and the slave beside it; a master serves.
 *
 * One record at a time. It is durable when that is told, and not a moment earlier. */
#ifndef CORE_IO_VOTER_WRITER_H
#define CORE_IO_VOTER_WRITER_H

#include <ev.h>

#include "core/io/voter_file.h"

#define MS_VOTER_CLOSE_TIMEOUT (2 * MS_SEC) /* a disk that does not answer is left alone */

/* In the loop's thread, once for each write; none after destroy. May write the next one. why: a sentence, if there is an
 * error: that of ms_voter_file_write. */
typedef void (*ms_voter_written_fn)(void *context, enum ms_error error, const char *why);

struct ms_voter_writer;

/* Takes the file over, which is open: *file is closed for whoever had it. NULL: no memory, no thread; then it is as it was. */
struct ms_voter_writer *ms_voter_writer_create(struct ev_loop *loop, struct ms_voter_file *file,
                                               ms_voter_written_fn written, void *context);

/* The bytes are copied. What was written before has been told. */
void ms_voter_writer_write(struct ms_voter_writer *writer, struct ms_bytes bytes);

/* Closes the file. A write that is under way is waited for, at most MS_VOTER_CLOSE_TIMEOUT; then it is left to its thread, which closes
 * the file when the disk has answered, and the file holds one record or the other, as after a crash. Until then nobody else gets
 * the directory. Accepts NULL. */
void ms_voter_writer_destroy(struct ms_voter_writer *writer);

#endif
