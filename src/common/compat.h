/*
 * Names that an older libc or older kernel headers lack. The shim and the program use no function that is
 * newer than glibc 2.17, with one exception, which may be missing: loader_find_object().
 */
#ifndef THREADLEAK_COMMON_COMPAT_H
#define THREADLEAK_COMMON_COMPAT_H

#include <elf.h>
#include <link.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- ELF --------------------------------------------------------------------------- */

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258 /* glibc 2.35 */
#endif

/* ---- system calls ------------------------------------------------------------------- */

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13 /* Linux 5.14 */
#endif

#ifdef __x86_64__
#define SYSTEM_CALL(x86_64, aarch64) x86_64
#else
#define SYSTEM_CALL(x86_64, aarch64) aarch64
#endif
#ifndef SYS_memfd_create
#define SYS_memfd_create SYSTEM_CALL(319, 279) /* Linux 3.17 */
#endif
#ifndef SYS_preadv2
#define SYS_preadv2 SYSTEM_CALL(327, 286) /* Linux 4.6 */
#endif
#ifndef SYS_statx
#define SYS_statx SYSTEM_CALL(332, 291) /* Linux 4.11 */
#endif
/* Newer numbers are the same on both. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424 /* Linux 5.1 */
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430 /* Linux 5.2 */
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* Linux 5.11 */
#endif

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8 /* Linux 4.14 */
#endif
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

/* ---- musl ------------------------------------------------------------------------------ */

#ifndef WCOREFLAG
#define WCOREFLAG 0x80
#define W_EXITCODE(status, signal) ((status) << 8 | (signal))
#endif

/* ---- the loader ----------------------------------------------------------------------- */

/* What _dl_find_object() of glibc 2.35 writes (<dlfcn.h>, struct dl_find_object). */
struct found_object {
    unsigned long long flags;
    void *map_start, *map_end; /* of the mapping that contains the address */
    struct link_map *link_map;
    void *eh_frame;
    void *more[10]; /* machines differ in what follows; none has more */
};

/* Finds the library that contains an address, without a lock, and safely in a signal handler. Not 0: none
 * does. The function is NULL with an older glibc, and with another libc: so a shim that was built with any
 * glibc runs with any other. The test build of the shim does what the shim does with an older glibc. */
#ifdef NO_DL_FIND_OBJECT
#define loader_find_object ((int (*)(void *, struct found_object *))NULL)
#else
extern int loader_find_object(void *address, struct found_object *found) __asm__("_dl_find_object")
    __attribute__((weak));
#endif

#endif
