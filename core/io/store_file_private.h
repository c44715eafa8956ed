/* A store's file from inside: shared by opening it (store_file_open.c) and using it (store_file.c). Private to the two. */
#ifndef CORE_IO_STORE_FILE_PRIVATE_H
#define CORE_IO_STORE_FILE_PRIVATE_H

#include <sqlite3.h>

#include "core/io/store_end.h"
#include "core/io/store_file.h"

#define MS_STORE_PATH_SIZE 4096

enum ms_store_statement {
    MS_STORE_FILE_BEGIN,
    MS_STORE_FILE_COMMIT,
    MS_STORE_FILE_ROLLBACK,
    MS_STORE_FILE_PUT_OLD,
    MS_STORE_FILE_ERASE_OLD,
    MS_STORE_FILE_MAKE_YOUNG,
    MS_STORE_FILE_SET_CYCLE,
    MS_STORE_FILE_ERASE_ALL_YOUNG,
    MS_STORE_FILE_ERASE_ALL_OLD,
    MS_STORE_FILE_WALK_OLD,
    MS_STORE_FILE_WALK_YOUNG,
    MS_STORE_FILE_PAGES,
    MS_STORE_FILE_FREE_PAGES,
    MS_STORE_FILE_STATEMENTS,
};

struct ms_store_file {
    sqlite3 *db;
    sqlite3_stmt *statements[MS_STORE_FILE_STATEMENTS];
    struct ms_store_young young;
    struct ms_uuid id;
    bool is_read_only, has_log; /* there was one before it was opened */
    bool is_refused;            /* its log is missed: nothing may be made in its place */
    uint64_t page_size;
    int log_frames;
    int end_fd; /* -1 = not open */
    struct ms_store_end end;
    bool is_cycle_due; /* the next commit begins one */
    int code;          /* of SQLite, with failure: of the last result that was not DONE */
    char failure[MS_COMPLAINT_MAX];
    char path[MS_STORE_PATH_SIZE];
};

/* What a code of SQLite means, noted for failure and error when it is none of success. SQLITE_FULL is a failed write for want
 * of space, and nothing else; a sync that reports the same is an error of input and output, so it is final. */
enum ms_store_result ms_store_file_result(struct ms_store_file *file, int code);

/* Carries out statements that give no rows. */
enum ms_store_result ms_store_file_run(struct ms_store_file *file, const char *text);

/* Of the database, or with a suffix of a file beside it. */
struct ms_store_path {
    char text[MS_STORE_PATH_SIZE + 8];
};
struct ms_store_path ms_store_file_path(const struct ms_store_file *file, const char *suffix);

/* Bytes of the log's file, whatever is in it. */
uint64_t ms_store_file_log_size(const struct ms_store_file *file);

#endif
