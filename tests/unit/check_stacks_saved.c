/* Files with saved stacks, in a directory where watched processes can write. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stacks/stacks.h"
#include "suite.h"

static char directory[] = "/tmp/check_stacks_saved.XXXXXX", path[64], other[64];

static void make_directory(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/stacks.1.0", directory);
    snprintf(other, sizeof(other), "%s/other", directory);
}

static void save_to(const char *to)
{
    struct stacks *stacks = stacks_none("made up");
    ck_assert(stacks_save(stacks, to));
    stacks_free(stacks);
}

static void clean_up(void)
{
    unlink(path);
    unlink(other);
    rmdir(directory);
}

START_TEST(what_was_saved_is_loaded)
{
    make_directory();
    save_to(path);
    struct stacks *stacks = stacks_load(path);
    ck_assert_ptr_nonnull(stacks);
    ck_assert_str_eq(stacks->note, "none: made up");
    stacks_free(stacks);
    clean_up();
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
    make_directory();
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(stacks_load(path));
    clean_up();
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
    make_directory();
    save_to(other);
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_ptr_null(stacks_load(path));
    clean_up();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("saved");
    tcase_add_test(tests, what_was_saved_is_loaded);
    tcase_add_test(tests, a_fifo_does_not_block);
    tcase_add_test(tests, a_symbolic_link_is_not_followed);
    return suite_run("stacks_saved", tests);
}
