#include "core/io/producer.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/invariant.h"
#include "core/io/mailbox.h"
#include "core/io/thread_start.h"

/* Questions lie in a mailbox as the events that answer them; OPEN, which nobody answers, as this. */
#define QUESTION_OPEN MS_EVENT_TICK

static_assert((int)MS_PROVIDER_MORE == MS_PRODUCED_MORE &&
                  (int)MS_PROVIDER_REST == MS_PRODUCED_REST &&
                  (int)MS_PROVIDER_END == MS_PRODUCED_END &&
                  (int)MS_PROVIDER_FAILED == MS_PRODUCED_FAILED,
              "plug-ins and the engine mean the same");
static_assert((int)MS_PROVIDER_DONE == MS_TOLD_DONE && (int)MS_PROVIDER_KEEP == MS_TOLD_KEEP &&
                  (int)MS_PROVIDER_ALL_DONE == MS_TOLD_ALL &&
                  (int)MS_PROVIDER_BROKEN == MS_TOLD_FAILED,
              "plug-ins and the engine mean the same");

/* One provider; touched by the thread only. */
struct instance {
    const struct ms_producer_settings *settings;
    void *self; /* NULL = it is not open */
    struct {
        uint8_t *bytes; /* of its result, that came before the outcome */
        size_t size, capacity;
        uint64_t number; /* whose; 0 = nobody's */
    } pieces;
    char why[sizeof((struct ms_provider_reply *)0)->why];
};

struct ms_producer {
    struct ev_loop *loop;
    struct ms_producer_options options;
    struct instance *instances;
    ev_async wake;
    pthread_t thread;
    pthread_mutex_t lock; /* of what is below */
    pthread_cond_t asked;
    struct ms_mailbox questions, answers;
    bool is_closed;
};

/* A call of a provider, and what it says in it. */
struct call {
    struct ms_provider_reply reply; /* first */
    struct ms_producer *producer;
    const struct ms_event *question;
    uint64_t number; /* PRODUCE: of the next command that is put */
    uint64_t left;   /* PRODUCE: that may still be put */
    uint8_t *state;  /* TELL: remembered */
    size_t state_size;
    bool has_state, has_failed;
};

static void post(struct ms_producer *producer, const struct ms_event *answer)
{
    pthread_mutex_lock(&producer->lock);
    ms_mailbox_post(&producer->answers, answer);
    if (!producer->is_closed) {
        ev_async_send(producer->loop, &producer->wake);
    }
    pthread_mutex_unlock(&producer->lock);
}

static struct ms_event answer_to(const struct ms_event *question)
{
    return (struct ms_event){.type = question->type,
                             .tag = question->tag,
                             .peer = question->peer,
                             .epoch = question->epoch,
                             .seq = question->seq};
}

static void put(struct ms_provider_reply *reply, const struct ms_provider_command *made)
{
    struct call *call = (struct call *)(void *)reply;
    struct ms_event answer = answer_to(call->question);
    struct ms_terms terms = {.key = {made->key, made->key_size}};
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT,
        .payload = {made->payload, made->payload_size},
        .detail = {made->cursor, made->cursor_size},
        .terms = made->key_size > 0 ? &terms : NULL,
    };

    call->has_failed |=
        call->question->type != MS_EVENT_PRODUCED || call->left == 0 || made->key_size > MS_KEY_MAX;
    if (call->has_failed) {
        return;
    }
    call->left--;
    answer.seq = call->number++;
    answer.command = &command;
    post(call->producer, &answer);
}

static void remember(struct ms_provider_reply *reply, const void *state, size_t size)
{
    struct call *call = (struct call *)(void *)reply;
    uint8_t *copy = realloc(call->state, size > 0 ? size : 1);

    if (call->question->type != MS_EVENT_TOLD || copy == NULL) {
        call->has_failed = true;
        return;
    }
    if (size > 0) {
        memcpy(copy, state, size);
    }
    call->state = copy;
    call->state_size = size;
    call->has_state = true;
}

static struct call begin(struct ms_producer *producer, const struct ms_event *question)
{
    return (struct call){
        .reply = {.abi = MS_PROVIDER_ABI,
                  .size = sizeof(struct ms_provider_reply),
                  .put = put,
                  .remember = remember},
        .producer = producer,
        .question = question,
        .number = question->seq,
        .left = question->count,
    };
}

