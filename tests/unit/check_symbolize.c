/* Compiles tests/data/symbolize.c in many ways and symbolizes the addresses that it prints. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbolize_program.h"
#include "suite.h"

/* ---- debug information in the file --------------------------------------------------------- */

/* The first are those that differ most in what they leave to read; the others are for `make soak`. */
enum { SEVERAL_BUILDS = 8 };
static const struct {
    const char *compiler;
    const char *options;
} builds[] = {
    {"gcc", "-O0 -g"},
    {"gcc", "-O2 -g"},
    {"gcc", "-O2 -g -gdwarf-4 -gsplit-dwarf"},
    {"gcc", "-O2 -g -flto"},
    {"gcc", "-O2 -g -gz=zlib"},
    {"gcc", "-O2 -g -DSHORT -ffunction-sections -Wl,--gc-sections"},
    {"clang", "-O2 -g"},
    {"clang", "-O2 -gline-tables-only"},
    {"gcc", "-O2 -g1"},
    {"gcc", "-O0 -g -gdwarf-4"},
    {"gcc", "-O2 -g -gdwarf-4"},
    {"gcc", "-O2 -g -gdwarf-5"},
    {"gcc", "-O2 -g -no-pie"},
    {"gcc", "-O2 -g -gsplit-dwarf"},
    {"clang", "-O0 -g"},
    {"clang", "-O2 -g -gdwarf-4"},
    {"clang", "-O2 -g -gdwarf-5"},
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

/* libdw mixes the lines of a long dropped function with others; then the frame has no line. */
START_TEST(dropped_functions)
{
    build_c(_i ? "gcc -O2 -g -gdwarf-4 -ffunction-sections -Wl,--gc-sections"
               : "gcc -O2 -g -ffunction-sections -Wl,--gc-sections");
    ck_assert_ptr_null(frames_of("plain")->frames[0].file);
    check_frame(&frames_of("chain")->frames[2], "outer", "chain outer");
    check_only_symbol("hidden", "hidden");
}
END_TEST

START_TEST(relative_directories_come_once)
{
    find_source("c");
    run("cp %s %s/symbolize.c && cd %s && gcc -D_GNU_SOURCE -O2 -g -fdebug-prefix-map=%s=build -o program "
        "symbolize.c",
        source, directory, directory, directory);
    run_program();
    const struct frame_list *list = frames_of("chain");
    ck_assert_uint_eq(list->count, 3);
    for (size_t i = 0; i < list->count; i++)
        ck_assert_pstr_eq(list->frames[i].file, "build/symbolize.c");
}
END_TEST

/* A return address belongs to the call before it, even where another function follows. */
START_TEST(return_and_plain_addresses)
{
    build_c("gcc -O2 -g -fno-reorder-functions -fno-toplevel-reorder");
    ck_assert_uint_eq(offset_of("entry"), frames_at(offset_of("entry"))->frames[0].offset);
    ck_assert_pstr_eq(frames_at(offset_of("entry"))->frames[0].function, "plain");
    ck_assert_pstr_ne(frames_of("entry")->frames[0].function, "plain");
    check_one("noreturn", "last_words");
    ck_assert_pstr_eq(frames_at(offset_of("after"))->frames[0].function, "after_last_words");
    const struct frame *behind = &frames_at(offset_of("noreturn"))->frames[0];
    ck_assert(!behind->function || strcmp(behind->function, "last_words") != 0);
}
END_TEST

START_TEST(offset_zero_is_nowhere)
{
    build_c("gcc -O0 -g");
    struct code_address address = {.module = program, .is_return_address = true};
    ck_assert_ptr_null(symbolize(symbolizer, &address)->frames[0].function);
    ck_assert_ptr_null(frames_at(0)->frames[0].function);
    ck_assert_ptr_null(frames_at(UINT64_MAX)->frames[0].function);
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
    const struct frame *frame = &frames_at(offset)->frames[0];
    ck_assert_pstr_eq(frame->function, "_start");
    ck_assert(frame->runtime);
}
END_TEST

START_TEST(equal_addresses_are_symbolized_once)
{
    build_c("gcc -O2 -g");
    const struct frame_list *first = frames_of("chain");
    frames_of("plain");
    ck_assert_ptr_eq(frames_of("chain"), first);
    ck_assert_ptr_ne(frames_at(offset_of("chain")), first);
    run("rm %s", program);
    ck_assert_ptr_eq(frames_of("chain"), first);
    check_one("hidden", "hidden");
    ck_assert_ptr_eq(frames_of("plain")->frames[0].file, frames_of("hidden")->frames[0].file);
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
    check_only_symbol("hidden", NULL); /* not the name of the function before it */
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

/* ---- between symbols -------------------------------------------------------------------- */

/* An address after a symbol's end has no name. */
START_TEST(symbols_end_where_they_say)
{
    snprintf(source, sizeof(source), "%s/gap.s", directory);
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
        directory, _i ? "-s" : "-N gap -N end -N more");
    /* What is not exported can follow, without a symbol. */
    const char *unsized = _i ? NULL : "unsized", *alone = _i ? NULL : "alone";
    struct {
        const char *symbol;
        int into;
        const char *function;
    } expected[] = {
        {"sized", -1, NULL},  {"sized", 0, "sized"},     {"sized", 15, "sized"},   {"gap", 0, NULL},
        {"gap", 15, NULL},    {"unsized", 0, "unsized"}, {"unsized", 15, unsized}, {"next", 0, "next"},
        {"next", 15, "next"}, {"end", 0, NULL},          {"end", 15, NULL},        {"alone", 0, "alone"},
        {"alone", 15, alone}, {"more", 0, NULL},         {"more", 15, NULL},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        char command[256];
        uint64_t at;
        snprintf(command, sizeof(command), "sed -n 's/ . %s$//p' %s/all", expected[i].symbol, directory);
        FILE *output = popen(command, "r");
        ck_assert_ptr_nonnull(output);
        ck_assert_int_eq(fscanf(output, "%lx", &at), 1);
        pclose(output);
        const char *function = frames_at(at + (uint64_t)expected[i].into)->frames[0].function;
        ck_assert_msg(expected[i].function ? function && !strcmp(function, expected[i].function) : !function,
                      "%s%+d: %s", expected[i].symbol, expected[i].into, function);
    }
}
END_TEST

/* ---- speed --------------------------------------------------------------------------------------------- */

static void write_many_functions(int count)
{
    snprintf(source, sizeof(source), "%s/many.c", directory);
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

/* Of CPU time, which other processes do not use up. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
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
        const struct frame_list *list = frames_at(first + i * step);
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
    tcase_add_loop_test(tests, c_programs, 0, repeats(SEVERAL_BUILDS, sizeof(builds) / sizeof(builds[0])));
    tcase_add_loop_test(tests, dropped_functions, 0, 2);
    tcase_add_test(tests, relative_directories_come_once);
    tcase_add_test(tests, return_and_plain_addresses);
    tcase_add_test(tests, offset_zero_is_nowhere);
    tcase_add_test(tests, startup_is_runtime);
    tcase_add_test(tests, equal_addresses_are_symbolized_once);
    tcase_add_test(tests, symbols_without_debug_information);
    tcase_add_test(tests, stripped_keeps_exported_symbols);
    tcase_add_test(tests, stripped_without_exported_symbols);
    tcase_add_loop_test(tests, symbols_end_where_they_say, 0, 2);
    tcase_add_test(tests, ten_thousand_addresses);
    return program_suite_run("symbolize", tests);
}
