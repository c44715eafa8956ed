/* Entries that gather for one commit. Private to the store.
 *
 * Of a record that is put and erased within one window nothing is left. What remains is written as one
 * batch, and stays in memory as long as the batch is young: see store_ring.h. */
#ifndef CORE_IO_STORE_WINDOW_H
#define CORE_IO_STORE_WINDOW_H

#include "core/types.h"

/* One put: where its entry lies in the window's bytes. */
struct ms_store_put {
    ms_seq seq;
    uint64_t offset : 63;
    uint64_t is_dead : 1; /* erased */
};

struct ms_store_window {
    uint8_t *bytes; /* entries of puts, one behind the other, dead ones too until it is packed */
    size_t size, capacity;
    struct ms_store_put *puts; /* seq rises */
    size_t count, puts_capacity;
    size_t live;    /* puts that are not dead */
    ms_seq *erases; /* of records that were put before this window */
    size_t erases_count, erases_capacity;
    uint64_t unwritten; /* puts that died in it */
    ms_seq seq;         /* the highest record it covers; 0 = it covers none */
};

struct ms_store_window *ms_store_window_create(void);
void ms_store_window_destroy(struct ms_store_window *window); /* accepts NULL */
void ms_store_window_clear(struct ms_store_window *window);

/* Takes a copy of whole entries; puts have numbers above those of all that live in it. An erase of what is nowhere does no
 * harm. A malformed entry is a programmer error. */
void ms_store_window_add(struct ms_store_window *window, ms_seq seq, struct ms_bytes entries);

/* The live or dead put of this number; NULL when it is not here. */
struct ms_store_put *ms_store_window_find(const struct ms_store_window *window, ms_seq seq);

/* The entry of a put. */
struct ms_bytes ms_store_window_entry(const struct ms_store_window *window, size_t index);

/* Keeps the live puts, close together at the head of bytes, and seals them; dead ones are forgotten. */
void ms_store_window_pack(struct ms_store_window *window);

/* Makes room for size more bytes behind the entries, and returns where they go. */
uint8_t *ms_store_window_reserve(struct ms_store_window *window, size_t size);

/* Fields of an entry's header, as proto/record.h describes them; bytes must hold a whole header. */
size_t ms_store_entry_size(const uint8_t *entry);
ms_seq ms_store_entry_seq(const uint8_t *entry);
bool ms_store_entry_is_erase(const uint8_t *entry);

#endif