/* Another piece of what the command told of says. False when memory is out. */
static bool gather(struct instance *instance, const struct ms_event *question)
{
    const struct ms_bytes piece = question->command->payload;

    if (question->command->index == 0 || question->seq != instance->pieces.number) {
        instance->pieces.size = 0;
        instance->pieces.number = question->seq;
    }
    if (piece.size > instance->pieces.capacity - instance->pieces.size) {
        const size_t capacity = 2 * (instance->pieces.size + piece.size);
        uint8_t *larger = realloc(instance->pieces.bytes, capacity);

        if (larger == NULL) {
            return false;
        }
        instance->pieces.bytes = larger;
        instance->pieces.capacity = capacity;
    }
    if (piece.size > 0 && question->command->stream == MS_STREAM_DATA) {
        memcpy(instance->pieces.bytes + instance->pieces.size, piece.data, piece.size);
        instance->pieces.size += piece.size;
    }
    return true;
}

/* The whole result; what is left of it comes with the outcome. */
static struct ms_bytes whole(struct instance *instance, const struct ms_event *question)
{
    struct ms_event rest = *question;
    struct ms_command command = *question->command;

    if (instance->pieces.number != question->seq) {
        return question->command->payload;
    }
    command.stream = MS_STREAM_DATA;
    command.index = UINT32_MAX;
    rest.command = &command;
    const bool is_whole = gather(instance, &rest);

    ms_assert(is_whole); /* an outcome lost would be work lost */
    instance->pieces.number = 0;
    return (struct ms_bytes){instance->pieces.bytes, instance->pieces.size};
}

static void close_instance(struct instance *instance)
{
    if (instance->self != NULL) {
        instance->settings->provider->close(instance->self);
    }
    instance->self = NULL;
}

static void open_instance(struct ms_producer *producer, struct instance *instance,
                          const struct ms_event *question)
{
    const struct ms_option_list *with = instance->settings->with;
    struct call call = begin(producer, question);
    const struct ms_provider_setup setup = {
        .abi = MS_PROVIDER_ABI,
        .size = sizeof setup,
        .name = instance->settings->name,
        .with = (const char *const *)with->items,
        .with_count = with->count,
        .state = question->command->payload.data,
        .state_size = question->command->payload.size,
    };

    close_instance(instance);
    instance->pieces.number = 0;
    instance->self = instance->settings->provider->open(&setup, &call.reply);
    memcpy(instance->why, call.reply.why, sizeof instance->why);
}

/* The last word of an answer. */
static void end(struct call *call, int verdict, int failure)
{
    struct ms_event answer = answer_to(call->question);
    struct ms_command command = {.kind = MS_KIND_NONE, .delay = call->reply.rest_us};

    if (call->has_failed || verdict < 0 || verdict > failure) {
        command.detail = ms_bytes_of("the provider breaks the rules of ms_provider.h");
        verdict = failure;
    } else if (verdict == failure) {
        call->reply.why[sizeof call->reply.why - 1] = '\0';
        command.detail = ms_bytes_of(call->reply.why);
    }
    if (call->has_state && verdict != failure) {
        command.index = 1;
        command.payload = (struct ms_bytes){call->state, call->state_size};
    }
    answer.count = (uint64_t)verdict;
    answer.command = &command;
    post(call->producer, &answer);
    free(call->state);
}

static int produce(struct instance *instance, struct call *call)
{
    const struct ms_event *question = call->question;
    const struct ms_provider_ask ask = {
        .abi = MS_PROVIDER_ABI,
        .size = sizeof ask,
        .number = question->seq,
        .count = (uint32_t)question->count,
        .cursor = question->command->payload.data,
        .cursor_size = question->command->payload.size,
    };

    return instance->settings->provider->produce(instance->self, &ask, &call->reply);
}

static int tell(struct instance *instance, struct call *call)
{
    const struct ms_command *command = call->question->command;
    const struct ms_bytes result = whole(instance, call->question);
    const struct ms_provider_outcome outcome = {
        .abi = MS_PROVIDER_ABI,
        .size = sizeof outcome,
        .number = call->question->seq,
        .status = command->status,
        .attempt = command->attempt,
        .code = command->code,
        .payload = result.data,
        .payload_size = result.size,
        .detail = (const char *)command->detail.data,
        .detail_size = command->detail.size,
    };

    return instance->settings->provider->told != NULL
               ? instance->settings->provider->told(instance->self, &outcome, &call->reply)
               : MS_PROVIDER_DONE;
}

