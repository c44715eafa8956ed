/* The database under the store: transactions, walks, formats, damage. */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "core/io/store_end.h"
#include "core/io/store_file.h"
#include "io_store_entries.h"

static struct place place;
static struct ms_store_file *file;
static struct ms_complaint complaint;

static enum ms_error open_file(bool is_read_only)
{
    struct ms_store_file_options options = {.directory = place.path,
                                            .is_read_only = is_read_only,
                                            .id = {{1, 2, 3}},
                                            .log_size = 1u << 20,
                                            .young_size = 1u << 18};
    enum ms_error error = MS_E_OK;

    file = ms_store_file_open(&options, &error, &complaint);
    ck_assert_int_eq(file == NULL, error != MS_E_OK);
    return error;
}

static void close_file(void)
{
    ck_assert(ms_store_file_close(file));
    file = NULL;
}

static void set_up(void)
{
    place_make(&place);
    ck_assert_int_eq(open_file(false), MS_E_OK);
}

static void tear_down(void)
{
    ms_store_file_close(file);
    place_remove(&place);
}

static struct ms_bytes text(const char *words)
{
    return ms_bytes_of(words);
}

static void add_row(struct ms_text *all, uint64_t number, struct ms_bytes value)
{
    ms_text_add(all, "%llu=%.*s ", (unsigned long long)number, (int)value.size,
                (const char *)value.data);
}

static bool collect(void *context, ms_seq seq, struct ms_bytes entry)
{
    add_row(context, seq, entry);
    return true;
}

static bool collect_batch(void *context, const struct ms_store_batch *batch)
{
    add_row(context, batch->number, batch->entries);
    return true;
}

static void put_young(uint64_t number, uint64_t first, const char *words)
{
    const struct ms_store_batch batch = {number, first, text(words)};

    ck_assert_int_eq(ms_store_file_put_young(file, &batch), MS_STORE_DONE);
}

static void check_rows(const char *young, const char *old)
{
    char words[256];
    struct ms_text all;

    ms_text_init(&all, words, sizeof words);
    ck_assert_int_eq(ms_store_file_walk_young(file, collect_batch, &all), MS_STORE_DONE);
    ck_assert_str_eq(words, young);
    ms_text_init(&all, words, sizeof words);
    ck_assert_int_eq(ms_store_file_walk_old(file, 0, collect, &all), MS_STORE_DONE);
    ck_assert_str_eq(words, old);
}

START_TEST(test_rows_come_in_order)
{
    uint64_t erased = 0;

    ck_assert_int_eq(ms_store_file_begin(file), MS_STORE_DONE);
    ms_store_file_put_old(file, 30, text("c"));
    ms_store_file_put_old(file, 10, text("a"));
    ms_store_file_put_old(file, 20, text("b"));
    put_young(1, 1, "x");
    ms_store_file_erase_old(file, 20, &erased);
    ms_store_file_erase_old(file, 21, &erased);
    ck_assert_uint_eq(erased, 1);
    ck_assert_int_eq(ms_store_file_commit(file), MS_STORE_DONE);
    ms_store_file_begin(file);
    put_young(2, 1, "y");
    ms_store_file_commit(file);
    check_rows("1=x 2=y ", "10=a 30=c ");
    ms_store_file_begin(file);
    put_young(3, 2, "z");
    ms_store_file_commit(file);
    close_file();
    ck_assert_int_eq(open_file(false), MS_E_OK);
    check_rows("2=y 3=z ", "10=a 30=c ");
    ms_store_file_begin(file);
    ms_store_file_erase_all_young(file);
    put_young(1, 1, "again");
    ms_store_file_commit(file);
    check_rows("1=again ", "10=a 30=c ");
}
END_TEST

START_TEST(test_rollback)
{
    ms_store_file_begin(file);
    ms_store_file_put_old(file, 1, text("a"));
    put_young(1, 1, "x");
    ms_store_file_rollback(file);
    ms_store_file_rollback(file); /* nothing is under way */
    check_rows("", "");
    ms_store_file_begin(file);
    put_young(1, 1, "y");
    ms_store_file_commit(file);
    check_rows("1=y ", "");
}
END_TEST

