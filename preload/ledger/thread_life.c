#include "preload/ledger/thread_life.h"

#include <limits.h>
#include <pthread.h>
#include <threads.h>

#include "preload/ledger/slot.h"
#include "preload/ledger/thread.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/state.h"
#include "preload/shim/unwinder_tls.h"

/* A forked child can be here, too: then the slot is not from this process. */
static inline __attribute__((always_inline)) void enter_thread(const void *birth)
{
    struct hook hook;
    hook_enter(&hook, shim_known);
    struct ledger_slot *slot = hook.state ? slot_of_birth(hook.state, birth) : NULL;
    if (slot) {
        shim_tls.slot = slot;
        shim_tls.serial = atomic_load_explicit(&slot->serial, memory_order_relaxed);
        shim_tls.epoch = hook.epoch;
        shim_tls.small_stack = atomic_load_explicit(&slot->state, memory_order_relaxed) & SLOT_SMALL_STACK;
        thread_started(hook.state, slot, pthread_self(), shim_own_tid());
        shim_tls.end_is_seen = shim_config.has_key && pthread_setspecific(shim_config.key, (void *)1ul) == 0;
    }
    shim_tls.begun = true;
    hook_leave(&hook);
}

/* Copied to registers first: afterwards a forked child may unmap the memory. The last call is a tail call: no
 * frame of ours stays on the new stack. */
void *thread_begin_pthread(void *arg)
{
    struct thread_birth birth = *(const struct thread_birth *)arg;
    enter_thread(arg);
    return ((void *(*)(void *))birth.start)((void *)birth.arg);
}

int thread_begin_thrd(void *arg)
{
    struct thread_birth birth = *(const struct thread_birth *)arg;
    enter_thread(arg);
    return ((thrd_start_t)birth.start)((void *)birth.arg);
}

void thread_begin_start(void)
{
    shim_config.trampolines[0] = (uint64_t)thread_begin_pthread;
    shim_config.trampolines[1] = (uint64_t)thread_begin_thrd;
}

/* A bit for each key of the program that has a destructor.  A forked child inherits the
 * keys, too. */
#define KEYS_MAX 1024 /* PTHREAD_KEYS_MAX of glibc */
static _Atomic uint64_t known_keys[KEYS_MAX / 64];
static _Atomic uint32_t known_words; /* words of known_keys up to the highest one in use */

/* glibc keeps the values of keys below 32 in the descriptor of the thread, the others in memory from malloc.
 * It calls destructors in the order of keys, so ours comes after nearly all. */
#define LAST_STATIC_KEY 31

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
    struct hook hook;
    hook_enter(&hook, shim_known);
    /* In a forked child the slot is its parent's. */
    struct ledger_slot *slot = shim_tls.slot;
    bool own = hook.state && shim_tls.epoch == hook.epoch && slot && !shim_tls.ended;
    if (own && round < PTHREAD_DESTRUCTOR_ITERATIONS && others_follow()) {
        pthread_setspecific(shim_config.key, (void *)(round + 1));
    } else if (own) {
        shim_tls.ended = true;
        unwinder_thread_ended();
        thread_ended(hook.state, slot, shim_coarse_ns());
    }
    hook_leave(&hook);
}

void thread_end_start(void)
{
    pthread_key_t keys[LAST_STATIC_KEY + 1];
    int count = 0;

    while (count <= LAST_STATIC_KEY && real.pthread_key_create(&keys[count], on_thread_exit) == 0) {
        count++;
        if (keys[count - 1] >= LAST_STATIC_KEY)
            break;
    }
    if (count == 0)
        return;
    shim_config.key = keys[count - 1];
    shim_config.has_key = true;
    while (--count > 0)
        real.pthread_key_delete(keys[count - 1]);
}

void thread_end_key_made(pthread_key_t key)
{
    if (key >= KEYS_MAX)
        return;
    atomic_fetch_or(&known_keys[key / 64], 1ull << key % 64);
    uint32_t words = atomic_load(&known_words);
    while (words < key / 64 + 1 && !atomic_compare_exchange_weak(&known_words, &words, key / 64 + 1))
        ;
}

void thread_end_key_deleted(pthread_key_t key)
{
    if (key < KEYS_MAX)
        atomic_fetch_and(&known_keys[key / 64], ~(1ull << key % 64));
}
