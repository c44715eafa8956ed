/* A file system of SQLite's in which the pieces of a write-ahead log gather until they are synced. SQLite writes two for
 * each page, its header and the page itself, one behind the other; here the disk gets them in one call. Other files are the
 * default system's, which is the one below. Private to the store.
 *
 * What was written and not synced is in no promise, so that it is in memory for so long changes nothing, but that a failure
 * of the write is told by the sync, or by whatever else asks for the file: with the same code, before anything is synced. */
#ifndef CORE_IO_STORE_GATHER_H
#define CORE_IO_STORE_GATHER_H

/* Bytes that gather; more is written at once. SQLite's own file system writes at most 2^17 - 1 in one call. */
#define MS_STORE_GATHER_MAX ((size_t)127 << 10)

/* The name by which to open a database in it; NULL: SQLite has no file system at all. Any thread. */
const char *ms_store_gather_vfs(void);

#endif
