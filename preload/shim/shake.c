#include "preload/shim/shake.h"

#include <stdint.h>
#include <time.h>

#include "preload/shim/guard.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"

#define MAX_SHORT_US 2000
#define MIN_LONG_US 10000
#define MAX_LONG_US 100000
#define MANY_EVENTS 16 /* of a thread; after them long pauses are rare, so that a long run still ends */
#define MAX_EVENTS 256 /* after them pauses are ever rarer: a thread can notify millions of times */

/* splitmix64 of S. Vigna */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

void shake_new_path(struct ledger_slot *slot)
{
    uint64_t path = mix(shim_tls.shake.path + ++shim_tls.shake.children);
    atomic_store_explicit(&slot->sample_cpu_ns, path, memory_order_relaxed);
}

void shake_take_path(const struct ledger_slot *slot)
{
    uint64_t path = atomic_load_explicit(&slot->sample_cpu_ns, memory_order_relaxed);
    shim_tls.shake = (struct shake){.path = path};
}

static uint64_t pause_us(uint64_t random, uint32_t event)
{
    uint64_t kind = random % 64, amount = random >> 32;
    uint64_t often = event <= MANY_EVENTS ? 6 : 1;
    if (event > MAX_EVENTS && (random >> 6) % event >= MAX_EVENTS)
        return 0;
    if (kind < often)
        return MIN_LONG_US + amount % (MAX_LONG_US - MIN_LONG_US);
    return kind < 16 ? amount % MAX_SHORT_US : 0;
}

/* A sandbox can end the program for the call. From the end of the process on, a pause would only keep threads
 * that are about to end. */
static bool may_pause(void)
{
    const struct shim_state *state = shim_known();
    return !shim_config.sandboxed && !(state && atomic_load(&state->ending));
}

void shake_now(void)
{
    uint64_t seed = mix(shim_config.options.shake);
    uint64_t us =
        pause_us(mix(mix(seed ^ shim_tls.shake.path) + shim_tls.shake.events), shim_tls.shake.events + 1);
    const struct timespec time = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    shim_tls.shake.events++;
    if (us && may_pause())
        SYS2(nanosleep, &time, NULL);
}
