/* chat: rooms in which people say something, each message numbered within its room. What there is to call: docs/services.md. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/ms_service.h"

#define NAME_SIZE            64 /* of a room, of an author, with the zero */
#define TEXT_MAX             1024
#define MESSAGES_MAX_DEFAULT 1000u
#define MESSAGES_CEILING     100000u
#define ROOMS_MAX_DEFAULT    100u
#define READ_MAX             100u /* messages in one reply */
#define NUMBER_SIZE          24

struct message {
    int64_t wall_us;
    char author[NAME_SIZE];
    size_t size;
    char *text;
};

/* The last so many messages, in a ring. */
struct room {
    char name[NAME_SIZE];
    uint64_t last; /* number of the latest message; 0 = there was none */
    size_t count, capacity;
    struct message *messages; /* message n is at n % capacity */
};

struct chat {
    struct room *rooms; /* in order of their first message */
    size_t count;
    uint64_t messages_max, rooms_max;
};

static void *create(const struct ms_service_host *host)
{
    struct chat *chat = calloc(1, sizeof *chat);

    (void)host;
    if (chat != NULL) {
        chat->messages_max = MESSAGES_MAX_DEFAULT;
        chat->rooms_max = ROOMS_MAX_DEFAULT;
    }
    return chat;
}

static void destroy(void *state)
{
    struct chat *chat = state;

    for (size_t i = 0; i < chat->count; i++) {
        for (size_t at = 0; at < chat->rooms[i].capacity; at++) {
            free(chat->rooms[i].messages[at].text);
        }
        free(chat->rooms[i].messages);
    }
    free(chat->rooms);
    free(chat);
}

/* --- what is asked for: WHAT?name=value&name=value --- */

/* The value of that name, a word; false when it is not there, or no word. */
static int find_word(const char *query, const char *name, char out[NAME_SIZE])
{
    const size_t length = strlen(name);

    while (query != NULL && *query != '\0') {
        const char *end = strchr(query, '&');
        const size_t size = end != NULL ? (size_t)(end - query) : strlen(query);

        if (size > length + 1 && strncmp(query, name, length) == 0 && query[length] == '=' &&
            size - length - 1 < NAME_SIZE) {
            memcpy(out, query + length + 1, size - length - 1);
            out[size - length - 1] = '\0';
            return strpbrk(out, " \t\r\n") == NULL;
        }
        query = end != NULL ? end + 1 : NULL;
    }
    return 0;
}

/* fallback: it is not there. False: no number. */
static int find_number(const char *query, const char *name, uint64_t fallback, uint64_t *number_out)
{
    char text[NAME_SIZE] = "";
    uint64_t number = 0;

    if (!find_word(query, name, text)) {
        *number_out = fallback;
        return text[0] == '\0';
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > (UINT64_MAX - 9) / 10) {
            return 0;
        }
        number = 10 * number + (uint64_t)(*at - '0');
    }
    *number_out = number;
    return 1;
}

/* --- rooms --- */

static struct room *find_room(const struct chat *chat, const char *name)
{
    for (size_t i = 0; i < chat->count; i++) {
        if (strcmp(chat->rooms[i].name, name) == 0) {
            return &chat->rooms[i];
        }
    }
    return NULL;
}

/* Without memory the halves would part, so there is no going on. */
static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static struct room *add_room(struct chat *chat, const char *name, uint64_t capacity)
{
    struct room *room;

    chat->rooms = must(realloc(chat->rooms, (chat->count + 1) * sizeof *chat->rooms));
    room = &chat->rooms[chat->count++];
    memset(room, 0, sizeof *room);
    snprintf(room->name, sizeof room->name, "%s", name);
    room->capacity = (size_t)capacity;
    room->messages = must(calloc(room->capacity, sizeof *room->messages));
    return room;
}

static struct message *message_at(const struct room *room, uint64_t number)
{
    return &room->messages[number % room->capacity];
}

static void add_message(struct room *room, const char *author, int64_t wall_us, const char *text,
                        size_t size)
{
    struct message *message = message_at(room, ++room->last);

    free(message->text);
    message->text = must(malloc(size + 1));
    memcpy(message->text, text, size);
    message->text[size] = '\0';
    message->size = size;
    message->wall_us = wall_us;
    snprintf(message->author, sizeof message->author, "%s", author);
    room->count += room->count < room->capacity ? 1 : 0;
}

