#include "symbolize_program.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "suite.h"

struct place places[PLACES];
size_t place_count;

char directory[64], program[128], source[256];
struct symbolizer *symbolizer;

/* ---- building and running ------------------------------------------------------------ */

bool try(const char *format, ...)
{
    char command[2000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    return system(command) == 0;
}

bool have(const char *tool)
{
    if (try("command -v %s >/dev/null", tool))
        return true;
    skip("no %s here", tool);
    return false;
}

void find_source(const char *ending)
{
    const char *slash = strrchr(__FILE__, '/');
    snprintf(source, sizeof(source), "%.*s/../data/symbolize.%s", slash ? (int)(slash - __FILE__) : 1,
             slash ? __FILE__ : ".", ending);
}

void run_program(void)
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

static void build(const char *command)
{
    char name[256], *letter;
    const char *built = scratch_of_suite(); /* each test is a process of its own */
    snprintf(name, sizeof(name), "%s", command);
    for (letter = name; *letter; letter++)
        *letter = *letter == '/' ? '_' : *letter;
    if (!try("test -f '%s/%s' && cp '%s/%s' %s", built, name, built, name, program))
        run("%s -o %s %s && cp %s '%s/%s'", command, program, source, program, built, name);
    run_program();
}

void build_c(const char *compiler)
{
    char command[200];
    find_source("c");
    snprintf(command, sizeof(command), "%s -D_GNU_SOURCE", compiler);
    build(command);
}

void build_cxx(const char *compiler)
{
    char command[200];
    find_source("cpp");
    snprintf(command, sizeof(command), "%s -fno-omit-frame-pointer -w -pthread", compiler);
    build(command);
}

uint64_t offset_of(const char *name)
{
    for (size_t i = 0; i < place_count; i++)
        if (strcmp(places[i].name, name) == 0)
            return places[i].offset;
    ck_abort_msg("the program did not print %s", name);
}

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

const struct frame_list *frames_of(const char *name)
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

const struct frame_list *frames_at(uint64_t offset)
{
    struct code_address address = {.module = program, .offset = offset};
    return symbolize(symbolizer, &address);
}

void check_frame(const struct frame *frame, const char *function, const char *comment)
{
    ck_assert_pstr_eq(frame->function, function);
    ck_assert_ptr_nonnull(frame->file);
    ck_assert_msg(strcmp(frame->file, source) == 0 || strstr(frame->file, "/data/symbolize.c"), "%s",
                  frame->file);
    ck_assert_int_eq(frame->line, line_of(comment));
    ck_assert(!frame->runtime);
}

void check_one(const char *name, const char *function)
{
    const struct frame_list *list = frames_of(name);
    ck_assert_uint_eq(list->count, 1);
    check_frame(&list->frames[0], function, name);
}

static void check_chain(void)
{
    const struct frame_list *list = frames_of("chain");
    ck_assert_uint_eq(list->count, 3);
    check_frame(&list->frames[0], "inner", "chain inner");
    check_frame(&list->frames[1], "middle", "chain middle");
    check_frame(&list->frames[2], "outer", "chain outer");
}

void check_c(void)
{
    check_one("plain", "plain");
    check_one("hidden", "hidden");
    check_one("noreturn", "last_words");
    check_chain();
}

void check_only_symbol(const char *name, const char *function)
{
    const struct frame_list *list = frames_of(name);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_pstr_eq(list->frames[0].function, function);
    ck_assert_ptr_null(list->frames[0].file);
    ck_assert_int_eq(list->frames[0].line, 0);
}

void start_again(void)
{
    symbolizer_free(symbolizer);
    symbolizer = symbolizer_new(false);
    ck_assert_ptr_nonnull(symbolizer);
}

static void program_setup(void)
{
    scratch_directory(directory, sizeof(directory));
    snprintf(program, sizeof(program), "%s/program", directory);
    symbolizer = symbolizer_new(false);
    ck_assert_ptr_nonnull(symbolizer);
}

static void program_teardown(void)
{
    symbolizer_free(symbolizer);
}

bool own_debug_directory(void)
{
    if (access("/usr/lib/debug", F_OK) == 0 && unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", "", MS_REC | MS_PRIVATE, "") == 0 &&
        mount("none", "/usr/lib/debug", "tmpfs", 0, "") == 0)
        return true;
    skip("no mount of our own over /usr/lib/debug: %s", strerror(errno));
    return false;
}

int program_suite_run(const char *name, TCase *tests)
{
    tcase_add_checked_fixture(tests, program_setup, program_teardown);
    return suite_run(name, tests);
}
