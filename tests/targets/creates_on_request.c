/* Reads letters, does what each asks for, and answers with the same letter. For each argument it leaves an
 * unjoined thread before that. */
#include "target.h"

static void *end_at_once(void *arg)
{
    return arg;
}

static int end_at_once_c11(void *arg)
{
    (void)arg;
    return 0;
}

static void *sleep_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *sleep_with_name(void *arg)
{
    pthread_setname_np(pthread_self(), "has-a-name");
    return sleep_for_ever(arg);
}

static pthread_t create(void *(*routine)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, routine, NULL) != 0)
        abort();
    return thread;
}

static pthread_t older;

static void end_older(void)
{
    pthread_cancel(older);
    pthread_join(older, NULL);
}

static NOINLINE void make_running(void)
{
    create(sleep_for_ever);
}

static NOINLINE void make_named(void)
{
    create(sleep_with_name);
}

static NOINLINE void make_unjoined(void)
{
    create(end_at_once);
}

static NOINLINE void make_joined(void)
{
    pthread_join(create(end_at_once), NULL);
}

/* The handle is not in the frame of the creator. */
static NOINLINE void make_joined_heap(void)
{
    pthread_t *thread = malloc(sizeof(*thread));
    if (pthread_create(thread, NULL, end_at_once, NULL) != 0)
        abort();
    pthread_join(*thread, NULL);
    free(thread);
}

static NOINLINE void make_detached(void)
{
    pthread_detach(create(sleep_for_ever));
}

static NOINLINE void make_born_detached(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, sleep_for_ever, NULL) != 0)
        abort();
    pthread_attr_destroy(&attr);
}

static NOINLINE void make_c11(void)
{
    thrd_t thread;
    if (thrd_create(&thread, end_at_once_c11, NULL) != thrd_success)
        abort();
    thrd_join(thread, NULL);
}

static NOINLINE void make_many(void)
{
    for (int i = 0; i < 1000; i++)
        make_joined();
}

/* Handles that detached threads had, which nobody keeps. */
static NOINLINE void make_unjoined_among_detached(void)
{
    for (int i = 0; i < 10; i++) {
        pthread_t *thread = malloc(sizeof(*thread));
        pthread_detach(create(end_at_once));
        if (pthread_create(thread, NULL, end_at_once, NULL) != 0)
            abort();
        free(thread);
        usleep(1000);
    }
}

/* The child of a fork is another process. */
static void fork_and_create(void)
{
    pid_t child = fork();
    if (child == 0) {
        make_unjoined();
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

/* The stack is deeper than the 8 KiB that attach copies at first. */
static NOINLINE void make_deep(void)
{
    volatile char large[20000] = "";
    make_unjoined();
    if (large[0])
        abort();
}

static void *create_others(void *arg)
{
    make_running();
    make_many();
    return arg;
}

static void do_one(char letter, char **argv)
{
    switch (letter) {
    case 'r':
        return make_running();
    case 'n':
        return make_named();
    case 'u':
        return make_unjoined();
    case 'j':
        return make_joined();
    case 'h':
        return make_joined_heap();
    case 'd':
        return make_detached();
    case 'b':
        return make_born_detached();
    case 'c':
        return make_c11();
    case 'm':
        return make_many();
    case 'x':
        return make_unjoined_among_detached();
    case 'f':
        return fork_and_create();
    case 't':
        pthread_join(create(create_others), NULL);
        return;
    case 'o':
        return end_older();
    case 'p':
        return make_deep();
    case 'e':
        execv("/proc/self/exe", argv);
        abort();
    }
}

/* For 'l' another thread takes over, and this one ends. */
static void *do_all(void *argv)
{
    pthread_t other;
    char letter;
    while (read(STDIN_FILENO, &letter, 1) == 1) {
        if (letter == 'l' && pthread_create(&other, NULL, do_all, argv) != 0)
            abort();
        if (letter != 'l')
            do_one(letter, argv);
        if (write(STDOUT_FILENO, &letter, 1) != 1)
            exit(1);
        if (letter == 'l')
            pthread_exit(NULL);
    }
    exit(0);
}

int main(int argc, char **argv)
{
    older = create(sleep_for_ever); /* this and others are older than all that is asked for */
    for (int i = 1; i < argc; i++)
        make_unjoined();
    if (write(STDOUT_FILENO, "-", 1) != 1)
        return 1;
    do_all(argv);
}
