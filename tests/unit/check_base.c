/* Paths, arrays, binary search, build-ids, events, work in parallel. */
#include <elf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/elf.h"
#include "base/event.h"
#include "base/parallel.h"
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

START_TEST(files_of_libc)
{
    ck_assert(path_is_libc("/lib/x86_64-linux-gnu/libc.so.6"));
    ck_assert(path_is_libc("/lib/x86_64-linux-gnu/libpthread-2.31.so"));
    ck_assert(path_is_libc("libc-2.28.so"));
    ck_assert(!path_is_libc("/usr/lib/libc++.so.1"));
    ck_assert(!path_is_libc("/usr/lib/libpthreadpool.so"));
    ck_assert(!path_is_libc("/lib/libc.so.6/x"));
    ck_assert(!path_is_libc(NULL));
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
            for (size_t before = 0; before <= count + 1; before++) {
                size_t last = before;
                ck_assert_uint_eq(SEARCH_FIRST_AGAIN(i, count, last, sorted[i] >= wanted), expected);
                ck_assert_uint_eq(last, expected);
            }
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

/* By default AddressSanitizer ends the program when an allocation is too large. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

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

/* ---- build-id ---- */

enum { OTHER_TYPE = 1 };

/* Appends a note; returns the new size.  The last one may lack the padding. */
static size_t add_note(unsigned char *to, size_t size, unsigned type, const char *name, const char *content)
{
    const unsigned header[3] = {(unsigned)strlen(name) + 1, (unsigned)strlen(content), type};
    memcpy(to + size, header, sizeof(header));
    strcpy((char *)to + size + 12, name);
    size_t at = size + 12 + ((header[0] + 3) & ~3u);
    memcpy(to + at, content, header[1]);
    return at + ((header[1] + 3) & ~3u);
}

static void assert_build_id(const unsigned char *notes, size_t size, const char *expected)
{
    size_t id_size = 0;
    unsigned char *exact = malloc(size + 1); /* so that sanitizers see what is read behind it */
    memcpy(exact, notes, size);
    const unsigned char *id = build_id_find(exact, size, 20, &id_size);
    ck_assert_int_eq(id != NULL, expected != NULL);
    if (expected) {
        ck_assert_uint_eq(id_size, strlen(expected));
        ck_assert_mem_eq(id, expected, id_size);
    }
    free(exact);
}

START_TEST(build_id_among_notes)
{
    unsigned char notes[256] = {0};
    size_t one = add_note(notes, 0, OTHER_TYPE, "GNU", "abi");
    size_t two = add_note(notes, one, NT_GNU_BUILD_ID, "Go", "no");
    size_t all = add_note(notes, two, NT_GNU_BUILD_ID, "GNU", "12345");
    assert_build_id(notes, all, "12345");
    assert_build_id(notes, all - 3, "12345"); /* without padding */
    assert_build_id(notes, all - 4, NULL);
    assert_build_id(notes, two, NULL);
    assert_build_id(notes, two + 8, NULL);
    assert_build_id(notes, 0, NULL);
    memset(notes + two + 4, 0xff, 4); /* the size of its contents */
    assert_build_id(notes, all, NULL);
    memset(notes, 0xff, 4); /* the size of a name */
    assert_build_id(notes, all, NULL);
    all = add_note(notes, 0, NT_GNU_BUILD_ID, "GNU", "123456789012345678901"); /* more than max_size */
    assert_build_id(notes, all, NULL);
    all = add_note(notes, 0, NT_GNU_BUILD_ID, "GNU", "");
    assert_build_id(notes, all, NULL);
}
END_TEST

/* ---- events ---- */

static void *set_event(void *arg)
{
    event_set(arg);
    return NULL;
}

START_TEST(an_event_ends_a_wait)
{
    struct event event = {0};
    struct timespec past = {0}, late;
    pthread_t thread;
    clock_gettime(CLOCK_MONOTONIC, &late);
    late.tv_sec += 1000;
    ck_assert(!event_wait(&event, &past));
    ck_assert_int_eq(pthread_create(&thread, NULL, set_event, &event), 0);
    ck_assert(event_wait(&event, &late));
    ck_assert(event_wait(&event, &past));
    pthread_join(thread, NULL);
}
END_TEST

/* ---- parallel ---- */

static void count_each(void *arg, size_t first, size_t end)
{
    atomic_uint *counts = arg;
    for (size_t i = first; i < end; i++)
        atomic_fetch_add(&counts[i], 1);
}

START_TEST(parallel_does_each_item_once)
{
    enum { MAX = 100 };
    for (size_t count = 0; count < MAX; count++)
        for (size_t least = 1; least < 60; least += 7) {
            atomic_uint counts[MAX] = {0};
            parallel_run(count, least, count_each, counts);
            for (size_t i = 0; i < MAX; i++)
                ck_assert_uint_eq(atomic_load(&counts[i]), i < count);
        }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, basename_of_any_path);
    tcase_add_test(tests, files_of_libc);
    tcase_add_test(tests, deleted_is_cut_once_and_at_the_end);
    tcase_add_test(tests, search_finds_the_first_in_arrays_of_every_size);
    tcase_add_test(tests, array_keeps_its_items_while_it_grows);
    tcase_add_test(tests, array_that_cannot_grow_stays);
    tcase_add_test(tests, build_id_among_notes);
    tcase_add_test(tests, an_event_ends_a_wait);
    tcase_add_test(tests, parallel_does_each_item_once);
    return suite_run("base", tests);
}
