/* What functions are called: one name of several, and those of C++ and Rust. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbolize_program.h"
#include "suite.h"

/* ---- names people know -------------------------------------------------------------------- */

static void build_library(const char *text, const char *options)
{
    snprintf(source, sizeof(source), "%s/library.c", directory);
    FILE *file = fopen(source, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    run("gcc -O1 -shared -fPIC -o %s %s %s", program, options, source);
    run("nm %s >%s/all", program, directory);
}

static const char *name_at(const char *symbol, uint64_t into)
{
    char command[256];
    uint64_t at;
    snprintf(command, sizeof(command), "sed -n 's/ . %s$//p' %s/all", symbol, directory);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
    pclose(output);
    return frames_at(at + into)->frames[0].function;
}

static const char aliases[] =
    "#define SAME(type, as) extern __typeof(as) type __attribute__((alias(#as)))\n"
    "#define LOCAL __attribute__((visibility(\"hidden\")))\n"
    "LOCAL int __own_name(int n) { return n + 1; }\n"
    "SAME(longer_name, __own_name); SAME(name_c, __own_name); SAME(name_b, __own_name);\n"
    "SAME(__n, __own_name);\n"
    "extern __typeof(__own_name) name_d __attribute__((weak, alias(\"__own_name\")));\n"
    "LOCAL int __kept(int n) { return n + 2; }\n"
    "LOCAL int __GI__internal(int n) { return n + 3; }\n"
    "SAME(_internal, __GI__internal); SAME(__a, __GI__internal);\n"
    "LOCAL int __GI_unrelated(int n) { return n + 4; }\n"
    "SAME(__unrelated, __GI_unrelated);\n"
    "int plain_name(int n) { return n + 5; }\n"
    "SAME(p, plain_name);\n"
    "LOCAL int __versioned(int n) { return n + 6; }\n"
    "SAME(v1, __versioned); SAME(v_2, __versioned);\n"
    "__asm__(\".symver v1, old@V1\\n.symver v_2, newer@@V2\");\n";

START_TEST(exported_names_are_said)
{
    run("echo 'V1 { global: longer_name; name_?; __n; _internal; __a; __unrelated; plain_name; p; local: *; "
        "}; V2 {};' "
        ">%s/map",
        directory);
    char options[200];
    snprintf(options, sizeof(options), "%s -Wl,--version-script=%s/map", _i == 0 ? "-g" : "-g0", directory);
    build_library(aliases, options);
    if (_i == 2)
        run("strip %s", program);
    for (int into = 0; into < 2; into++) {
        ck_assert_pstr_eq(name_at("__own_name", into), "name_b");
        ck_assert_pstr_eq(name_at("__kept", into), _i == 2 ? NULL : "__kept");
        ck_assert_pstr_eq(name_at("__versioned", into), "newer");
        if (_i < 1)
            ck_assert_pstr_eq(name_at("plain_name", into), "plain_name");
        if (_i == 0) {
            ck_assert_pstr_eq(name_at("__GI__internal", into), "_internal");
            ck_assert_pstr_eq(name_at("__GI_unrelated", into), "__GI_unrelated");
        }
    }
}
END_TEST

/* The other half of a function, elsewhere, has the name of the whole; a call inlined into it its own. */
START_TEST(exported_names_of_inlined_callers)
{
    build_library("volatile int sink;\n"
                  "static inline __attribute__((always_inline)) void __inner(void) { sink++; }\n"
                  "__attribute__((visibility(\"hidden\"))) void __outer(void) { __inner(); }\n"
                  "void outer(void) __attribute__((alias(\"__outer\")));\n",
                  "-g");
    char command[256];
    uint64_t at;
    snprintf(command, sizeof(command), "sed -n 's/ . outer$//p' %s/all", directory);
    FILE *output = popen(command, "r");
    ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
    pclose(output);
    const struct frame_list *list = NULL;
    for (int into = 0; into < 16 && (!list || list->count < 2); into++)
        list = frames_at(at + (uint64_t)into);
    ck_assert_uint_eq(list->count, 2);
    ck_assert_pstr_eq(list->frames[0].function, "__inner");
    ck_assert_pstr_eq(list->frames[1].function, "outer");
}
END_TEST

/* Mangled names are never taken for reserved ones. */
START_TEST(mangled_names_have_no_aliases)
{
    build_library("__attribute__((visibility(\"hidden\"))) void inner() { }\n"
                  "extern \"C\" void outer() __attribute__((alias(\"_Z5innerv\")));\n",
                  "-g -x c++");
    ck_assert_pstr_eq(name_at("_Z5innerv", 0), "inner()");
}
END_TEST

/* Symbolized as a separate file, without the build-id that would find its debug file. */
START_TEST(libc_is_called_by_its_names)
{
    static const char *const names[] = {
        "pthread_cond_wait", "pthread_mutex_lock", "sleep", "raise", "nanosleep", "poll", "read",
        "epoll_wait"};
    if (_i == 1 && !own_debug_directory())
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        Dl_info info;
        void *function = dlsym(RTLD_DEFAULT, names[i]);
#ifdef __SANITIZE_ADDRESS__
        void *libc = dlopen("libc.so.6", RTLD_LAZY);
        function = dlsym(libc, names[i]);
#endif
        ck_assert_ptr_nonnull(function);
        ck_assert_int_ne(dladdr(function, &info), 0);
        ck_assert_ptr_nonnull(strstr(info.dli_fname, "libc.so.6"));
        char path[512];
        ck_assert_ptr_nonnull(realpath(info.dli_fname, path));
        struct code_address address = {.module = path,
                                       .offset = (uint64_t)((char *)function - (char *)info.dli_fbase)};
        for (int into = 0; into < 4; into++) {
            const struct frame_list *list = symbolize(symbolizer, &address);
            const struct frame *frame = &list->frames[list->count - 1];
            ck_assert_pstr_eq(frame->function, names[i]);
            ck_assert(frame->runtime);
            address.offset += 5;
        }
        if (_i == 0 && i == 0 && !symbolize(symbolizer, &address)->frames[0].file)
            skip("no debug information of libc here");
    }
}
END_TEST

