/* Files with saved stacks, in a directory where watched processes can write. */
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stacks/stacks.h"
#include "suite.h"

static char directory[64], path[80], other[80];

static void make_directory(void)
{
    scratch_directory(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/stacks.1.0", directory);
    snprintf(other, sizeof(other), "%s/other", directory);
}

static void save_to(const char *to)
{
    struct stacks *stacks = stacks_none("made up");
    ck_assert(stacks_save(stacks, to));
    stacks_free(stacks);
}

START_TEST(what_was_saved_is_loaded)
{
    make_directory();
    save_to(path);
    struct stacks *stacks = stacks_load(path);
    ck_assert_ptr_nonnull(stacks);
    ck_assert_str_eq(stacks->note, "none: made up");
    stacks_free(stacks);
}
END_TEST

START_TEST(a_passed_variable_is_loaded)
{
    const struct passed_variable passed = {0x7ffc00001234, 2, UINT64_C(1) << 62, {-20, 44}};
    const struct ledger_slot same = {.arg = passed.argument, .created_by = 2},
                             other_creator = {.arg = passed.argument};
    make_directory();
    struct stacks *stacks = stacks_none("made up");
    stacks->passed = malloc(sizeof(passed));
    *stacks->passed = passed;
    stacks->passed_count = 1;
    ck_assert(stacks_save(stacks, path));
    stacks_free(stacks);
    stacks = stacks_load(path);
    ck_assert_mem_eq(stacks_find_passed(stacks, &same), &passed, sizeof(passed));
    ck_assert_ptr_null(stacks_find_passed(stacks, &other_creator));
    stacks_free(stacks);
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
    make_directory();
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(stacks_load(path));
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
    make_directory();
    save_to(other);
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_ptr_null(stacks_load(path));
}
END_TEST

/* ---- symbols only ------------------------------------------------------------------------ */

/* The program itself comes first. */
static int keep_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = info->dlpi_addr;
    return 1;
}

/* Current stacks of one frame, which is in this function. */
static struct stacks *stacks_here(struct symbolizer *symbolizer)
{
    static char exe[PATH_MAX];
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    ck_assert_int_gt(length, 0);
    uint64_t bias = 0;
    dl_iterate_phdr(keep_bias, &bias);
    struct code_address address = {
        .module = exe, .offset = (uintptr_t)stacks_here + 1 - bias, .is_return_address = true};
    stacks->threads = calloc(1, sizeof(*stacks->threads));
    stacks->shared = calloc(1, sizeof(*stacks->shared));
    stacks->shared_count = 1;
    stacks->symbols_only = true;
    ck_assert(
        frames_append(&stacks->shared->frames, &stacks->shared->count, symbolize(symbolizer, &address)));
    return stacks;
}

START_TEST(waits_are_kept)
{
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    make_directory();
    stacks->threads = calloc(1, sizeof(*stacks->threads));
    stacks->count = 1;
    stacks->threads[0] = (struct thread_stack){
        .tid = 4245,
        .wait = {
            .on = WAIT_CONDVAR, .place = PLACE_HEAP, .symbol = strdup("heap"), .text = strdup("condvar")}};
    ck_assert(stacks_save(stacks, path));
    stacks_free(stacks);
    stacks = stacks_load(path);
    ck_assert_ptr_nonnull(stacks);
    ck_assert_int_eq(stacks->threads[0].wait.on, WAIT_CONDVAR);
    ck_assert_int_eq(stacks->threads[0].wait.place, PLACE_HEAP);
    ck_assert_str_eq(stacks->threads[0].wait.symbol, "heap");
    stacks_free(stacks);
}
END_TEST

START_TEST(lines_are_found_later)
{
    struct symbolizer *symbols = symbolizer_new(false), *all = symbolizer_new(false);
    make_directory();
    symbolizer_read_symbols_only(symbols);
    struct stacks *stacks = stacks_here(symbols);
    ck_assert_str_eq(stacks->shared->frames[0].function, "stacks_here");
    ck_assert_ptr_null(stacks->shared->frames[0].file);
    ck_assert(stacks_save(stacks, path));
    stacks_free(stacks);
    stacks = stacks_load(path);
    ck_assert(stacks_resolve(stacks, all));
    const struct frame *frame = &stacks->shared->frames[stacks->shared->count - 1];
    ck_assert_str_eq(frame->function, "stacks_here");
    ck_assert_ptr_nonnull(frame->file);
    ck_assert_ptr_nonnull(strstr(frame->file, "check_stacks_saved.c"));
    ck_assert(frame->is_return_address);
    ck_assert_int_gt(frame->line, 0);
    stacks_free(stacks);
    symbolizer_free(symbols);
    symbolizer_free(all);
}
END_TEST

/* The program was removed before the run ended. */
START_TEST(symbols_stay_without_the_file)
{
    struct symbolizer *symbols = symbolizer_new(false), *all = symbolizer_new(false);
    symbolizer_read_symbols_only(symbols);
    struct stacks *stacks = stacks_here(symbols);
    stacks->shared->frames[0].module = "/nonexistent/program";
    stacks->shared->frames[0].build_id = "zz";
    ck_assert(stacks_resolve(stacks, all));
    ck_assert_uint_eq(stacks->shared->count, 1);
    ck_assert_str_eq(stacks->shared->frames[0].function, "stacks_here");
    stacks_free(stacks);
    symbolizer_free(symbols);
    symbolizer_free(all);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("saved");
    tcase_add_test(tests, what_was_saved_is_loaded);
    tcase_add_test(tests, a_passed_variable_is_loaded);
    tcase_add_test(tests, a_fifo_does_not_block);
    tcase_add_test(tests, a_symbolic_link_is_not_followed);
    tcase_add_test(tests, waits_are_kept);
    tcase_add_test(tests, lines_are_found_later);
    tcase_add_test(tests, symbols_stay_without_the_file);
    return suite_run("stacks_saved", tests);
}
