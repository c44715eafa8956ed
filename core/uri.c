#include "core/uri.h"

#include <string.h>

#include "core/invariant.h"

#define UNIX_PREFIX    "unix:"
#define MS_PREFIX      "ms://"
#define HOST_LABEL_MAX 63 /* bytes between two dots */
#define V6_GROUPS      8
#define QUOTED_MAX     120 /* bytes of the user's text that a complaint repeats */

#define ADDRESS_FORMS "host:port, [v6]:port or unix:/path"
#define URL_FORM      "<company>:<master|standby>:<host>:<port>//<service type>/<parameters>"

/* A piece of the text being read. */
struct span {
    const char *at;
    size_t size;
};

/* For "%.*s": no complaint grows without bound. */
#define QUOTE(span) (int)((span).size < QUOTED_MAX ? (span).size : QUOTED_MAX), (span).at

static struct span span_of(const char *text)
{
    ms_assert(text != NULL);
    return (struct span){text, strlen(text)};
}

static struct span from(struct span text, size_t offset)
{
    ms_assert(offset <= text.size);
    return (struct span){text.at + offset, text.size - offset};
}

static struct span until(struct span text, size_t end)
{
    ms_assert(end <= text.size);
    return (struct span){text.at, end};
}

/* Place of the first needle, or the size of the text. */
static size_t place_of(struct span text, const char *needle)
{
    const size_t size = strlen(needle);

    for (size_t i = 0; i + size <= text.size; i++) {
        if (memcmp(text.at + i, needle, size) == 0) {
            return i;
        }
    }
    return text.size;
}

static bool has_prefix(struct span text, const char *prefix)
{
    const size_t size = strlen(prefix);

    return text.size >= size && memcmp(text.at, prefix, size) == 0;
}

