#include "runtime_frames.h"

#include <stddef.h>
#include <string.h>

static const char *const modules[] = {
    "libc.so", "libc-2.", "ld-linux", "ld-2.", "libpthread", "libstdc++", "libc++", "libgcc_s",
    "libgomp", "libomp", "libiomp5", "libtbb", "libthreadleak.so", "libasan", "libtsan", "libubsan",
    "liblsan", "[vdso]",
};

static const char *const files[] = {"/rustc/", "/usr/include/c++/", "/usr/lib/gcc/", "/usr/lib/llvm-",
                                    "/library/std/src/", "/library/core/src/", "/library/alloc/src/"};

static const char *const functions[] = {
    "std::", "__gnu_cxx::", "__cxxabiv1::", "core::", "alloc::", "__rust", "__interceptor_", "__asan_",
};

/* Start-up code, which is linked into the program itself. */
static const char *const whole_names[] = {"_start", "__libc_start_main", "__libc_start_call_main", "clone",
                                          "clone3", "start_thread", "__clone"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool begins_with_one_of(const char *text, const char *const *beginnings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static bool contains_one_of(const char *text, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, parts[i]))
            return true;
    return false;
}

/*
 * The qualified name within a demangled one: "int ns::f<A>(B)" is "ns::f<A>(B)".
 * It begins after the last space that stands outside of brackets and before the
 * argument list; the spaces of "operator new" do not count.
 */
static const char *qualified_name(const char *name)
{
    const char *start = name;
    int depth = 0;
    for (const char *at = name; *at; at++) {
        if (*at == '<' || *at == '[' || *at == '{')
            depth++;
        else if ((*at == '>' && at > name && at[-1] != '-') || *at == ']' || *at == '}')
            depth -= depth > 0;
        if (depth > 0)
            continue;
        if (strncmp(at, "operator", 8) == 0)
            break;
        if (*at == '(' && strncmp(at, "(anonymous namespace)", 21) != 0)
            break;
        if (*at == '(')
            at += 20;
        else if (*at == ' ')
            start = at + 1;
    }
    return start;
}

/* "<std::foo as bar>::call": a method of a trait, named for the type. */
static const char *past_angle(const char *name)
{
    while (*name == '<' || *name == '&' || *name == '*')
        name++;
    return name;
}

bool is_runtime_frame(const struct frame *frame)
{
    if (frame->module) {
        const char *slash = strrchr(frame->module, '/');
        if (begins_with_one_of(slash ? slash + 1 : frame->module, modules, COUNT(modules)))
            return true;
    }
    if (frame->file && contains_one_of(frame->file, files, COUNT(files)))
        return true;
    if (!frame->function)
        return false;
    for (size_t i = 0; i < COUNT(whole_names); i++)
        if (strcmp(frame->function, whole_names[i]) == 0)
            return true;
    return begins_with_one_of(past_angle(qualified_name(frame->function)), functions, COUNT(functions));
}
