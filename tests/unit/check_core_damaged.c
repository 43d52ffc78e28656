/* Core files that are cut or damaged anywhere. */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_child.h"
#include "core/core.h"
#include "ledger_fake.h"
#include "snapshot_child.h"
#include "core_opened.h"
#include "suite.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

enum { MUTATIONS = 300 };

/* ---- damaged cores --------------------------------------------------------------------- */

struct known {
    uint64_t *pcs[2];
    size_t counts[2];
    pid_t tids[2];
};

static void keep_known(struct known *known)
{
    ck_assert_uint_eq(snapshot->count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct stack *stack = unwind_thread(unwinder, i);
        ck_assert_ptr_null(stack->incomplete);
        known->tids[i] = snapshot->threads[i].tid;
        known->counts[i] = stack->count;
        known->pcs[i] = calloc(stack->count, sizeof(uint64_t));
        for (size_t j = 0; j < stack->count; j++)
            known->pcs[i][j] = stack->frames[j].pc;
    }
}

static void free_known(struct known *known)
{
    free(known->pcs[0]);
    free(known->pcs[1]);
}

/* Less may be known, nothing else. */
static void assert_true_so_far(const struct known *known, uint64_t size)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        size_t which = snapshot->threads[i].tid == known->tids[1];
        const struct stack *stack = unwind_thread(unwinder, i);
        ck_assert_int_eq(snapshot->threads[i].tid, known->tids[which]);
        ck_assert_uint_le(stack->count, known->counts[which]);
        for (size_t j = 0; j < stack->count; j++)
            ck_assert_msg(stack->frames[j].pc == known->pcs[which][j], "frame %zu of %d, cut at %lu", j,
                          (int)known->tids[which], (unsigned long)size);
        ck_assert_msg(stack->incomplete || stack->count == known->counts[which],
                      "thread %d is whole after %zu frames, cut at %lu", (int)known->tids[which],
                      stack->count, (unsigned long)size);
    }
}

struct tally {
    size_t opened, with_threads, with_ledger, whole_stacks;
};

/* Whatever it is: opened, walked through, closed. */
static bool try(const char *path, struct tally *tally)
{
    struct error error = {""};
    volatile uint64_t sum = 0;
    core_file_is(path);
    core = core_file_open(path, &error);
    if (!core) {
        ck_assert(error.text[0] && !strchr(error.text, '\n'));
        return false;
    }
    tally->opened++;
    ledger_error.text[0] = 0;
    ledger_status = ledger_open_core(core, &ledger, &ledger_error);
    if (ledger) {
        tally->with_ledger++;
        sum += fake_walk(ledger);
    } else {
        ck_assert(ledger_error.text[0]);
    }
    if (snapshot_open_core(core, &snapshot, &error) != SNAPSHOT_OK) {
        ck_assert(error.text[0]);
        return true;
    }
    tally->with_threads++;
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_msg(unwinder, "%s", error.text);
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct stack *stack = unwind_thread(unwinder, i);
        tally->whole_stacks += !stack->incomplete;
        for (size_t j = 0; j < stack->count; j++)
            sum += stack->frames[j].offset;
    }
    (void)sum;
    return true;
}

static void cut_everywhere(const char *path, uint64_t size, uint64_t step)
{
    struct known known;
    struct tally tally = {0};
    open_core(path);
    ck_assert_str_eq(core->notice.text, "");
    keep_known(&known);
    close_core();
    while (size > step) {
        size -= step;
        ck_assert_int_eq(truncate(path, (off_t)size), 0);
        if (try(path, &tally)) {
            ck_assert_str_ne(core->notice.text, "");
            if (snapshot)
                assert_true_so_far(&known, size);
            ck_assert(!snapshot || !snapshot->complete);
        }
        close_core();
    }
    printf("cut: %zu opened, %zu with threads, %zu with a ledger, %zu whole stacks\n", tally.opened,
           tally.with_threads, tally.with_ledger, tally.whole_stacks);
    ck_assert_uint_gt(tally.with_threads + tally.with_ledger, 0);
    free_known(&known);
}

START_TEST(truncated_anywhere)
{
    size_t size;
    core_set_filter(_i / 4 ? 0x37 : 0x33);
    char *path = small_core((enum core_maker)(_i / 2 % 2), CORE_WATCHED);
    if (!path)
        return;
    free(core_read_file(path, &size));
    /* Once at pages, once in the midst of records. */
    cut_everywhere(path, size, _i % 2 ? 7919 : 4096);
    free(path);
}
END_TEST

/* Half of the changes are made to the headers and notes, where they matter most. */
static void damage(char *bytes, size_t size, unsigned *seed)
{
    int count = 1 + rand_r(seed) % 20;
    for (int i = 0; i < count; i++) {
        size_t reach = rand_r(seed) % 2 && size > 16384 ? 16384 : size;
        size_t at = ((size_t)rand_r(seed) << 16 ^ (size_t)rand_r(seed)) % reach;
        switch (rand_r(seed) % 4) {
        case 0:
            bytes[at] ^= (char)(1 << rand_r(seed) % 8);
            break;
        case 1:
            memset(bytes + at, rand_r(seed) % 2 ? 0xff : 0, size - at < 8 ? size - at : 8);
            break;
        case 2:
            bytes[at] = (char)rand_r(seed);
            break;
        default:
            memmove(bytes + at, bytes + (size_t)rand_r(seed) % (size - 64), size - at < 64 ? size - at : 64);
        }
    }
}

START_TEST(damaged_anywhere)
{
    size_t size;
    struct tally tally = {0};
    unsigned seed = (unsigned)_i + 1;
    char *path = small_core((enum core_maker)_i, CORE_WATCHED);
    if (!path)
        return;
    char *whole = core_read_file(path, &size);
    char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, whole, size);
        damage(bytes, size, &seed);
        core_write_file(path, bytes, size - (i % 5 ? 0 : (size_t)rand_r(&seed) % size));
        double began = now_s();
        try(path, &tally);
        ck_assert_msg(now_s() - began < PATIENCE_S, "mutation %d took %.1f s", i, now_s() - began);
        close_core();
    }
    printf("damaged: %zu opened, %zu with threads, %zu with a ledger, %zu whole stacks\n", tally.opened,
           tally.with_threads, tally.with_ledger, tally.whole_stacks);
    ck_assert_uint_gt(tally.with_threads, 0);
    free(whole);
    free(bytes);
    free(path);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("core");
    tcase_add_checked_fixture(tests, core_set_up, core_tear_down);
    tcase_add_loop_test(tests, truncated_anywhere, 0, 4 * CORE_MAKERS);
    tcase_add_loop_test(tests, damaged_anywhere, 0, CORE_MAKERS);
    return suite_run("core_damaged", tests);
}
