#include "symbolize/symbolize.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"

/* Prefixes of file names. No letter may follow: libpthread matches, libpthreadpool does not. */
static const char *const modules[] = {
    "libc.so",  "libc-2.",  "ld-linux",    "ld-2.",    "ld-musl", "libpthread",       "libstdc++", "libc++",
    "libgcc_s", "libgomp",  "libomp",      "libiomp5", "libtbb",  "libthreadleak.so", "libc++abi", "libasan",
    "libtsan",  "libubsan", "libclang_rt", "liblsan",  "libstd",  "[vdso]",
};

/* Directories of the compilers' own sources; those of C++ have a version in their path, see below. */
static const char *const directories[] = {"/rustc/", "/rust/deps/", "/usr/src/rustc-", "/usr/lib/gcc/",
                                          "/usr/lib/llvm-"};
static const char rust_sources[] = "/rustlib/src/rust/library/";

static const char *const functions[] = {
    "std::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "__gnu_parallel::",
    "__rust",
    "__interceptor_",
    "___interceptor_",
    "__asan",
    "__tsan",
    "__sanitizer",

    /* Threads and waits of Boost, which work like std::thread, and of Qt. */
    "boost::thread::",
    "boost::detail::thread_data",
    "boost::(anonymous namespace)::thread_proxy",
    "boost::posix::",
    "boost::mutex::",
    "boost::condition_variable::",
    "QThread::start(",
    "QThreadPrivate::start(",
    "QThread::wait(",
    "QWaitCondition::wait(",
};

/* Libraries without symbols that make threads for the user. A frame without a name in them is between
 * pthread_create and their exported function, or between the start of a thread and the user's function. A
 * frame with a name is classified by its name: a thread in g_main_loop_run is in a call by the user. */
static const char *const nameless_modules[] = {"libglib-2.0", "libgio-2.0", "libSDL2",
                                               "libSDL3",     "libQt5Core", "libQt6Core"};

/* The functions of C libraries that make threads, exported and internal ones. */
static const char *const thread_makers[] = {
    "g_thread_new",
    "g_thread_try_new",
    "g_thread_create",
    "g_thread_create_full",
    "g_thread_new_internal",
    "g_system_thread_new",
    "g_thread_proxy",
    "linux_pthread_proxy",
    "g_thread_pool_new",
    "g_thread_pool_new_full",
    "g_thread_pool_push",
    "g_thread_pool_set_max_threads",
    "g_thread_pool_start_thread",
    "g_thread_pool_spawn_thread",
    "g_thread_pool_thread_proxy",
    "g_thread_pool_wait_for_new_pool",
    "g_thread_pool_wait_for_new_task",
    "g_task_run_in_thread",
    "g_task_run_in_thread_sync",
    "g_task_start_task_thread",
    "g_task_thread_pool_thread",
    "uv_thread_create",
    "uv_thread_create_ex",
    "SDL_CreateThread",
    "SDL_CreateThread_REAL",
    "SDL_CreateThreadRuntime",
    "SDL_CreateThreadWithStackSize",
    "SDL_CreateThreadWithStackSize_REAL",
    "SDL_SYS_CreateThread",
    "SDL_RunThread",
    "apr_thread_create",
};

/* Frameworks that call the user. */
static const char *const framework_modules[] = {"libuv",    "libgc",         "libgtest",
                                                "libgmock", "libgtest_main", "libgmock_main"};
static const char *const framework_functions[] = {
    "uv_",
    "testing::internal::",
    "testing::Test::",
    "testing::TestInfo::",
    "testing::TestSuite::",
    "testing::TestCase::",
    "testing::UnitTest::",
    "RUN_ALL_TESTS(",
    "GC_pthread_create",
    "threadleak_tcase_run_", /* <threadleak/check.h> */
};

/* Rust's crates. A C++ program may have namespaces with these names. */
static const char *const rust_crates[] = {"core::", "alloc::"};

/* Start-up code, which is linked into the program itself. */
static const char *const whole_names[] = {
    "_start",  "__libc_start_main", "__libc_start_call_main", "clone",          "clone3", "start_thread",
    "__clone", "__clone3",          "__libc_start_main_impl", "__libc_csu_init"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ANONYMOUS "(anonymous namespace)"

static bool begins_with_one_of(const char *text, const char *const *beginnings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_begins_with(text, beginnings[i]))
            return true;
    return false;
}

/* ---- modules and files --------------------------------------------------------------- */

static bool is_one_of_modules(const char *path, const char *const *beginnings, size_t count)
{
    const char *name = path_basename(path);
    for (size_t i = 0; i < count; i++) {
        const char *rest = text_begins_with(name, beginnings[i]) ? name + strlen(beginnings[i]) : "x";
        if ((!isalpha((unsigned char)*rest) && *rest != '_') || text_begins_with(rest, "_debug."))
            return true;
    }
    return false;
}

/* …/include/c++/12/thread, …/include/x86_64-linux-gnu/c++/12/…, …/include/c++/v1/thread */
static bool is_cxx_header(const char *file)
{
    const char *include = strstr(file, "/include/");
    const char *cxx = include ? strstr(include, "/c++/") : NULL;
    return cxx && (isdigit((unsigned char)cxx[5]) || text_begins_with(cxx + 5, "v1/"));
}

/* ---- names ------------------------------------------------------------------------------- */

static bool is_word(char character)
{
    return isalnum((unsigned char)character) || character == '_' || character == '$';
}

static bool is_operator(const char *name, const char *at)
{
    return text_begins_with(at, "operator") && !is_word(at[8]) && (at == name || !is_word(at[-1]));
}

