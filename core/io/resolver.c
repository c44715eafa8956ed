#include "core/io/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "core/invariant.h"
#include "core/io/thread_start.h"
#include "core/list.h"

struct question {
    struct ms_list link;
    struct ms_address address;
    struct ms_resolution resolution;
};

/* Shared by the loop and the thread, which may be stuck in a look-up when the loop goes away: the
 * last of the two frees it. */
struct ms_resolver {
    ev_async wake; /* touched by the thread only under the lock and while not closed */
    struct ev_loop *loop;
    ms_resolved_fn resolved;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    struct ms_list questions, answers;
    unsigned holders;
    bool is_closed;
};

static bool find_unix(struct ms_endpoints *endpoints, const struct ms_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(address->host);

    if (length >= sizeof name.sun_path) {
        return false;
    }
    memcpy(name.sun_path, address->host, length + 1);
    endpoints->count = 1;
    endpoints->items[0].size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    memcpy(&endpoints->items[0].address, &name, sizeof name);
    return true;
}

bool ms_endpoints_find(struct ms_endpoints *endpoints, const struct ms_address *address,
                       bool is_numeric)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[sizeof "65535"];

    endpoints->count = 0;
    if (address->kind == MS_ADDRESS_UNIX) {
        return find_unix(endpoints, address);
    }
    if (is_numeric) {
        hints.ai_flags |= AI_NUMERICHOST;
    }
    snprintf(port, sizeof port, "%u", (unsigned)address->port);
    if (getaddrinfo(address->host, port, &hints, &list) != 0) {
        return false;
    }
    for (struct addrinfo *at = list; at != NULL && endpoints->count < MS_ENDPOINTS_MAX;
         at = at->ai_next) {
        struct ms_endpoint *endpoint = &endpoints->items[endpoints->count];

        if (at->ai_addrlen > sizeof endpoint->address) {
            continue;
        }
        memcpy(&endpoint->address, at->ai_addr, at->ai_addrlen);
        endpoint->size = at->ai_addrlen;
        endpoints->count++;
    }
    freeaddrinfo(list);
    return endpoints->count > 0;
}

void ms_endpoint_print(const struct ms_endpoint *endpoint, struct ms_text *text)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;

    if (address->sa_family == AF_UNIX) {
        ms_text_add(text, "unix:%s", ((const struct sockaddr_un *)address)->sun_path);
        return;
    }
    if (getnameinfo(address, endpoint->size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        ms_text_add(text, "unknown");
        return;
    }
    ms_text_add(text, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void free_questions(struct ms_list *list)
{
    struct ms_list *link;

    while ((link = ms_list_pop_front(list)) != NULL) {
        free(ms_container_of(link, struct question, link));
    }
}

/* Called with the lock held, which it gives back. */
static void release(struct ms_resolver *resolver)
{
    bool is_last = --resolver->holders == 0;

    pthread_mutex_unlock(&resolver->lock);
    if (is_last) {
        free_questions(&resolver->questions);
        free_questions(&resolver->answers);
        pthread_cond_destroy(&resolver->asked);
        pthread_mutex_destroy(&resolver->lock);
        free(resolver);
    }
}

static void *answer(void *argument)
{
    struct ms_resolver *resolver = argument;

    pthread_mutex_lock(&resolver->lock);
    while (!resolver->is_closed) {
        struct ms_list *link = ms_list_pop_front(&resolver->questions);

        if (link == NULL) {
            pthread_cond_wait(&resolver->asked, &resolver->lock);
            continue;
        }
        pthread_mutex_unlock(&resolver->lock);
        struct question *question = ms_container_of(link, struct question, link);
        ms_endpoints_find(&question->resolution.endpoints, &question->address, false);
        pthread_mutex_lock(&resolver->lock);
        ms_list_push_back(&resolver->answers, link);
        if (!resolver->is_closed) {
            ev_async_send(resolver->loop, &resolver->wake);
        }
    }
    release(resolver);
    return NULL;
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    struct ms_resolver *resolver = wake->data;
    struct ms_list answers, *link;

    (void)loop, (void)revents;
    ms_list_init(&answers);
    pthread_mutex_lock(&resolver->lock);
    ms_list_splice(&answers, &resolver->answers);
    pthread_mutex_unlock(&resolver->lock);
    while ((link = ms_list_pop_front(&answers)) != NULL) {
        struct question *question = ms_container_of(link, struct question, link);

        resolver->resolved(resolver->context, &question->resolution);
        free(question);
    }
}

static bool start_thread(struct ms_resolver *resolver)
{
    pthread_t thread;

    return ms_thread_start(&thread, answer, resolver) && pthread_detach(thread) == 0;
}

struct ms_resolver *ms_resolver_create(struct ev_loop *loop, ms_resolved_fn resolved, void *context)
{
    struct ms_resolver *resolver = calloc(1, sizeof *resolver);

    if (resolver == NULL) {
        return NULL;
    }
    resolver->loop = loop;
    resolver->resolved = resolved;
    resolver->context = context;
    resolver->holders = 2;
    ms_list_init(&resolver->questions);
    ms_list_init(&resolver->answers);
    pthread_mutex_init(&resolver->lock, NULL);
    pthread_cond_init(&resolver->asked, NULL);
    ev_async_init(&resolver->wake, on_wake);
    resolver->wake.data = resolver;
    ev_async_start(loop, &resolver->wake);
    ev_unref(loop);
    if (!start_thread(resolver)) {
        resolver->holders = 1;
        ms_resolver_destroy(resolver);
        return NULL;
    }
    return resolver;
}

bool ms_resolver_ask(struct ms_resolver *resolver, const struct ms_address *address, uint64_t user)
{
    struct question *question = calloc(1, sizeof *question);

    if (question == NULL) {
        return false;
    }
    question->address = *address;
    question->resolution.user = user;
    ms_list_init(&question->link);
    pthread_mutex_lock(&resolver->lock);
    ms_assert(!resolver->is_closed);
    ms_list_push_back(&resolver->questions, &question->link);
    pthread_cond_signal(&resolver->asked);
    pthread_mutex_unlock(&resolver->lock);
    return true;
}

void ms_resolver_destroy(struct ms_resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    pthread_mutex_lock(&resolver->lock);
    resolver->is_closed = true;
    ev_ref(resolver->loop);
    ev_async_stop(resolver->loop, &resolver->wake);
    pthread_cond_signal(&resolver->asked);
    release(resolver);
}
