/* Cores that no kernel writes: what a thread was doing, and files made to take forever. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include "core/core.h"
#include "ledger_fake.h"
#include "snapshot_child.h"
#include "base/clock.h"
#include "suite.h"
#include "unwind/unwind.h"

enum { CODE = 0x400000, STACK = 0x10000000, PAGE = 4096, MAX_SEGMENTS = 8, MAX_NOTES = 100 << 20 };

static struct {
    Elf64_Phdr segments[MAX_SEGMENTS];
    const void *contents[MAX_SEGMENTS];
    size_t count;
    char *notes;
    size_t notes_size;
} made;

static char path[64];
static int fd;
static struct core_file *core;
static struct snapshot *snapshot;
static struct unwinder *unwinder;
static struct error error;

/* ---- making one ------------------------------------------------------------------- */

static void set_up(void)
{
    memset(&made, 0, sizeof(made));
    made.notes = malloc(MAX_NOTES);
    ck_assert_ptr_nonnull(made.notes);
    fd = memfd_create("core", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    error.text[0] = 0;
}

static void tear_down(void)
{
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    core_file_close(core);
    unwinder = NULL;
    snapshot = NULL;
    core = NULL;
    free(made.notes);
    close(fd);
}

static Elf64_Phdr *add_memory(uint64_t address, const void *bytes, size_t size, uint32_t flags)
{
    Elf64_Phdr *segment = &made.segments[made.count];
    *segment = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = flags, .p_vaddr = address, .p_filesz = size, .p_memsz = size};
    made.contents[made.count++] = bytes;
    return segment;
}

static void add_note(uint32_t type, const void *desc, size_t size)
{
    const Elf64_Nhdr header = {5, (uint32_t)size, type};
    char *at = made.notes + made.notes_size;
    ck_assert_uint_lt(made.notes_size + size + 64, MAX_NOTES);
    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), "CORE\0\0\0", 8);
    memcpy(at + sizeof(header) + 8, desc, size);
    made.notes_size += sizeof(header) + 8 + ((size + 3) & ~3ul);
}

static void add_thread(pid_t tid, const struct user_regs_struct *regs)
{
    struct elf_prstatus status = {.pr_pid = tid};
    memcpy(&status.pr_reg, regs, sizeof(*regs));
    add_note(NT_PRSTATUS, &status, sizeof(status));
}

static void put(const void *bytes, size_t size, uint64_t offset)
{
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
}

/* Contents follow the headers in order; a segment with an offset of its own has it. */
static void write_core(void)
{
    const Elf64_Phdr notes = {
        .p_type = PT_NOTE, .p_offset = 2 * PAGE, .p_filesz = made.notes_size, .p_align = 4};
    Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
#if defined(__x86_64__)
        .e_machine = EM_X86_64,
#else
        .e_machine = EM_AARCH64,
#endif
        .e_phoff = sizeof(header),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)(made.count + 1),
    };
    uint64_t at = 2 * PAGE + made.notes_size;
    put(&header, sizeof(header), 0);
    put(&notes, sizeof(notes), sizeof(header));
    put(made.notes, made.notes_size, notes.p_offset);
    for (size_t i = 0; i < made.count; i++) {
        if (made.contents[i]) {
            made.segments[i].p_offset = at;
            put(made.contents[i], made.segments[i].p_filesz, at);
            at += made.segments[i].p_filesz;
        }
        put(&made.segments[i], sizeof(Elf64_Phdr), sizeof(header) + (i + 1) * sizeof(Elf64_Phdr));
    }
}