/* "decltype (f())": libiberty puts a space there. */
static bool is_decltype(const char *start, const char *at)
{
    return text_begins_with(start, "decltype") && at - start - (at > start && at[-1] == ' ') == 8;
}

/*
 * The qualified name within a demangled one: "int ns::f<A>(B)" is "ns::f<A>(B)". It begins after the last
 * space outside of brackets and before the argument list. Also returns the argument list (NULL: none, as in
 * Rust). The spaces and brackets of "operator new" and "operator<" do not count.
 */
static const char *qualified_name(const char *name, const char **arguments)
{
    const char *start = name;
    int depth = 0;
    *arguments = NULL;
    for (const char *at = name; *at; at++) {
        bool arrow = *at == '>' && at > name && at[-1] == '-';
        if (is_operator(name, at) && depth == 0) {
            *arguments = at;
            break;
        }
        if (text_begins_with(at, ANONYMOUS)) {
            at += strlen(ANONYMOUS) - 1;
        } else if (depth == 0 && *at == '(' && !is_decltype(start, at)) {
            *arguments = at;
            break;
        } else if (strchr("<[{(", *at)) {
            depth++;
        } else if (strchr(">]})", *at) && !arrow) {
            depth -= depth > 0;
        } else if (depth == 0 && *at == ' ' && (at[1] != '(' || text_begins_with(at + 1, ANONYMOUS))) {
            start = at + 1;
        }
    }
    return start;
}

/* The end of the bracket that opens at name, or NULL. */
static const char *closing(const char *name)
{
    int depth = 0;
    for (; *name; name++) {
        if (*name == '<')
            depth++;
        else if (*name == '>' && name[-1] != '-' && --depth == 0)
            return name;
    }
    return NULL;
}

/* " as " outside of inner brackets, or NULL. */
static const char *find_as(const char *name, const char *end)
{
    int depth = 0;
    for (const char *at = name; at < end; at++) {
        if (strchr("<([", *at))
            depth++;
        else if (strchr(">)]", *at) && at[-1] != '-')
            depth--;
        else if (depth == 0 && text_begins_with(at, " as "))
            return at;
    }
    return NULL;
}

/* Compares prefixes. Names with arguments are C++ names. */
static bool is_runtime_name(const char *name, const char *arguments)
{
    return begins_with_one_of(name, functions, COUNT(functions)) ||
           (!arguments && begins_with_one_of(name, rust_crates, COUNT(rust_crates)));
}

/* References, pointers, slices and tuples count as the type that they begin with. */
static const char *past_modifiers(const char *type)
{
    static const char *const modifiers[] = {"&", "*", "mut ", "const ", "dyn ", "[", "(", "'_ "};
    for (size_t i = 0; i < COUNT(modifiers); i++)
        if (text_begins_with(type, modifiers[i])) {
            type += strlen(modifiers[i]);
            i = (size_t)-1;
        }
    return type;
}

/* Is the name of the type a path? u32 and a generic T are not. */
static bool is_path(const char *type, const char *end)
{
    while (type < end && is_word(*type))
        type++;
    return type + 1 < end && type[0] == ':' && type[1] == ':';
}

/*
 * Classifies a method by its type: "<app::Foo as core::ops::FnOnce<()>>::call_once" is app's, and so is
 * "<alloc::vec::Vec<u8> as app::Job>::run"; "<T as core::convert::Into<U>>::into" is core's.
 */
static const char *owner_of_method(const char *name)
{
    const char *end = *name == '<' ? closing(name) : NULL;
    if (!end)
        return name;
    const char *type = past_modifiers(name + 1), *as = find_as(name + 1, end);
    if (*type == '<')
        return owner_of_method(type);
    if (!as)
        return type;
    const char *trait = as + strlen(" as ");
    return is_path(type, as) && is_runtime_name(trait, NULL) ? type : trait;
}

/* Accepts clones by the compiler: "start.constprop.0". */
static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_begins_with(name, names[i]) && (!name[strlen(names[i])] || name[strlen(names[i])] == '.'))
            return true;
    return false;
}

static bool is_runtime_function(const char *function)
{
    if (is_one_of(function, whole_names, COUNT(whole_names)) ||
        is_one_of(function, thread_makers, COUNT(thread_makers)))
        return true;
    /* Only Rust names begin with a bracket. */
    const char *arguments = NULL;
    const char *name = *function == '<' ? owner_of_method(function) : qualified_name(function, &arguments);
    return is_runtime_name(name, arguments);
}

bool is_runtime_frame(const struct frame *frame)
{
    if (frame->module && is_one_of_modules(frame->module, modules, COUNT(modules)))
        return true;
    if (frame->module && !frame->function &&
        is_one_of_modules(frame->module, nameless_modules, COUNT(nameless_modules)))
        return true;
    if (frame->file && (begins_with_one_of(frame->file, directories, COUNT(directories)) ||
                        strstr(frame->file, rust_sources) || is_cxx_header(frame->file)))
        return true;
    return frame->function && is_runtime_function(frame->function);
}

static bool is_framework_frame(const struct frame *frame)
{
    if (frame->module && is_one_of_modules(frame->module, framework_modules, COUNT(framework_modules)))
        return true;
    const char *arguments;
    return frame->function && begins_with_one_of(qualified_name(frame->function, &arguments),
                                                 framework_functions, COUNT(framework_functions));
}

void frame_classify(struct frame *frame)
{
    bool runtime = is_runtime_frame(frame);
    frame->framework = !runtime && is_framework_frame(frame);
    frame->runtime = runtime || frame->framework;
}
