/* Compiles tests/data/symbolize.* in many ways and looks up the addresses that they print. */
#include <check.h>
#include <errno.h>
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbolize.h"

enum { NAME = 64, PLACES = 128 };

static struct place {
    char name[NAME];
    uint64_t offset;
} places[PLACES];
static size_t place_count;

static char folder[64], program[128], source[256];
static struct symbolizer *symbolizer;

/* ---- building and running ------------------------------------------------------------ */

/* Runs a command; false where it fails. */
__attribute__((format(printf, 1, 2))) static bool try(const char *format, ...)
{
    char command[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    return system(command) == 0;
}

#define run(...) ck_assert(try(__VA_ARGS__))

static bool have(const char *tool)
{
    if (try("command -v %s >/dev/null", tool))
        return true;
    fprintf(stderr, "skipped: no %s here\n", tool);
    return false;
}

static void find_source(const char *ending)
{
    const char *slash = strrchr(__FILE__, '/');
    snprintf(source, sizeof(source), "%.*s/data/symbolize.%s", slash ? (int)(slash - __FILE__) : 1,
             slash ? __FILE__ : ".", ending);
}

static void run_program(void)
{
    FILE *output = popen(program, "r");
    ck_assert_ptr_nonnull(output);
    place_count = 0;
    while (place_count < PLACES &&
           fscanf(output, "%63s %lx", places[place_count].name, &places[place_count].offset) == 2)
        place_count++;
    ck_assert_int_eq(pclose(output), 0);
    ck_assert_uint_gt(place_count, 0);
}

static void build_c(const char *compiler)
{
    find_source("c");
    run("%s -D_GNU_SOURCE -o %s %s", compiler, program, source);
    run_program();
}

static void build_cxx(const char *compiler)
{
    find_source("cpp");
    run("%s -fno-omit-frame-pointer -w -pthread -o %s %s", compiler, program, source);
    run_program();
}

static uint64_t offset_of(const char *name)
{
    for (size_t i = 0; i < place_count; i++)
        if (strcmp(places[i].name, name) == 0)
            return places[i].offset;
    ck_abort_msg("the program did not print %s", name);
}

/* The line of the source with this comment. */
static int line_of(const char *comment)
{
    char line[512], wanted[NAME];
    int number = 0;
    FILE *file = fopen(source, "r");
    ck_assert_ptr_nonnull(file);
    snprintf(wanted, sizeof(wanted), "/* %s */", comment);
    while (fgets(line, sizeof(line), file)) {
        number++;
        if (strstr(line, wanted)) {
            fclose(file);
            return number;
        }
    }
    ck_abort_msg("no %s in %s", wanted, source);
}

/* ---- looking up ---------------------------------------------------------------------------- */

static const struct frame_list *look_up(const char *name)
{
    struct code_address address = {.module = program,
                                   .offset = offset_of(name),
                                   .pc = 0x1000000 + offset_of(name),
                                   .is_return_address = true};
    const struct frame_list *list = symbolize(symbolizer, &address);
    ck_assert_uint_ge(list->count, 1);
    for (size_t i = 0; i < list->count; i++) {
        ck_assert_uint_eq(list->frames[i].pc, address.pc);
        ck_assert_uint_eq(list->frames[i].offset, address.offset);
        ck_assert_str_eq(list->frames[i].module, program);
        ck_assert_int_eq(list->frames[i].inlined, i + 1 < list->count);
    }
    return list;
}

static const struct frame_list *look_up_plain(uint64_t offset)
{
    struct code_address address = {.module = program, .offset = offset};
    return symbolize(symbolizer, &address);
}

static void check_frame(const struct frame *frame, const char *function, const char *comment)
{
    ck_assert_pstr_eq(frame->function, function);
    ck_assert_ptr_nonnull(frame->file);
    ck_assert_msg(strcmp(frame->file, source) == 0 || strstr(frame->file, "/data/symbolize.c"), "%s",
                  frame->file);
    ck_assert_int_eq(frame->line, line_of(comment));
    ck_assert(!frame->runtime);
}

static void check_one(const char *name, const char *function)
{
    const struct frame_list *list = look_up(name);
    ck_assert_uint_eq(list->count, 1);
    check_frame(&list->frames[0], function, name);
}

static void check_chain(void)
{
    const struct frame_list *list = look_up("chain");
    ck_assert_uint_eq(list->count, 3);
    check_frame(&list->frames[0], "inner", "chain inner");
    check_frame(&list->frames[1], "middle", "chain middle");
    check_frame(&list->frames[2], "outer", "chain outer");
}

static void check_c(void)
{
    check_one("plain", "plain");
    check_one("hidden", "hidden");
    check_one("noreturn", "last_words");
    check_chain();
}

static void check_only_symbol(const char *name, const char *function)
{
    const struct frame_list *list = look_up(name);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_pstr_eq(list->frames[0].function, function);
    ck_assert_ptr_null(list->frames[0].file);
    ck_assert_int_eq(list->frames[0].line, 0);
}

static void start_again(void)
{
    symbolizer_free(symbolizer);
    symbolizer = symbolizer_new(false);
    ck_assert_ptr_nonnull(symbolizer);
}

static void setup(void)
{
    strcpy(folder, "/tmp/check_symbolize.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(program, sizeof(program), "%s/program", folder);
    symbolizer = symbolizer_new(false);
    ck_assert_ptr_nonnull(symbolizer);
}

static void teardown(void)
{
    symbolizer_free(symbolizer);
    run("rm -rf %s", folder);
}

/* ---- debug information in the file --------------------------------------------------------- */

static const struct {
    const char *compiler;
    const char *options;
} builds[] = {
    {"gcc", "-O0 -g"},
    {"gcc", "-O2 -g"},
    {"gcc", "-O2 -g1"},
    {"gcc", "-O0 -g -gdwarf-4"},
    {"gcc", "-O2 -g -gdwarf-4"},
    {"gcc", "-O2 -g -gdwarf-5"},
    {"gcc", "-O2 -g -no-pie"},
    {"gcc", "-O2 -g -flto"},
    {"gcc", "-O2 -g -gz=zlib"},
    {"gcc", "-O2 -g -gsplit-dwarf"},
    {"gcc", "-O2 -g -gdwarf-4 -gsplit-dwarf"},
    {"gcc", "-O2 -g -DSHORT -ffunction-sections -Wl,--gc-sections"},
    {"clang", "-O0 -g"},
    {"clang", "-O2 -g"},
    {"clang", "-O2 -g -gdwarf-4"},
    {"clang", "-O2 -g -gdwarf-5"},
    {"clang", "-O2 -gline-tables-only"},
    {"clang", "-O2 -g -DSHORT -ffunction-sections -Wl,--gc-sections"},
};

START_TEST(c_programs)
{
    char command[256];
    if (!have(builds[_i].compiler))
        return;
    snprintf(command, sizeof(command), "%s %s", builds[_i].compiler, builds[_i].options);
    build_c(command);
    check_c();
}
END_TEST

/* libdw cannot tell a long dropped function's lines from those of others: then there is none. */
START_TEST(dropped_functions)
{
    build_c(_i ? "gcc -O2 -g -gdwarf-4 -ffunction-sections -Wl,--gc-sections"
               : "gcc -O2 -g -ffunction-sections -Wl,--gc-sections");
    ck_assert_ptr_null(look_up("plain")->frames[0].file);
    check_frame(&look_up("chain")->frames[2], "outer", "chain outer");
    check_only_symbol("hidden", "hidden");
}
END_TEST

START_TEST(relative_folders_come_once)
{
    find_source("c");
    run("cp %s %s/symbolize.c && cd %s && gcc -D_GNU_SOURCE -O2 -g -fdebug-prefix-map=%s=build -o program "
        "symbolize.c",
        source, folder, folder, folder);
    run_program();
    const struct frame_list *list = look_up("chain");
    ck_assert_uint_eq(list->count, 3);
    for (size_t i = 0; i < list->count; i++)
        ck_assert_pstr_eq(list->frames[i].file, "build/symbolize.c");
}
END_TEST

/* A return address belongs to the call before it, even where another function follows. */
START_TEST(return_and_plain_addresses)
{
    build_c("gcc -O2 -g -fno-reorder-functions -fno-toplevel-reorder");
    ck_assert_uint_eq(offset_of("entry"), look_up_plain(offset_of("entry"))->frames[0].offset);
    ck_assert_pstr_eq(look_up_plain(offset_of("entry"))->frames[0].function, "plain");
    ck_assert_pstr_ne(look_up("entry")->frames[0].function, "plain");
    check_one("noreturn", "last_words");
    ck_assert_pstr_eq(look_up_plain(offset_of("after"))->frames[0].function, "after_last_words");
    const struct frame *behind = &look_up_plain(offset_of("noreturn"))->frames[0];
    ck_assert(!behind->function || strcmp(behind->function, "last_words") != 0);
}
END_TEST

START_TEST(offset_zero_is_nowhere)
{
    build_c("gcc -O0 -g");
    struct code_address address = {.module = program, .is_return_address = true};
    ck_assert_ptr_null(symbolize(symbolizer, &address)->frames[0].function);
    ck_assert_ptr_null(look_up_plain(0)->frames[0].function);
    ck_assert_ptr_null(look_up_plain(UINT64_MAX)->frames[0].function);
}
END_TEST

START_TEST(startup_is_runtime)
{
    build_c("gcc -O0 -g");
    char line[256], name[NAME];
    uint64_t offset = 0, at;
    snprintf(line, sizeof(line), "nm %s", program);
    FILE *symbols = popen(line, "r");
    ck_assert_ptr_nonnull(symbols);
    while (fgets(line, sizeof(line), symbols))
        if (sscanf(line, "%lx %*c %63s", &at, name) == 2 && strcmp(name, "_start") == 0)
            offset = at;
    pclose(symbols);
    const struct frame *frame = &look_up_plain(offset)->frames[0];
    ck_assert_pstr_eq(frame->function, "_start");
    ck_assert(frame->runtime);
}
END_TEST

START_TEST(equal_addresses_are_looked_up_once)
{
    build_c("gcc -O2 -g");
    const struct frame_list *first = look_up("chain");
    look_up("plain");
    ck_assert_ptr_eq(look_up("chain"), first);
    ck_assert_ptr_ne(look_up_plain(offset_of("chain")), first);
    run("rm %s", program);
    ck_assert_ptr_eq(look_up("chain"), first);
    check_one("hidden", "hidden");
    ck_assert_ptr_eq(look_up("plain")->frames[0].file, look_up("hidden")->frames[0].file);
}
END_TEST

/* ---- less and less information ------------------------------------------------------------- */

START_TEST(symbols_without_debug_information)
{
    build_c("gcc -O2 -g0");
    check_only_symbol("plain", "plain");
    check_only_symbol("hidden", "hidden");
    check_only_symbol("chain", "outer");
    check_only_symbol("noreturn", "last_words");
}
END_TEST

START_TEST(stripped_keeps_exported_symbols)
{
    build_c("gcc -O2 -g -rdynamic");
    run("strip %s", program);
    check_only_symbol("plain", "plain");
    check_only_symbol("chain", "outer");
    check_only_symbol("hidden", NULL); /* not the name of what stands before it */
}
END_TEST

START_TEST(stripped_without_exported_symbols)
{
    build_c("gcc -O2 -g");
    run("strip %s", program);
    check_only_symbol("plain", NULL);
    check_only_symbol("hidden", NULL);
}
END_TEST

static void split_debug_file(const char *where)
{
    run("cd %s && mkdir -p %s && objcopy --only-keep-debug program %s/program.debug && "
        "objcopy --strip-all program && objcopy --add-gnu-debuglink=%s/program.debug program",
        folder, where, where, where);
}

START_TEST(debug_link)
{
    build_c("gcc -O2 -g");
    split_debug_file(_i ? ".debug" : ".");
    check_c();
}
END_TEST

START_TEST(debug_link_to_another_build)
{
    build_c("gcc -O2 -g -Wl,--build-id=none");
    split_debug_file(".");
    run("echo more >>%s.debug", program);
    check_only_symbol("plain", NULL);
}
END_TEST

START_TEST(alternative_debug_link)
{
    if (!have("dwz"))
        return;
    build_c("gcc -O2 -g -gdwarf-4");
    run("cd %s && cp program twin && dwz -m common program twin && readelf -S program | grep -q "
        "gnu_debugaltlink",
        folder);
    check_c();
}
END_TEST

/* Puts an empty folder in the place of /usr/lib/debug, for this process and its children alone. */
static bool own_debug_folder(void)
{
    if (access("/usr/lib/debug", F_OK) == 0 && unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", "", MS_REC | MS_PRIVATE, "") == 0 &&
        mount("none", "/usr/lib/debug", "tmpfs", 0, "") == 0)
        return true;
    fprintf(stderr, "skipped: no mount of our own over /usr/lib/debug: %s\n", strerror(errno));
    return false;
}

/* ---- between symbols -------------------------------------------------------------------- */

/* An address behind a symbol's end has no name, whatever stands before it. */
START_TEST(symbols_end_where_they_say)
{
    snprintf(source, sizeof(source), "%s/gap.s", folder);
    FILE *file = fopen(source, "w");
    ck_assert_ptr_nonnull(file);
    fputs(".text\n.globl sized, unsized, next, alone\n.type sized, @function\n.type unsized, @function\n"
          ".type next, @function\n.type alone, @function\n"
          "sized: .fill 16, 1, 0x90\n.size sized, 16\ngap: .fill 16, 1, 0x90\n"
          "unsized: .fill 16, 1, 0x90\nnext: .fill 16, 1, 0x90\n.size next, 16\nend: .fill 16, 1, 0x90\n"
          ".section .text.other, \"ax\"\nalone: .fill 16, 1, 0x90\n"
          ".section .more, \"ax\"\nmore: .fill 16, 1, 0x90\n"
          ".section .note.GNU-stack, \"\", @progbits\n",
          file);
    fclose(file);
    run("cd %s && gcc -shared -nostdlib -Wl,--build-id=none -o program gap.s && nm program >all && "
        "strip %s program && nm -D program >left && ! grep -q gap left",
        folder, _i ? "-s" : "-N gap -N end -N more");
    struct {
        const char *symbol;
        int into;
        const char *function;
    } expected[] = {
        {"sized", -1, NULL},    {"sized", 0, "sized"},     {"sized", 15, "sized"},     {"gap", 0, NULL},
        {"gap", 15, NULL},      {"unsized", 0, "unsized"}, {"unsized", 15, "unsized"}, {"next", 0, "next"},
        {"next", 15, "next"},   {"end", 0, NULL},          {"end", 15, NULL},          {"alone", 0, "alone"},
        {"alone", 15, "alone"}, {"more", 0, NULL},         {"more", 15, NULL},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        char command[256];
        uint64_t at;
        snprintf(command, sizeof(command), "sed -n 's/ . %s$//p' %s/all", expected[i].symbol, folder);
        FILE *output = popen(command, "r");
        ck_assert_ptr_nonnull(output);
        ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
        pclose(output);
        const char *function = look_up_plain(at + (uint64_t)expected[i].into)->frames[0].function;
        ck_assert_msg(expected[i].function ? function && !strcmp(function, expected[i].function) : !function,
                      "%s%+d: %s", expected[i].symbol, expected[i].into, function);
    }
}
END_TEST

/* ---- names people know -------------------------------------------------------------------- */

static void build_library(const char *text, const char *options)
{
    snprintf(source, sizeof(source), "%s/library.c", folder);
    FILE *file = fopen(source, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    run("gcc -O1 -shared -fPIC -o %s %s %s", program, options, source);
    run("nm %s >%s/all", program, folder);
}

static const char *name_at(const char *symbol, uint64_t into)
{
    char command[256];
    uint64_t at;
    snprintf(command, sizeof(command), "sed -n 's/ . %s$//p' %s/all", symbol, folder);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
    pclose(output);
    return look_up_plain(at + into)->frames[0].function;
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
        folder);
    char options[200];
    snprintf(options, sizeof(options), "%s -Wl,--version-script=%s/map", _i == 0 ? "-g" : "-g0", folder);
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
    snprintf(command, sizeof(command), "sed -n 's/ . outer$//p' %s/all", folder);
    FILE *output = popen(command, "r");
    ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
    pclose(output);
    const struct frame_list *list = NULL;
    for (int into = 0; into < 16 && (!list || list->count < 2); into++)
        list = look_up_plain(at + (uint64_t)into);
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

/* Looked up as a file of its own, without a build-id by which its debug file would be found. */
START_TEST(libc_is_called_by_its_names)
{
    static const char *const names[] = {
        "pthread_cond_wait", "pthread_mutex_lock", "sleep", "raise", "nanosleep", "poll", "read",
        "epoll_wait"};
    if (_i == 1 && !own_debug_folder())
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
            fprintf(stderr, "skipped: no debug information of libc here\n");
    }
}
END_TEST

/* ---- which file is believed --------------------------------------------------------------------- */

static uint8_t build_id[20];

static void read_build_id(void)
{
    char command[256], hex[41];
    snprintf(command, sizeof(command), "readelf -n %s | sed -n 's/.*Build ID: //p'", program);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(fscanf(output, "%40s", hex), 1);
    pclose(output);
    for (size_t i = 0; i < sizeof(build_id); i++)
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &build_id[i]), 1);
}

