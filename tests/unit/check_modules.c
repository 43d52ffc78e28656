/* How the shim finds the ELF file of an address with an older glibc: the table of modules, and
 * /proc/self/maps. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload/backtrace/frames.h"
#include "preload/ledger/elf_start.h"
#include "preload/ledger/maps.h"
#include "preload/ledger/module_table.h"
#include "preload/shim/readable.h"
#include "suite.h"

/* ---- /proc/PID/maps ----------------------------------------------------------------- */

static char maps_text[] = "/tmp/threadleak-maps-XXXXXX";

static struct maps open_maps(const char *text)
{
    struct maps maps;
    int fd = mkstemp(maps_text);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (long)strlen(text));
    close(fd);
    ck_assert(maps_open(&maps, maps_text));
    unlink(maps_text);
    return maps;
}

START_TEST(lines_of_maps)
{
    struct maps_line line;
    char path[64], text[2000];
    /* The kernel pads to column 73. The last path is too long, and longer than the reader's buffer. */
    int length = snprintf(text, sizeof(text),
                          "00400000-00401000 r-xp 00000000 fd:01 1234    /usr/bin/a b\n"
                          "7f0000000000-7f0000001000 ---p 0000a000 fd:01 99 /tmp/x\\012y.so (deleted)\n"
                          "7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n"
                          "7ffff0000000-7ffff0001000 r-xp 00000000 00:00 0    [vdso]\n"
                          "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 7  /");
    memset(text + length, 'p', 1000);
    strcpy(text + length + 1000, "\n");
    struct maps maps = open_maps(text);
    ck_assert(maps_next(&maps, &line, path, sizeof(path)));
    ck_assert_uint_eq(line.start, 0x400000);
    ck_assert_uint_eq(line.end, 0x401000);
    ck_assert(line.readable && line.of_file && line.offset == 0);
    ck_assert_str_eq(path, "/usr/bin/a b");
    ck_assert(maps_next(&maps, &line, path, sizeof(path)));
    ck_assert(!line.readable && line.offset == 0xa000);
    ck_assert_str_eq(path, "/tmp/x\ny.so");
    ck_assert(maps_next(&maps, &line, path, sizeof(path)));
    ck_assert(!line.of_file);
    ck_assert_str_eq(path, "");
    ck_assert(maps_next(&maps, &line, NULL, 0));
    ck_assert(maps_next(&maps, &line, path, sizeof(path)));
    ck_assert_uint_eq(line.start, 0xffffffffff600000);
    ck_assert_str_eq(path, "");
    ck_assert(!maps_next(&maps, &line, path, sizeof(path)));
    maps_close(&maps);
}
END_TEST

START_TEST(damaged_maps_end)
{
    static const char *const texts[] = {"",           "\n",         "12", "12-34", "zz-12 r-xp 0 0:0 0\n",
                                        "12-34 r-xp", "12-34 r 0 0"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct maps_line line;
        char path[64];
        struct maps maps = open_maps(texts[i]);
        ck_assert(!maps_next(&maps, &line, path, sizeof(path)));
        maps_close(&maps);
        strcpy(maps_text, "/tmp/threadleak-maps-XXXXXX");
    }
}
END_TEST

/* ---- the table ---------------------------------------------------------------------- */

static void demand_as_loader(void *address)
{
    struct dl_find_object object;
    struct module_found found;
    uint64_t bias;
    char path[MODULE_PATH], *real = NULL;
    ck_assert_int_eq(_dl_find_object(address, &object), 0);
    ck_assert(module_table_find((uint64_t)address, &found, &bias, path));
    ck_assert_ptr_eq((void *)found.start, object.dlfo_map_start);
    ck_assert_ptr_eq((void *)found.eh_frame, object.dlfo_eh_frame);
    ck_assert_uint_gt(found.end, (uint64_t)address);
    ck_assert_uint_le(found.end, (uint64_t)object.dlfo_map_end + 4096);
    ck_assert_uint_eq(bias, object.dlfo_link_map->l_addr);
    const char *name = object.dlfo_link_map->l_name;
    if (*name == '/') { /* the kernel's path has no symbolic links */
        ck_assert_ptr_nonnull(real = realpath(name, NULL));
        ck_assert(strcmp(path, name) == 0 || strcmp(path, real) == 0);
    }
    free(real);
}