static void answer(struct ms_producer *producer, const struct ms_event *question)
{
    struct instance *instance = &producer->instances[question->tag - 1];
    struct call call = begin(producer, question);
    int verdict;

    if (question->type == QUESTION_OPEN) {
        open_instance(producer, instance, question);
    } else if (question->command->kind == MS_KIND_STREAM) {
        const bool is_kept = gather(instance, question);

        ms_assert(is_kept);
    } else if (instance->self == NULL) {
        memcpy(call.reply.why, instance->why, sizeof call.reply.why);
        end(&call, MS_PROVIDER_FAILED, MS_PROVIDER_FAILED);
    } else {
        verdict =
            question->type == MS_EVENT_PRODUCED ? produce(instance, &call) : tell(instance, &call);
        end(&call, verdict, MS_PROVIDER_FAILED);
    }
}

static void *run(void *argument)
{
    struct ms_producer *producer = argument;

    pthread_mutex_lock(&producer->lock);
    while (!producer->is_closed) {
        struct ms_letter *letter = ms_mailbox_take(&producer->questions);

        if (letter == NULL) {
            pthread_cond_wait(&producer->asked, &producer->lock);
            continue;
        }
        pthread_mutex_unlock(&producer->lock);
        answer(producer, &letter->event);
        free(letter);
        pthread_mutex_lock(&producer->lock);
    }
    pthread_mutex_unlock(&producer->lock);
    for (uint32_t i = 0; i < producer->options.count; i++) {
        close_instance(&producer->instances[i]);
        free(producer->instances[i].pieces.bytes);
    }
    return NULL;
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    struct ms_producer *producer = wake->data;
    struct ms_letter *letter;

    (void)loop, (void)revents;
    for (;;) {
        pthread_mutex_lock(&producer->lock);
        letter = ms_mailbox_take(&producer->answers);
        pthread_mutex_unlock(&producer->lock);
        if (letter == NULL) {
            return;
        }
        producer->options.answer(producer->options.context, &letter->event);
        free(letter);
    }
}

static void release(struct ms_producer *producer)
{
    ev_ref(producer->loop);
    ev_async_stop(producer->loop, &producer->wake);
    ms_mailbox_finish(&producer->questions);
    ms_mailbox_finish(&producer->answers);
    pthread_cond_destroy(&producer->asked);
    pthread_mutex_destroy(&producer->lock);
    free(producer->instances);
    free(producer);
}

struct ms_producer *ms_producer_create(const struct ms_producer_options *options)
{
    struct ms_producer *producer = calloc(1, sizeof *producer);
    struct instance *instances = calloc(options->count > 0 ? options->count : 1, sizeof *instances);

    if (producer == NULL || instances == NULL) {
        free(producer);
        free(instances);
        return NULL;
    }
    producer->loop = options->loop;
    producer->options = *options;
    producer->instances = instances;
    for (uint32_t i = 0; i < options->count; i++) {
        instances[i].settings = &options->settings[i];
        memcpy(instances[i].why, "it was not opened", sizeof "it was not opened");
    }
    ms_mailbox_init(&producer->questions);
    ms_mailbox_init(&producer->answers);
    pthread_mutex_init(&producer->lock, NULL);
    pthread_cond_init(&producer->asked, NULL);
    ev_async_init(&producer->wake, on_wake);
    producer->wake.data = producer;
    ev_async_start(producer->loop, &producer->wake);
    ev_unref(producer->loop);
    if (!ms_thread_start(&producer->thread, run, producer)) {
        release(producer);
        return NULL;
    }
    return producer;
}

void ms_producer_destroy(struct ms_producer *producer)
{
    if (producer == NULL) {
        return;
    }
    pthread_mutex_lock(&producer->lock);
    producer->is_closed = true;
    pthread_cond_signal(&producer->asked);
    pthread_mutex_unlock(&producer->lock);
    pthread_join(producer->thread, NULL);
    release(producer);
}

void ms_producer_carry_out(struct ms_producer *producer, const struct ms_effect *effect)
{
    const struct ms_event question = {
        .type = effect->type == MS_EFFECT_OPEN      ? QUESTION_OPEN
                : effect->type == MS_EFFECT_PRODUCE ? MS_EVENT_PRODUCED
                                                    : MS_EVENT_TOLD,
        .tag = effect->tag,
        .peer = effect->peer,
        .epoch = effect->epoch,
        .seq = effect->seq,
        .count = effect->count,
        .command = &effect->command,
    };

    ms_assert(effect->type == MS_EFFECT_OPEN || effect->type == MS_EFFECT_PRODUCE ||
              effect->type == MS_EFFECT_TELL);
    ms_assert(effect->tag > 0 && effect->tag <= producer->options.count);
    pthread_mutex_lock(&producer->lock);
    ms_mailbox_post(&producer->questions, &question);
    pthread_cond_signal(&producer->asked);
    pthread_mutex_unlock(&producer->lock);
}