static const struct frame_list *look_up_with_id(const char *name)
{
    struct code_address address = {.module = program,
                                   .offset = offset_of(name),
                                   .is_return_address = true,
                                   .build_id = build_id,
                                   .build_id_len = sizeof(build_id)};
    return symbolize(symbolizer, &address);
}

static void check_nothing_known(const struct frame_list *list, const char *module)
{
    ck_assert_uint_eq(list->count, 1);
    ck_assert_pstr_eq(list->frames[0].module, module);
    ck_assert_ptr_null(list->frames[0].function);
    ck_assert_ptr_null(list->frames[0].file);
    ck_assert_int_eq(list->frames[0].line, 0);
    ck_assert(!list->frames[0].inlined);
}

START_TEST(the_right_build_id)
{
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    const struct frame_list *list = look_up_with_id("chain");
    ck_assert_uint_eq(list->count, 3);
    char hex[41];
    for (size_t i = 0; i < sizeof(build_id); i++)
        snprintf(hex + 2 * i, 3, "%02x", build_id[i]);
    for (size_t i = 0; i < list->count; i++)
        ck_assert_pstr_eq(list->frames[i].build_id, hex);
    ck_assert_ptr_null(look_up("chain")->frames[0].build_id);
}
END_TEST

START_TEST(another_build_id)
{
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    build_c("gcc -O0 -g -Wl,--build-id=sha1");
    check_nothing_known(look_up_with_id("plain"), program);
    ck_assert_uint_eq(look_up_with_id("plain")->frames[0].offset, offset_of("plain"));
    ck_assert_ptr_nonnull(look_up_with_id("plain")->frames[0].build_id);
    start_again();
    build_c("gcc -O2 -g -Wl,--build-id=none");
    check_nothing_known(look_up_with_id("plain"), program);
    check_one("plain", "plain"); /* nobody said which one it must be */
}
END_TEST

