/* Thread-specific keys, and once-initialisation. */
#include <limits.h>
#include <sys/wait.h>

#include "harmless.h"

static pthread_key_t first, second, third;

static void destroy(void *letter)
{
    happened((char)(long)letter);
}

static void *set_three(void *unused)
{
    pthread_setspecific(third, (void *)'c');
    pthread_setspecific(first, (void *)'a');
    pthread_setspecific(second, (void *)'b');
    return unused;
}

static void make_three(void)
{
    is("pthread_key_create", pthread_key_create(&first, destroy), 0);
    is("pthread_key_create", pthread_key_create(&second, destroy), 0);
    is("pthread_key_create", pthread_key_create(&third, destroy), 0);
}

TEST(keys_are_destroyed)
{
    make_three();
    run_thread(set_three, NULL);
    text_is("in the order of the keys", happenings(), "abc");
}

static void *set_none(void *unused)
{
    pthread_setspecific(first, (void *)'a');
    pthread_setspecific(first, NULL);
    return unused;
}

TEST(keys_without_value)
{
    make_three();
    run_thread(set_none, NULL);
    text_is("destructors", happenings(), "");
}

static void set_again(void *unused)
{
    (void)unused;
    happened('x');
    pthread_setspecific(first, (void *)'x');
}

TEST(keys_that_are_set_again)
{
    pthread_key_create(&first, set_again);
    run_thread(set_none, NULL);
    run_thread(set_three, NULL);
    is("rounds", (long)strlen(happenings()), PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void *value_of_first(void *unused)
{
    (void)unused;
    return pthread_getspecific(first);
}

TEST(keys_belong_to_a_thread)
{
    make_three();
    is("before", (long)pthread_getspecific(first), 0);
    is("pthread_setspecific", pthread_setspecific(first, (void *)4), 0);
    is("in another thread", (long)run_thread(value_of_first, NULL), 0);
    is("here", (long)pthread_getspecific(first), 4);
}

TEST(keys_deleted)
{
    make_three();
    pthread_setspecific(first, (void *)'d');
    is("pthread_key_delete", pthread_key_delete(first), 0);
    is("again", pthread_key_delete(first), EINVAL);
    is("pthread_setspecific", pthread_setspecific(first, (void *)1), EINVAL);
    is("value", (long)pthread_getspecific(first), 0);
    pthread_key_create(&first, destroy);
    is("value of a new one", (long)pthread_getspecific(first), 0);
    is("a key that is none", pthread_key_delete(5000), EINVAL);
}

static int create_all(pthread_key_t *keys)
{
    int count = 0;
    while (count < 2000 && pthread_key_create(&keys[count], NULL) == 0)
        count++;
    return count;
}

TEST(keys_all)
{
    static pthread_key_t keys[2000];
    is("of a process", create_all(keys), PTHREAD_KEYS_MAX);
    is("one more", pthread_key_create(&first, NULL), EAGAIN);
    long works = 0;
    for (int i = 0; i < PTHREAD_KEYS_MAX; i++)
        works += pthread_setspecific(keys[i], &keys[i]) == 0 && pthread_getspecific(keys[i]) == &keys[i];
    is("that work", works, PTHREAD_KEYS_MAX);
    is("a thread", (long)run_thread(set_none, NULL), 0);
    pthread_key_delete(keys[500]);
    is("one that is free again", pthread_key_create(&first, NULL), 0);
}

static void *create_them(void *keys)
{
    return (void *)(long)create_all(keys);
}

TEST(keys_all_after_a_thread)
{
    static pthread_key_t keys[2000];
    is("of a process that has threads", (long)run_thread(create_them, keys), PTHREAD_KEYS_MAX);
}

static void create_in_destructor(void *unused)
{
    (void)unused;
    is("a thread of a destructor", (long)run_thread(value_of_first, NULL), 0);
    is("errno there", errno, 0);
}

TEST(keys_destructor_creates)
{
    pthread_key_create(&first, create_in_destructor);
    run_thread(set_three, NULL);
}

static void fork_in_destructor(void *unused)
{
    (void)unused;
    text_is("a fork in a destructor", status_of(abort), "signal 6");
}

TEST(keys_destructor_forks)
{
    pthread_key_create(&first, fork_in_destructor);
    run_thread(set_three, NULL);
}

static void detach_in_destructor(void *unused)
{
    (void)unused;
    is("a detach in a destructor", pthread_detach(pthread_self()), 0);
}

TEST(keys_destructor_detaches)
{
    pthread_key_create(&first, detach_in_destructor);
    begin(set_three, NULL);
    while (count_tasks() > 1)
        sleep_ms(1);
}

static void print_letter(void *letter)
{
    is("destroyed", (long)letter, 'a');
}

TEST(keys_of_main_at_exit)
{
    pthread_key_create(&first, print_letter);
    pthread_setspecific(first, (void *)'a'); /* no line: exit() destroys none */
}

TEST(keys_of_main_at_pthread_exit)
{
    pthread_key_create(&first, print_letter);
    pthread_setspecific(first, (void *)'a');
    pthread_exit(NULL);
}

static void in_child(void)
{
    is("value in a forked child", (long)pthread_getspecific(first), 'a');
    is("of a thread there", (long)run_thread(value_of_first, NULL), 0);
}

TEST(keys_after_a_fork)
{
    pthread_key_create(&first, NULL);
    pthread_setspecific(first, (void *)'a');
    text_is("child", status_of(in_child), "exit 0");
}

/* ---- once ------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    happened('i');
    sleep_ms(2);
}

static void *ask_for_it(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_once(&once, initialise);
}

TEST(once_of_many)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = begin(ask_for_it, NULL);
    for (int i = 0; i < 8; i++)
        joined(threads[i]);
    text_is("ran", happenings(), "i");
}

static void initialise_cancelled(void)
{
    happened('c');
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

static void *ask_cancelled(void *unused)
{
    (void)unused;
    pthread_once(&once, initialise_cancelled);
    return NULL;
}

TEST(once_cancelled)
{
    is("value", (long)run_thread(ask_cancelled, NULL), -1);
    ask_for_it(NULL);
    text_is("then another one runs it", happenings(), "ci");
}

static void initialise_with_thread(void)
{
    happened((char)(long)run_thread((void *(*)(void *))value_of_first, NULL) ? 'x' : 't');
}

TEST(once_creates_a_thread)
{
    pthread_key_create(&first, NULL);
    pthread_once(&once, initialise_with_thread);
    text_is("ran", happenings(), "t");
}

static void ask_in_child(void)
{
    ask_for_it(NULL);
    text_is("a child runs what was under way", happenings(), "fi");
}

static void initialise_with_fork(void)
{
    happened('f');
    text_is("child", status_of(ask_in_child), "exit 0");
}

TEST(once_after_a_fork)
{
    pthread_once(&once, initialise_with_fork);
}
