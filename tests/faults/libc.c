/*
 * A library that comes after the shim in LD_PRELOAD. Functions of libc, which the shim calls, are here before
 * they are in libc:
 *
 *     FAULT_LIBC=NAME        this one fails when the shim calls it, and works when others do
 *     FAULT_LIBC_LOG=FILE    gets a byte for each call that failed
 *
 * tests/e2e/faults.py compares the names with what the shim imports. Who calls follows from the return
 * address. A call of others must seem to come from them, as dlsym(RTLD_NEXT) asks: so -O2 turns it into a
 * jump.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- who calls, and whether that fails ------------------------------------------------------- */

static uintptr_t shim_low, shim_high;

/* Without a lock of the loader: this can be a forked child, or a signal handler. */
static void find_shim(void)
{
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        if (!strstr(map->l_name, "/libthreadleak.so"))
            continue;
        const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)map->l_addr;
        const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(map->l_addr + header->e_phoff);
        for (int i = 0; i < header->e_phnum; i++)
            if (segment[i].p_type == PT_LOAD)
                shim_high = map->l_addr + segment[i].p_vaddr + segment[i].p_memsz;
        shim_low = map->l_addr;
    }
}

/* As the kernel does it: the calls of this library itself are not its own. */
static long kernel(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static void count_failure(const char *log)
{
    long fd = kernel(SYS_open, (long)log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    kernel(SYS_write, fd, (long)"x", 1);
    kernel(SYS_close, fd, 0, 0);
}

static const char *variable(const char *name)
{
    size_t length = strlen(name);
    for (char **text = environ; text && *text; text++)
        if (strncmp(*text, name, length) == 0 && (*text)[length] == '=')
            return *text + length + 1;
    return NULL;
}

static bool fails(const char *name, void *caller)
{
    if (!shim_low)
        find_shim();
    const char *meant = variable("FAULT_LIBC"), *log = variable("FAULT_LIBC_LOG");
    bool is_shim = (uintptr_t)caller >= shim_low && (uintptr_t)caller < shim_high;
    if (!is_shim || !meant || strcmp(meant, name) != 0)
        return false;
    if (log)
        count_failure(log);
    return true;
}

/* ---- the functions ---------------------------------------------------------------------------- */

static void *next(const char *name)
{
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17",  "GLIBC_2.35", "GLIBC_2.16",
                                           "GLIBC_2.10", "GLIBC_2.3.2", "GLIBC_2.2.5"};
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        void *found = dlvsym(RTLD_NEXT, name, versions[i]);
        if (found)
            return found;
    }
    abort();
}

/* failure: an expression, which can set errno. */
#define CALL(type, name, params, args, failure)        \
    static type(*next_##name) params;                  \
    EXPORT type name params;                           \
    EXPORT type name params                            \
    {                                                  \
        if (fails(#name, __builtin_return_address(0))) \
            return failure;                            \
        if (!next_##name)                              \
            next_##name = (type(*) params)next(#name); \
        return next_##name args;                       \
    }
#include "libc.def"
#undef CALL

/* Before main: later, a lock of the loader can be held. */
__attribute__((constructor)) static void resolve(void)
{
#define CALL(type, name, params, args, failure) next_##name = (type(*) params)next(#name);
#include "libc.def"
#undef CALL
}
