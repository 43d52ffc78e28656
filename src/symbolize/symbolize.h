/*
 * From module + offset to function, file and line, with inlined frames.
 *
 * The only file with elfutils headers beside unwind.c.  Works on files, never
 * on a process: what it needs is a module's path and build-id, as the ledger
 * recorded them.  Not thread-safe; one symbolizer per user.
 */
#ifndef THREADLEAK_SYMBOLIZE_SYMBOLIZE_H
#define THREADLEAK_SYMBOLIZE_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbolizer;

/* A code address in an ELF file. */
struct code_address {
    const char *module;      /* path, or NULL: no file is known */
    const uint8_t *build_id; /* may be NULL */
    size_t build_id_len;     /* 0: unknown, then any file at the path is believed */
    uint64_t offset;         /* as the file's own symbols count it */
    uint64_t pc;             /* run-time address, or 0 */
    bool is_return_address;  /* look it up one byte earlier: inside the call */
    bool is_unproven;        /* without a build-id, the file at the path is not believed */
};

/* All strings live as long as the symbolizer, or are NULL: unknown. */
struct frame {
    uint64_t pc;          /* run-time address, 0: unknown */
    uint64_t offset;      /* in the module; as recorded (a return address stays one) */
    const char *module;   /* path */
    const char *build_id; /* hex */
    const char *function; /* demangled */
    const char *file;     /* as the debug information names it, made shorter only by printers */
    int line;             /* 0: unknown */
    bool inlined;         /* this call was inlined into the next frame of the list */
    bool runtime; /* of libc, libstdc++, Rust's std, OpenMP's or another thread runtime: not the user's own */
};

struct frame_list {
    struct frame *frames; /* leaf first */
    size_t count;
};

/* debuginfod: ask servers for missing debug information (they are otherwise
 * never asked, whatever the environment says).  NULL when out of memory. */
struct symbolizer *symbolizer_new(bool debuginfod);
void symbolizer_free(struct symbolizer *symbolizer);

/* An image that is no file, as addresses of a module of this name and its build-id
 * mean it: the vdso.  Copied.  False: not an ELF image, or out of memory. */
bool symbolizer_add_image(struct symbolizer *symbolizer, const char *module, const void *bytes, size_t size);

/*
 * The frames at an address: inlined ones first, then the function itself; at
 * least one.  A file whose build-id differs from the one given is not believed:
 * separate debug files are then searched by build-id, else only module + offset
 * is said.  Equal addresses are looked up once; the answer is the symbolizer's.
 */
const struct frame_list *symbolize(struct symbolizer *symbolizer, const struct code_address *address);

/*
 * The variable around an address of a module's data, demangled, and how far into
 * it the address is.  NULL: none is known.  The string is the symbolizer's.
 */
const char *symbolize_data(struct symbolizer *symbolizer, const struct code_address *address, uint64_t *into);

/* ---- which frames belong to a thread runtime and not to the user's own code ---- */

/*
 * By module (libc, libstdc++, libgomp, …), by source file (/rustc/, the
 * compiler's own headers), or by the function's own qualified name (std::…,
 * Rust's std, core, alloc): not by types in its return value or arguments.
 * Libraries that make threads for the user (GLib, libuv, SDL, …) are told by
 * the names of the functions that do; in those that come without symbols, also
 * by having no name.
 */
bool is_runtime_frame(const struct frame *frame);

/* Of a stack, leaf first, the first frame that is not of a runtime, and the last, which is the function that
 * the user gave the thread to run.  NULL: there is none. */
const struct frame *innermost_user_frame(const struct frame *frames, size_t count);
const struct frame *outermost_user_frame(const struct frame *frames, size_t count);

/* ---- names of functions as demanglers write them, C++'s above all ---- */

/*
 * Where the arguments begin: the last bracket's beginning.  NULL: it has none, as in C and Rust, or
 * they are those of what a function returns ("void (*f(int))(char)"), or of operator() itself.
 */
const char *function_arguments(const char *name);

/* Templates have the type that they return before their name, "void f<int>": past that.  `end`: where
 * the arguments begin. */
const char *function_past_type(const char *name, const char *end);

/*
 * The name without what says least of the function, until it has at most `width` bytes: first without
 * the type that it returns, then its arguments as (...), then those of templates as <...> and of functions
 * that it is within as (...).  It may still be longer.  To be freed; NULL: out of memory.
 */
char *function_shorten(const char *name, size_t width);

#endif
