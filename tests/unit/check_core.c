/* What a process left in its core: stacks, and the ledger; from whole cores and from damaged ones. */
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
#include "suite.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

enum { MUTATIONS = 300 };

static struct core_file *core;
static struct snapshot *snapshot;
static struct unwinder *unwinder;
static struct symbolizer *symbolizer;
static struct ledger *ledger;
static struct error ledger_error;
static enum ledger_open_status ledger_status;

static void set_up(void)
{
    core_directory_make();
}

/* ---- opening --------------------------------------------------------------------- */

static void look_at(const char *path)
{
    struct error error = {""};
    ck_assert(core_file_is(path));
    core = core_file_open(path, &error);
    ck_assert_msg(core, "%s", error.text);
    ledger_error.text[0] = 0;
    ledger_status = ledger_open_core(core, &ledger, &ledger_error);
    ck_assert_msg(snapshot_open_core(core, &snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_msg(unwinder, "%s", error.text);
    symbolizer = symbolizer_new(false);
}

static void look_away(void)
{
    symbolizer_free(symbolizer);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    ledger_close(ledger);
    core_file_close(core);
    core = NULL;
    snapshot = NULL;
    unwinder = NULL;
    symbolizer = NULL;
    ledger = NULL;
}

static void tear_down(void)
{
    look_away();
    core_directory_remove();
}

static size_t index_of(bool the_main_one)
{
    size_t i = 0;
    while (i < snapshot->count && (snapshot->threads[i].tid == core->pid) != the_main_one)
        i++;
    ck_assert_uint_lt(i, snapshot->count);
    return i;
}

static const struct stack *stack_of(bool the_main_one)
{
    const struct stack *stack = unwind_thread(unwinder, index_of(the_main_one));
    ck_assert_ptr_nonnull(stack);
    return stack;
}

/* ---- names ------------------------------------------------------------------------ */

/* libc has several names for one function. */
static const char *plain_name(const char *name)
{
    return !name ? "?" : strcmp(name, "__libc_pause") == 0 ? "pause" : name;
}

/* "pause f3 f2 f1 f0 main", to the frame named last or the last one that has a name;
 * from_file: which of the same code has names, for targets without. */
static const char *names(const struct stack *stack, const char *last, const char *from_file)
{
    static char text[4096];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < stack->count && length < sizeof(text) - 300; i++) {
        struct code_address address = stack->frames[i];
        if (from_file && address.module && strstr(address.module, "unwind_"))
            address.module = from_file;
        const struct frame_list *list = symbolize(symbolizer, &address);
        const char *name = plain_name(list->frames[list->count - 1].function);
        length += (size_t)snprintf(text + length, 300, "%s%s", i ? " " : "", name);
        if (strcmp(name, last) == 0)
            break;
    }
    return text;
}

static void assert_whole(const char *from_file)
{
    const struct stack *main_stack = stack_of(true), *other = stack_of(false);
    ck_assert_str_eq(names(main_stack, "main", from_file), "pause f3 f2 f1 f0 main");
    ck_assert_str_eq(names(other, "start_thread", from_file), "pause f3 f2 f1 f0 deaf start_thread");
    ck_assert_msg(!main_stack->incomplete, "%s", main_stack->incomplete);
    ck_assert_msg(!other->incomplete, "%s", other->incomplete);
}

/* ---- the ledger ------------------------------------------------------------------- */

static uint32_t live_slot(struct ledger_slot *slot)
{
    uint32_t live = 0;
    struct ledger_slot next;
    for (uint32_t i = 0; i < ledger_slot_count(ledger); i++)
        if (ledger_get_slot(ledger, i, &next)) {
            *slot = next;
            live++;
        }
    return live;
}

static const char *creator(const struct ledger_slot *slot)
{
    uint32_t count;
    const struct ledger_site *site = ledger_get_site(ledger, slot->site);
    ck_assert_ptr_nonnull(site);
    const ledger_pc *frames = ledger_get_frames(ledger, site, &count);
    ck_assert_uint_gt(count, 0);
    const struct ledger_module *module = ledger_get_module(ledger, ledger_pc_module(frames[0]));
    ck_assert_ptr_nonnull(module);
    const struct code_address address = {
        .module = ledger_get_string(ledger, module->path),
        .build_id = module->build_id,
        .build_id_len = module->build_id_len,
        .offset = ledger_pc_offset(frames[0]),
        .is_return_address = true,
    };
    return plain_name(symbolize(symbolizer, &address)->frames[0].function);
}

static void assert_ledger(void)
{
    struct ledger_slot slot;
    ck_assert_msg(ledger_status == LEDGER_OPEN_OK, "%s", ledger_error.text);
    ck_assert_str_eq(ledger_error.text, "");
    ck_assert_int_eq(ledger_get_header(ledger)->pid, core->pid);
    ck_assert_uint_eq(live_slot(&slot), 1);
    ck_assert_int_eq(slot.tid, snapshot->threads[index_of(false)].tid);
    ck_assert_uint_eq(slot.handle, snapshot->threads[index_of(false)].thread_pointer);
    ck_assert_str_eq(creator(&slot), "main");
}

/* ---- whole cores ------------------------------------------------------------------- */

static const struct {
    const char *name, *names_from;
} builds[] = {
    {"unwind_no_fp", NULL}, {"unwind_O0", NULL},          {"unwind_static_pie", NULL},
    {"unwind_clang", NULL}, {"unwind_debug_frame", NULL}, {"unwind_stripped", "unwind_unstripped"},
};
enum { BUILDS = sizeof(builds) / sizeof(builds[0]) };

START_TEST(current_stacks_after_the_process_is_gone)
{
    size_t build = (size_t)_i / CORE_MAKERS;
    if (access(core_target(builds[build].name), X_OK) != 0) {
        printf("skip %s: not built here\n", builds[build].name);
        return;
    }
    pid_t pid = core_start(core_target(builds[build].name), CORE_PLAIN);
    const char *path = core_of(pid, (enum core_maker)(_i % CORE_MAKERS), SIGSEGV);
    if (!path)
        return;
    look_at(path);
    ck_assert_int_eq(core->pid, pid);
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert_str_eq(core->notice.text, "");
    ck_assert(snapshot->complete);
    assert_whole(builds[build].names_from ? core_target(builds[build].names_from) : NULL);
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_NOT_WATCHED);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "was not watched"));
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(snapshot->threads[i].syscall_nr, SYS_pause);
}
END_TEST