START_TEST(test_same_number_twice_fails)
{
    ms_store_file_begin(file);
    ms_store_file_put_old(file, 1, text("a"));
    ck_assert_int_eq(ms_store_file_put_old(file, 1, text("a")), MS_STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(ms_store_file_failure(file), place.path));
    ms_store_file_rollback(file);
}
END_TEST

START_TEST(test_id_stays)
{
    struct ms_uuid id = ms_store_file_id(file);

    close_file();
    ck_assert_int_eq(open_file(false), MS_E_OK);
    ck_assert_mem_eq(ms_store_file_id(file).bytes, id.bytes, 16);
    ck_assert_uint_eq(id.bytes[2], 3);
}
END_TEST

static void run_outside(const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/store.db", place.path);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(test_other_format_is_refused_by_name)
{
    close_file();
    run_outside("UPDATE meta SET value=77 WHERE key='format'");
    ck_assert_int_eq(open_file(false), MS_E_VERSION);
    ck_assert_ptr_nonnull(strstr(complaint.text, "77"));
    ck_assert_ptr_nonnull(strstr(complaint.text, place.path));
}
END_TEST

START_TEST(test_foreign_file_is_refused)
{
    char path[128];
    int fd;

    close_file();
    snprintf(path, sizeof path, "%s/store.db", place.path);
    fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, "this is a letter to my aunt, and no database at all", 52), 52);
    close(fd);
    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
    unlink(path); /* everything is still in it */
    ck_assert_int_eq(open_file(false), MS_E_STORE_CORRUPT);
}
END_TEST

START_TEST(test_log_is_grown_once_and_kept)
{
    char path[128];
    struct stat before, after;

    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_int_ge(before.st_size, 1 << 20);
    ck_assert_uint_eq(ms_store_file_log_bytes(file), 0);
    for (uint64_t i = 1; i < 40; i++) {
        ms_store_file_begin(file);
        ms_store_file_put_old(file, i, text("a"));
        ms_store_file_commit(file);
    }
    ck_assert_uint_gt(ms_store_file_log_bytes(file), 0);
    ck_assert_int_eq(ms_store_file_checkpoint(file), MS_STORE_DONE);
    ck_assert_uint_eq(ms_store_file_log_bytes(file), 0);
    close_file();
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(after.st_size, before.st_size);
}
END_TEST

START_TEST(test_reading_changes_nothing)
{
    char path[128];
    struct stat before, after;

    ms_store_file_begin(file);
    ms_store_file_put_old(file, 1, text("a"));
    ms_store_file_commit(file);
    close_file();
    snprintf(path, sizeof path, "%s/store.db", place.path);
    stat(path, &before);
    ck_assert_int_eq(open_file(true), MS_E_OK);
    ck_assert(ms_store_file_verify(file, &complaint));
    ms_store_file_begin(file);
    ms_store_file_put_old(file, 2, text("b"));
    check_rows("", "1=a 2=b ");
    close_file();
    stat(path, &after);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    ck_assert_int_eq(open_file(true), MS_E_OK);
    check_rows("", "1=a ");
}
END_TEST

