/* Stacks of a process that is stopped at odd instructions: as eu-stack prints them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>

#include "snapshot/regs.h"
#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "suite.h"
#include "traced_target.h"
#include "unwind/unwind.h"

#if defined(__x86_64__)
enum { MAX_STEPS = 60000 };

/* Both by pc: of each place one. */
static void assert_as_eu_stack(void)
{
    struct snapshot *taken;
    struct error error;
    char command[64], line[1000];
    size_t frames = 0, number;
    unsigned long pc;
    ck_assert_int_eq(snapshot_take(traced, NULL, &taken, &error), SNAPSHOT_OK);
    struct unwinder *unwinder = unwinder_new(taken, &error);
    const struct stack *stack = unwind_thread(unwinder, 0);
    snprintf(command, sizeof(command), "eu-stack -p %d 2>/dev/null", (int)traced);
    FILE *file = popen(command, "r");
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "#%zu %lx", &number, &pc) == 2) {
            ck_assert_uint_lt(frames, stack->count);
            ck_assert_uint_eq(stack->frames[frames++].pc, pc);
        }
    pclose(file);
    ck_assert_uint_eq(frames, stack->count);
    ck_assert_uint_gt(frames, 3);
    unwinder_free(unwinder);
    snapshot_free(taken);
}

static uint64_t pc_now(void)
{
    struct snapshot_thread thread = {.tid = traced};
    snapshot_read_regs(&thread, false);
    return thread.pc;
}

/* From now on it is stopped at this instruction, without a tracer. */
static void leave_stopped(void)
{
    ck_assert_int_eq(ptrace(PTRACE_DETACH, traced, NULL, (void *)(long)SIGSTOP), 0);
    ck_assert(wait_for_states(traced, "T"));
}

static bool is_in_module(uint64_t pc, const char *module_end)
{
    struct address_space space;
    ck_assert(address_space_read(&space, traced));
    const struct region *region = address_space_find(&space, pc);
    bool is = region && ends_with(region->path, module_end);
    address_space_release(&space);
    return is;
}

/* The first instructions after work's call: a PLT stub's. */
static const struct {
    const char *module_end;
    int skipped; /* instructions in there */
} places[] = {{"/unwind_steps", 2}, {"/unwind_steps", 3}, {"/libc.so.6", 5}, {"[vdso]", 3}};

START_TEST(elfutils_agrees_there)
{
    if (system("eu-stack --version >/dev/null 2>&1") != 0) {
        puts("skip elfutils_agrees_there: no eu-stack");
        return;
    }
    traced_start_steps();
    uint64_t work = pc_now();
    int left = places[_i].skipped;
    for (int i = 0; left && i < MAX_STEPS; i++) {
        ck_assert(traced_go(PTRACE_SINGLESTEP));
        uint64_t pc = pc_now();
        bool near = pc - work < 4096 || work - pc < 64; /* in work itself, or the likes of it */
        left -= !near && is_in_module(pc, places[_i].module_end);
        if (pc - work < 4096 && traced_is_breakpoint(pc))
            break;
    }
    if (left)
        printf("skip elfutils_agrees_there: never in %s\n", places[_i].module_end);
    leave_stopped();
    if (!left)
        assert_as_eu_stack();
    child_end(traced);
}
END_TEST
#endif

int main(void)
{
    TCase *tests = tcase_create("elfutils");
#if defined(__x86_64__)
    tcase_add_loop_test(tests, elfutils_agrees_there, 0, sizeof(places) / sizeof(places[0]));
#else
    puts("skip unwind_elfutils: knows the calls of x86_64 only");
#endif
    return suite_run("unwind_elfutils", tests);
}
