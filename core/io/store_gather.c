#include "core/io/store_gather.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct gathering {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this */
    uint8_t *bytes;     /* MS_STORE_GATHER_MAX of them */
    int size;           /* that wait to be written */
    sqlite3_int64 at;   /* where to */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sqlite3_vfs *below;
static sqlite3_vfs vfs;

static struct gathering *of(sqlite3_file *file)
{
    return (struct gathering *)file;
}

static const sqlite3_io_methods *methods_of(sqlite3_file *file)
{
    return of(file)->real->pMethods;
}

/* After a failure it is gone: SQLite gives the transaction up. */
static int write_out(struct gathering *file)
{
    const int size = file->size;

    file->size = 0;
    return size == 0 ? SQLITE_OK
                     : file->real->pMethods->xWrite(file->real, file->bytes, size, file->at);
}

static int gather_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 at)
{
    struct gathering *file = of(base);
    int code = SQLITE_OK;

    if (at != file->at + file->size || (size_t)file->size + (size_t)size > MS_STORE_GATHER_MAX) {
        code = write_out(file);
        file->at = at;
    }
    if (code != SQLITE_OK) {
        return code;
    }
    if ((size_t)size > MS_STORE_GATHER_MAX) {
        return file->real->pMethods->xWrite(file->real, data, size, at);
    }
    memcpy(file->bytes + file->size, data, (size_t)size);
    file->size += size;
    return SQLITE_OK;
}

static int gather_close(sqlite3_file *base)
{
    struct gathering *file = of(base);
    const int code = write_out(file), closed = file->real->pMethods->xClose(file->real);

    sqlite3_free(file->bytes);
    return code == SQLITE_OK ? closed : code;
}

static int gather_read(sqlite3_file *base, void *data, int size, sqlite3_int64 at)
{
    const int code = write_out(of(base));

    return code == SQLITE_OK ? methods_of(base)->xRead(of(base)->real, data, size, at) : code;
}

static int gather_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    const int code = write_out(of(base));

    return code == SQLITE_OK ? methods_of(base)->xTruncate(of(base)->real, size) : code;
}

static int gather_sync(sqlite3_file *base, int flags)
{
    const int code = write_out(of(base));

    return code == SQLITE_OK ? methods_of(base)->xSync(of(base)->real, flags) : code;
}

static int gather_size(sqlite3_file *base, sqlite3_int64 *size_out)
{
    const int code = write_out(of(base));

    return code == SQLITE_OK ? methods_of(base)->xFileSize(of(base)->real, size_out) : code;
}

static int gather_lock(sqlite3_file *base, int level)
{
    return methods_of(base)->xLock(of(base)->real, level);
}

static int gather_unlock(sqlite3_file *base, int level)
{
    return methods_of(base)->xUnlock(of(base)->real, level);
}

static int gather_is_reserved(sqlite3_file *base, int *is_out)
{
    return methods_of(base)->xCheckReservedLock(of(base)->real, is_out);
}

static int gather_control(sqlite3_file *base, int what, void *argument)
{
    return methods_of(base)->xFileControl(of(base)->real, what, argument);
}

static int gather_sector(sqlite3_file *base)
{
    return methods_of(base)->xSectorSize(of(base)->real);
}

static int gather_characteristics(sqlite3_file *base)
{
    return methods_of(base)->xDeviceCharacteristics(of(base)->real);
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* a log is neither shared nor mapped */
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_is_reserved,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector,
    .xDeviceCharacteristics = gather_characteristics,
};

static int open_log(const char *path, struct gathering *file, int flags, int *flags_out)
{
    int code;

    *file = (struct gathering){.real = (sqlite3_file *)(file + 1),
                               .bytes = sqlite3_malloc64(MS_STORE_GATHER_MAX)};
    if (file->bytes == NULL) {
        return SQLITE_NOMEM;
    }
    code = below->xOpen(below, path, file->real, flags, flags_out);
    if (code == SQLITE_OK) {
        file->base.pMethods = &methods; /* one without is not closed */
    } else {
        sqlite3_free(file->bytes);
    }
    return code;
}

static int gather_open(sqlite3_vfs *self, const char *path, sqlite3_file *file, int flags,
                       int *flags_out)
{
    (void)self;
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        return open_log(path, of(file), flags, flags_out);
    }
    return below->xOpen(below, path, file, flags, flags_out);
}

/* All but opening is below's own: it gets its own data, which the copy has too. */
static void begin(void)
{
    below = sqlite3_vfs_find(NULL);
    if (below == NULL) {
        return;
    }
    vfs = *below;
    vfs.zName = "muster";
    vfs.pNext = NULL;
    vfs.szOsFile += (int)sizeof(struct gathering);
    vfs.xOpen = gather_open;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
        below = NULL;
    }
}

const char *ms_store_gather_vfs(void)
{
    pthread_once(&once, begin);
    return below == NULL ? NULL : vfs.zName;
}
