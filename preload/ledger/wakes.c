#include "preload/ledger/wakes.h"

#include "preload/shim/guard.h"
#include "preload/shim/readable.h"
#include "preload/shim/say.h"
#include "preload/shim/sys.h"

#define PAGE 4096ul
#define GET(place) atomic_load_explicit(place, memory_order_relaxed)
#define SET(place, value) atomic_store_explicit(place, value, memory_order_relaxed)

struct wake *wakes;

#ifdef __GLIBC__
extern void *__libc_stack_end; /* of the main thread: above its frames, argc and argv are there */
#define MAIN_STACK_END ((uint64_t)__libc_stack_end)
#else
#define MAIN_STACK_END 0 /* not known */
#endif

void wakes_start(void)
{
    char *memory = shim_config.options.wakes ? sys_map(WAKE_TABLE_SIZE) : NULL;
    if (memory && SYS3(madvise, memory, WAKE_TABLE_SIZE, MADV_WIPEONFORK) == 0)
        wakes = (struct wake *)memory;
    else if (shim_config.options.wakes)
        shim_say("wakes=1: there is no memory for the table, so notifications are not recorded");
}

void wakes_to_ledger(struct ledger_header *header)
{
    if (!wakes)
        return;
    if (shim_is_child())
        SYS3(madvise, wakes, WAKE_TABLE_SIZE, MADV_DONTNEED);
    header->wakes = (uint64_t)wakes;
    header->main_thread = shim_config.main_thread;
    header->wait_offset = (int32_t)((char *)&shim_tls.waiting - (char *)pthread_self());
}

/* A sandbox can end the program for a system call, which the exact clock can be. The coarse one is late by
 * some milliseconds, but a notification before a wait is never taken for a later one, nor the other way
 * round: at worst their times are equal. */
