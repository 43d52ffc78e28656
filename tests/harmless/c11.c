/* <threads.h> */
#include <threads.h>

#include "harmless.h"

static int give(void *value)
{
    return (int)(long)value;
}

static int exits(void *value)
{
    thrd_exit((int)(long)value);
}

static thrd_t created; /* glibc writes it before the thread begins */

static int is_current(void *unused)
{
    (void)unused;
    return thrd_equal(thrd_current(), created);
}

static thrd_t started(thrd_start_t routine, void *arg)
{
    thrd_t thread;
    is("thrd_create", thrd_create(&thread, routine, arg), thrd_success);
    return thread;
}

static int value_of(thrd_t thread)
{
    int value = -99;
    is("thrd_join", thrd_join(thread, &value), thrd_success);
    return value;
}

TEST(c11_thread)
{
    is("value", value_of(started(give, (void *)-5)), -5);
    is("value of thrd_exit", value_of(started(exits, (void *)6)), 6);
    is("thrd_create", thrd_create(&created, is_current, NULL), thrd_success);
    is("thrd_equal", !!value_of(created), 1);
    is("join without value", thrd_join(started(give, NULL), NULL), thrd_success);
    is("thrd_detach", thrd_detach(started(give, NULL)), thrd_success);
    thrd_yield();
}

static void *give_pointer(void *value)
{
    return value;
}

TEST(c11_joined_by_pthread)
{
    thrd_t thread = started(give, (void *)5);
    is("value", (long)joined(thread), 5);
    is("a thread of pthread_create", value_of(begin(give_pointer, (void *)8)), 8);
}

TEST(c11_sleep)
{
    is("thrd_sleep", thrd_sleep(&(struct timespec){0, 1000000}, NULL), 0);
    is("an impossible time", thrd_sleep(&(struct timespec){0, 1000000000}, NULL) < -1, 1);
}

static mtx_t mutex;

static int try_lock(void *unused)
{
    (void)unused;
    return mtx_trylock(&mutex);
}

TEST(c11_mutex)
{
    is("mtx_init", mtx_init(&mutex, mtx_timed), thrd_success);
    is("mtx_lock", mtx_lock(&mutex), thrd_success);
    is("mtx_trylock", value_of(started(try_lock, NULL)), thrd_busy);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("mtx_timedlock", mtx_timedlock(&mutex, &soon), thrd_timedout);
    is("mtx_unlock", mtx_unlock(&mutex), thrd_success);
    is("mtx_trylock", value_of(started(try_lock, NULL)), thrd_success);
}

static cnd_t cond;
static bool allowed;

static int wait_until_allowed(void *unused)
{
    (void)unused;
    mtx_lock(&mutex);
    while (!allowed)
        cnd_wait(&cond, &mutex);
    mtx_unlock(&mutex);
    return 3;
}

TEST(c11_condition)
{
    mtx_init(&mutex, mtx_timed);
    is("cnd_init", cnd_init(&cond), thrd_success);
    thrd_t threads[] = {started(wait_until_allowed, NULL), started(wait_until_allowed, NULL)};
    mtx_lock(&mutex);
    allowed = true;
    is("cnd_signal", cnd_signal(&cond), thrd_success);
    is("cnd_broadcast", cnd_broadcast(&cond), thrd_success);
    mtx_unlock(&mutex);
    is("value", value_of(threads[0]) + value_of(threads[1]), 6);
    mtx_lock(&mutex);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("cnd_timedwait", cnd_timedwait(&cond, &mutex, &soon), thrd_timedout);
    cnd_destroy(&cond);
}

static tss_t key;

static void destroy(void *letter)
{
    happened((char)(long)letter);
}

static int set(void *letter)
{
    return tss_set(key, letter);
}

TEST(c11_storage)
{
    is("tss_create", tss_create(&key, destroy), thrd_success);
    is("tss_get", (long)tss_get(key), 0);
    is("tss_set", value_of(started(set, (void *)'a')), thrd_success);
    text_is("destroyed", happenings(), "a");
    tss_delete(key);
    is("tss_set of a deleted one", tss_set(key, &key), thrd_error);
}

static tss_t keys[2000];

static int create_all(void *unused)
{
    (void)unused;
    int count = 0;
    while (count < 2000 && tss_create(&keys[count], NULL) == thrd_success)
        count++;
    return count;
}

TEST(c11_storage_all)
{
    is("of a process", value_of(started(create_all, NULL)), 1024);
}

static once_flag once = ONCE_FLAG_INIT;

static void initialise(void)
{
    happened('i');
}

TEST(c11_once)
{
    call_once(&once, initialise);
    call_once(&once, initialise);
    text_is("ran", happenings(), "i");
}
