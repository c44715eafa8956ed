/* Bytes that gather: a payload read from a file, a result that comes in pieces. */
#ifndef CLIENT_CLI_BYTES_H
#define CLIENT_CLI_BYTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ms_cli_bytes {
    uint8_t *data; /* malloc; NULL while empty */
    size_t size, capacity;
};

/* False when memory is out. */
bool ms_cli_bytes_add(struct ms_cli_bytes *bytes, const void *data, size_t size);

/* Reads to the end; false with errno, EFBIG beyond max. */
bool ms_cli_bytes_read(struct ms_cli_bytes *bytes, int fd, size_t max);

/* Writes all; false with errno. */
bool ms_cli_bytes_write(const struct ms_cli_bytes *bytes, int fd);

/* Sets object.NAME to the bytes when they are UTF-8, else object.NAME_base64. */
void ms_cli_bytes_to_json(const struct ms_cli_bytes *bytes, json_t *object, const char *name);

/* RFC 4648, with padding; malloc, NULL when memory is out. */
char *ms_cli_base64(const uint8_t *data, size_t size);

/* The same back; bytes_out has room for strlen(text) bytes and may be text itself. False when it is not
 * base64. */
bool ms_cli_base64_decode(const char *text, uint8_t *bytes_out, size_t *size_out);

void ms_cli_bytes_free(struct ms_cli_bytes *bytes);

#endif
