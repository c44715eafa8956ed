/* The directory of a store: made, locked, and how much it may still take. Private to the store. */
#ifndef CORE_IO_STORE_DIRECTORY_H
#define CORE_IO_STORE_DIRECTORY_H

#include "core/error.h"
#include "core/text.h"
#include "core/types.h"

/* A byte of entry may need as many bytes of disk, because pages are never full. */
#define MS_STORE_DISK_FACTOR 2

struct ms_store_directory {
    int fd, lock_fd;      /* -1 = not open */
    uint64_t bytes_max;   /* 0 = what the disk has */
    uint64_t reserve;     /* bytes of disk to be held ready */
    bool is_reserve_held; /* they are allocated */
};

/* Makes the directory, unless it is only looked at, and locks it. */
enum ms_error ms_store_directory_open(struct ms_store_directory *directory, const char *path,
                                      bool is_read_only, struct ms_complaint *complaint);
/* Only to look at a file in it that nobody writes. */
enum ms_error ms_store_directory_visit(struct ms_store_directory *directory, const char *path,
                                       struct ms_complaint *complaint);
void ms_store_directory_close(struct ms_store_directory *directory);

/* Allocates the reserve really. False when the disk has not twice as much, or refuses. */
bool ms_store_directory_hold(struct ms_store_directory *directory);

/* Gives the reserve back to the disk. False when there was none. */
bool ms_store_directory_release(struct ms_store_directory *directory);

/* Bytes that others on this machine may still write to the same disk. */
uint64_t ms_store_directory_free(const struct ms_store_directory *directory);

/* Bytes of entries that fit, the reserve counted, when the store's files have file_bytes. */
uint64_t ms_store_directory_room(const struct ms_store_directory *directory, uint64_t file_bytes,
                                 uint64_t file_free);

#endif