START_TEST(test_read_only_makes_no_file)
{
    char path[128];

    close_file();
    place_empty(place.path);
    place_make(&place);
    ck_assert_int_ne(open_file(true), MS_E_OK);
    snprintf(path, sizeof path, "%s/store.db", place.path);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_damaged_structure_is_seen)
{
    char path[128];
    uint8_t junk[64];
    int fd;

    ms_store_file_begin(file);
    for (uint64_t i = 1; i < 2000; i++) {
        ms_store_file_put_old(file, i, text("some bytes that fill a page after a while"));
    }
    ms_store_file_commit(file);
    close_file();
    snprintf(path, sizeof path, "%s/store.db", place.path);
    fd = open(path, O_WRONLY);
    memset(junk, 0xff, sizeof junk);
    for (off_t page = 2; page < 6; page++) { /* pages of tables, their headers */
        ck_assert_int_eq(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
    }
    close(fd);
    if (open_file(true) == MS_E_OK) {
        ck_assert(!ms_store_file_verify(file, &complaint));
    }
    ck_assert_ptr_nonnull(strstr(complaint.text, place.path));
}
END_TEST

/* The size of a page is the file's own, for good. */
START_TEST(test_file_of_other_pages_goes_on)
{
    char path[128];
    struct stat log;
    uint64_t bytes, free_bytes;

    close_file();
    run_outside(
        "PRAGMA journal_mode=DELETE; PRAGMA page_size=16384; VACUUM; PRAGMA journal_mode=WAL");
    ck_assert_int_eq(open_file(false), MS_E_OK);
    ck_assert_int_eq(ms_store_file_checkpoint(file), MS_STORE_DONE);
    ms_store_file_begin(file);
    ms_store_file_put_old(file, 1, text("a"));
    ms_store_file_commit(file);
    ck_assert_uint_eq(ms_store_file_log_bytes(file), 2 * (16384 + 24)); /* it begins a cycle */
    check_rows("", "1=a ");
    ms_store_file_sizes(file, &bytes, &free_bytes);
    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
    ck_assert_int_eq(stat(path, &log), 0);
    ck_assert_uint_eq((bytes - (uint64_t)log.st_size) % 16384, 0);
}
END_TEST

static void commit_one(ms_seq seq)
{
    ck_assert_int_eq(ms_store_file_begin(file), MS_STORE_DONE);
    ck_assert_int_eq(ms_store_file_put_old(file, seq, text("a")), MS_STORE_DONE);
    ck_assert_int_eq(ms_store_file_commit(file), MS_STORE_DONE);
}

static const char *const names[] = {"store.db", "store.db-wal", "store.db-end"};

static void keep(const char *name)
{
    static char bytes[8 << 20];
    char path[160];
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "%s/%s", place.path, name);
    fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    size = read(fd, bytes, sizeof bytes);
    ck_assert(size >= 0 && size < (ssize_t)sizeof bytes);
    close(fd);
    snprintf(path, sizeof path, "%s/%s", place.data, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, bytes, (size_t)size), size);
    close(fd);
}

/* The files as kill -9 would leave them now are the file from here on. */
static void kill_it(void)
{
    ck_assert_int_eq(mkdir(place.data, 0700), 0);
    for (int i = 0; i < 3; i++) {
        keep(names[i]);
    }
    close_file();
    place_empty(place.path); /* but for the directory within */
    for (int i = 0; i < 3; i++) {
        char from[160], to[160];

        snprintf(from, sizeof from, "%s/%s", place.data, names[i]);
        snprintf(to, sizeof to, "%s/%s", place.path, names[i]);
        ck_assert_int_eq(rename(from, to), 0);
    }
    ck_assert_int_eq(rmdir(place.data), 0);
}

static void lose(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", place.path, name);
    ck_assert_int_eq(unlink(path), 0);
}

static off_t size_of(const char *name)
{
    char path[128];
    struct stat stat_of;

    snprintf(path, sizeof path, "%s/%s", place.path, name);
    return stat(path, &stat_of) == 0 ? stat_of.st_size : -1;
}

START_TEST(test_a_lost_log_is_missed)
{
    commit_one(1);
    ck_assert_int_eq(ms_store_file_checkpoint(file), MS_STORE_DONE);
    commit_one(2);
    kill_it();
    lose("store.db-wal");
    ck_assert_int_eq(open_file(true), MS_E_STORE_CORRUPT);
    ck_assert_int_eq(open_file(false), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "store.db-wal is missing"));
    ck_assert_int_eq(size_of("store.db-wal"), -1); /* none was made in its place */
    lose("store.db-end");                          /* which is how people say that they know */
    ck_assert_int_eq(open_file(false), MS_E_OK);
    check_rows("", "1=a ");
}
END_TEST

