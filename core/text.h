/* Text into a caller's buffer: building it piece by piece, complaining, reading numbers. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends into data, always zero-terminated when size > 0. length counts what the whole text needs,
 * so length >= size means that it was cut; measure with data NULL and size 0. */
struct ms_text {
    char *data;
    size_t size;
    size_t length;
};

void ms_text_init(struct ms_text *text, char *data, size_t size);
void ms_text_add(struct ms_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool ms_text_is_cut(const struct ms_text *text);

/* A time of the wall clock, in us since 1970 and >= 0, as RFC 3339 in UTC: 2026-11-20T18:30:05Z; with
 * thousandths of a second unless those are 0. */
void ms_text_add_time(struct ms_text *text, int64_t wall_us);

/* Two digits for each byte. */
void ms_text_add_hex(struct ms_text *text, const uint8_t *bytes, size_t size);

#define MS_COMPLAINT_MAX 512

/* One sentence that tells a person what was wrong and what would be right. */
struct ms_complaint {
    char text[MS_COMPLAINT_MAX];
};

/* Writes the sentence; always returns false, so that parsers can `return ms_complain(...)`.
 * complaint may be NULL when nobody wants to know. Bytes that are not printable become '?'. */
bool ms_complain(struct ms_complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Decimal digits only, the whole of size bytes; false when empty, another byte, or beyond 64 bits. */
bool ms_text_to_u64(const char *digits, size_t size, uint64_t *value_out);

/* Copies a string that fits; false, with to untouched, when it does not. */
bool ms_text_copy(char *to, size_t to_size, const char *from, size_t from_size);

/* Copies a name, cut at MS_NAME_MAX, into MS_NAME_MAX + 1 bytes; NULL is copied as the empty string. */
void ms_text_copy_name(char *to, const char *from);

/* 1 .. MS_NAME_MAX letters, digits and ". _ -": what slaves, clients, handlers are called. */
bool ms_text_is_name(const char *text, size_t size);

/* WORD or KEY=VALUE, 1 .. MS_NAME_MAX letters, digits and ". _ - :", but for the sign: what a slave is labelled
 * with. */
bool ms_text_is_label(const char *text, size_t size);

#endif