static void open_core(void)
{
    write_core();
    core = core_file_open(path, &error);
    ck_assert_msg(core, "%s", error.text);
    ck_assert_msg(snapshot_open_core(core, &snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
}

#if defined(__x86_64__)

/* ---- in a system call or not --------------------------------------------------------- */

static const struct {
    const char *code; /* before the pc; NULL: not dumped */
    long nr, result, expected;
} calls[] = {
    {"\x90\x0f\x05", SYS_pause, -514, SYS_pause},
    {"\x90\x90\x90", SYS_pause, -514, -1},
    {NULL, SYS_pause, -514, SYS_pause},
    {"\x90\x0f\x05", SYS_getpid, 77, -1},
    {"\x90\x0f\x05", SYS_futex, -512, SYS_futex},
    {"\x90\x0f\x05", SYS_epoll_wait, -EINTR, SYS_epoll_wait},
    {"\x90\x0f\x05", SYS_close, -EINTR, -1},
    {"\x90\x0f\x05", -1, -514, -1},
    {"\xb8\xe6\0\0\0\x0f\x05", SYS_restart_syscall, -516, SYS_clock_nanosleep},
};

START_TEST(system_calls)
{
    char code[PAGE] = {0}, stack[PAGE] = {0};
    size_t length = calls[_i].code ? (calls[_i].code[0] == '\xb8' ? 7 : 3) : 0;
    struct user_regs_struct regs = {.rip = CODE + 100,
                                    .rsp = STACK + 512,
                                    .orig_rax = (unsigned long)calls[_i].nr,
                                    .rax = (unsigned long)calls[_i].result,
                                    .rdi = 5,
                                    .r10 = 6,
                                    .rbx = 7};
    if (length)
        memcpy(code + 100 - length, calls[_i].code, length);
    Elf64_Phdr *segment = add_memory(CODE, code, sizeof(code), PF_R | PF_X);
    segment->p_filesz = calls[_i].code ? sizeof(code) : 0;
    add_memory(STACK, stack, sizeof(stack), PF_R | PF_W);
    add_thread(1234, &regs);
    open_core();
    ck_assert_uint_eq(snapshot->count, 1);
    const struct snapshot_thread *thread = &snapshot->threads[0];
    ck_assert_int_eq(thread->tid, 1234);
    ck_assert_int_eq(thread->state, SNAPSHOT_STOPPED);
    ck_assert_int_eq(thread->syscall_nr, calls[_i].expected);
    ck_assert_uint_eq(thread->syscall_args[0], 5);
    ck_assert_uint_eq(thread->syscall_args[3], 6);
    ck_assert_uint_eq(thread->regs[3], 7);
    ck_assert_uint_eq(thread->pc, CODE + 100);
    ck_assert_uint_eq(thread->sp, STACK + 512);
}
END_TEST

/* ---- without end ------------------------------------------------------------------------ */

/* As many frames as fit the stack, and as many threads on it. */
START_TEST(frames_without_end)
{
    enum { FRAMES = 130000, THREADS = 100000 };
    const struct user_regs_struct regs = {.rip = CODE, .rsp = STACK, .rbp = STACK, .orig_rax = ~0ul};
    uint64_t *stack = calloc(FRAMES, 16);
    char code[PAGE];
    memset(code, 0xe8, sizeof(code)); /* a call is before each return address */
    for (size_t i = 0; i < FRAMES; i++) {
        stack[2 * i] = STACK + 16 * (i + 1);
        stack[2 * i + 1] = CODE + 8 + i % (PAGE - 8);
    }
    add_memory(CODE, code, sizeof(code), PF_R | PF_X);
    add_memory(STACK, stack, FRAMES * 16ul, PF_R | PF_W);
    for (pid_t tid = 1; tid <= THREADS; tid++)
        add_thread(tid, &regs);
    uint64_t began = cpu_ns();
    open_core();
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    ck_assert_uint_eq(snapshot->count, THREADS);
    ck_assert_uint_gt(unwind_thread(unwinder, 0)->count, 100000);
    ck_assert_str_eq(unwind_thread(unwinder, THREADS - 1)->incomplete, "too many frames");
    double taken = (double)(cpu_ns() - began) / 1e9;
    ck_assert_msg(taken < 60, "%.1f s of CPU", taken);
    free(stack);
}
END_TEST

/* The last thread of that number is kept, once. */
START_TEST(one_tid_many_times)
{
    const struct user_regs_struct regs = {.rip = CODE, .rsp = STACK};
    for (int i = 0; i < 10; i++)
        add_thread(5 + i % 2, &regs);
    open_core();
    ck_assert_uint_eq(snapshot->count, 2);
    ck_assert_int_eq(snapshot->threads[0].tid, 5);
    ck_assert_int_eq(snapshot->threads[1].tid, 6);
}
END_TEST

/* ---- the command ------------------------------------------------------------------------- */

static const struct {
    const char *name, *line, *command;
} commands[] = {
    {"app", "/usr/bin/app --long", "app"},
    {"redis-server *:1", "redis-server *:17380", "redis-server *:17380"},
    {"a-name-that-is-", "/opt/a-name-that-is-long --name=a", "a-name-that-is-long"},
    {"a-name-that-is-", "another title", "a-name-that-is-"},
    {"mycompany-serve", "/opt/mycompany-server/bin/mycompany-serverd -x", "mycompany-serverd"},
    {"mycompany-serve", "/bin/sh /opt/mycompany-server.sh", "mycompany-server.sh"},
    {"mycompany-serve", "/opt/mycompany-server/bin/other", "mycompany-serve"},
    {"full-of-letters!", "/full-of-letters!34567890123456789012345678901234567890123456789012345678901234",
     "full-of-letters!34567890123456789012345678901234567890123456789012345678901234"},
    {"", "", ""},
};

START_TEST(truncated_names)
{
    struct elf_prpsinfo info = {.pr_pid = 7};
    memcpy(info.pr_fname, commands[_i].name, strlen(commands[_i].name));
    memcpy(info.pr_psargs, commands[_i].line, strlen(commands[_i].line));
    add_note(NT_PRPSINFO, &info, sizeof(info));
    add_thread(7, &(struct user_regs_struct){.rip = CODE, .rsp = STACK});
    open_core();
    ck_assert_str_eq(core->command, commands[_i].command);
}
END_TEST

/* ---- sizes ------------------------------------------------------------------------------- */

START_TEST(segments_that_overlap_or_wrap)
{
    char bytes[PAGE];
    memset(bytes, 'x', sizeof(bytes));
    const struct user_regs_struct regs = {.rip = CODE, .rsp = UINT64_MAX - 8};
    add_memory(STACK, bytes, sizeof(bytes), PF_R | PF_W);
    add_memory(STACK + 100, bytes, sizeof(bytes), PF_R | PF_W);
    add_memory(UINT64_MAX - 50, bytes, sizeof(bytes), PF_R | PF_W);
    add_memory(CODE, NULL, UINT64_MAX, PF_R | PF_X)->p_offset = UINT64_MAX - 7;
    add_thread(1, &regs);
    open_core();
    ck_assert_uint_eq(core->segment_count, 1);
    ck_assert_str_ne(core->notice.text, "");
    ck_assert_uint_eq(core_file_read(core, STACK + PAGE - 10, bytes, 100), 10);
    ck_assert_uint_eq(core_file_read(core, STACK - 1, bytes, 100), 0);
    ck_assert_uint_eq(core_file_read(core, UINT64_MAX - 8, bytes, 100), 0);
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    ck_assert_ptr_nonnull(unwind_thread(unwinder, 0)->incomplete);
}
END_TEST

/* A ledger in the memory of a core, cut at each of its sections: see enum ledger_section. */
START_TEST(ledger_cut_short)
{
    struct fake *fake = fake_new_small();
    uint32_t app = fake_module(fake, "/usr/bin/app", "\1\2\3\4", 4);
    uint32_t site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1234), fake_pc(app, 0x999)}, 2);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_STARTED, .tid = 7, .name = "worker"});
    const struct ledger_header header = *fake_header(fake);
    const struct user_regs_struct regs = {.rip = CODE, .rsp = STACK};
    const uint64_t cuts[] = {
        header.sections[SECTION_SLOTS].offset + 64, header.sections[SECTION_SITES].offset + 200,
        header.sections[SECTION_FRAMES].offset,
        header.sections[SECTION_MODULES].offset + sizeof(struct ledger_module), header.total_size};
    struct ledger *ledger;
    uint32_t count;
    add_memory(STACK, fake_header(fake), cuts[_i], PF_R | PF_W);
    add_thread(7, &regs);
    open_core();
    enum ledger_open_status status = ledger_open_core(core, &ledger, &error);
    ck_assert_int_eq(status, _i < 2 ? LEDGER_OPEN_FAILED : LEDGER_OPEN_OK);
    ck_assert((strstr(error.text, "is truncated") != NULL) == (_i < 4));
    if (status == LEDGER_OPEN_OK) {
        ledger_get_frames(ledger, ledger_get_site(ledger, site), &count);
        ck_assert_uint_eq(count, _i == 2 ? 0 : 2);
        ck_assert((ledger_get_module(ledger, app) == NULL) == (_i == 2));
        const struct ledger_module *module = ledger_get_module(ledger, app);
        if (module)
            ck_assert_str_eq(ledger_get_string(ledger, module->path), _i == 4 ? "/usr/bin/app" : "");
    }
    ledger_close(ledger);
    fake_free(fake);
}
END_TEST

#endif

int main(void)
{
    TCase *tests = tcase_create("core_made");
    tcase_add_checked_fixture(tests, set_up, tear_down);
#if defined(__x86_64__)
    tcase_add_loop_test(tests, system_calls, 0, sizeof(calls) / sizeof(calls[0]));
    tcase_add_test(tests, frames_without_end);
    tcase_add_test(tests, one_tid_many_times);
    tcase_add_loop_test(tests, truncated_names, 0, sizeof(commands) / sizeof(commands[0]));
    tcase_add_test(tests, segments_that_overlap_or_wrap);
    tcase_add_loop_test(tests, ledger_cut_short, 0, 5);
#endif
    return suite_run("core_made", tests);
}