static uint64_t now_ns(void)
{
    return shim_clock_ns(shim_config.sandboxed ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
}

/* ---- records ------------------------------------------------------------------------- */

/* The record of `key`. NULL: none. *oldest: the one that a new object can have. */
static struct wake *find(uint64_t key, struct wake **oldest)
{
    struct wake *bucket = &wakes[wake_bucket(~key)];
    *oldest = bucket;
    for (struct wake *wake = bucket; wake < bucket + WAKE_WAYS; wake++) {
        if (GET(&wake->object) == key)
            return wake;
        if (GET(&wake->latest_ns) < GET(&(*oldest)->latest_ns))
            *oldest = wake;
    }
    return NULL;
}

static bool lock(struct wake *wake, uint64_t *seq)
{
    *seq = GET(&wake->seq);
    bool locked = !(*seq & 1) && atomic_compare_exchange_strong(&wake->seq, seq, *seq + 1);
    atomic_thread_fence(memory_order_release);
    return locked;
}

/* Fails in a forked child, whose table was wiped meanwhile. */
static void unlock(struct wake *wake, uint64_t seq)
{
    uint64_t locked = seq + 1;
    atomic_compare_exchange_strong(&wake->seq, &locked, seq + 2);
}

static void reset(struct wake *wake, uint64_t notifiers)
{
    SET(&wake->latest_ns, 0);
    SET(&wake->ns, 0);
    SET(&wake->notifiers, notifiers);
}

static struct wake *replace(struct wake *wake, uint64_t key)
{
    uint64_t seq;
    if (!lock(wake, &seq))
        return NULL;
    reset(wake, GET(&wake->object) ? ~0ull : 0);
    SET(&wake->object, key);
    unlock(wake, seq);
    return wake;
}

void wake_forget(const void *object)
{
    uint64_t seq;
    struct wake *oldest, *wake = find(~(uint64_t)object, &oldest);
    if (!wake || !lock(wake, &seq))
        return;
    reset(wake, 0);
    unlock(wake, seq);
}

/* ---- a notification -------------------------------------------------------------------- */

/* Without the ledger: in a forked child it is the parent's for a while (wakes_to_ledger). */
static uint64_t own_serial(void)
{
    if (shim_tls.slot)
        return shim_tls.serial;
    return shim_tls.begun ? LEDGER_MAIN_SERIAL : 0;
}

static void note_latest(struct wake *wake, uint64_t ns, uint64_t notifier)
{
    uint64_t latest = GET(&wake->latest_ns);
    while (latest < ns && !atomic_compare_exchange_weak(&wake->latest_ns, &latest, ns))
        ;
    if (!(GET(&wake->notifiers) & notifier))
        atomic_fetch_or(&wake->notifiers, notifier);
}

/* The end of the stack that the thread began with, if it has 128 KiB. glibc's descriptor is above it. */
static uint64_t stack_end(void)
{
    if (shim_tls.slot)
        return shim_tls.small_stack ? 0 : (uint64_t)pthread_self();
    return shim_tls.begun ? MAIN_STACK_END : 0;
}

/* Another stack, such as that of a coroutine, can end at the next page. */
static uint64_t count_words(uint64_t sp)
{
    uint64_t words = (PAGE - sp % PAGE) / sizeof(uint64_t);
    if (words >= WAKE_STACK_WORDS || stack_end() - sp < SMALL_STACK / 2)
        return WAKE_STACK_WORDS;
    bool more = !shim_config.sandboxed && memory_is_readable((const char *)sp + words * sizeof(uint64_t));
    return more ? WAKE_STACK_WORDS : words;
}

#if defined(__x86_64__)
#define REGISTERS_TO(place)                   \
    __asm__ volatile("mov %%rbx, (%0)\n\t"    \
                     "mov %%rbp, 8(%0)\n\t"   \
                     "mov %%r12, 16(%0)\n\t"  \
                     "mov %%r13, 24(%0)\n\t"  \
                     "mov %%r14, 32(%0)\n\t"  \
                     "mov %%r15, 40(%0)\n\t"  \
                     "mov %%rsp, 48(%0)\n\t"  \
                     "lea (%%rip), %%rax\n\t" \
                     "mov %%rax, 56(%0)"      \
                     :                        \
                     : "r"(place)             \
                     : "rax", "memory")
#elif defined(__aarch64__)
#define REGISTERS_TO(place)                        \
    __asm__ volatile("stp x19, x20, [%0]\n\t"      \
                     "stp x21, x22, [%0, #16]\n\t" \
                     "stp x23, x24, [%0, #32]\n\t" \
                     "stp x25, x26, [%0, #48]\n\t" \
                     "stp x27, x28, [%0, #64]\n\t" \
                     "stp x29, x30, [%0, #80]\n\t" \
                     "mov x9, sp\n\t"              \
                     "adr x10, .\n\t"              \
                     "stp x9, x10, [%0, #96]"      \
                     :                             \
                     : "r"(place)                  \
                     : "x9", "x10", "memory")
#endif

/* It copies what is between variables, too: AddressSanitizer would object to that, also in its memcpy. */
#define UNCHECKED __attribute__((no_sanitize_address))

static inline __attribute__((always_inline)) UNCHECKED void fill(struct wake *wake, uint64_t ns,
                                                                 uint64_t serial)
{
    REGISTERS_TO(&wake->registers);
    const uint64_t *sp = (const uint64_t *)GET(&wake->registers[WAKE_REGISTER_COUNT - 2]);
    uint64_t words = count_words((uint64_t)sp);
    for (uint64_t i = 0; i < words; i++)
        SET(&wake->stack[i], __atomic_load_n(&sp[i], __ATOMIC_RELAXED));
    SET(&wake->words, words);
    SET(&wake->serial, serial);
    SET(&wake->ns, ns);
}

UNCHECKED void wake_notified(const void *object)
{
    uint64_t key = ~(uint64_t)object, seq, ns = now_ns(), serial = own_serial();
    struct wake *oldest, *wake = find(key, &oldest);
    if (!wake && !(wake = replace(oldest, key)))
        return;
    note_latest(wake, ns, 1ull << serial % 64);
    if (!lock(wake, &seq))
        return;
    if (GET(&wake->object) == key)
        fill(wake, ns, serial);
    unlock(wake, seq);
}

/* ---- a wait ------------------------------------------------------------------------------ */

void wake_waits(const void *object)
{
    shim_tls.waiting = (struct wake_wait){~(uint64_t)object, now_ns()};
}
