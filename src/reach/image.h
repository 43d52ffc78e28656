/*
 * The copy of a process in which reach_judge() marks. Nothing here calls the system, so that tests can make
 * images up.
 */
#ifndef THREADLEAK_REACH_IMAGE_H
#define THREADLEAK_REACH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nptl/nptl.h"

struct reach_handle; /* reach.h */

/* Reads of the copy may go that far beyond its end. */
enum { REACH_SLACK = 128 };

/* A contiguous part of memory. What is in no piece is zero, or was not to be read. */
struct reach_piece {
    uint64_t start;
    size_t size;
    const unsigned char *bytes; /* with REACH_SLACK readable bytes after the last one */
};

enum reach_region_kind {
    REACH_ROOT,    /* can be referred to by anything, and is scanned as a whole */
    REACH_PRIVATE, /* anonymous memory: contains objects */
    REACH_BRK,     /* the same, the heap that brk(2) makes */
    REACH_STACK,   /* the main thread's stack */
    REACH_IGNORED, /* of our shim: neither scanned nor an object */
};

/* A mapping, or a part of one. */
struct reach_region {
    uint64_t start, end;
    enum reach_region_kind kind;
};

struct reach_range {
    uint64_t start, end;
};

/* What a thread needs to run again. */
enum reach_need {
    REACH_NEEDS_NOTHING, /* it can run */
    REACH_NEEDS_OBJECT,  /* somebody with a reference to `address` */
    REACH_NEEDS_THREAD,  /* thread `owner` */
    REACH_NEEDS_NEVER,   /* it ends the process, and returns nowhere */
};

struct reach_thread {
    pid_t tid, own_tid;      /* own_tid: in the pid namespace of the process */
    uint64_t thread_pointer; /* 0: unknown */
    uint64_t sp;             /* 0: unknown */
    const uint64_t *words;   /* registers */
    size_t word_count;
    const unsigned char *vectors; /* vector registers, with REACH_SLACK bytes after them */
    size_t vector_size;
    bool unknown_registers;
    uint64_t argument; /* of its start routine; 0: unknown */
    bool in_libc;      /* in a system call that libc makes */
    bool moved;        /* it is no longer in the call that it waited in */
    enum reach_need need;
    uint64_t address;
    bool shared;        /* other processes may have the futex, too */
    bool own_futex;     /* of the program: FUTEX_REQUEUE may have moved the thread to another one */
    bool interruptible; /* a signal with a handler can end the wait */
    size_t owner;
    /* found by reach_blocks_find: */
    struct reach_range stack, tls, descriptor; /* empty: unknown */
    uint64_t guard_size;                       /* of the pages that protect the stack, where it begins */
    bool has_block;
    /* the result: */
    bool live;
    uint32_t caveats;
};

/* Where glibc keeps its threads. */
struct reach_glibc {
    struct nptl nptl;
    uint64_t tls_size; /* of the modules; an estimate */
    uint64_t libc_start, libc_end;
    uint64_t stack_end; /* of the main thread's frames: arguments and environment are above; 0: unknown */
    /* The variables of our shim in the thread-local storage of each thread, from its descriptor. It keeps the
     * addresses of its frames there. */
    int64_t shim_tls;
    uint64_t shim_tls_size; /* 0: none */
    int64_t errno_at;       /* of each thread, from its descriptor; 0: unknown */
};

/* The block of a thread that has ended, or that glibc keeps for a new one. */
struct reach_dead_block {
    struct reach_range stack, descriptor;
    bool cached;  /* false: it was not joined yet, so its result is needed */
    bool unknown; /* it may be about to begin */
};

struct reach_image {
    struct reach_piece *pieces; /* ascending, disjoint */
    size_t piece_count;
    size_t last_piece;            /* of reach_piece_at; no image is a constant object */
    struct reach_region *regions; /* ascending, disjoint */
    size_t region_count;
    struct reach_thread *threads;
    size_t thread_count;
    struct reach_dead_block *dead;
    size_t dead_count;
    struct reach_glibc glibc;
    uint64_t guard;              /* of mangled pointers; 0: unknown */
    const unsigned char *kernel; /* bytes that the kernel keeps, with REACH_SLACK bytes after them */
    size_t kernel_size;
    struct reach_handle *handles; /* by handle */
    size_t handle_count;
    uint64_t end_sp;  /* reach_set_end(); 0: unknown */
    uint32_t caveats; /* of the process */
    bool other_allocator;
    bool uses_cancel, uses_kill;
    bool uses_messages; /* System V queues */
    bool uses_values;   /* of signals: sigqueue */
};

/* The piece that contains an address, or the first one after it; NULL: none. */
const struct reach_piece *reach_piece_at(const struct reach_image *image, uint64_t address);
/* False: not all of it is in the copy. */
bool reach_read(const struct reach_image *image, uint64_t address, void *to, size_t size);
/* 0 if it is not in the copy. */
uint64_t reach_word(const struct reach_image *image, uint64_t address);
/* NULL: none. */
const struct reach_region *reach_region_at(const struct reach_image *image, uint64_t address);

/* Finds stacks and descriptors of all threads in glibc's lists (blocks.c). False: they could not be read, and
 * nothing can be judged. */
bool reach_blocks_find(struct reach_image *image);

/* Marks, and sets `live` and `caveats` of all threads (mark.c). False: out of memory. */
bool reach_mark(struct reach_image *image);

#endif
