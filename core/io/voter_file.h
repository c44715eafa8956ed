/* The small file of a master of a pair, or of a witness: a few bytes (proto/pair_record.h) that are replaced as a whole. After a
 * crash it holds what was written last or what was written before, and what write said was done is on the disk. */
#ifndef CORE_IO_VOTER_FILE_H
#define CORE_IO_VOTER_FILE_H

#include "core/error.h"
#include "core/text.h"
#include "core/types.h"

#define MS_VOTER_FILE_PATH_MAX 4096

struct ms_voter_file {
    int directory; /* -1 = not open */
    char path[MS_VOTER_FILE_PATH_MAX];
    const char *name; /* within path */
};

/* Makes the directory if need be, and takes it: a second process that votes with the same record is refused. NAME
 * is of one file in it. PERMISSION, STORE_FULL or IO with a sentence. */
enum ms_error ms_voter_file_open(struct ms_voter_file *file, const char *directory,
                                 const char *name, struct ms_complaint *complaint);
void ms_voter_file_close(struct ms_voter_file *file);

/* OK; NOT_FOUND: there is none; MALFORMED: longer than size; IO. With a sentence that names the file. */
enum ms_error ms_voter_file_read(const struct ms_voter_file *file, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint);

/* Writes NAME.new, syncs it, gives it the name, syncs the directory. After an error nobody knows which of
 * both a crash would leave: never to be tried again. STORE_FULL, PERMISSION or IO with a sentence. */
enum ms_error ms_voter_file_write(const struct ms_voter_file *file, struct ms_bytes bytes,
                                  struct ms_complaint *complaint);

/* Out of the way: NAME.damaged, for people to look at. */
enum ms_error ms_voter_file_set_aside(const struct ms_voter_file *file,
                                      struct ms_complaint *complaint);

#endif