static void *in_libm(void)
{
    return dlsym(dlopen("libm.so.6", RTLD_NOW), "cos");
}

static void demand_all(void)
{
    demand_as_loader((void *)demand_all); /* the program */
    demand_as_loader(dlsym(RTLD_DEFAULT, "qsort"));
    demand_as_loader(in_libm());
    demand_as_loader(dlsym(RTLD_DEFAULT, "__tls_get_addr")); /* the loader itself */
}

START_TEST(modules_of_the_start)
{
    module_table_fill();
    demand_all();
}
END_TEST

START_TEST(modules_from_maps)
{
    demand_all();
    module_table_forget();
    demand_all();
}
END_TEST

START_TEST(vdso_has_no_file)
{
    struct module_found found;
    uint64_t vdso = getauxval(AT_SYSINFO_EHDR), bias;
    char path[MODULE_PATH];
    if (!vdso)
        return skip("no vdso here");
    ck_assert(module_table_find(vdso + 64, &found, &bias, path));
    ck_assert_uint_eq(found.start, vdso);
    ck_assert_str_eq(path, "[vdso]");
}
END_TEST

START_TEST(memory_that_is_no_module)
{
    struct module_found found;
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *text = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/etc/passwd", O_RDONLY), 0);
    int on_stack;
    memcpy(memory, ELFMAG, SELFMAG);
    ck_assert(!module_table_find((uint64_t)memory + 64, &found, NULL, NULL));
    ck_assert(!module_table_find((uint64_t)text, &found, NULL, NULL));
    ck_assert(!module_table_find((uint64_t)&on_stack, &found, NULL, NULL));
    ck_assert(!module_table_find(0, &found, NULL, NULL));
    ck_assert(!module_table_find(UINT64_MAX, &found, NULL, NULL));
}
END_TEST

/* A library is unloaded, and another file is mapped to its address. */
START_TEST(another_file_at_the_same_address)
{
    struct module_found found;
    uint64_t bias;
    char path[MODULE_PATH], *real = realpath("/proc/self/exe", NULL);
    int fd = open(real, O_RDONLY);
    char *first = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert(first != MAP_FAILED);
    ck_assert(module_table_find((uint64_t)first + 8, &found, &bias, path));
    ck_assert_str_eq(path, real);
    munmap(first, 4096);
    module_table_forget();
    ck_assert(!module_table_find((uint64_t)first + 8, &found, &bias, path));
    close(fd);
    free(real);
}
END_TEST

START_TEST(maps_that_cannot_be_opened)
{
    struct rlimit before, none = {0};
    int fd = open("/proc/self/exe", O_RDONLY);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    struct module_found found;
    ck_assert(module_table_find((uint64_t)map, &found, NULL, NULL));
    ck_assert(module_table_is_at(found.start, found.end));
    munmap(map, 4096);
    module_table_forget();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool is_at = module_table_is_at(found.start, found.end);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(is_at);
    ck_assert(!module_table_is_at(found.start, found.end));
    close(fd);
}
END_TEST

static int next_descriptor(void)
{
    int next = dup(0);
    ck_assert_int_ge(next, 0);
    close(next);
    return next;
}

START_TEST(a_search_keeps_no_descriptor)
{
    struct module_found found;
    uint64_t bias;
    char path[MODULE_PATH];
    int before = next_descriptor();
    module_table_forget();
    ck_assert(module_table_find((uint64_t)(uintptr_t)next_descriptor, &found, &bias, path));
    ck_assert_int_eq(next_descriptor(), before);
}
END_TEST

static _Atomic bool stop;

static void *search(void *arg)
{
    struct module_found found;
    uint64_t bias;
    char path[MODULE_PATH];
    uint64_t pc = (uint64_t)(uintptr_t)arg;
    for (int i = 0; !atomic_load(&stop) || i < 100; i++) {
        ck_assert(module_table_find(pc, &found, &bias, path));
        ck_assert_uint_le(found.start, pc);
        ck_assert_uint_gt(found.end, pc);
        ck_assert(*path == '/');
    }
    return NULL;
}

