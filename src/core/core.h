/*
 * An ELF core file (core(5), elf(5)) as the kernel writes it (fs/binfmt_elf.c, fs/coredump.c) and as gdb's
 * gcore does, read as hostile input.
 *
 * It also opens a truncated or damaged file that contains a thread or memory; `notice` has what is missing.
 * It maps nothing, because the file may change: it copies headers and notes at once, and reads memory on
 * request.
 */
#ifndef THREADLEAK_CORE_CORE_H
#define THREADLEAK_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/procfs.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/* Memory: a PT_LOAD. */
struct core_segment {
    uint64_t start, end;
    uint64_t offset; /* in the file */
    uint64_t dumped; /* bytes from start on that the file should contain; often 0 for mapped files */
    bool readable, writable, executable;
};

/* A file that was mapped: NT_FILE. */
struct core_mapping {
    uint64_t start, end, offset;
    bool deleted;
    const char *path; /* without " (deleted)"; "/memfd:NAME" */
};

struct core_thread {
    pid_t tid; /* in the pid namespace of the process, unless by_debugger */
    elf_gregset_t regs;
};

struct core_file {
    char *path;
    int fd;
    uint64_t size;                 /* of the file, in bytes */
    struct timespec written;       /* last; CLOCK_REALTIME */
    struct core_segment *segments; /* ascending, disjoint */
    size_t segment_count;
    struct core_mapping *mappings; /* ascending, disjoint */
    size_t mapping_count;
    struct core_thread *threads; /* in the order of the file: the first one got the signal */
    size_t thread_count;
    pid_t pid;           /* 0: unknown */
    bool by_debugger;    /* by gcore: pids and tids are those of gdb's pid namespace */
    pid_t parent_pid;    /* 0: unknown */
    int signal;          /* signal that ended the process; 0: dumped alive (gcore), or unknown */
    pid_t crashed;       /* the thread that got the signal; 0: none or unknown */
    char command[81];    /* name of the program, perhaps truncated; "" unknown */
    uint64_t vdso;       /* address of its ELF header; 0: unknown */
    uint64_t main_stack; /* an address in it; 0: unknown */
    struct error notice; /* what is missing, in one line; "": nothing */
    char *strings;       /* the mappings' paths point into it */
};

/* Is it an ELF core file, of any architecture? */
bool core_file_is(const char *path);
/* Opens a core file; the caller closes it. NULL: it is not a core file of this architecture, or it contains
 * neither a thread nor memory. */
struct core_file *core_file_open(const char *path, struct error *error);
void core_file_close(struct core_file *core);

/* Reads memory.  Returns how many bytes from `address` on the file contains, `size` at most. */
size_t core_file_read(const struct core_file *core, uint64_t address, void *to, size_t size);
/* The segment that holds an address, or NULL. */
const struct core_segment *core_file_find(const struct core_file *core, uint64_t address);
/* Was a file with this basename (the shim) mapped? */
bool core_file_maps(const struct core_file *core, const char *basename);

/* Reads at an offset of the file.  Returns how many bytes there were. */
size_t core_file_pread(const struct core_file *core, uint64_t offset, void *to, size_t size);

#endif