static void put_under_build_id(const char *file, const char *ending)
{
    char path[128], *at = path + sprintf(path, "/usr/lib/debug/.build-id/%02x/", build_id[0]);
    run("mkdir -p %s", path);
    for (size_t i = 1; i < sizeof(build_id); i++)
        at += sprintf(at, "%02x", build_id[i]);
    run("cp %s %s%s", file, path, ending);
}

START_TEST(debug_files_by_build_id)
{
    if (!own_debug_folder())
        return;
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    run("objcopy --only-keep-debug %s %s/separate && strip %s", program, folder, program);
    put_under_build_id(program, ".other");
    if (_i == 0) {
        check_nothing_known(look_up_with_id("chain"), program);
        start_again();
    } else if (_i == 1) { /* the file is gone */
        run("rm %s", program);
    } else { /* the file is another one by now */
        run("cp /bin/true %s", program);
    }
    char file[160];
    snprintf(file, sizeof(file), "%s/separate", folder);
    put_under_build_id(file, ".debug");
    const struct frame_list *list = look_up_with_id("chain");
    ck_assert_uint_eq(list->count, 3);
    check_frame(&list->frames[0], "inner", "chain inner");
    check_frame(&list->frames[2], "outer", "chain outer");
    ck_assert_pstr_eq(list->frames[0].module, program);
}
END_TEST