static bool equals(struct span text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_v4(struct span host)
{
    size_t parts = 0;

    while (host.size > 0) {
        const size_t end = place_of(host, ".");
        uint64_t number;

        if (end > 3 || !ms_text_to_u64(host.at, end, &number) || number > 255) {
            return false;
        }
        parts++;
        if (end == host.size) {
            return parts == 4;
        }
        host = from(host, end + 1);
    }
    return false;
}

static bool is_label(struct span label)
{
    if (label.size == 0 || label.size > HOST_LABEL_MAX || label.at[0] == '-' ||
        label.at[label.size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        if (!is_alphanumeric(label.at[i]) && label.at[i] != '-' && label.at[i] != '_') {
            return false;
        }
    }
    return true;
}

/* Dotted labels of letters, digits, '-' and '_'; numbers and dots alone must be an IPv4 address. */
static bool is_hostname(struct span host)
{
    bool has_letter = false;

    for (size_t i = 0; i < host.size; i++) {
        has_letter = has_letter || (host.at[i] != '.' && (host.at[i] < '0' || host.at[i] > '9'));
    }
    if (!has_letter) {
        return is_v4(host);
    }
    if (host.size > 0 && host.at[host.size - 1] == '.') {
        host.size--;
    }
    for (;;) {
        const size_t end = place_of(host, ".");

        if (!is_label(until(host, end))) {
            return false;
        }
        if (end == host.size) {
            return true;
        }
        host = from(host, end + 1);
    }
}

/* Takes the groups before "::" or the end; false when one is malformed. An IPv4 tail counts two. */
static bool count_groups(struct span text, size_t *groups)
{
    while (text.size > 0) {
        const size_t end = place_of(text, ":");

        if (end == text.size && is_v4(text)) {
            *groups += 2;
            return true;
        }
        if (end == 0 || end > 4 || end + 1 == text.size) {
            return false;
        }
        for (size_t i = 0; i < end; i++) {
            if (!is_hex(text.at[i])) {
                return false;
            }
        }
        *groups += 1;
        text = from(text, end == text.size ? end : end + 1);
    }
    return true;
}

static bool is_v6(struct span host)
{
    const size_t zone = place_of(host, "%");
    size_t groups = 0;

    if (zone < host.size) {
        if (!ms_text_is_name(host.at + zone + 1, host.size - zone - 1)) {
            return false;
        }
        host = until(host, zone);
    }
    const size_t gap = place_of(host, "::");

    if (gap == host.size) {
        return count_groups(host, &groups) && groups == V6_GROUPS;
    }
    return count_groups(until(host, gap), &groups) && count_groups(from(host, gap + 2), &groups) &&
           groups < V6_GROUPS;
}

static bool parse_port(struct span text, enum ms_address_use use, uint16_t *out,
                       struct ms_complaint *complaint)
{
    const unsigned least = use == MS_ADDRESS_LISTEN ? 0 : 1;
    uint64_t port;

    if (!ms_text_to_u64(text.at, text.size, &port) || port < least || port > UINT16_MAX) {
        return ms_complain(complaint, "port \"%.*s\" is not a number from %u to 65535", QUOTE(text),
                           least);
    }
    *out = (uint16_t)port;
    return true;
}

static bool parse_unix(struct span path, struct ms_address *out, struct ms_complaint *complaint)
{
    if (path.size == 0 || path.at[0] != '/') {
        return ms_complain(complaint, "path \"%.*s\" after unix: is not absolute: it begins with /",
                           QUOTE(path));
    }
    if (path.size > MS_UNIX_PATH_MAX) {
        return ms_complain(complaint,
                           "path \"%.*s...\" has %zu bytes: a socket's path has at most %d",
                           QUOTE(path), path.size, MS_UNIX_PATH_MAX);
    }
    for (size_t i = 0; i < path.size; i++) {
        if ((unsigned char)path.at[i] < ' ' || path.at[i] == 0x7f || path.at[i] == ',') {
            return ms_complain(complaint, "path \"%.*s\" has a comma or control character",
                               QUOTE(path));
        }
    }
    *out = (struct ms_address){.kind = MS_ADDRESS_UNIX};
    return ms_text_copy(out->host, sizeof out->host, path.at, path.size);
}

static bool check_host(struct span host, bool has_brackets, enum ms_address_use use,
                       struct ms_complaint *complaint)
{
    if (has_brackets) {
        return is_v6(host) ||
               ms_complain(complaint, "\"[%.*s]\" is not an IPv6 address", QUOTE(host));
    }
    if (host.size == 0) {
        return ms_complain(complaint, "host is missing: %s", ADDRESS_FORMS);
    }
    if (equals(host, "*")) {
        return use == MS_ADDRESS_LISTEN ||
               ms_complain(complaint, "host \"*\" is for listening: name the host to connect to");
    }
    if (place_of(host, ":") < host.size) {
        return ms_complain(complaint, "host \"%.*s\" has a colon: IPv6 is written [%.*s]:port",
                           QUOTE(host), QUOTE(host));
    }
    if (host.size > MS_ADDRESS_MAX - 6 || !is_hostname(host)) {
        return ms_complain(complaint, "host \"%.*s\" is neither a host name nor an IPv4 address",
                           QUOTE(host));
    }
    return true;
}

/* host:port or [v6]:port. */
static bool parse_tcp(struct span text, enum ms_address_use use, struct ms_address *out,
                      struct ms_complaint *complaint)
{
    const bool has_brackets = text.size > 0 && text.at[0] == '[';
    struct span host;
    size_t colon = text.size;

    if (has_brackets) {
        const size_t end = place_of(text, "]");

        if (end == text.size) {
            return ms_complain(complaint, "\"%.*s\" lacks the closing bracket", QUOTE(text));
        }
        host = (struct span){text.at + 1, end - 1};
        colon = end + 1;
    } else {
        while (colon > 0 && text.at[colon - 1] != ':') {
            colon--;
        }
        if (colon == 0) {
            return ms_complain(complaint, "address \"%.*s\" has no port: %s", QUOTE(text),
                               ADDRESS_FORMS);
        }
        colon--;
        host = until(text, colon);
    }
    if (colon >= text.size || text.at[colon] != ':') {
        return ms_complain(complaint, "address \"%.*s\" has no port after the bracket: [v6]:port",
                           QUOTE(text));
    }
    struct ms_address address = {.kind = MS_ADDRESS_TCP};

    if (!check_host(host, has_brackets, use, complaint) ||
        !parse_port(from(text, colon + 1), use, &address.port, complaint)) {
        return false;
    }
    if (!ms_text_copy(address.host, sizeof address.host, host.at, host.size)) {
        return ms_complain(complaint, "host \"%.*s...\" is too long", QUOTE(host));
    }
    *out = address;
    return true;
}

static bool parse_address(struct span text, enum ms_address_use use, struct ms_address *out,
                          struct ms_complaint *complaint)
{
    if (text.size == 0) {
        return ms_complain(complaint, "address is empty: %s", ADDRESS_FORMS);
    }
    if (has_prefix(text, UNIX_PREFIX)) {
        return parse_unix(from(text, strlen(UNIX_PREFIX)), out, complaint);
    }
    return parse_tcp(text, use, out, complaint);
}

/* service[/parameters], the same in both URL forms. */
static bool parse_service(struct span text, struct ms_uri *out, struct ms_complaint *complaint)
{
    const size_t slash = place_of(text, "/");
    const struct span service = until(text, slash);
    const struct span parameters = from(text, slash < text.size ? slash + 1 : slash);

    if (!ms_text_is_name(service.at, service.size)) {
        return ms_complain(complaint,
                           "service type \"%.*s\" is not 1 to %d letters, digits, dots, dashes or "
                           "underscores",
                           QUOTE(service), MS_NAME_MAX);
    }
    for (size_t i = 0; i < parameters.size; i++) {
        if (parameters.at[i] <= ' ' || parameters.at[i] > '~') {
            return ms_complain(complaint,
                               "parameters \"%.*s\" have a space or a character that is "
                               "not printable ASCII: write it as %%XX",
                               QUOTE(parameters));
        }
    }
    if (!ms_text_copy(out->parameters, sizeof out->parameters, parameters.at, parameters.size)) {
        return ms_complain(complaint, "parameters have %zu bytes: at most %d", parameters.size,
                           MS_PARAMETERS_MAX);
    }
    return ms_text_copy(out->service, sizeof out->service, service.at, service.size);
}

static bool parse_role(struct span text, enum ms_uri_role *out, struct ms_complaint *complaint)
{
    if (equals(text, "master")) {
        *out = MS_URI_ROLE_MASTER;
    } else if (equals(text, "standby")) {
        *out = MS_URI_ROLE_STANDBY;
    } else {
        return ms_complain(complaint, "role \"%.*s\" is neither master nor standby in %s",
                           QUOTE(text), URL_FORM);
    }
    return true;
}

static bool parse_url(struct span text, enum ms_address_use use, struct ms_uri *out,
                      struct ms_complaint *complaint)
{
    struct ms_uri uri = {.form = MS_URI_URL};
    const size_t slashes = place_of(text, "//");

    if (slashes == text.size) {
        return ms_complain(complaint, "\"%.*s\" lacks //<service type>: %s", QUOTE(text), URL_FORM);
    }
    const struct span head = until(text, slashes);
    const size_t company_end = place_of(head, ":");
    const struct span company = until(head, company_end);

    if (!ms_text_is_name(company.at, company.size)) {
        return ms_complain(complaint,
                           "company \"%.*s\" is not 1 to %d letters, digits, dots, dashes or "
                           "underscores in %s",
                           QUOTE(company), MS_NAME_MAX, URL_FORM);
    }
    const struct span rest = from(head, company_end < head.size ? company_end + 1 : company_end);
    const size_t role_end = place_of(rest, ":");

    if (!parse_role(until(rest, role_end), &uri.role, complaint)) {
        return false;
    }
    if (role_end == rest.size) {
        return ms_complain(complaint, "host and port are missing: %s", URL_FORM);
    }
    if (!parse_tcp(from(rest, role_end + 1), use, &uri.address, complaint) ||
        !parse_service(from(text, slashes + 2), &uri, complaint) ||
        !ms_text_copy(uri.company, sizeof uri.company, company.at, company.size)) {
        return false;
    }
    *out = uri;
    return true;
}

static bool parse_ms(struct span text, enum ms_address_use use, struct ms_uri *out,
                     struct ms_complaint *complaint)
{
    struct ms_uri uri = {.form = MS_URI_MS};
    const struct span rest = from(text, strlen(MS_PREFIX));
    const size_t slash = place_of(rest, "/");

    if (!parse_tcp(until(rest, slash), use, &uri.address, complaint)) {
        return false;
    }
    /* A slash with nothing behind it says no more than none. */
    if (slash + 1 < rest.size && !parse_service(from(rest, slash + 1), &uri, complaint)) {
        return false;
    }
    *out = uri;
    return true;
}

/* Somebody who wrote the role meant the URL, even when the slashes are missing. */
static bool looks_like_url(struct span text)
{
    const size_t colon = place_of(text, ":");

    if (place_of(text, "//") < text.size) {
        return true;
    }
    if (colon == text.size) {
        return false;
    }
    const struct span rest = from(text, colon + 1);
    const struct span word = until(rest, place_of(rest, ":"));

    return equals(word, "master") || equals(word, "standby");
}

static bool parse_uri(struct span text, enum ms_address_use use, struct ms_uri *out,
                      struct ms_complaint *complaint)
{
    if (has_prefix(text, MS_PREFIX)) {
        return parse_ms(text, use, out, complaint);
    }
    if (!has_prefix(text, UNIX_PREFIX) && looks_like_url(text)) {
        return parse_url(text, use, out, complaint);
    }
    struct ms_uri uri = {.form = MS_URI_PLAIN};

    if (!parse_address(text, use, &uri.address, complaint)) {
        return false;
    }
    *out = uri;
    return true;
}

bool ms_address_parse(const char *text, enum ms_address_use use, struct ms_address *out,
                      struct ms_complaint *complaint)
{
    return parse_address(span_of(text), use, out, complaint);
}

bool ms_uri_parse(const char *text, enum ms_address_use use, struct ms_uri *out,
                  struct ms_complaint *complaint)
{
    return parse_uri(span_of(text), use, out, complaint);
}

static bool append(struct ms_uri_list *list, const struct ms_uri *uri, struct span item,
                   struct ms_complaint *complaint)
{
    if (list->count == MS_ADDRESSES_MAX) {
        return ms_complain(complaint, "more than %d addresses", MS_ADDRESSES_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (ms_address_equal(&list->items[i].address, &uri->address)) {
            return ms_complain(complaint, "\"%.*s\" names an address that is in the list already",
                               QUOTE(item));
        }
    }
    list->items[list->count++] = *uri;
    return true;
}

bool ms_uri_list_parse(const char *text, enum ms_address_use use, struct ms_uri_list *out,
                       struct ms_complaint *complaint)
{
    struct ms_uri_list list = {.count = 0};
    struct span rest = span_of(text);

    for (;;) {
        const size_t comma = place_of(rest, ",");
        const struct span item = until(rest, comma);
        struct ms_uri uri;

        if (!parse_uri(item, use, &uri, complaint) || !append(&list, &uri, item, complaint)) {
            return false;
        }
        if (comma == rest.size) {
            break;
        }
        rest = from(rest, comma + 1);
    }
    *out = list;
    return true;
}

void ms_address_print(const struct ms_address *address, struct ms_text *text)
{
    if (address->kind == MS_ADDRESS_UNIX) {
        ms_text_add(text, UNIX_PREFIX "%s", address->host);
    } else if (strchr(address->host, ':') != NULL) {
        ms_text_add(text, "[%s]:%u", address->host, (unsigned)address->port);
    } else {
        ms_text_add(text, "%s:%u", address->host, (unsigned)address->port);
    }
}

void ms_uri_print(const struct ms_uri *uri, struct ms_text *text)
{
    switch (uri->form) {
    case MS_URI_PLAIN:
        ms_address_print(&uri->address, text);
        return;
    case MS_URI_URL:
        ms_text_add(text, "%s:%s:", uri->company, ms_uri_role_name(uri->role));
        ms_address_print(&uri->address, text);
        ms_text_add(text, "//%s", uri->service);
        break;
    case MS_URI_MS:
        ms_text_add(text, MS_PREFIX);
        ms_address_print(&uri->address, text);
        if (uri->service[0] != '\0') {
            ms_text_add(text, "/%s", uri->service);
        }
        break;
    default:
        ms_unreachable();
    }
    if (uri->parameters[0] != '\0') {
        ms_text_add(text, "/%s", uri->parameters);
    }
}

void ms_uri_list_print_addresses(const struct ms_uri_list *list, struct ms_text *text)
{
    ms_assert(list->count <= MS_ADDRESSES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) {
            ms_text_add(text, ",");
        }
        ms_address_print(&list->items[i].address, text);
    }
}

/* Host names know no case. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ms_address_equal(const struct ms_address *a, const struct ms_address *b)
{
    size_t i = 0;

    if (a->kind != b->kind || a->port != b->port) {
        return false;
    }
    if (a->kind == MS_ADDRESS_UNIX) {
        return strcmp(a->host, b->host) == 0;
    }
    while (a->host[i] != '\0' && lower(a->host[i]) == lower(b->host[i])) {
        i++;
    }
    return a->host[i] == b->host[i];
}

const char *ms_uri_role_name(enum ms_uri_role role)
{
    ms_assert(role <= MS_URI_ROLE_STANDBY);
    return role == MS_URI_ROLE_MASTER ? "master" : role == MS_URI_ROLE_STANDBY ? "standby" : "";
}

uint32_t ms_addresses_split(const char *list, char out[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1])
{
    uint32_t count = 0;

    for (const char *from = list; from != NULL; count++) {
        const char *comma = strchr(from, ',');
        const size_t length = comma != NULL ? (size_t)(comma - from) : strlen(from);

        ms_assert(length > 0 && length <= MS_ADDRESS_MAX);
        ms_assert(count < MS_ADDRESSES_MAX);
        memcpy(out[count], from, length);
        out[count][length] = '\0';
        from = comma != NULL ? comma + 1 : NULL;
    }
    return count;
}
