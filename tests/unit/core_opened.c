#include "core_opened.h"

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
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"

/* ---- opening --------------------------------------------------------------------- */

struct core_file *core;
struct snapshot *snapshot;
struct unwinder *unwinder;
static struct symbolizer *symbolizer;
struct ledger *ledger;
struct error ledger_error;
enum ledger_open_status ledger_status;

void core_set_up(void)
{
    core_directory_make();
}

void open_core(const char *path)
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

void close_core(void)
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

void core_tear_down(void)
{
    close_core();
}

static size_t index_of(bool the_main_one)
{
    size_t i = 0;
    while (i < snapshot->count && (snapshot->threads[i].tid == core->pid) != the_main_one)
        i++;
    ck_assert_uint_lt(i, snapshot->count);
    return i;
}

const struct stack *stack_of(bool the_main_one)
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
const char *names(const struct stack *stack, const char *last, const char *from_file)
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

void assert_whole(const char *from_file)
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

void assert_ledger(void)
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

char *small_core(enum core_maker maker, unsigned how)
{
    const char *path = core_of(core_start(core_target("unwind_no_fp"), CORE_SMALL | how), maker, SIGSEGV);
    return path ? strdup(path) : NULL;
}