START_TEST(creation_stacks_of_a_watched_program)
{
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    look_at(path);
    assert_whole(NULL);
    assert_ledger();
}
END_TEST

START_TEST(who_took_the_signal)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGQUIT};
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_PLAIN);
    const char *path = core_of(pid, CORE_BY_KERNEL, signals[_i]);
    if (!path)
        return;
    look_at(path);
    ck_assert_int_eq(core->signal, signals[_i]);
    ck_assert_int_eq(core->crashed, pid); /* the other one blocks all signals */
    ck_assert_str_eq(core->command, "unwind_no_fp");
    ck_assert_int_eq(core->parent_pid, getpid());
}
END_TEST

START_TEST(a_live_dump_is_no_end)
{
    const char *path = core_of(core_start(core_target("unwind_no_fp"), CORE_PLAIN), CORE_BY_GCORE, 0);
    if (!path)
        return;
    look_at(path);
    ck_assert_int_eq(core->signal, 0);
    ck_assert_int_eq(core->crashed, 0);
}
END_TEST

START_TEST(frames_of_a_signal_handler)
{
    const char *path =
        core_of(core_start(core_target("unwind_signal"), CORE_PLAIN), (enum core_maker)_i, SIGQUIT);
    if (!path)
        return;
    look_at(path);
    ck_assert_str_eq(names(stack_of(true), "main", NULL), "pause stay handler __restore_rt f1 f0 main");
}
END_TEST

/* ---- what was not dumped ----------------------------------------------------------- */

START_TEST(ledger_of_a_run)
{
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED | CORE_IN_RUN);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    look_at(path);
    if (core->signal) {
        assert_ledger();
        char *again = strdup(path);
        char name[64];
        look_away();
        snprintf(name, sizeof(name), "ledger.%d.0", (int)pid);
        ck_assert_int_eq(unlink(core_directory_path(name)), 0);
        look_at(again);
        free(again);
    }
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_FAILED);
    ck_assert_ptr_null(ledger);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "the ledger was the file /tmp/check_core."));
    assert_whole(NULL);
}
END_TEST

START_TEST(shared_memory_left_out)
{
    core_set_filter(0x31);
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_WATCHED);
    const char *path = core_of(pid, (enum core_maker)_i, SIGSEGV);
    if (!path)
        return;
    look_at(path);
    ck_assert_int_eq(ledger_status, LEDGER_OPEN_FAILED);
    ck_assert_ptr_nonnull(strstr(ledger_error.text, "shared memory was not dumped"));
    assert_whole(NULL);
}
END_TEST

