#include "core/io/store_young.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "core/invariant.h"

#define HEADER MS_STORE_YOUNG_HEADER
#define GRAIN  ((size_t)1 << 10)
#define END    UINT64_MAX /* in place of a size */

static_assert(GRAIN * (MS_STORE_YOUNG_SEGMENTS - 1) >= HEADER * (MS_STORE_RING_SLOTS + 2),
              "there is room for the headers of all young batches and for the end");

static void put_numbers(uint8_t *at, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t numbers[] = {htobe64(a), htobe64(b), htobe64(c), htobe64(~(a + b + c))};

    memcpy(at, numbers, HEADER);
}

/* False when the check does not fit. */
static bool take_numbers(const uint8_t *at, uint64_t numbers[static 3])
{
    uint64_t all[4];

    memcpy(all, at, HEADER);
    for (int i = 0; i < 3; i++) {
        numbers[i] = be64toh(all[i]);
    }
    return be64toh(all[3]) == ~(numbers[0] + numbers[1] + numbers[2]);
}

void ms_store_young_init(struct ms_store_young *young, sqlite3 *db, sqlite3_stmt *make,
                         size_t bytes_max)
{
    *young = (struct ms_store_young){
        .db = db,
        .make = make,
        /* One segment is being overwritten, the others hold what is young. */
        .room = (bytes_max / (MS_STORE_YOUNG_SEGMENTS - 1) / GRAIN + 2) * GRAIN,
    };
}

/* The writing of one batch: where it is, and what is left to come. */
struct pen {
    struct ms_store_young *young;
    uint64_t at;
    uint64_t end;    /* where the batch after this one begins */
    uint64_t oldest; /* lap of the segment in which the oldest young batch begins */
    sqlite3_blob *row;
};

static int leave_row(struct pen *pen)
{
    const int code = sqlite3_blob_close(pen->row);

    pen->row = NULL;
    return code;
}

static int make_row(struct ms_store_young *young, uint32_t row)
{
    int code;

    sqlite3_bind_int64(young->make, 1, row);
    sqlite3_bind_zeroblob64(young->make, 2, HEADER + young->room);
    code = sqlite3_step(young->make);
    sqlite3_reset(young->make);
    if (code != SQLITE_DONE) {
        return code;
    }
    young->written.count++;
    return SQLITE_OK;
}

/* The first row in which no segment from `oldest` on lies. */
static uint32_t free_row(const struct ms_store_young_place *place, uint64_t oldest)
{
    bool is_taken[MS_STORE_YOUNG_SEGMENTS] = {false};
    uint32_t row = 0;

    for (uint64_t lap = oldest; lap < place->laps; lap++) {
        is_taken[place->rows[lap % MS_STORE_YOUNG_SEGMENTS]] = true;
    }
    while (is_taken[row]) {
        row++;
        ms_assert(row < MS_STORE_YOUNG_SEGMENTS);
    }
    return row;
}

/* The row in which the pen stands; a segment that it enters at its head is given a header. */
static int enter_row(struct pen *pen)
{
    struct ms_store_young *young = pen->young;
    struct ms_store_young_place *place = &young->written;
    const uint64_t lap = pen->at / young->room;
    const uint64_t rest = pen->end > pen->at ? pen->end - pen->at : 0;
    const uint64_t first = pen->at == young->committed.at ? 0 : rest;
    uint8_t header[HEADER], *row = &place->rows[lap % MS_STORE_YOUNG_SEGMENTS];
    int code = SQLITE_OK;

    if (lap == place->laps) {
        *row = (uint8_t)free_row(place, pen->oldest);
        place->laps++;
        code = *row == place->count ? make_row(young, *row) : SQLITE_OK;
    }
    if (code == SQLITE_OK) {
        code = sqlite3_blob_open(young->db, "main", "young", "log", *row, 1, &pen->row);
    }
    if (code == SQLITE_OK && pen->at % young->room == 0) {
        put_numbers(header, lap + 1, first < young->room ? first : young->room, 0);
        code = sqlite3_blob_write(pen->row, header, HEADER, 0);
    }
    return code;
}

static int write_bytes(struct pen *pen, struct ms_bytes bytes)
{
    const size_t room = pen->young->room;
    int code = SQLITE_OK;

    while (bytes.size > 0 && code == SQLITE_OK) {
        const size_t place = (size_t)(pen->at % room);
        const size_t size = bytes.size < room - place ? bytes.size : room - place;

        code = pen->row == NULL ? enter_row(pen) : SQLITE_OK;
        if (code == SQLITE_OK) {
            code = sqlite3_blob_write(pen->row, bytes.data, (int)size, (int)(HEADER + place));
        }
        pen->at += size;
        bytes.data += size;
        bytes.size -= size;
        if (code == SQLITE_OK && pen->at % room == 0) {
            code = leave_row(pen);
        }
    }
    return code;
}

int ms_store_young_put(struct ms_store_young *young, const struct ms_store_batch *batch)
{
    const struct ms_bytes entries = batch->entries;
    struct pen pen = {.young = young, .at = young->committed.at};
    uint8_t header[HEADER], end[HEADER];
    int code;

    ms_assert(batch->number >= batch->first && batch->first > 0);
    ms_assert(entries.size + 2 * HEADER <= young->room * (MS_STORE_YOUNG_SEGMENTS - 1));
    young->written = young->committed;
    young->begins[batch->number % MS_STORE_RING_SLOTS] = pen.at;
    pen.oldest = young->begins[batch->first % MS_STORE_RING_SLOTS] / young->room;
    pen.end = pen.at + HEADER + entries.size;
    put_numbers(header, batch->number, batch->first, entries.size);
    put_numbers(end, batch->number + 1, batch->first, END);
    code = write_bytes(&pen, (struct ms_bytes){header, HEADER});
    if (code == SQLITE_OK) {
        code = write_bytes(&pen, entries);
    }
    if (code == SQLITE_OK) {
        code = write_bytes(&pen, (struct ms_bytes){end, HEADER});
    }
    young->written.at = pen.end;
    if (code == SQLITE_OK) {
        return leave_row(&pen);
    }
    leave_row(&pen);
    return code;
}