START_TEST(files_that_are_none)
{
    char garbage[160], pipe[160], cut[160];
    snprintf(garbage, sizeof(garbage), "%s/garbage", folder);
    snprintf(cut, sizeof(cut), "%s/cut", folder);
    snprintf(pipe, sizeof(pipe), "%s/pipe", folder);
    build_c("gcc -O2 -g");
    run("head -c 10000 /dev/urandom >%s && head -c 3000 %s >%s", garbage, program, cut);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    const char *const names[] = {garbage,     cut,         pipe,       folder,   "/nonexistent/file",
                                 "/dev/null", "/dev/zero", "/dev/tty", "[vdso]", "",
                                 "[heap]",    ".",         "/"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct code_address address = {.module = names[i], .offset = offset_of("plain"), .pc = 1};
        const struct frame_list *list = symbolize(symbolizer, &address);
        check_nothing_known(list, names[i]);
        ck_assert_uint_eq(list->frames[0].offset, offset_of("plain"));
        ck_assert_int_eq(list->frames[0].runtime, strcmp(names[i], "[vdso]") == 0);
    }
}
END_TEST

/* Relative to what?  The program's folder of that time is not ours. */
START_TEST(relative_paths_are_not_believed)
{
    build_c("gcc -O2 -g");
    ck_assert_int_eq(chdir(folder), 0);
    struct code_address address = {.module = "program", .offset = offset_of("plain")};
    check_nothing_known(symbolize(symbolizer, &address), "program");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(no_module)
{
    struct code_address address = {.pc = 0x7f0012345678, .offset = 0x7f0012345678};
    const struct frame_list *list = symbolize(symbolizer, &address);
    check_nothing_known(list, NULL);
    ck_assert_uint_eq(list->frames[0].pc, address.pc);
    ck_assert_ptr_eq(symbolize(symbolizer, &address), list);
    address.pc++;
    ck_assert_uint_eq(symbolize(symbolizer, &address)->frames[0].pc, address.pc);
}
END_TEST

/* Damage anywhere in the file: any answer will do, but there must be one. */
START_TEST(damaged_files)
{
    build_c("gcc -O2 -g");
    struct stat status;
    ck_assert_int_eq(stat(program, &status), 0);
    srand(1);
    for (int round = 0; round < 60; round++) {
        start_again();
        char copy[160];
        snprintf(copy, sizeof(copy), "%s.%d", program, round);
        run("cp %s %s", program, copy);
        int fd = open(copy, O_WRONLY);
        for (int i = 0; i < 100; i++) {
            uint8_t byte = (uint8_t)rand();
            ck_assert_int_eq(pwrite(fd, &byte, 1, 64 + rand() % (status.st_size - 64)), 1);
        }
        close(fd);
        for (size_t i = 0; i < place_count; i++) {
            struct code_address address = {.module = copy, .offset = places[i].offset};
            ck_assert_uint_ge(symbolize(symbolizer, &address)->count, 1);
        }
    }
}
END_TEST

/* ---- C++ and Rust -------------------------------------------------------------------------------- */

static const char *const cxx_builds[] = {"g++ -O0 -g", "g++ -O0", "clang++ -O0 -g", "g++ -O2 -g"};

static void check_function(const char *name, const char *function, bool runtime)
{
    const struct frame_list *list = look_up(name);
    const struct frame *frame = &list->frames[list->count - 1];
    ck_assert_pstr_eq(frame->function, function);
    ck_assert_msg(frame->runtime == runtime, "%s", function);
}

static void check_runtime(const char *name, const char *part)
{
    const struct frame_list *list = look_up(name);
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
    const struct frame *lambda = &look_up("lambda")->frames[0];
    ck_assert_msg(strncmp(lambda->function, "app::lambdas()::", 16) == 0, "%s", lambda->function);
    ck_assert(!lambda->runtime);
}
END_TEST

START_TEST(an_inlined_lambda_has_a_full_name)
{
    build_cxx("g++ -O2 -g");
    const struct frame_list *list = look_up("inlined_lambda");
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
        const struct frame_list *list = look_up(places[i].name);
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
    if (!try("env -u MAKEFLAGS rustc %s -o %s %s 2>%s/errors", options[_i], program, source, folder)) {
        fprintf(stderr, "skipped: rustc %s does not do\n", options[_i]);
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
    ck_assert_ptr_null(strstr(look_up("body0")->frames[0].function, "17h"));
}
END_TEST

/* ---- servers ----------------------------------------------------------------------------------------- */

/* Answers "404" to all who ask, and writes a byte into the pipe for each. */
static pid_t start_server(int asked, char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%d", ntohs(address.sin_port));
    pid_t child = fork();
    if (child == 0) {
        static const char answer[] = "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        char request[4096];
        alarm(60);
        for (;;) {
            int peer = accept(listener, NULL, NULL);
            if (write(asked, "", 1) != 1 || read(peer, request, sizeof(request)) < 0 ||
                write(peer, answer, sizeof(answer) - 1) < 0)
                _exit(1);
            close(peer);
        }
    }
    close(listener);
    return child;
}

static bool was_asked(int fd)
{
    char bytes[16];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1 && read(fd, bytes, sizeof(bytes)) > 0;
}

START_TEST(servers_are_asked_only_on_demand)
{
    int asked[2];
    char url[64];
    build_c("gcc -O2 -Wl,--build-id=sha1");
    run("strip %s", program);
    read_build_id();
    ck_assert_int_eq(pipe(asked), 0);
    pid_t server = start_server(asked[1], url, sizeof(url));
    setenv("DEBUGINFOD_URLS", url, 1);
    setenv("DEBUGINFOD_CACHE_PATH", folder, 1);
    setenv("DEBUGINFOD_TIMEOUT", "5", 1);
    setenv("no_proxy", "127.0.0.1", 1);
    check_nothing_known(look_up_with_id("plain"), program);
    ck_assert_msg(!was_asked(asked[0]), "a server was asked");
    ck_assert_str_eq(getenv("DEBUGINFOD_URLS"), url);
    symbolizer_free(symbolizer);
    symbolizer = symbolizer_new(true);
    check_nothing_known(look_up_with_id("plain"), program);
    if (!was_asked(asked[0]))
        fprintf(stderr, "skipped: no libdebuginfod here\n");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
END_TEST

/* ---- speed --------------------------------------------------------------------------------------------- */

static void write_many_functions(int count)
{
    snprintf(source, sizeof(source), "%s/many.c", folder);
    FILE *file = fopen(source, "w");
    ck_assert_ptr_nonnull(file);
    fputs(
        "#include <stdio.h>\nextern char __executable_start[]; volatile int sink;\n"
        "static inline __attribute__((always_inline)) void add(int n) { sink += n; sink *= n; sink -= n; }\n",
        file);
    for (int i = 0; i < count; i++)
        fprintf(file, "__attribute__((noinline)) void f%d(void)\n{\n    sink++;\n    add(%d);\n}\n", i, i);
    fprintf(file,
            "int main(void) { printf(\"first %%#lx\\nlast %%#lx\\n\", (char *)f0 - __executable_start, "
            "(char *)f%d - __executable_start); }\n",
            count - 1);
    fclose(file);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(ten_thousand_addresses)
{
#ifdef __SANITIZE_ADDRESS__
    const double bound = 5;
#else
    const double bound = 1;
#endif
    enum { FUNCTIONS = 2500, ADDRESSES = 10000 };
    write_many_functions(FUNCTIONS);
    run("gcc -O2 -g -fno-toplevel-reorder -o %s %s", program, source);
    run_program();
    uint64_t first = offset_of("first"), step = (offset_of("last") - first) / ADDRESSES;
    ck_assert_uint_ge(step, 1);
    size_t inlined = 0, known = 0;
    double start = seconds();
    for (uint64_t i = 0; i < ADDRESSES; i++) {
        const struct frame_list *list = look_up_plain(first + i * step);
        inlined += list->count == 2;
        known += list->frames[0].line > 0;
    }
    double taken = seconds() - start;
    ck_assert_uint_gt(inlined, ADDRESSES / 2);
    ck_assert_uint_gt(known, ADDRESSES * 3 / 4); /* padding between functions has none */
    ck_assert_msg(taken < bound, "%.3f s for %d addresses", taken, ADDRESSES);
    printf("%d addresses: %.3f s\n", ADDRESSES, taken);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("symbolize");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, c_programs, 0, sizeof(builds) / sizeof(*builds));
    tcase_add_loop_test(tests, dropped_functions, 0, 2);
    tcase_add_test(tests, relative_folders_come_once);
    tcase_add_test(tests, return_and_plain_addresses);
    tcase_add_test(tests, offset_zero_is_nowhere);
    tcase_add_test(tests, startup_is_runtime);
    tcase_add_test(tests, equal_addresses_are_looked_up_once);
    tcase_add_test(tests, symbols_without_debug_information);
    tcase_add_test(tests, stripped_keeps_exported_symbols);
    tcase_add_test(tests, stripped_without_exported_symbols);
    tcase_add_loop_test(tests, symbols_end_where_they_say, 0, 2);
    tcase_add_loop_test(tests, exported_names_are_said, 0, 3);
    tcase_add_test(tests, exported_names_of_inlined_callers);
    tcase_add_test(tests, mangled_names_have_no_aliases);
    tcase_add_loop_test(tests, libc_is_called_by_its_names, 0, 2);
    tcase_add_loop_test(tests, debug_link, 0, 2);
    tcase_add_test(tests, debug_link_to_another_build);
    tcase_add_test(tests, alternative_debug_link);
    tcase_add_test(tests, the_right_build_id);
    tcase_add_test(tests, another_build_id);
    tcase_add_loop_test(tests, debug_files_by_build_id, 0, 3);
    tcase_add_test(tests, files_that_are_none);
    tcase_add_test(tests, relative_paths_are_not_believed);
    tcase_add_test(tests, no_module);
    tcase_add_test(tests, damaged_files);
    tcase_add_loop_test(tests, cxx_programs, 0, sizeof(cxx_builds) / sizeof(*cxx_builds));
    tcase_add_test(tests, an_inlined_lambda_has_a_full_name);
    tcase_add_loop_test(tests, rust_programs, 0, 4);
    tcase_add_test(tests, servers_are_asked_only_on_demand);
    tcase_add_test(tests, ten_thousand_addresses);
    Suite *suite = suite_create("symbolize");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