/* And its log is left as it is, by a visitor too. */
START_TEST(test_a_lost_database_is_missed)
{
    char path[128];
    off_t log_size;

    commit_one(1);
    kill_it();
    snprintf(path, sizeof path, "%s/store.db", place.path);
    if (_i > 1) {
        lose("store.db-end");
    }
    if (_i % 2 == 0) {
        lose("store.db");
    } else {
        ck_assert_int_eq(truncate(path, 0), 0);
    }
    log_size = size_of("store.db-wal");
    ck_assert_int_eq(open_file(true), MS_E_STORE_CORRUPT);
    ck_assert_int_eq(open_file(false), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "missing or empty"));
    ck_assert_int_eq(size_of("store.db-wal"), log_size);
    ck_assert_int_eq(size_of("store.db"), _i % 2 == 0 ? -1 : 0);
}
END_TEST

START_TEST(test_a_visitor_makes_no_log)
{
    commit_one(1);
    close_file();
    lose("store.db-wal");
    ck_assert_int_eq(open_file(true), MS_E_OK);
    close_file();
    ck_assert_int_eq(size_of("store.db-wal"), -1);
}
END_TEST

START_TEST(test_a_log_of_another_time_is_not_taken)
{
    char path[128], aside[128];

    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
    snprintf(aside, sizeof aside, "%s/aside", place.path);
    commit_one(1);
    kill_it();
    ck_assert_int_eq(open_file(false), MS_E_OK);
    commit_one(2);
    kill_it();
    ck_assert_int_eq(rename(path, aside), 0);
    lose("store.db-end");
    ck_assert_int_eq(open_file(false), MS_E_OK); /* without 2, which was in the log */
    commit_one(3);
    ck_assert_int_eq(ms_store_file_checkpoint(file), MS_STORE_DONE);
    commit_one(4);
    close_file();
    ck_assert_int_eq(rename(aside, path), 0);
    ck_assert_int_eq(open_file(false), MS_E_STORE_CORRUPT);
}
END_TEST

START_TEST(test_a_log_that_was_moved_may_be_lost)
{
    commit_one(1);
    close_file();
    lose("store.db-wal");
    ck_assert_int_eq(open_file(true), MS_E_OK);
    check_rows("", "1=a ");
    close_file();
    ck_assert_int_eq(open_file(false), MS_E_OK);
    commit_one(2);
    kill_it();
    run_outside("SELECT * FROM old"); /* another program moves it, and takes it away */
    ck_assert_int_eq(open_file(false), MS_E_OK);
    check_rows("", "1=a 2=a ");
}
END_TEST

/* A power cut: the file of the end was never synced. */
START_TEST(test_an_end_of_before_is_no_damage)
{
    struct ms_store_end before;
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/store.db-end", place.path);
    commit_one(1);
    fd = ms_store_end_open(path, false, &before);
    commit_one(2);
    if (_i == 1) {
        ck_assert_int_eq(ms_store_file_checkpoint(file), MS_STORE_DONE);
        commit_one(3);
    }
    ms_store_end_write(fd, &before);
    close(fd);
    kill_it();
    ck_assert_int_eq(open_file(false), MS_E_OK);
    check_rows("", _i == 1 ? "1=a 2=a 3=a " : "1=a 2=a ");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_file");
    TCase *io = tcase_create("file");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_rows_come_in_order);
    tcase_add_test(io, test_rollback);
    tcase_add_test(io, test_same_number_twice_fails);
    tcase_add_test(io, test_id_stays);
    tcase_add_test(io, test_other_format_is_refused_by_name);
    tcase_add_test(io, test_foreign_file_is_refused);
    tcase_add_test(io, test_log_is_grown_once_and_kept);
    tcase_add_test(io, test_reading_changes_nothing);
    tcase_add_test(io, test_read_only_makes_no_file);
    tcase_add_test(io, test_damaged_structure_is_seen);
    tcase_add_test(io, test_file_of_other_pages_goes_on);
    tcase_add_test(io, test_a_lost_log_is_missed);
    tcase_add_loop_test(io, test_a_lost_database_is_missed, 0, 4);
    tcase_add_test(io, test_a_visitor_makes_no_log);
    tcase_add_test(io, test_a_log_of_another_time_is_not_taken);
    tcase_add_test(io, test_a_log_that_was_moved_may_be_lost);
    tcase_add_loop_test(io, test_an_end_of_before_is_no_damage, 0, 2);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
