/* The small file of a master of a pair, or of a witness: a few bytes (proto/pair_record.h) that are replaced as a whole. After a
 * crash it holds what was written last or what was written before, and what write said was done is on the disk.
 *
 * It is made as a whole once, and written in place from then on (core/io/voter_slots.h): a write changes no size and no
 * name, so its sync waits for two blocks and for no commit of the file system's journal, and, where files are overwritten in
 * place, a full disk does not hinder it. A file of the form before (the record and nothing else) is read, and replaced by
 * the next write. */
#ifndef CORE_IO_VOTER_FILE_H
#define CORE_IO_VOTER_FILE_H

#include "core/error.h"
#include "core/text.h"
#include "core/types.h"

#define MS_VOTER_FILE_PATH_MAX 4096

struct ms_voter_file {
    int directory;   /* -1 = not open */
    int blocks;      /* the file, in place; -1 = the next write makes it */
    uint64_t number; /* of the record that it holds */
    bool has_failed;
    char path[MS_VOTER_FILE_PATH_MAX];
    const char *name; /* within path */
};

/* Makes the directory if need be, and takes it: a second process that votes with the same record is refused. NAME
 * is of one file in it. PERMISSION, STORE_FULL or IO with a sentence. */
enum ms_error ms_voter_file_open(struct ms_voter_file *file, const char *directory,
                                 const char *name, struct ms_complaint *complaint);
void ms_voter_file_close(struct ms_voter_file *file);

/* OK: it is on the disk, even if a process before could not say so: it is written once more. NOT_FOUND: there is none; MALFORMED:
 * damaged, or longer than size; STORE_FULL, PERMISSION, IO. With a sentence that names the file. */
enum ms_error ms_voter_file_read(struct ms_voter_file *file, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint);

/* The same of a file that is only looked at, whoever has its directory: nothing is taken, made or written, so nobody may vote by
 * what it says. NOT_FOUND also when there is no such directory. */
enum ms_error ms_voter_file_look(const char *path, uint8_t *bytes_out, size_t size,
                                 size_t *size_out, struct ms_complaint *complaint);

/* At most MS_VOTER_RECORD_MAX bytes. In place if it was read or written before, else NAME.new is written, synced, given the name,
 * and the directory synced. After an error nobody knows which of both a crash would leave, and each later call is
 * refused. STORE_FULL, PERMISSION or IO with a sentence. */
enum ms_error ms_voter_file_write(struct ms_voter_file *file, struct ms_bytes bytes,
                                  struct ms_complaint *complaint);

/* Out of the way: NAME.damaged, for people to look at. */
enum ms_error ms_voter_file_set_aside(struct ms_voter_file *file, struct ms_complaint *complaint);
/* It is no more, for good. PERMISSION or IO with a sentence; then it may be there yet. */
enum ms_error ms_voter_file_remove(struct ms_voter_file *file, struct ms_complaint *complaint);

#endif
