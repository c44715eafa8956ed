/* Where a master is: plain addresses, lists of them, and the fail-over URL. */
#ifndef CORE_URI_H
#define CORE_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/limits.h"
#include "core/text.h"

#define MS_UNIX_PATH_MAX  107  /* what a socket address holds */
#define MS_PARAMETERS_MAX 511  /* the end of a URL */
#define MS_URI_TEXT_MAX   1024 /* holds any URL printed, with its terminating zero */

enum ms_address_kind {
    MS_ADDRESS_TCP,  /* host:port or [v6]:port */
    MS_ADDRESS_UNIX, /* unix:/path */
};

enum ms_address_use {
    MS_ADDRESS_CONNECT, /* port 1 .. 65535 */
    MS_ADDRESS_LISTEN,  /* port 0 too (any free one), and host * (every interface) */
};

/* host: name, IPv4, or IPv6 without brackets; for MS_ADDRESS_UNIX the absolute path, port 0. */
struct ms_address {
    enum ms_address_kind kind;
    uint16_t port;
    char host[MS_ADDRESS_MAX + 1];
};

enum ms_uri_form {
    MS_URI_PLAIN, /* an address alone */
    MS_URI_URL,   /* <company>:<master|standby>:<host>:<port>//<service type>/<parameters> */
    MS_URI_MS,    /* ms://<host>:<port>[/<service type>[/<parameters>]] */
};

enum ms_uri_role {
    MS_URI_ROLE_NONE, /* not said */
    MS_URI_ROLE_MASTER,
    MS_URI_ROLE_STANDBY,
};

/* Texts that the form does not have, or that were left out, are "". */
struct ms_uri {
    enum ms_uri_form form;
    enum ms_uri_role role;
    struct ms_address address;
    char company[MS_NAME_MAX + 1];
    char service[MS_NAME_MAX + 1];
    char parameters[MS_PARAMETERS_MAX + 1];
};

struct ms_uri_list {
    struct ms_uri items[MS_ADDRESSES_MAX];
    size_t count;
};

/* host:port, [v6]:port, *:port or unix:/path. False with the complaint written and *out untouched
 * when text is none of them. */
bool ms_address_parse(const char *text, enum ms_address_use use, struct ms_address *out,
                      struct ms_complaint *complaint);

/* Any of the three forms; errors as above. */
bool ms_uri_parse(const char *text, enum ms_address_use use, struct ms_uri *out,
                  struct ms_complaint *complaint);

/* 1 .. MS_ADDRESSES_MAX forms separated by commas, no two for the same address. A URL's
 * parameters may hold no comma here. */
bool ms_uri_list_parse(const char *text, enum ms_address_use use, struct ms_uri_list *out,
                       struct ms_complaint *complaint);

/* Append the text that parses to the same value. */
void ms_address_print(const struct ms_address *address, struct ms_text *text);
void ms_uri_print(const struct ms_uri *uri, struct ms_text *text);

/* The addresses alone, separated by commas: what core/upstream takes. */
void ms_uri_list_print_addresses(const struct ms_uri_list *list, struct ms_text *text);

bool ms_address_equal(const struct ms_address *a, const struct ms_address *b);

/* "master", "standby"; "" for MS_URI_ROLE_NONE. */
const char *ms_uri_role_name(enum ms_uri_role role);

/* The addresses of a comma list that was checked before (asserted); how many there are. */
uint32_t ms_addresses_split(const char *list, char out[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1]);

#endif
