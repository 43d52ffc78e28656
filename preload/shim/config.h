/* What the shim knows of the program since its start. It is valid in forked children, too. */
#ifndef THREADLEAK_PRELOAD_SHIM_CONFIG_H
#define THREADLEAK_PRELOAD_SHIM_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "common/options.h"
#include "common/test_variables.h"
#include "preload/shim/text.h"

enum { SANDBOX_NONE, SANDBOX_MAYBE, SANDBOX_SURE };
#define OPTIONS_TEXT_MAX (LEDGER_OPTIONS * OPTIONS_PART_MAX)
#define RULES_MAX 16384 /* bytes of rules that the program registers */

struct shim_config {
    uint32_t options_size;
    const char *rules;  /* registered by the program; NULL: none */
    char run_dir[256];  /* "": not under `threadleak run` */
    int32_t run_parent; /* run_report_in() */
    int dump_signal;    /* our handler was installed for it; 0: not yet */
    int capture_signal; /* reserved by signal_capture.c; 0: none yet */
    int32_t tid_offset; /* in glibc's struct pthread; -1: not known */
    /* In a child that the system call clone made, its main thread has the tid of the parent's thread there.
     */
    int32_t stale_tid, fresh_tid; /* there, and the right one; 0: none */
    uint64_t stale_thread;        /* the pthread_t of that main thread */
    int32_t start_offset;    /* in glibc's struct pthread: start routine, then its argument; -1: not known */
    int32_t tls_offset;      /* from a pthread_t to that thread's shim_tls */
    const char *library;     /* the path of this one, as the loader has it */
    size_t directory;        /* length of its directory, with a slash */
    uint64_t ptracer;        /* what the program has set by PR_SET_PTRACER; 0: nothing */
    uint64_t main_thread;    /* its pthread_t; 0: not known yet */
    uint64_t trampolines[2]; /* the start routines that we pass to libc */
    uint64_t started_ns;     /* CLOCK_MONOTONIC at the start of the program */
    char exe[512];           /* target of /proc/self/exe before any chroot; "": not known (yet) */
    /* The program entered a sandbox, or did before a fork: its filter may kill for an
     * unknown system call.  SANDBOX_MAYBE after PR_SET_NO_NEW_PRIVS, which precedes a filter. */
    _Atomic int sandboxed;
    /* pthread_setattr_default_np, RLIMIT_STACK */
    _Atomic bool default_detached, default_small;
    bool is_second;   /* a second copy of the library does nothing */
    bool no_reporter; /* under valgrind, which does not support our clone() */
    bool sanitizer;   /* its own end can come after ours, and needs all threads and exit() to go on */
    bool had_stderr;  /* at the start, with these numbers: */
    uint64_t stderr_device, stderr_inode;
    /* The large ones come last: at a start only few pages are touched. */
    char test_variables[TEST_VARIABLES_SIZE];
    struct options options;
    char started_in[512]; /* the working directory then, with a slash; "": `library` is absolute */
    char options_text[OPTIONS_TEXT_MAX]; /* LEDGER_OPTIONS strings in a row, as in the ledger */
};

extern struct shim_config shim_config;

/* Appends the path of a file, as seen from the directory of this library. False: not known, or too long. */
bool config_beside(struct text *path, const char *file);

#endif