void ms_store_young_begin_anew(struct ms_store_young *young)
{
    young->written = (struct ms_store_young_place){0};
}

void ms_store_young_settle(struct ms_store_young *young, bool is_committed)
{
    if (is_committed) {
        young->committed = young->written;
    } else {
        young->written = young->committed;
    }
}

/* --- reading --- */

struct segment {
    uint64_t lap, first;
    const uint8_t *bytes; /* its room */
};

/* All segments, as they were read and, behind them, the log in one piece. */
struct image {
    struct segment segments[MS_STORE_YOUNG_SEGMENTS];
    uint32_t count;
    size_t room;
    uint8_t *bytes;
    bool is_damaged;
};

static int compare(const void *a, const void *b)
{
    const uint64_t left = ((const struct segment *)a)->lap,
                   right = ((const struct segment *)b)->lap;

    return left < right ? -1 : left > right;
}

/* One row more. Its bytes are copied: the next step of the statement takes them away. */
static int add_row(struct image *image, sqlite3_stmt *walk)
{
    const size_t size = (size_t)sqlite3_column_bytes(walk, 1);
    const uint8_t *row = sqlite3_column_blob(walk, 1);
    uint64_t numbers[3];
    struct segment *segment = &image->segments[image->count];

    if (row == NULL && size > 0) {
        return SQLITE_NOMEM;
    }
    if (image->count == 0 && size > HEADER) {
        image->room = size - HEADER;
        image->bytes = malloc(2 * image->room * MS_STORE_YOUNG_SEGMENTS);
        if (image->bytes == NULL) {
            return SQLITE_NOMEM;
        }
    }
    if (image->count == MS_STORE_YOUNG_SEGMENTS || size != HEADER + image->room ||
        !take_numbers(row, numbers) || numbers[0] == 0 || numbers[1] > image->room) {
        image->is_damaged = true;
        return SQLITE_OK;
    }
    *segment = (struct segment){numbers[0], numbers[1], image->bytes + image->count * image->room};
    memcpy(image->bytes + image->count * image->room, row + HEADER, image->room);
    image->count++;
    return SQLITE_OK;
}

/* Puts the latest segments that follow each other in one piece, from where the first batch begins in them. */
static struct ms_bytes unroll(struct image *image)
{
    uint8_t *log = image->bytes + MS_STORE_YOUNG_SEGMENTS * image->room;
    const struct segment *segments = image->segments;
    uint32_t oldest = image->count > 0 ? image->count - 1 : 0;
    size_t size = 0, begin = 0;

    qsort(image->segments, image->count, sizeof image->segments[0], compare);
    while (oldest > 0 && segments[oldest - 1].lap + 1 == segments[oldest].lap) {
        oldest--;
    }
    for (uint32_t i = oldest; i < image->count; i++) {
        if (begin == size) { /* none has begun */
            begin = size + (size_t)segments[i].first;
        }
        memcpy(log + size, segments[i].bytes, image->room);
        size += image->room;
    }
    return (struct ms_bytes){log + begin, size - begin};
}

/* Takes the next batch off a log. False: there is none; *is_end_out says whether that is how the log ends. */
static bool next_batch(struct ms_bytes *log, struct ms_store_batch *batch, bool *is_end_out)
{
    const uint64_t number = batch->number;
    uint64_t numbers[3];

    *is_end_out = false;
    if (log->size < HEADER || !take_numbers(log->data, numbers) ||
        (number != 0 && numbers[0] != number + 1)) {
        return false;
    }
    if (numbers[2] == END) {
        *is_end_out = true;
        return false;
    }
    if (numbers[2] > log->size - HEADER) {
        return false;
    }
    *batch =
        (struct ms_store_batch){numbers[0], numbers[1], {log->data + HEADER, (size_t)numbers[2]}};
    log->data += HEADER + batch->entries.size;
    log->size -= HEADER + batch->entries.size;
    return true;
}

static void hand_out(struct image *image, ms_store_batch_fn fn, void *context)
{
    const struct ms_bytes log = unroll(image);
    struct ms_bytes rest = log;
    struct ms_store_batch batch = {0};
    bool is_end = false;
    uint64_t first = 0;

    while (next_batch(&rest, &batch, &is_end)) {
        first = first == 0 ? batch.number : first;
    }
    if (image->is_damaged || !is_end || first == 0 || first > batch.first) {
        batch.number++;
        batch.entries = (struct ms_bytes){image->bytes, 1};
        fn(context, &batch);
        return;
    }
    first = batch.first;
    rest = log;
    batch = (struct ms_store_batch){0};
    while (next_batch(&rest, &batch, &is_end)) {
        if (batch.number >= first && !fn(context, &batch)) {
            return;
        }
    }
}

int ms_store_young_read(sqlite3_stmt *walk, ms_store_batch_fn fn, void *context)
{
    struct image *image = calloc(1, sizeof *image);
    int code = image == NULL ? SQLITE_NOMEM : SQLITE_OK;

    while (code == SQLITE_OK && (code = sqlite3_step(walk)) == SQLITE_ROW) {
        code = add_row(image, walk);
    }
    if (code == SQLITE_DONE && (image->count > 0 || image->is_damaged)) {
        hand_out(image, fn, context);
    }
    if (image != NULL) {
        free(image->bytes);
    }
    free(image);
    return code;
}