/* Each search finds the module, while entries are written and become too old. */
START_TEST(threads_search_while_others_fill)
{
    pthread_t threads[3];
    void *of[3] = {(void *)search, dlsym(RTLD_DEFAULT, "qsort"), in_libm()};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, search, of[i]), 0);
    for (int i = 0; i < 200; i++)
        module_table_forget();
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* ---- memory that may not be there ----------------------------------------------------- */

START_TEST(unmapped_memory_is_not_read)
{
    char *memory = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char copy[64];
    struct elf_start elf;
    memset(memory, 'a', 12288);
    munmap(memory + 4096, 4096);
    ck_assert(memory_copy(copy, memory + 4032, 64));
    ck_assert(!memory_copy(copy, memory + 4033, 64));
    ck_assert(!memory_copy(copy, memory + 8190, 4));
    ck_assert(!memory_copy_string(copy, memory + 4090, sizeof(copy)));
    memory[4095] = 0;
    ck_assert(memory_copy_string(copy, memory + 4090, sizeof(copy)));
    ck_assert_str_eq(copy, "aaaaa");
    ck_assert(!memory_copy_string(copy, memory + 100, sizeof(copy))); /* too long */
    memcpy(memory, ELFMAG, SELFMAG);
    ck_assert(!elf_start_read(&elf, (uint64_t)memory));
    ck_assert(!elf_start_read(&elf, (uint64_t)memory + 4096));
}
END_TEST

/* ---- frames ---------------------------------------------------------------------------- */

/* Two of the shim, the caller, and two more; minus: what libunwind subtracts. */
static void make_frames(char **frames, long minus)
{
    static char *const addresses[] = {(char *)0x1000, (char *)0x1100, (char *)0x2000, (char *)0x3000,
                                      (char *)0x4000};
    for (int i = 0; i < 5; i++)
        frames[i] = addresses[i] - minus;
}

START_TEST(frames_of_both_kinds)
{
    void *frames[5];
    for (long minus = 0; minus < 2; minus++) {
        make_frames((char **)frames, minus);
        ck_assert_uint_eq(frames_from_caller(frames, 5, 6, (void *)0x2000), 3);
        ck_assert_ptr_eq(frames[0], (void *)0x2000);
        ck_assert_ptr_eq(frames[1], (void *)0x3000);
        ck_assert_ptr_eq(frames[2], (void *)0x4000);
    }
}
END_TEST

START_TEST(frames_without_the_caller)
{
    void *frames[5];
    make_frames((char **)frames, 0);
    ck_assert_uint_eq(frames_from_caller(frames, 5, 6, (void *)0x2002), 0);
    ck_assert_uint_eq(frames_from_caller(frames, 5, 6, (void *)0x1fff), 0);
    ck_assert_uint_eq(frames_from_caller(frames, 5, 2, (void *)0x2000), 0); /* not among the first two */
    ck_assert_uint_eq(frames_from_caller(frames, 0, 6, (void *)0x2000), 0);
    ck_assert_uint_eq(frames_from_caller(frames, 5, 6, (void *)0x1000), 5);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("modules");
    tcase_add_test(tcase, lines_of_maps);
    tcase_add_test(tcase, damaged_maps_end);
    tcase_add_test(tcase, modules_of_the_start);
    tcase_add_test(tcase, modules_from_maps);
    tcase_add_test(tcase, vdso_has_no_file);
    tcase_add_test(tcase, memory_that_is_no_module);
    tcase_add_test(tcase, another_file_at_the_same_address);
    tcase_add_test(tcase, maps_that_cannot_be_opened);
    tcase_add_test(tcase, a_search_keeps_no_descriptor);
    tcase_add_test(tcase, threads_search_while_others_fill);
    tcase_add_test(tcase, unmapped_memory_is_not_read);
    tcase_add_test(tcase, frames_of_both_kinds);
    tcase_add_test(tcase, frames_without_the_caller);
    return suite_run("modules", tcase);
}