/* ---- C++ and Rust -------------------------------------------------------------------------------- */

static const char *const cxx_builds[] = {"g++ -O0 -g", "g++ -O0", "clang++ -O0 -g", "g++ -O2 -g"};

static void check_function(const char *name, const char *function, bool runtime)
{
    const struct frame_list *list = frames_of(name);
    const struct frame *frame = &list->frames[list->count - 1];
    ck_assert_pstr_eq(frame->function, function);
    ck_assert_msg(frame->runtime == runtime, "%s", function);
}

static void check_runtime(const char *name, const char *part)
{
    const struct frame_list *list = frames_of(name);
    for (size_t i = 0; i < list->count; i++) {
        ck_assert_ptr_nonnull(list->frames[i].function);
        ck_assert_msg(list->frames[i].runtime, "%s", list->frames[i].function);
        ck_assert_msg(strstr(list->frames[i].function, part) != NULL, "%s", list->frames[i].function);
    }
}

START_TEST(cxx_programs)
{
    if (strstr(cxx_builds[_i], "clang") && !have("clang++"))
        return;
    build_cxx(cxx_builds[_i]);
#define STRING "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
#define LONGS "std::vector<long, std::allocator<long> >"
#define PAIRS "std::allocator<std::pair<int const, " LONGS " > >"
    check_function("template",
                   LONGS " app::box<" LONGS " >::put<std::map<int, " LONGS ", std::less<int>, " PAIRS
                         " > >(std::map<int, " LONGS ", std::less<int>, " PAIRS " > const&)",
                   false);
    check_function("returns_std", "app::returns_std(" STRING ")", false);
    check_function("template_returns_std", LONGS " app::template_returns_std<long>(" STRING ")", false);
    check_function("operator", "app::number::operator+(int) const", false);
    check_function("anonymous", "app::(anonymous namespace)::in_anonymous()", false);
    if (strstr(cxx_builds[_i], "-O2"))
        return;
    check_runtime("thread_invoker", "std::__invoke_impl<");
    check_runtime("async_invoker", "std::__invoke_impl<");
    check_runtime("function_invoker", "std::__invoke_impl<");
    const struct frame *lambda = &frames_of("lambda")->frames[0];
    ck_assert_msg(strncmp(lambda->function, "app::lambdas()::", 16) == 0, "%s", lambda->function);
    ck_assert(!lambda->runtime);
}
END_TEST

START_TEST(an_inlined_lambda_has_a_full_name)
{
    build_cxx("g++ -O2 -g");
    const struct frame_list *list = frames_of("inlined_lambda");
    ck_assert_uint_ge(list->count, 2);
    ck_assert_str_eq(list->frames[0].function, "app::lambdas()::{lambda}::operator()");
    ck_assert_str_eq(list->frames[1].function, "app::lambdas()");
    ck_assert(!list->frames[0].runtime && !list->frames[1].runtime);
}
END_TEST

/* Expects a frame of this function somewhere in what the program printed. */
static void check_seen(const char *function, bool runtime)
{
    for (size_t i = 0; i < place_count; i++) {
        const struct frame_list *list = frames_of(places[i].name);
        for (size_t j = 0; j < list->count; j++) {
            const struct frame *frame = &list->frames[j];
            if (!frame->function || !strstr(frame->function, function))
                continue;
            ck_assert_msg(frame->runtime == runtime, "%s, %s", frame->function, frame->file);
            return;
        }
    }
    ck_abort_msg("no frame of %s", function);
}

START_TEST(rust_programs)
{
    static const char *const options[] = {"-g", "", "-g -C symbol-mangling-version=v0",
                                          "-C symbol-mangling-version=v0"};
    if (!have("rustc"))
        return;
    find_source("rs");
    if (!try("env -u MAKEFLAGS rustc %s -o %s %s 2>%s/errors", options[_i], program, source, directory)) {
        skip("rustc %s does not do", options[_i]);
        return;
    }
    run_program();
    check_seen("<symbolize::app::Pool as symbolize::app::Start>::start", false);
    check_seen("symbolize::main", false);
    check_seen(_i < 2 ? "start::{{closure}}" : "start::{closure#0}", false);
    check_seen("std::thread::", true);
    check_seen("std::rt::lang_start", true);
    check_seen("core::ops::function::FnOnce", true);
    check_seen("_start", true);
    ck_assert_ptr_null(strstr(frames_of("body0")->frames[0].function, "17h"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("symbolize_names");
    tcase_add_loop_test(tests, exported_names_are_said, 0, 3);
    tcase_add_test(tests, exported_names_of_inlined_callers);
    tcase_add_test(tests, mangled_names_have_no_aliases);
    tcase_add_loop_test(tests, libc_is_called_by_its_names, 0, 2);
    tcase_add_loop_test(tests, cxx_programs, 0, sizeof(cxx_builds) / sizeof(*cxx_builds));
    tcase_add_test(tests, an_inlined_lambda_has_a_full_name);
    tcase_add_loop_test(tests, rust_programs, 0, 4);
    return program_suite_run("symbolize_names", tests);
}
