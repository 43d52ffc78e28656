/* Unwinding from every single instruction, against the calls and returns that were seen. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "snapshot/regs.h"
#include "snapshot/source.h"
#include "snapshot_child.h"
#include "suite.h"
#include "traced_target.h"
#include "unwind/unwind.h"

#if defined(__x86_64__)
enum { MAX_STEPS = 60000, MAX_DEPTH = 64, ABOVE = 2048, RED_ZONE = 128 };
/* Reading the clock takes some 90 instructions, but begins anew when a tick came meanwhile: on a slow
 * machine that is always, step by step. */
enum { MAX_VDSO_STEPS = 150 };

/* What a call left on the stack, and where. */
struct call {
    uint64_t slot, pc;
};

struct expected {
    uint64_t pcs[MAX_DEPTH];
    size_t count;
};

static struct snapshot snapshot;
static struct expected *expected;

static size_t read_target(const struct snapshot *of, uint64_t address, void *to, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_readv(of->pid, &local, 1, &remote, 1, 0);
    return n > 0 ? (size_t)n : 0;
}

static bool find_file(const struct snapshot *of, const struct region *region, snapshot_accept_fn *accept,
                      void *arg)
{
    (void)of;
    int fd = open(region->path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && accept(arg, fd);
}

/* One more "thread", as the process is now. */
static struct snapshot_thread *record(uint64_t top)
{
    struct snapshot_thread *thread = &snapshot.threads[snapshot.count];
    *thread = (struct snapshot_thread){.tid = traced};
    snapshot_read_regs(thread, false);
    ck_assert_int_eq(thread->state, SNAPSHOT_STOPPED);
    uint64_t start_of_copy = thread->sp - RED_ZONE;
    size_t size = (top ? top : thread->sp) + ABOVE - start_of_copy;
    thread->stack = (struct snapshot_copy){start_of_copy, size, malloc(size)};
    ck_assert_uint_eq(read_target(&snapshot, start_of_copy, thread->stack.bytes, size), size);
    snapshot.count++;
    return thread;
}

static uint64_t word(const struct snapshot_thread *thread, uint64_t address)
{
    uint64_t value;
    memcpy(&value, thread->stack.bytes + (address - thread->stack.start), sizeof(value));
    return value;
}

static size_t follow(struct call *calls, size_t depth, const struct snapshot_thread *before,
                     const struct snapshot_thread *now)
{
    uint64_t size = word(now, now->sp) - before->pc;
    while (depth && calls[depth - 1].slot < now->sp)
        depth--;
    if (now->sp == before->sp - 8 && size >= 2 && size <= 7 && now->pc != before->pc + size) {
        ck_assert_uint_lt(depth, MAX_DEPTH - 20);
        calls[depth++] = (struct call){now->sp, before->pc + size};
    }
    return depth;
}

static void expect(struct expected *one, uint64_t pc, const struct call *calls, size_t depth)
{
    one->count = 0;
    one->pcs[one->count++] = pc;
    while (depth)
        one->pcs[one->count++] = calls[--depth].pc;
}

static bool is_in(uint64_t pc, const struct region *region)
{
    return pc >= region->start && pc < region->end;
}

static struct region find_vdso(void)
{
    struct region vdso = {0};
    struct address_space space;
    ck_assert(address_space_read(&space, traced));
    for (size_t i = 0; i < space.count; i++)
        if (strcmp(space.regions[i].path, "[vdso]") == 0)
            vdso = space.regions[i];
    address_space_release(&space);
    return vdso;
}

/* Runs to that address, by a breakpoint. */
static void run_to(uint64_t address)
{
    struct user_regs_struct regs;
    long code = ptrace(PTRACE_PEEKTEXT, traced, (void *)address, NULL);
    ck_assert_int_eq(ptrace(PTRACE_POKETEXT, traced, (void *)address, (void *)((code & ~0xffL) | 0xcc)), 0);
    ck_assert(traced_go(PTRACE_CONT));
    ck_assert_int_eq(ptrace(PTRACE_POKETEXT, traced, (void *)address, (void *)code), 0);
    ck_assert_int_eq(ptrace(PTRACE_GETREGS, traced, NULL, &regs), 0);
    ck_assert_uint_eq(regs.rip, address + 1);
    regs.rip = address;
    ck_assert_int_eq(ptrace(PTRACE_SETREGS, traced, NULL, &regs), 0);
}

static uint64_t caller_of_vdso(const struct call *calls, size_t depth, const struct region *vdso)
{
    while (depth && is_in(calls[depth - 1].pc, vdso))
        depth--;
    ck_assert_uint_gt(depth, 0);
    return calls[depth - 1].pc;
}

/* From one breakpoint to the next. */
static void step_through(void)
{
    struct call calls[MAX_DEPTH];
    size_t depth = 0, vdso_steps = 0;
    const struct region vdso = find_vdso();
    struct snapshot_thread *first = record(0), *before = first;
    uint64_t top = first->sp;
    expect(&expected[0], first->pc, calls, 0);
    while (!traced_is_breakpoint(before->pc)) {
        ck_assert_uint_lt(snapshot.count, MAX_STEPS);
        vdso_steps = is_in(before->pc, &vdso) ? vdso_steps + 1 : 0;
        if (vdso_steps < MAX_VDSO_STEPS)
            ck_assert(traced_go(PTRACE_SINGLESTEP));
        else
            run_to(caller_of_vdso(calls, depth, &vdso));
        struct snapshot_thread *now = record(top);
        depth = follow(calls, depth, before, now);
        expect(&expected[snapshot.count - 1], now->pc, calls, depth);
        before = now;
    }
}

static void make_snapshot(void)
{
    static const struct snapshot_source source = {.read = read_target, .find_file = find_file};
    snapshot = (struct snapshot){.pid = 0, .source = &source};
    snapshot.threads = calloc(MAX_STEPS, sizeof(*snapshot.threads));
    expected = calloc(MAX_STEPS, sizeof(*expected));
}

static struct unwinder *make_unwinder(void)
{
    struct error error;
    ck_assert(address_space_read(&snapshot.space, snapshot.pid));
    struct unwinder *unwinder = unwinder_new(&snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    return unwinder;
}

static struct unwinder *unwind_steps(void)
{
    make_snapshot();
    traced_start_steps();
    snapshot.pid = snapshot.task = traced;
    step_through();
    return make_unwinder();
}

static void release(struct unwinder *unwinder)
{
    child_end(snapshot.pid);
    unwinder_free(unwinder);
    for (size_t i = 0; i < snapshot.count; i++)
        free(snapshot.threads[i].stack.bytes);
    address_space_release(&snapshot.space);
    free(snapshot.threads);
    free(expected);
}

static const char *name(struct symbolizer *symbolizer, const struct code_address *address)
{
    const struct frame_list *list = symbolize(symbolizer, address);
    const char *function = list->frames[list->count - 1].function;
    return function ? function : "?";
}

/* Where the step was, and then its callers up to work's, then those of the first. */
static void assert_step(size_t i, const struct stack *stack, const struct stack *first)
{
    const struct expected *one = &expected[i];
    ck_assert_msg(!stack->incomplete, "step %zu at %s + %#lx: %s", i, stack->frames[0].module,
                  (unsigned long)stack->frames[0].offset, stack->incomplete);
    ck_assert_msg(stack->count == one->count + first->count - 1, "step %zu at %s + %#lx: %zu frames for %zu",
                  i, stack->frames[0].module, (unsigned long)stack->frames[0].offset, stack->count,
                  one->count + first->count - 1);
    for (size_t j = 0; j < stack->count; j++) {
        uint64_t pc = j < one->count ? one->pcs[j] : first->frames[j - one->count + 1].pc;
        ck_assert_msg(stack->frames[j].pc == pc, "step %zu at %s + %#lx, frame %zu", i,
                      stack->frames[0].module, (unsigned long)stack->frames[0].offset, j);
        ck_assert_int_eq(stack->frames[j].is_return_address, j > 0);
    }
}

START_TEST(every_instruction)
{
    size_t in_plt = 0, in_linker = 0, in_libc = 0, in_vdso = 0, at_first = 0, at_return = 0;
    struct unwinder *unwinder = unwind_steps();
    struct symbolizer *symbolizer = symbolizer_new(false);
    unwinder_name_vdso(unwinder, symbolizer);
    const struct stack *first = unwind_thread(unwinder, 0);
    ck_assert_str_eq(name(symbolizer, &first->frames[0]), "work");
    ck_assert_str_eq(name(symbolizer, &first->frames[1]), "main");
    ck_assert_str_eq(name(symbolizer, &first->frames[first->count - 1]), "_start");
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct stack *stack = unwind_thread(unwinder, i);
        assert_step(i, stack, first);
        const struct code_address *leaf = &stack->frames[0];
        unsigned char code = 0;
        read_target(&snapshot, leaf->pc, &code, 1);
        const char *function = name(symbolizer, leaf);
        bool is_direct = stack->count == first->count + 1;
        in_plt += ends_with(leaf->module, "/unwind_steps") && *function == '?';
        in_linker += leaf->module && strstr(leaf->module, "/ld-linux") != NULL;
        in_libc += is_direct && leaf->module && strstr(leaf->module, "/libc.so") != NULL;
        in_vdso += ends_with(leaf->module, "[vdso]");
        at_first += strcmp(function, "leaf") == 0 && i && expected[i].count == expected[i - 1].count + 1;
        at_return += strcmp(function, "leaf") == 0 && code == 0xc3;
        if (ends_with(leaf->module, "[vdso]") && is_direct)
            ck_assert_msg(strstr(function, "clock_gettime"), "%s", function);
    }
    printf("%zu steps: %zu in PLT stubs, %zu in the dynamic linker, %zu in libc, %zu in the vdso\n",
           snapshot.count, in_plt, in_linker, in_libc, in_vdso);
    ck_assert_uint_gt(in_plt, 10);
    ck_assert_uint_gt(in_linker, 500);
    ck_assert_uint_gt(in_libc, 20);
    ck_assert_uint_gt(at_first, 5);
    ck_assert_uint_gt(at_return, 5);
    if (!in_vdso)
        puts("skip [vdso]: the clock is read by a system call here");
    symbolizer_free(symbolizer);
    release(unwinder);
}
END_TEST

/* The first thread that a program creates, before its first instruction. */
static void start_new_thread(void)
{
    unsigned long tid;
    traced_start("unwind_creating");
    snapshot.pid = traced;
    ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, traced, NULL, (void *)(long)PTRACE_O_TRACECLONE), 0);
    ck_assert(traced_go(PTRACE_CONT));
    ck_assert_int_eq(ptrace(PTRACE_GETEVENTMSG, traced, NULL, &tid), 0);
    traced = (pid_t)tid;
    ck_assert_int_eq(waitpid(traced, NULL, __WALL), traced);
}

