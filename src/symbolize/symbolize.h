/*
 * Converts module + offset to function, file and line, with inlined frames.
 *
 * It reads files, never the memory of a process. It needs a module's path and build-id, as the ledger
 * recorded them. It is not thread-safe: use one symbolizer per thread.
 */
#ifndef THREADLEAK_SYMBOLIZE_SYMBOLIZE_H
#define THREADLEAK_SYMBOLIZE_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct symbolizer;

/* A code address in an ELF file. */
struct code_address {
    const char *module;      /* path, or NULL: no file is known */
    const uint8_t *build_id; /* may be NULL */
    size_t build_id_len;     /* 0: unknown, and any file at the path is accepted */
    uint64_t offset;         /* address in the file, as its symbols have it */
    uint64_t pc;             /* run-time address, or 0 */
    bool is_return_address;  /* symbolize the byte before it, which is in the call */
    bool is_unproven;        /* do not accept the file at the path without a build-id */
};

/* The symbolizer owns all strings. NULL: unknown. */
struct frame {
    uint64_t pc;            /* run-time address, 0: unknown */
    uint64_t offset;        /* in the module, as recorded: a return address is not adjusted */
    const char *module;     /* path */
    const char *build_id;   /* hex */
    const char *function;   /* demangled */
    const char *file;       /* path from the debug information, not shortened */
    int line;               /* 0: unknown */
    bool is_return_address; /* as in the code_address */
    bool inlined;           /* this call was inlined into the next frame of the list */
    bool runtime;   /* of libc, libstdc++, Rust's std, OpenMP or another thread runtime: not a user frame */
    bool framework; /* a runtime frame, which version 0.1 took for the user's */
};

struct frame_list {
    struct frame *frames; /* leaf first */
    size_t count;
};

/* debuginfod: may ask servers for missing debug information. Otherwise it never does, even if the environment
 * names servers. NULL: out of memory. */
struct symbolizer *symbolizer_new(bool debuginfod);
void symbolizer_free(struct symbolizer *symbolizer);

/* From now on it reads symbols of files that it opens, but no debug information, which takes a hundred times
 * as long: the frames have no files, lines and inlined calls. */
void symbolizer_read_symbols_only(struct symbolizer *symbolizer);

/* From now on it opens the files that a live process sees: below its root directory, or what it has mapped.
 * 0: those at their paths. */
void symbolizer_see_as(struct symbolizer *symbolizer, pid_t pid);

/* From now on addresses are of a process that has ended, and had other files at the same paths: what
 * symbolizer_add_frames() adds, and files whose build-id proves that they are the same. */
void symbolizer_see_as_ended(struct symbolizer *symbolizer);

/* From now on a file without a build-id at the path of a module is used only if it has not changed since this
 * time (CLOCK_REALTIME, ns), in which the program began: it can be another one. 0: no limit. */
void symbolizer_unchanged_since(struct symbolizer *symbolizer, uint64_t ns);

/* Adds the result for an address, unless there is one. The strings of the frames are the caller's, and must
 * outlive the symbolizer's results. False: out of memory. */
bool symbolizer_add_frames(struct symbolizer *symbolizer, const struct code_address *address,
                           const struct frame *frames, size_t count);

/* Adds a copy of an ELF image that is not a file: the vdso. It is used for addresses with this module name
 * and its build-id. False: not an ELF image, or out of memory. */
bool symbolizer_add_image(struct symbolizer *symbolizer, const char *module, const void *bytes, size_t size);

/*
 * The frames at an address: inlined calls first, then the function itself; at least one. A file with another
 * build-id is not used: then separate debug files are searched by build-id, and without them the frame has
 * only module + offset. Results are cached. The symbolizer owns the list.
 */
const struct frame_list *symbolize(struct symbolizer *symbolizer, const struct code_address *address);

/*
 * The demangled name of the variable that contains an address, and the offset in the variable. NULL: not
 * known. The symbolizer owns the string.
 */
const char *symbolize_data(struct symbolizer *symbolizer, const struct code_address *address, uint64_t *into);

/* Are both addresses in one function? False if that is not known. */
bool symbolize_same_function(struct symbolizer *symbolizer, const struct code_address *a,
                             const struct code_address *b);

/* Where a variable is in a stack frame: its distance from the canonical frame address (DWARF 5, 6.4), and
 * from the stack pointer at a call. */
struct frame_place {
    int64_t from_cfa, from_sp;
};
/*
 * The name of the local variable or parameter that begins there, if debug information describes one in scope
 * at the address, and its type is an integer, an enumeration, a pointer or a floating-point number, and not
 * atomic. NULL: none. The symbolizer owns the string.
 */
const char *symbolize_scalar(struct symbolizer *symbolizer, const struct code_address *address,
                             const struct frame_place *place);

/* A copy of the string that the symbolizer owns; NULL: out of memory. */
const char *symbolizer_keep(struct symbolizer *symbolizer, const char *string);

/* ---- frames of thread runtimes, and user frames ---- */

/*
 * Does the frame belong to a runtime? The module decides (libc, libstdc++, libgomp, …), the source file
 * (/rustc/, the compiler's headers), or the qualified name of the function (std::…, Rust's std, core, alloc)
 * without its return type and arguments. In libraries that make threads for the user (GLib, libuv, SDL, …),
 * the names of the functions that do so decide. In those without symbols, a frame without a name belongs to
 * the runtime, too.
 */
bool is_runtime_frame(const struct frame *frame);

/* Sets `runtime`, and `framework`: does it belong to a framework that calls the user: libuv, GoogleTest? Its
 * frames are runtime frames, too. They count as the user's in fingerprints of version 0.1, and for rules
 * top:. */
void frame_classify(struct frame *frame);

/*
 * The first and the last user frame of a stack (leaf first). NULL: none. The last one is the function that
 * the user gave the thread to run. The first one is preferably code of the executable, or has source lines
 * outside of /usr. Only without such code is it a frame without a name in a library of the distribution.
 */
const struct frame *innermost_user_frame(const struct frame *frames, size_t count);
const struct frame *outermost_user_frame(const struct frame *frames, size_t count);

/* ---- demangled names of functions, mostly of C++ ---- */

/*
 * The beginning of the arguments: the last opening bracket. NULL: there are none, as in C and Rust, or the
 * bracket is of the returned type ("void (*f(int))(char)") or of operator() itself.
 */
const char *function_arguments(const char *name);

/* The name after the return type, which templates have: "void f<int>". `end`: the beginning of the
 * arguments. */
const char *function_past_type(const char *name, const char *end);

/*
 * Shortens the name step by step, until it has at most `width` bytes: omits the return type, then writes its
 * arguments as (...), then template arguments as <...> and those of enclosing functions as (...). It may
 * still be longer. The caller frees it. NULL: out of memory.
 */
char *function_shorten(const char *name, size_t width);

#endif
