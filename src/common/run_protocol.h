/*
 * What a watched process and `threadleak run` agree on: the environment, the files in the directory of the
 * run, the socket, and the answers of `threadleak _explain`.
 */
#ifndef THREADLEAK_COMMON_RUN_PROTOCOL_H
#define THREADLEAK_COMMON_RUN_PROTOCOL_H

#include <stdint.h>

/* Names in a run's directory: "ledger.PID.N". N begins at 0 and grows by 1 with each ledger of a process. */
#define LEDGER_FILE_PREFIX "ledger."
/*
 * In the same directory: an empty file "began.PID.NS.PPID" for each program that was started with the shim.
 * NS is its ledger_header.started_ns. Without a ledger of that PID and NS the program has created no thread.
 * A process that could not make this file has a ledger from its start.
 */
#define LEDGER_BEGAN_PREFIX "began."
/*
 * The mode of a ledger's file is 0600, or one of these if its process could not use it: the reason. Then the
 * ledger is a memfd, which the run does not see.
 */
enum {
    LEDGER_GAVE_UP_ROOM = 0,      /* the file system has no room */
    LEDGER_GAVE_UP_FILE_SIZE = 1, /* RLIMIT_FSIZE is below the size of the smallest ledger */
    LEDGER_GAVE_UP_MEMORY = 2,    /* RLIMIT_AS is too low */
    LEDGER_GAVE_UP_REASONS
};
/*
 * In the same directory: one record for each exec and posix_spawn, written by one call.
 *
 *     "PID NS KIND"  the directory that a relative path starts from  the path
 *
 * Each of the three ends with a NUL.  NS is a time before the new program started.  PID 0
 * is an unknown pid, of a shell that libc started.  An empty directory is not known, or the
 * path is searched in PATH.  With an empty path the directory is the program.
 *
 * LEDGER_EXECS_LOST in the mode of the file: a record could not be written.
 */
#define LEDGER_EXECS_FILE "execs"
#define LEDGER_EXECS_LOST 0100
enum {
    LEDGER_EXEC_OURS = 'w',   /* the shim and this run are in its environment */
    LEDGER_EXEC_BARE = 'e',   /* LD_PRELOAD does not name the shim */
    LEDGER_EXEC_OTHER = 'o',  /* it does, with another run directory, or with none */
    LEDGER_EXEC_FAILED = 'f', /* the latest exec of the process failed */
};
/* In the environment: the directory of `threadleak run`, as an absolute path. */
#define LEDGER_RUN_ENV "THREADLEAK_RUN_DIR"
/* Bytes of an answer of `threadleak _explain` to the shim, with its NUL. A pipe holds it. */
#define LEDGER_ANSWER_MAX 8192

/*
 * A process that changed its user or root cannot open that directory any more.  It sends a
 * ledger_run_request to `threadleak run`, by a SOCK_SEQPACKET socket in the abstract
 * namespace (unix(7)).  run takes the sender's pid from the kernel (SO_PEERCRED).  The answer is one byte, 1
 * for success, and perhaps a descriptor.
 */
#define LEDGER_RUN_SOCKET_MAX 32
/* Its name, without the leading NUL: "threadleak-" and the directory's FNV-1a hash. */
static inline void ledger_run_socket(char name[LEDGER_RUN_SOCKET_MAX], const char *directory)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *directory; directory++)
        hash = (hash ^ (unsigned char)*directory) * 0x100000001b3ull;
    for (unsigned i = 0; i < 11; i++)
        name[i] = "threadleak-"[i];
    for (unsigned i = 0; i < 16; i++)
        name[11 + i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    name[27] = 0;
}

enum {
    LEDGER_RUN_STACKS = 1, /* save its current stacks: mode "keep" of the reporter */
    LEDGER_RUN_LEDGER = 2, /* a file "ledger.PID.N" */
    LEDGER_RUN_EXECS = 3,  /* LEDGER_EXECS_FILE, for appending */
};
struct ledger_run_request {
    uint32_t what;
};

#endif
