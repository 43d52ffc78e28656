/*
 * Which register a frame's place hangs on: every function of the libraries that are
 * loaded here, at every address where call-frame information can change, against
 * libdw's own reading of it.
 */
#include <check.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/backtrace/frame_rule.h"
#include "preload/ledger/module.h"

/* ---- what frame_rule.c asks module.c for ----------------------------------------------- */

struct asked {
    uint64_t pc;
    const void *header;
};

static int find_header(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct asked *asked = arg;
    const void *header = NULL;
    bool holds = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_GNU_EH_FRAME)
            header = (const void *)start;
        holds |= segment->p_type == PT_LOAD && asked->pc >= start && asked->pc < start + segment->p_memsz;
    }
    if (holds)
        asked->header = header;
    return holds;
}

const void *module_eh_frame_header(uint64_t pc)
{
    static struct asked asked;
    asked = (struct asked){pc, NULL};
    dl_iterate_phdr(find_header, &asked);
    return asked.header;
}

/* ---- libdw's reading ---------------------------------------------------------------------- */

static bool is_offset_from_cfa(Dwarf_Op *ops, size_t count, int64_t wanted, bool any)
{
    if (count == 0 || ops[0].atom != DW_OP_call_frame_cfa)
        return false;
    if (count == 1)
        return any || wanted == 0;
    return count == 2 && ops[1].atom == DW_OP_plus_uconst && (any || (int64_t)ops[1].number == wanted);
}

static bool is_default(Dwarf_Op *ops, size_t count, Dwarf_Op *storage)
{
    return count == 0 && ops == storage; /* undefined; NULL: the same value */
}

static bool is_plain(Dwarf_Frame *frame)
{
    Dwarf_Op storage[3], *ops;
    size_t count;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count != 1 || ops[0].atom != DW_OP_bregx ||
        (ops[0].number != 6 && ops[0].number != 7))
        return false;
    if (dwarf_frame_register(frame, 6, storage, &ops, &count) != 0)
        return false;
    bool fp = ops == NULL || is_offset_from_cfa(ops, count, 0, true);
    if (is_default(ops, count, storage))
        fp = false;
    if (dwarf_frame_register(frame, 16, storage, &ops, &count) != 0 ||
        !is_offset_from_cfa(ops, count, -8, false))
        return false;
    return fp;
}

struct library {
    char path[4096];
    uint64_t bias;
};

static size_t compare_library(const struct library *library, size_t *plain)
{
    int fd = open(library->path, O_RDONLY | O_CLOEXEC);
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
    size_t headers, compared = 0;
    ck_assert_msg(cfi != NULL, "%s: %s", library->path, dwarf_errmsg(-1));
    ck_assert_int_eq(elf_getphdrnum(elf, &headers), 0);
    for (size_t i = 0; i < headers; i++) {
        GElf_Phdr segment;
        gelf_getphdr(elf, (int)i, &segment);
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X))
            continue;
        for (uint64_t pc = segment.p_vaddr; pc < segment.p_vaddr + segment.p_filesz; pc++) {
            Dwarf_Frame *frame = NULL;
            Dwarf_Addr start, end;
            bool is_signal;
            enum frame_rule rule = frame_rule_at(library->bias + pc + 1);
            if (dwarf_cfi_addrframe(cfi, pc, &frame) != 0)
                continue;
            dwarf_frame_info(frame, &start, &end, &is_signal);
            bool wanted = !is_signal && is_plain(frame);
            if (rule == FRAME_RULE_PLAIN)
                ck_assert_msg(wanted, "%s+%#lx is not plain", library->path, (unsigned long)pc);
            else if (wanted)
                ck_assert_msg(rule == FRAME_RULE_PLAIN, "%s+%#lx is plain", library->path, (unsigned long)pc);
            *plain += wanted;
            compared++;
            free(frame);
        }
    }
    dwarf_cfi_end(cfi);
    elf_end(elf);
    close(fd);
    return compared;
}

static int note_library(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *wanted = *(const char **)arg;
    static struct library found;
    (void)size;
    if (!strstr(info->dlpi_name, wanted))
        return 0;
    snprintf(found.path, sizeof(found.path), "%s", info->dlpi_name);
    found.bias = info->dlpi_addr;
    *(struct library **)arg = &found;
    return 1;
}

/* The last one is full of assembly with rules of its own. */
static const char *const names[] = {"/libc.so.6", "/ld-linux-x86-64.so.2", "/libcrypto.so.3"};

START_TEST(as_libdw_reads_it)
{
    const void *arg = names[_i];
    size_t plain = 0;
    if (!dlopen(strchr(names[_i], 'l'), RTLD_NOW))
        return; /* not on this machine */
    ck_assert_int_eq(dl_iterate_phdr(note_library, &arg), 1);
    size_t compared = compare_library(arg, &plain);
    ck_assert_uint_gt(compared, 10000);
    ck_assert_uint_gt(plain, compared / 2);
    ck_assert_uint_lt(plain, compared);
}
END_TEST

START_TEST(where_nothing_is)
{
    static int data;
    ck_assert_int_eq(frame_rule_at((uint64_t)&data), FRAME_RULE_NONE);
    ck_assert_int_eq(frame_rule_at(8), FRAME_RULE_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame_rule");
    TCase *tests = tcase_create("frame_rule");
    tcase_set_timeout(tests, 120);
#ifdef __x86_64__
    tcase_add_loop_test(tests, as_libdw_reads_it, 0, sizeof(names) / sizeof(names[0]));
#endif
    tcase_add_test(tests, where_nothing_is);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
