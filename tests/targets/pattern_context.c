/*
 * A context tree in C: a thread stops when its context is cancelled, when a deadline
 * passes, or when the context above it is cancelled.  Wrong: a request makes its
 * context without a parent, so the cancel at the end of the session does not reach its
 * thread.  Right: it passes the session's context on.
 */
#include "pattern.h"

struct context {
    struct context *parent, *children, *next;
    pthread_cond_t ended;
    struct timespec deadline; /* of CLOCK_REALTIME; tv_sec 0: none */
    int error;                /* ECANCELED, ETIMEDOUT, or 0 while it lasts */
};

static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;

static NOINLINE struct context *context_new(struct context *parent, const struct timespec *deadline)
{
    struct context *context = calloc(1, sizeof(*context));
    CHECK(context);
    pthread_cond_init(&context->ended, NULL);
    context->deadline = deadline ? *deadline : parent ? parent->deadline : (struct timespec){0, 0};
    if (!parent)
        return context;
    pthread_mutex_lock(&tree_lock);
    context->parent = parent;
    context->next = parent->children;
    parent->children = context;
    context->error = parent->error;
    pthread_mutex_unlock(&tree_lock);
    return context;
}

static void cancel_locked(struct context *context, int error)
{
    if (!context->error)
        context->error = error;
    pthread_cond_broadcast(&context->ended);
    for (struct context *child = context->children; child; child = child->next)
        cancel_locked(child, error);
}

static NOINLINE void context_cancel(struct context *context)
{
    pthread_mutex_lock(&tree_lock);
    cancel_locked(context, ECANCELED);
    pthread_mutex_unlock(&tree_lock);
}

/* Waits until the context ends, and returns why it did. */
static int context_wait(struct context *context)
{
    pthread_mutex_lock(&tree_lock);
    while (!context->error) {
        if (context->deadline.tv_sec == 0)
            pthread_cond_wait(&context->ended, &tree_lock);
        else if (pthread_cond_timedwait(&context->ended, &tree_lock, &context->deadline) == ETIMEDOUT)
            cancel_locked(context, ETIMEDOUT);
    }
    int error = context->error;
    pthread_mutex_unlock(&tree_lock);
    return error;
}

static void *handle(void *context)
{
    context_wait(context);
    return NULL;
}

static NOINLINE void run_session(void)
{
    const struct timespec past = {1, 0};
    struct context *session = context_new(NULL, NULL);
    struct context *query = context_new(session, &past);
    struct context *request = context_new(right ? session : NULL, NULL);
    CHECK(context_wait(query) == ETIMEDOUT);
    pthread_t thread = start(handle, request);
    context_cancel(session);
    if (right) {
        pthread_join(thread, NULL);
        free(request);
    }
    free(query);
    free(session);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    run_session();
    return end_example();
}