/* --- calls --- */

static int refuse(struct ms_service_writer *out, enum ms_service_verdict verdict, const char *why)
{
    ms_service_say(out, why);
    return (int)verdict;
}

/* A line for each message: its number, when it came in seconds since 1970, who said it, and what. */
static void write_message(struct ms_service_writer *out, const struct room *room, uint64_t number)
{
    const struct message *message = message_at(room, number);
    char head[NAME_SIZE + 2 * NUMBER_SIZE];

    snprintf(head, sizeof head, "%llu %lld %s ", (unsigned long long)number,
             (long long)(message->wall_us / 1000000), message->author);
    ms_service_say(out, head);
    ms_service_write(out, message->text, message->size);
    ms_service_say(out, "\n");
}

static int read_room(const struct chat *chat, const char *query, const struct ms_service_call *call,
                     struct ms_service_writer *out)
{
    char name[NAME_SIZE];
    uint64_t since = 0, limit = READ_MAX, first = 1;

    if (!find_word(query, "room", name) || !find_number(query, "since", 0, &since) ||
        !find_number(query, "limit", READ_MAX, &limit)) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "read?room=ROOM&since=NUMBER&limit=COUNT");
    }
    const struct room *room = find_room(chat, name);

    if (room == NULL || since >= room->last) {
        return call->is_last ? MS_SERVICE_REPLY : MS_SERVICE_WAIT;
    }
    first = room->last - room->count + 1;
    first = since + 1 > first ? since + 1 : first;
    for (; first <= room->last && limit > 0; first++, limit--) {
        write_message(out, room, first);
    }
    return MS_SERVICE_REPLY;
}

static int list_rooms(const struct chat *chat, struct ms_service_writer *out)
{
    char line[NAME_SIZE + NUMBER_SIZE];

    for (size_t i = 0; i < chat->count; i++) {
        snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)chat->rooms[i].last,
                 chat->rooms[i].name);
        ms_service_say(out, line);
    }
    return MS_SERVICE_REPLY;
}

/* A change: two names, each with its zero, then the text. */
static int post(const char *query, const struct ms_service_call *call,
                struct ms_service_writer *out)
{
    char room[NAME_SIZE], author[NAME_SIZE];

    if (!find_word(query, "room", room) || !find_word(query, "from", author)) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT,
                      "post?room=ROOM&from=NAME, words of 1 to 63 bytes");
    }
    if (call->payload_size == 0 || call->payload_size > TEXT_MAX ||
        memchr(call->payload, '\n', call->payload_size) != NULL ||
        memchr(call->payload, '\0', call->payload_size) != NULL) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "a message is one line of 1 to 1,024 bytes");
    }
    ms_service_write(out, room, strlen(room) + 1);
    ms_service_write(out, author, strlen(author) + 1);
    ms_service_write(out, call->payload, call->payload_size);
    return MS_SERVICE_PROPOSE;
}

static int handle(void *state, const struct ms_service_call *call, struct ms_service_writer *out)
{
    const struct chat *chat = state;
    const char *what = call->url->parameters;
    const char *query = strchr(what, '?');
    const size_t size = query != NULL ? (size_t)(query - what) : strlen(what);

    query = query != NULL ? query + 1 : "";
    if (size == 4 && memcmp(what, "post", 4) == 0) {
        return post(query, call, out);
    }
    if (size == 4 && memcmp(what, "read", 4) == 0) {
        return read_room(chat, query, call, out);
    }
    if (size == 5 && memcmp(what, "rooms", 5) == 0) {
        return list_rooms(chat, out);
    }
    return refuse(out, MS_SERVICE_BAD_ARGUMENT, "what there is: post, read, rooms");
}

/* --- changes --- */

/* A name at the front of the bytes, which it is cut off; NULL: there is none. */
static const char *take_name(const char **at, size_t *size)
{
    const char *name = *at;
    const char *end = memchr(name, '\0', *size < NAME_SIZE ? *size : NAME_SIZE);

    if (end == NULL || end == name) {
        return NULL;
    }
    *size -= (size_t)(end + 1 - name);
    *at = end + 1;
    return name;
}

