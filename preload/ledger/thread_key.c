#include "preload/ledger/thread_key.h"

#include <errno.h>
#include <limits.h>

#include "preload/ledger/thread.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/shake.h"
#include "preload/shim/unwinder_tls.h"

/* glibc keeps the values of keys below 32 in the descriptor of the thread, the others in memory from malloc.
 * It calls destructors in the order of keys, so ours comes after nearly all. */
#define OUR_KEY 31

static _Atomic bool has_key;

/* A bit for each key of the program that has a destructor.  A forked child inherits the
 * keys, too. */
#define KEYS_MAX 1024 /* PTHREAD_KEYS_MAX of glibc */
static _Atomic uint64_t known_keys[KEYS_MAX / 64];
static _Atomic uint32_t known_words; /* words of known_keys up to the highest one in use */

#ifndef PTHREAD_DESTRUCTOR_ITERATIONS
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#endif

static bool word_has_value(uint32_t word)
{
    uint64_t bits = atomic_load_explicit(&known_keys[word], memory_order_relaxed);
    for (; bits; bits &= bits - 1)
        if (pthread_getspecific((pthread_key_t)(word * 64) + (pthread_key_t)__builtin_ctzll(bits)))
            return true;
    return false;
}

/* Will libc call a destructor of the program after this one? */
static bool others_follow(void)
{
    uint32_t words = atomic_load_explicit(&known_words, memory_order_relaxed);
    for (uint32_t word = 0; word < words; word++)
        if (word_has_value(word))
            return true;
    return false;
}

/* The value counts the rounds from 1 on. */
static void on_thread_exit(void *value)
{
    unsigned long round = (unsigned long)value;
    shake_pause();
    IN_HOOK(shim_known);
    /* In a forked child the slot is its parent's. */
    struct ledger_slot *slot = shim_tls.slot;
    bool own = hook.state && shim_tls.epoch == hook.epoch && slot && !shim_tls.ended;
    if (own && round < PTHREAD_DESTRUCTOR_ITERATIONS && others_follow()) {
        thread_key_set(round + 1);
    } else if (own) {
        shim_tls.ended = true;
        unwinder_thread_ended();
        thread_ended(hook.state, slot, shim_coarse_ns());
    }
}

static pthread_key_t taken[OUR_KEY + 1];
static _Atomic int taken_count;

/* glibc gives the lowest free one. */
void thread_key_take(void)
{
    pthread_key_t key = 0;
    while (key < OUR_KEY && taken_count <= OUR_KEY && REAL(pthread_key_create)(&key, on_thread_exit) == 0) {
        taken[taken_count] = key;
        taken_count++;
    }
    thread_key_leave_others();
}

void thread_key_leave_others(void)
{
    while (taken_count > 0) {
        pthread_key_t key = taken[--taken_count]; /* first: the number can be the program's then */
        if (key == OUR_KEY)
            atomic_store(&has_key, true);
        else
            REAL(pthread_key_delete)(key);
    }
}

bool thread_key_give_back(void)
{
    return atomic_exchange(&has_key, false) && REAL(pthread_key_delete)(OUR_KEY) == 0;
}

bool thread_key_is_taken(void)
{
    return atomic_load_explicit(&has_key, memory_order_relaxed);
}

bool thread_key_is_ours(pthread_key_t key)
{
    return key == OUR_KEY && thread_key_is_taken();
}

/* The key can be given back, and become one of the program, at any time. The value must not stay then. */
bool thread_key_set(unsigned long round)
{
    if (!thread_key_is_taken() || pthread_setspecific(OUR_KEY, (void *)round) != 0)
        return false;
    if (atomic_load(&has_key))
        return true;
    pthread_setspecific(OUR_KEY, NULL);
    return false;
}

void thread_key_made(pthread_key_t key)
{
    if (key >= KEYS_MAX)
        return;
    atomic_fetch_or(&known_keys[key / 64], 1ull << key % 64);
    uint32_t words = atomic_load(&known_words);
    while (words < key / 64 + 1 && !atomic_compare_exchange_weak(&known_words, &words, key / 64 + 1))
        ;
}

void thread_key_deleted(pthread_key_t key)
{
    if (key < KEYS_MAX)
        atomic_fetch_and(&known_keys[key / 64], ~(1ull << key % 64));
}
