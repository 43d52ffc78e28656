#include "preload/backtrace/imports.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ledger.h"
#include "preload/backtrace/walk.h"
#include "preload/ledger/elf_start.h"
#include "preload/shim/dynamic.h"
#include "preload/shim/guard.h"
#include "preload/shim/next.h"
#include "preload/shim/readable.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/sys.h"
#include "preload/shim/unwinder_tls.h"

/* The value of both descriptors of the pipe. */
#define NO_PIPE (-2)

static int probe_pipe2(int fds[2], int flags)
{
    (void)flags;
    fds[0] = fds[1] = NO_PIPE;
    return 0;
}

static int probe_pipe(int fds[2])
{
    return probe_pipe2(fds, 0);
}

static ssize_t probe_write(int fd, const void *address, size_t size)
{
    if (fd != NO_PIPE)
        return write(fd, address, size);
    if (memory_is_readable(address))
        return 1;
    errno = EFAULT;
    return -1;
}

/* libunwind calls write by its number, and since 1.7 mmap. */
static long probe_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (number == SYS_write && (int)a == NO_PIPE)
        return probe_write((int)a, (const void *)b, (size_t)c);
    /* The cache of frame layouts. It must not be next to the stack of a thread: stack_room.c. */
    char *spare = number == SYS_mmap && b == LEDGER_OWN_STACK && d & MAP_ANONYMOUS ? spare_take() : NULL;
    if (spare)
        return (long)spare;
    long result = sys_call(number, a, b, c, d, e, f);
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

static ssize_t probe_read(int fd, void *buffer, size_t size)
{
    if (fd != NO_PIPE)
        return read(fd, buffer, size);
    errno = EAGAIN; /* as from an empty pipe */
    return -1;
}

static int probe_close(int fd)
{
    return fd == NO_PIPE ? 0 : close(fd);
}

/* A sandbox can end the program for mincore(2). It needs no more for this than for probe_write. */
static int probe_mincore(void *address, size_t size, unsigned char *pages)
{
    for (size_t i = 0; i * 4096 < size; i++) {
        if (!memory_is_readable((const char *)address + i * 4096)) {
            errno = ENOMEM;
            return -1;
        }
        pages[i] = 1;
    }
    return 0;
}

static int (*libc_sigprocmask)(int, const sigset_t *, sigset_t *);

/* libunwind blocks the signals around each of its locks. */
static int probe_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return shim_tls.signals_blocked ? 0 : libc_sigprocmask(how, set, old);
}

/* libunwind opens the files of modules, and allocates memory for what it reads there. It may if the program
 * calls it, which uses the same copy. */
static int probe_open(const char *path, int flags, ...)
{
    if (!shim_tls.unwinding)
        return (int)probe_syscall(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
    errno = ENOENT;
    return -1;
}

static void *probe_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return (void *)probe_syscall(SYS_mmap, (long)address, (long)size, protection, flags, fd, offset);
}

static void *iterate_instead;
static bool tls_fits;

static const struct {
    const char *name;
    void *replacement;
} replacements[] = {
    {"pipe2", (void *)probe_pipe2},
    {"pipe", (void *)probe_pipe},
    {"write", (void *)probe_write},
    {"read", (void *)probe_read},
    {"mincore", (void *)probe_mincore},
    {"close", (void *)probe_close},
    {"syscall", (void *)probe_syscall},
    {"open", (void *)probe_open},
    {"open64", (void *)probe_open},
    {"mmap", (void *)probe_mmap},
    {"pthread_key_create", (void *)unwinder_key_create},
    {"pthread_setspecific", (void *)unwinder_setspecific},
    {"pthread_getspecific", (void *)unwinder_getspecific},
};
#define REPLACEMENTS (sizeof(replacements) / sizeof(*replacements))

/* Otherwise libunwind would call functions that other libraries interpose: mutexes of ThreadSanitizer, keys
 * of this shim. These may no longer work. */
static void *straight_from_libc(const char *name)
{
    bool wanted =
        strncmp(name, "pthread_", 8) == 0 || strcmp(name, "mincore") == 0 || strcmp(name, "msync") == 0;
    return wanted ? next_in_libc(name) : NULL;
}

static void *replacement_for(const char *name)
{
    for (size_t i = 0; i < REPLACEMENTS; i++)
        if (*name == *replacements[i].name && strcmp(name, replacements[i].name) == 0)
            return replacements[i].replacement;
    if (strcmp(name, "dl_iterate_phdr") == 0)
        return iterate_instead;
    if (strcmp(name, "__tls_get_addr") == 0)
        return tls_fits ? (void *)unwinder_tls_address : NULL;
    if (strcmp(name, "sigprocmask") == 0 && libc_sigprocmask)
        return (void *)probe_sigprocmask;
    void *lock = walk_replacement(name);
    return lock ? lock : straight_from_libc(name);
}

static bool replace(void **place, void *replacement)
{
    static uintptr_t writable; /* the latest page */
    /* The loader can have made the table read-only after relocation. */
    uintptr_t page = (uintptr_t)place & ~(uintptr_t)4095;
    if (page != writable && SYS3(mprotect, page, 4096, PROT_READ | PROT_WRITE) != 0)
        return false;
    writable = page;
    *place = replacement;
    return true;
}

/* "": none */
static const char *name_of(const struct dynamic *imports, const ElfW(Rela) * relocation)
{
    return imports->strings + imports->symbols[ELF64_R_SYM(relocation->r_info)].st_name;
}

/* False: an entry could not be written. */
static bool replace_in(const struct dynamic *imports, int table)
{
    for (size_t i = 0; i < imports->counts[table]; i++) {
        const ElfW(Rela) *relocation = &imports->relocations[table][i];
        void *replacement = replacement_for(name_of(imports, relocation));
        if (replacement && !replace((void **)(imports->bias + relocation->r_offset), replacement))
            return false;
    }
    return true;
}

static bool has_small_tls(const struct link_map *map)
{
    struct elf_start elf;
    if (!elf_start_read(&elf, map->l_addr))
        return false;
    for (uint32_t i = 0; i < elf.count; i++)
        if (elf.headers[i].p_type == PT_TLS)
            return unwinder_tls_fits(elf.headers[i].p_filesz, elf.headers[i].p_memsz);
    return false;
}

/* From the linker: this library. */
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

void imports_bind(void)
{
    struct dynamic own;
    dynamic_read(&own, &(struct link_map){.l_addr = (ElfW(Addr))__ehdr_start, .l_ld = _DYNAMIC});
    for (size_t i = 0; i < own.counts[0]; i++) {
        const ElfW(Rela) *relocation = &own.relocations[0][i];
        void *found = dlsym(RTLD_DEFAULT, name_of(&own, relocation));
        if (found)
            *(void **)(own.bias + relocation->r_offset) = found;
    }
}

bool imports_replace(void *library, int (*iterate)(imports_callback *callback, void *data))
{
    struct link_map *map;
    struct dynamic imports;

    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0)
        return false;
    dynamic_read(&imports, map);
    if (!imports.symbols || !imports.strings || !imports.relocations[0])
        return false;
    *(void **)&libc_sigprocmask = next_in_libc("sigprocmask");
    iterate_instead = (void *)iterate;
    tls_fits = has_small_tls(map);
    return replace_in(&imports, 0) && (!imports.relocations[1] || replace_in(&imports, 1));
}
