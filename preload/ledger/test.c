#include "preload/ledger/test.h"

#include <string.h>

#include "preload/ledger/section.h"
#include "preload/shim/guard.h"
#include "preload/shim/hold.h"

/* The name of the running test, which a forked child has, too. `whole` is 0 while it is written. */
static struct {
    _Atomic uint32_t whole;
    char name[LEDGER_TEST_NAME];
} inherited;

/* ---- records ----------------------------------------------------------------------- */

static bool is_referred_to(const struct shim_state *state, uint32_t number)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load(&state->slots[i].serial) && state->slots[i].test == number)
            return true;
    return false;
}

static bool is_free(const struct shim_state *state, const struct ledger_test *test)
{
    uint32_t number = atomic_load(&test->number);
    return !number || !is_referred_to(state, number);
}

/* Each search reads all slots. */
enum { SEARCHES = 8 };

/* The record of the last test, if it left no thread; a new one; or one of the others. NULL: none is free. */
static struct ledger_test *take_record(struct shim_state *state, uint32_t last)
{
    struct ledger_test *record = &state->tests[ledger_test_index(last)];
    if (last && is_free(state, record))
        return record;
    uint32_t fresh = ledger_take(state, SECTION_TESTS, 1);
    if (fresh != UINT32_MAX)
        return &state->tests[fresh];
    uint32_t used = ledger_used(state->header, SECTION_TESTS);
    for (int i = 0; used && i < SEARCHES; i++) {
        record = &state->tests[state->test_turn++ % used];
        if (is_free(state, record))
            return record;
    }
    return NULL;
}

static void fill(struct shim_state *state, struct ledger_test *test, const char *name)
{
    uint32_t uses = (atomic_load(&test->number) >> LEDGER_TEST_BITS) + 1;
    uint32_t number = uses << LEDGER_TEST_BITS | (uint32_t)(test - state->tests);
    atomic_exchange(&test->number, 0); /* before what follows; the hash shows a mixture */
    memset(test->name, 0, sizeof(test->name));
    memcpy(test->name, name, strlen(name));
    test->began = atomic_load(&state->header->next_serial);
    test->hash = ledger_test_hash(test, number);
    atomic_store(&test->number, number);
}

/* ---- the running test ---------------------------------------------------------------- */

/* Keeps whole UTF-8 characters. */
static void keep_name(const char *name)
{
    size_t n = strnlen(name, LEDGER_TEST_NAME - 1);
    while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--;
    atomic_store(&inherited.whole, 0);
    memcpy(inherited.name, name, n);
    inherited.name[n] = 0;
    atomic_store(&inherited.whole, 1);
}

static void begin(struct shim_state *state)
{
    struct ledger_test *test = *inherited.name ? take_record(state, state->latest_test) : NULL;
    if (test) {
        fill(state, test, inherited.name);
        state->latest_test = atomic_load(&test->number);
    } else if (*inherited.name) {
        atomic_fetch_add(&state->header->lost_tests, 1);
    }
    atomic_store(&state->header->running_test, test ? state->latest_test : 0);
}

void test_run(struct shim_state *state, const char *name)
{
    struct hold hold = hold_begin(&state->registering);
    keep_name(name ? name : "");
    begin(state);
    hold_end(&hold);
}

void test_inherit(struct shim_state *state)
{
    if (shim_is_child() && atomic_load(&inherited.whole) && *inherited.name)
        begin(state);
}

/* ---- threads --------------------------------------------------------------------------- */

uint32_t test_of_new_thread(const struct shim_state *state)
{
    const struct ledger_slot *creator = shim_tls.slot;
    uint32_t test = creator ? creator->test : 0;
    return test ? test : atomic_load_explicit(&state->header->running_test, memory_order_relaxed);
}

bool test_began_before(const struct shim_state *state, uint32_t number, uint64_t since)
{
    uint32_t index = ledger_test_index(number);
    if (!number || index >= ledger_used(state->header, SECTION_TESTS))
        return false;
    const struct ledger_test *test = &state->tests[index];
    return atomic_load(&test->number) == number && test->began <= since;
}
