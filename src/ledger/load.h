/*
 * Private to the directory.  open.c and core.c find the bytes of a ledger, in a file or a process and in a
 * core; load.c checks and copies them; ledger.c gives access to the copy.
 */
#ifndef THREADLEAK_LEDGER_LOAD_H
#define THREADLEAK_LEDGER_LOAD_H

#include "ledger/ledger.h"

/* The location of the bytes. They may change or disappear at any time. */
struct ledger_source {
    int fd;                       /* pread reads them at `base` */
    const struct core_file *core; /* not NULL: they are in its memory at address `base`, and fd is unused */
    bool *cut; /* not NULL: set if frames, modules or strings are truncated, which then is no error */
    uint64_t base;
    uint64_t size;    /* at most */
    const char *name; /* errors begin with it: "/tmp/x", "the ledger of process 4242" */
};

/* Are the first bytes those of a ledger? */
bool ledger_has_magic(const struct ledger_source *source);
/* Is this the path of a ledger, as /proc/PID/maps or a core file names it: "/memfd:threadleak", or
 * "ledger.PID.N" in the directory of a run? */
bool ledger_is_path(const char *path);

/* LEDGER_OPEN_NOT_WATCHED: there is a ledger, but its process has not filled it in yet. The error says
 * this. */
enum ledger_open_status ledger_load(const struct ledger_source *source, struct ledger **ledger,
                                    struct error *error);

#endif