/* Without them nothing proves that the files there are the ones. */
START_TEST(elf_headers_left_out)
{
    core_set_filter(0x23);
    pid_t pid = core_start(core_target("unwind_no_fp"), CORE_PLAIN);
    const char *path = core_of(pid, CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    look_at(path);
    const struct stack *stack = stack_of(true);
    ck_assert_str_eq(names(stack, "", NULL), "?");
    ck_assert(stack->frames[0].is_unproven);
    ck_assert_ptr_nonnull(stack->incomplete);
    ck_assert_ptr_nonnull(strstr(stack->frames[0].module, "/libc.so.6"));
}
END_TEST

/* ---- the program's file is gone, or is another ---------------------------------------- */

static void run_command(const char *format, const char *a, const char *b)
{
    char command[10000];
    snprintf(command, sizeof(command), format, a, b);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static const struct {
    const char *target, *replaced_by;
    unsigned filter;
    const char *expected;
} replaced[] = {
    /* By nothing, by another build, by something that is no program at all. */
    {"unwind_no_fp", NULL, 0x33, "pause ?"},
    {"unwind_no_fp", "unwind_O0", 0x33, "pause ?"},
    {"unwind_no_fp", "../libthreadleak.so", 0x33, "pause ?"},
    /* With all of its code dumped. */
    {"unwind_no_fp", NULL, 0x37, "pause ? ? ? ? ? __libc_start_call_main"},
    {"unwind_no_fp", "unwind_O0", 0x37, "pause ? ? ? ? ? __libc_start_call_main"},
};

START_TEST(replaced_program)
{
    char *program = strdup(core_directory_path("unwind_program"));
    char *target = strdup(core_target(replaced[_i].target));
    core_set_filter(replaced[_i].filter);
    run_command("cp '%s' '%s'", target, program);
    const char *path = core_of(core_start(program, CORE_PLAIN), CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    char *made = strdup(path);
    unlink(program);
    if (replaced[_i].replaced_by)
        run_command("cp '%s' '%s'", core_target(replaced[_i].replaced_by), program);
    look_at(made);
    const struct stack *stack = stack_of(true);
    ck_assert_str_eq(names(stack, "__libc_start_call_main", NULL), replaced[_i].expected);
    ck_assert((stack->incomplete != NULL) == (replaced[_i].filter == 0x33));
    ck_assert_str_eq(stack->frames[1].module, program);
    ck_assert_uint_eq(stack->frames[1].build_id_len, 20);
    free(made);
    free(program);
    free(target);
}
END_TEST

static void assert_without_build_id(const char *expected)
{
    const char *path =
        core_of(core_start(core_directory_path("unwind_program"), CORE_PLAIN), CORE_BY_KERNEL, SIGSEGV);
    if (!path)
        return;
    char *made = strdup(path);
    if (strchr(expected, '?')) /* as if it had been linked again, with the same sizes */
        run_command("touch -d '1 hour' '%s'%s", core_directory_path("unwind_program"), "");
    look_at(made);
    ck_assert_str_eq(names(stack_of(true), "main", NULL), expected);
    free(made);
}

START_TEST(program_without_build_id)
{
    run_command("cp '%s' '%s'", core_target("unwind_no_build_id"), core_directory_path("unwind_program"));
    run_command("touch -d '1 hour ago' '%s'%s", core_directory_path("unwind_program"), "");
    assert_without_build_id(_i ? "pause ?" : "pause f3 f2 f1 f0 main");
}
END_TEST

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

static char *small_core(enum core_maker maker, unsigned how)
{
    const char *path = core_of(core_start(core_target("unwind_no_fp"), CORE_SMALL | how), maker, SIGSEGV);
    return path ? strdup(path) : NULL;
}

static void cut_everywhere(const char *path, uint64_t size, uint64_t step)
{
    struct known known;
    struct tally tally = {0};
    look_at(path);
    ck_assert_str_eq(core->notice.text, "");
    keep_known(&known);
    look_away();
    while (size > step) {
        size -= step;
        ck_assert_int_eq(truncate(path, (off_t)size), 0);
        if (try(path, &tally)) {
            ck_assert_str_ne(core->notice.text, "");
            if (snapshot)
                assert_true_so_far(&known, size);
            ck_assert(!snapshot || !snapshot->complete);
        }
        look_away();
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
        ck_assert_msg(now_s() - began < 20, "mutation %d took %.1f s", i, now_s() - began);
        look_away();
    }
    printf("damaged: %zu opened, %zu with threads, %zu with a ledger, %zu whole stacks\n", tally.opened,
           tally.with_threads, tally.with_ledger, tally.whole_stacks);
    ck_assert_uint_gt(tally.with_threads, 0);
    free(whole);
    free(bytes);
    free(path);
}
END_TEST

/* ---- what is no core of ours ------------------------------------------------------------- */

static void assert_refused(const char *path, const char *why)
{
    struct error error = {""};
    ck_assert_ptr_null(core_file_open(path, &error));
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(foreign_cores)
{
    static const struct {
        size_t at;
        char byte;
        const char *why;
    } changes[] = {
        {EI_CLASS, ELFCLASS32, "32-bit program"},
        {EI_DATA, ELFDATA2MSB, "is not a core file"}, /* its type is one of the other order, too */
        {offsetof(Elf64_Ehdr, e_machine), EM_S390, "another architecture (ELF machine 22)"},
        {offsetof(Elf64_Ehdr, e_phentsize), 32, "damaged"},
    };
    size_t size;
    char *path = small_core(CORE_BY_GCORE, CORE_PLAIN);
    if (!path)
        return;
    char *bytes = core_read_file(path, &size);
    char before = bytes[changes[_i].at];
    bytes[changes[_i].at] = changes[_i].byte;
    core_write_file(path, bytes, size);
    assert_refused(path, changes[_i].why);
    bytes[changes[_i].at] = before;
    core_write_file(path, bytes, 64);
    assert_refused(path, "neither a thread nor memory");
    free(bytes);
    free(path);
}
END_TEST

/* Of a program that is ended where it begins. */
static const char *end_by_tracing(const char *program)
{
    int status;
    char *path = strdup(program);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
        setrlimit(RLIMIT_CORE, &unlimited);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        if (chdir(core_directory_path(".")) == 0)
            execl(path, path, (char *)NULL);
        _exit(127);
    }
    free(path);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status))
        return NULL;
    ptrace(PTRACE_DETACH, pid, NULL, (void *)SIGSEGV);
    return core_wait(pid);
}

START_TEST(core_of_a_32bit_program)
{
    bool built = access(core_target("program_32bit"), X_OK) == 0;
    const char *path = built ? end_by_tracing(core_target("program_32bit")) : NULL;
    if (!path) {
        printf("skip core_of_a_32bit_program: not built, or does not run here\n");
        return;
    }
    ck_assert(core_file_is(path));
    assert_refused(path, "is the core of a 32-bit program");
}
END_TEST

START_TEST(no_cores)
{
    ck_assert(!core_file_is(core_target("unwind_no_fp")));
    ck_assert(!core_file_is("/dev/null"));
    ck_assert(!core_file_is("/nowhere/at/all"));
    ck_assert(!core_file_is(core_directory_path(".")));
    run_command("mkfifo '%s'%s", core_directory_path("fifo"), "");
    ck_assert(!core_file_is(core_directory_path("fifo")));
    assert_refused(core_directory_path("fifo"), "not a regular file");
    assert_refused("/nowhere/at/all", "No such file");
    assert_refused(core_target("unwind_no_fp"), "is not a core file");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("core");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, current_stacks_after_the_process_is_gone, 0, BUILDS * CORE_MAKERS);
    tcase_add_loop_test(tests, creation_stacks_of_a_watched_program, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, who_took_the_signal, 0, 3);
    tcase_add_test(tests, a_live_dump_is_no_end);
    tcase_add_loop_test(tests, frames_of_a_signal_handler, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, ledger_of_a_run, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, shared_memory_left_out, 0, CORE_MAKERS);
    tcase_add_test(tests, elf_headers_left_out);
    tcase_add_loop_test(tests, replaced_program, 0, sizeof(replaced) / sizeof(replaced[0]));
    tcase_add_loop_test(tests, program_without_build_id, 0, 2);
    tcase_add_loop_test(tests, truncated_anywhere, 0, 4 * CORE_MAKERS);
    tcase_add_loop_test(tests, damaged_anywhere, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, foreign_cores, 0, 4);
    tcase_add_test(tests, core_of_a_32bit_program);
    tcase_add_test(tests, no_cores);
    return suite_run("core", tests);
}
