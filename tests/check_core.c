/* What a process left in its core: stacks, and the ledger; from whole cores and from damaged ones. */
#include <check.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_child.h"
#include "core_file.h"
#include "snapshot_child.h"
#include "symbolize.h"
#include "unwind.h"

static struct core_file *core;
static struct snapshot *snapshot;
static struct unwinder *unwinder;
static struct symbolizer *symbolizer;
static struct ledger *ledger;
static struct error ledger_error;
static enum ledger_open_status ledger_status;

static void set_up(void)
{
    core_folder_make();
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
    core_folder_remove();
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

START_TEST(present_stacks_after_the_process_is_gone)
{
    size_t build = (size_t)_i / CORE_MAKERS;
    if (access(core_target(builds[build].name), X_OK) != 0) {
        printf("skip %s: not built here\n", builds[build].name);
        return;
    }
    pid_t pid = core_start(core_target(builds[build].name), false);
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
    pid_t pid = core_start(core_target("unwind_no_fp"), true);
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
    pid_t pid = core_start(core_target("unwind_no_fp"), false);
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
    const char *path = core_of(core_start(core_target("unwind_no_fp"), false), CORE_BY_GCORE, 0);
    if (!path)
        return;
    look_at(path);
    ck_assert_int_eq(core->signal, 0);
    ck_assert_int_eq(core->crashed, 0);
}
END_TEST

START_TEST(frames_of_a_signal_handler)
{
    const char *path = core_of(core_start(core_target("unwind_signal"), false), (enum core_maker)_i, SIGQUIT);
    if (!path)
        return;
    look_at(path);
    ck_assert_str_eq(names(stack_of(true), "main", NULL), "pause stay handler __restore_rt f1 f0 main");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core");
    TCase *tests = tcase_create("core");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, present_stacks_after_the_process_is_gone, 0, BUILDS * CORE_MAKERS);
    tcase_add_loop_test(tests, creation_stacks_of_a_watched_program, 0, CORE_MAKERS);
    tcase_add_loop_test(tests, who_took_the_signal, 0, 3);
    tcase_add_test(tests, a_live_dump_is_no_end);
    tcase_add_loop_test(tests, frames_of_a_signal_handler, 0, CORE_MAKERS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
