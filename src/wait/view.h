/* The input and output of the functions that describe a wait. */
#ifndef THREADLEAK_WAIT_VIEW_H
#define THREADLEAK_WAIT_VIEW_H

#include "base/text.h"
#include "proc/own_tids.h"
#include "wait/module.h"
#include "wait/name.h"
#include "wait/wait.h"

struct files;
struct view;
typedef bool wait_describe_fn(const struct view *view);

/* A row of kinds.def: a function that waits for a futex. */
struct futex_user {
    const char *name;
    wait_describe_fn *describe;
    bool needs_glibc;
};

/* The library whose function joins a thread by a condition wait. */
enum library_join { JOIN_UNCHECKED, JOIN_OF_NONE, JOIN_OF_BOOST, JOIN_OF_QT };

/* Of all threads with equal stacks. */
struct stack_facts {
    bool known;                    /* stack_facts_set was called */
    enum library_join join;        /* set by join.c when it is needed */
    const struct futex_user *user; /* NULL: no such function on the stack */
    const char *destructor;        /* "a thread-specific destructor"; NULL: not in a destructor */
};

/* How a call gets its timeout. */
enum call_time {
    TIME_NONE,     /* it has none */
    TIME_UNKNOWN,  /* not an argument: SO_RCVTIMEO, VTIME… */
    TIME_MS,       /* a number; negative: none */
    TIME_RELATIVE, /* a struct timespec */
    TIME_LEFT,     /* the kernel writes the rest into the timespec when the call is interrupted */
    TIME_LEFT_US,  /* the same with a struct timeval */
    TIME_ABSOLUTE,
    TIME_FUTEX, /* only in kinds.def: futex(2), depends on the operation */
    TIME_SLEEP, /* only in kinds.def: a sleep, depends on the flags */
};

/* A row of kinds.def for the system call that a thread is in, with its arguments' values. */
struct wait_call {
    wait_describe_fn *describe;
    const char *text; /* "read of"; may be NULL */
    int fd_arg;       /* number of the descriptor's argument; -1: none */
    enum call_time time;
    uint64_t timeout; /* address, or the number itself */
    uint64_t left;    /* address that gets the rest of the time; 0: none */
    int clock;        /* of TIME_ABSOLUTE */
    bool is_sleep;    /* it ends by time alone */
};

struct waits {
    struct wait_context context;
    struct wait *items;         /* by index of snapshot.threads */
    struct stack_facts *stacks; /* by stack.id */
    size_t stack_count;
    struct stack_facts no_stack; /* of threads without one */
    struct modules modules;
    struct object_names *names;
    struct files *files;
    struct own_tids own_tids; /* of the process, if it is alive */
    struct inside_result {
        uint64_t address; /* of the object of the latest search; 0: none */
        bool innermost;   /* it was inside_find_innermost() */
        pid_t tid;
        bool certain;
    } inside; /* inside_find() */
    struct {
        bool known; /* it was searched for */
        pid_t tid;  /* that libc has for the main thread; 0: unknown */
    } main;         /* owner_add() */
    bool glibc_known;
    bool has_proc;    /* snapshot_has_proc: the process is alive, and its clocks can be read */
    int64_t ahead_ns; /* process_clock_ahead_ns */
    bool same_clocks; /* CLOCK_MONOTONIC is the same for this program and for the process */
    bool is_halted;   /* stopped by SIGSTOP: relative timeouts are those of that moment */
};

/* One thread that waits. */
struct view {
    struct waits *waits;
    const struct snapshot_thread *thread;
    struct stack_facts *stack;
    const struct futex_user *user; /* the function on its stack that waits for a futex; NULL: none known */
    struct wait_call call;
    double whole_s; /* the timeout when the call began; < 0: none or unknown */
    struct wait *wait;
    struct line *line; /* becomes wait.what */
};

/* Memory as it was when the thread was stopped, if it was copied; else as it is now. */
bool view_read(const struct view *view, uint64_t address, void *to, size_t size);
/* False: the memory is private, so no other process has an object in it. A core file does not record this. */
bool view_is_shared(const struct view *view, uint64_t address);
/* "T5 \"flusher\"", "this thread itself", "tid 4247" */
void view_add_thread(const struct view *view, pid_t tid);
/* Adds the name of the object at wait->address, "queue_lock", "0x7f… on the heap", and sets wait->symbol and
 * wait->place.  False: out of memory. */
bool view_add_object(const struct view *view);
/* The same for wait->mutex; sets wait->mutex_symbol. */
bool view_add_mutex(const struct view *view);

/* How the text of a wait shows its timeout. */
enum kind_timeout {
    TIMEOUT_IF_ANY,    /* ", a timeout of 5 s" */
    TIMEOUT_ALSO_NONE, /* the same, or ", no timeout" */
    TIMEOUT_IN_TEXT,   /* the text already has it: "sleep of 5 s" */
};
enum kind_timeout kind_timeout(enum wait_on on);

#endif