static int apply(void *state, const struct ms_service_change *change, struct ms_service_writer *out)
{
    struct chat *chat = state;
    const char *at = change->data;
    size_t size = change->data_size;
    const char *name = take_name(&at, &size);
    const char *author = name != NULL ? take_name(&at, &size) : NULL;
    char number[NUMBER_SIZE];

    if (author == NULL) {
        return refuse(out, MS_SERVICE_BAD_ARGUMENT, "not a change of chat");
    }
    struct room *room = find_room(chat, name);

    if (room == NULL && chat->count >= chat->rooms_max) {
        return refuse(out, MS_SERVICE_FULL, "there are rooms_max rooms");
    }
    room = room != NULL ? room : add_room(chat, name, chat->messages_max);
    add_message(room, author, change->wall_us, at, size);
    snprintf(number, sizeof number, "%llu", (unsigned long long)room->last);
    ms_service_say(out, number);
    return MS_SERVICE_REPLY;
}

/* --- snapshots: of each room its name, last, count, capacity, and its messages, the oldest first --- */

static void write_number(struct ms_service_writer *out, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
    ms_service_write(out, bytes, sizeof bytes);
}

static int snapshot(const void *state, struct ms_service_writer *out)
{
    const struct chat *chat = state;

    for (size_t i = 0; i < chat->count; i++) {
        const struct room *room = &chat->rooms[i];

        ms_service_write(out, room->name, strlen(room->name) + 1);
        write_number(out, room->last);
        write_number(out, room->count);
        write_number(out, room->capacity);
        for (uint64_t n = room->last - room->count + 1; n <= room->last; n++) {
            const struct message *message = message_at(room, n);

            write_number(out, (uint64_t)message->wall_us);
            ms_service_write(out, message->author, strlen(message->author) + 1);
            write_number(out, message->size);
            ms_service_write(out, message->text, message->size);
        }
    }
    return 0;
}

static int take_number(const char **at, size_t *size, uint64_t *number_out)
{
    if (*size < 8) {
        return 0;
    }
    *number_out = 0;
    for (int i = 0; i < 8; i++) {
        *number_out |= (uint64_t)(uint8_t)(*at)[i] << (8 * i);
    }
    *at += 8;
    *size -= 8;
    return 1;
}

static int restore_room(struct chat *chat, const char **at, size_t *size)
{
    const char *name = take_name(at, size);
    uint64_t last = 0, count = 0, capacity = 0, wall_us = 0, length = 0;

    if (name == NULL || !take_number(at, size, &last) || !take_number(at, size, &count) ||
        !take_number(at, size, &capacity) || count > last || capacity == 0 || count > capacity ||
        capacity > MESSAGES_CEILING) {
        return 0;
    }
    struct room *room = add_room(chat, name, capacity);

    room->last = last - count;
    for (uint64_t i = 0; i < count; i++) {
        const char *author = take_number(at, size, &wall_us) ? take_name(at, size) : NULL;

        if (author == NULL || !take_number(at, size, &length) || length > *size) {
            return 0;
        }
        add_message(room, author, (int64_t)wall_us, *at, (size_t)length);
        *at += length;
        *size -= (size_t)length;
    }
    return 1;
}

static int restore(void *state, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        if (!restore_room(state, &at, &size)) {
            return -1;
        }
    }
    return 0;
}

/* What a room holds is fixed when it is made, so a new messages_max is one of new rooms. */
static int configured(void *state, const void *data, size_t size)
{
    struct chat *chat = state;
    char text[256];

    if (size >= sizeof text) {
        return -1;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    return find_number(text, "messages_max", MESSAGES_MAX_DEFAULT, &chat->messages_max) &&
                   find_number(text, "rooms_max", ROOMS_MAX_DEFAULT, &chat->rooms_max) &&
                   chat->messages_max > 0 && chat->messages_max <= MESSAGES_CEILING
               ? 0
               : -1;
}

static void heartbeat(const void *state, struct ms_service_writer *out)
{
    const struct chat *chat = state;
    char text[64];

    snprintf(text, sizeof text, "%zu rooms", chat->count);
    ms_service_say(out, text);
}

MS_SERVICE_PUBLIC const struct ms_service ms_service_v1 = {
    MS_SERVICE_HEADER,
    .type = "chat",
    .about = "rooms in which people say something",
    .create = create,
    .destroy = destroy,
    .handle = handle,
    .apply = apply,
    .snapshot = snapshot,
    .restore = restore,
    .configured = configured,
    .heartbeat = heartbeat,
};
