/* Paths, arrays, binary search, error texts. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"
#include "base/search.h"
#include "suite.h"

START_TEST(basename_of_any_path)
{
    static const char *const rows[][2] = {{"/lib/libc.so.6", "libc.so.6"},
                                          {"libc.so.6", "libc.so.6"},
                                          {"/lib/", ""},
                                          {"/", ""},
                                          {"", ""},
                                          {"a/b", "b"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(path_basename(rows[i][0]), rows[i][1]);
    ck_assert_ptr_null(path_basename(NULL));
}
END_TEST

START_TEST(deleted_is_cut_once_and_at_the_end)
{
    static const struct {
        const char *path, *cut;
        bool was_deleted;
    } rows[] = {
        {"/a (deleted)", "/a", true},
        {"/a", "/a", false},
        {"/a (deleted) (deleted)", "/a (deleted)", true},
        {"/a (deleted)/b", "/a (deleted)/b", false},
        {" (deleted)", " (deleted)", false},
        {"", "", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[64];
        strcpy(path, rows[i].path);
        ck_assert_int_eq(path_cut_deleted(path), rows[i].was_deleted);
        ck_assert_str_eq(path, rows[i].cut);
    }
}
END_TEST

START_TEST(search_finds_the_first_in_arrays_of_every_size)
{
    static const int sorted[] = {1, 3, 3, 3, 5, 7, 7, 9};
    for (size_t count = 0; count <= sizeof(sorted) / sizeof(sorted[0]); count++)
        for (int wanted = 0; wanted <= 10; wanted++) {
            size_t expected = 0;
            while (expected < count && sorted[expected] < wanted)
                expected++;
            ck_assert_uint_eq(SEARCH_FIRST(i, count, sorted[i] >= wanted), expected);
        }
}
END_TEST

START_TEST(array_keeps_its_items_while_it_grows)
{
    struct {
        size_t *items, count;
    } list = {NULL, 0};
    for (size_t i = 0; i < 1000; i++) {
        ck_assert(ARRAY_GROW(list.items, list.count));
        list.items[list.count++] = i;
    }
    for (size_t i = 0; i < list.count; i++)
        ck_assert_uint_eq(list.items[i], i);
    free(list.items);
}
END_TEST

START_TEST(array_that_cannot_grow_stays)
{
    char *items = malloc(1);
    char *before = items;
    ck_assert_ptr_null(array_grow(items, 1, SIZE_MAX));
    items[0] = 'x';
    ck_assert_ptr_eq(items, before);
    free(items);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, basename_of_any_path);
    tcase_add_test(tests, deleted_is_cut_once_and_at_the_end);
    tcase_add_test(tests, search_finds_the_first_in_arrays_of_every_size);
    tcase_add_test(tests, array_keeps_its_items_while_it_grows);
    tcase_add_test(tests, array_that_cannot_grow_stays);
    return suite_run("base", tests);
}