START_TEST(a_thread_that_begins)
{
    enum { STEPS = 12 }; /* past libc's clone3, which describes only a part of itself */
    size_t in_clone = 0;
    make_snapshot();
    start_new_thread();
    snapshot.task = snapshot.pid;
    record(0);
    while (snapshot.count < STEPS) {
        ck_assert(traced_go(PTRACE_SINGLESTEP));
        record(0);
    }
    struct unwinder *unwinder = make_unwinder();
    struct symbolizer *symbolizer = symbolizer_new(false);
    for (size_t i = 0; i < snapshot.count; i++) {
        const struct stack *stack = unwind_thread(unwinder, i);
        const struct code_address *first = &stack->frames[stack->count - 1];
        ck_assert_msg(!stack->incomplete, "step %zu at %s + %#lx: %s", i, stack->frames[0].module,
                      (unsigned long)stack->frames[0].offset, stack->incomplete);
        ck_assert_msg(strncmp(name(symbolizer, first), "clone", 5) == 0, "step %zu: begins in %s", i,
                      name(symbolizer, first));
        in_clone += stack->count == 1;
    }
    ck_assert_uint_ge(in_clone, 4);
    ck_assert_uint_lt(in_clone, STEPS);
    symbolizer_free(symbolizer);
    kill(snapshot.pid, SIGKILL);
    /* The process ends only after its tracer has waited for the thread. */
    ck_assert_int_eq(waitpid(traced, NULL, __WALL), traced);
    release(unwinder);
}
END_TEST
#endif

int main(void)
{
    TCase *tests = tcase_create("steps");
#if defined(__x86_64__)
    tcase_add_test(tests, every_instruction);
    tcase_add_test(tests, a_thread_that_begins);
#else
    puts("skip unwind_steps: knows the calls of x86_64 only");
#endif
    return suite_run("unwind_steps", tests);
}
