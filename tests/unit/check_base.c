/* Paths, files, arrays, binary search, build-ids, events. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/elf.h"
#include "base/event.h"
#include "base/file.h"
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

/* A file of `size` bytes, of which byte i is i % 251. */
static int file_of(size_t size)
{
    FILE *file = tmpfile();
    for (size_t i = 0; i < size; i++)
        putc((int)(i % 251), file);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

START_TEST(files_of_any_size_are_read_whole)
{
    static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t length = 1;
        int fd = file_of(sizes[i]);
        char *text = read_all(fd, sizes[i], &length);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(length, sizes[i]);
        for (size_t at = 0; at < length; at++)
            ck_assert_uint_eq((unsigned char)text[at], at % 251);
        ck_assert_int_eq(text[length], 0);
        free(text);
        close(fd);
    }
}
END_TEST

START_TEST(the_beginning_of_a_file)
{
    static const size_t sizes[][3] = {
        {5000, 4096, 4096}, {5000, 5000, 5000}, {5000, 9000, 5000}, {0, 1, 0}, {9, 0, 0}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t length = 1;
        int fd = file_of(sizes[i][0]);
        char *text = read_beginning(fd, sizes[i][1], &length);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(length, sizes[i][2]);
        ck_assert_int_eq(text[length], 0);
        free(text);
        close(fd);
    }
}
END_TEST

START_TEST(too_large_a_file_is_not_read)
{
    size_t length;
    int fd = file_of(5000);
    errno = 0;
    ck_assert_ptr_null(read_all(fd, 4999, &length));
    ck_assert_int_eq(errno, EFBIG);
    close(fd);
    ck_assert_ptr_null(read_all(fd, 4999, &length));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(reads_at_an_offset_end_with_the_file)
{
    unsigned char part[10];
    int fd = file_of(100);
    ck_assert_uint_eq(pread_all(fd, 40, part, sizeof(part)), sizeof(part));
    ck_assert_uint_eq(part[9], 49);
    ck_assert_uint_eq(pread_all(fd, 95, part, sizeof(part)), 5);
    ck_assert_int_eq(errno, 0);
    ck_assert_uint_eq(pread_all(fd, UINT64_MAX - 5, part, sizeof(part)), 0);
    ck_assert_int_eq(errno, EOVERFLOW);
    close(fd);
    ck_assert_uint_eq(pread_all(fd, 0, part, sizeof(part)), 0);
    ck_assert_int_eq(errno, EBADF);
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

/* ---- files ---- */

START_TEST(nobody_waits_for_the_writer_of_a_fifo)
{
    char directory[] = "/tmp/check_base.XXXXXX", path[64];
    size_t length = 0;
    struct error error = {""};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(input_read(path, 100, &length, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/fifo: is a FIFO that nobody writes to"));
    int writer = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(write(writer, "rules", 5), 5);
    int reader = fork();
    if (reader == 0) { /* which waits until all is written */
        close(writer);
        char *text = input_read(path, 100, &length, &error);
        _exit(text && length == 9 && strcmp(text, "rulesmore") == 0 ? 0 : 1);
    }
    ck_assert_int_eq(write(writer, "more", 4), 4);
    int status = -1, left = 1;
    while (ioctl(writer, FIONREAD, &left) == 0 && left && waitpid(reader, &status, WNOHANG) == 0)
        sched_yield();
    close(writer);
    ck_assert_int_eq(left, 0);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
    unlink(path);
    rmdir(directory);
}
END_TEST

START_TEST(a_pipe_may_be_empty)
{
    struct error error = {""};
    int ends[2];
    size_t length = 1;
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[1]);
    char *text = input_read(FD_PATH(ends[0]), 100, &length, &error);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(length, 0);
    free(text);
    close(ends[0]);
}
END_TEST

START_TEST(nothing_but_regular_files_is_opened)
{
    char directory[64], path[80];
    struct stat status;
    scratch_directory(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(regular_file_open(path, &status), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(regular_file_open(directory, &status), -1);
    ck_assert_int_eq(regular_file_open("/dev/null", &status), -1);
    unlink(path);
    ck_assert_int_eq(symlink("/proc/self/exe", path), 0);
    int through = regular_file_open(path, &status);
    ck_assert_int_ge(through, 0);
    close(through);
    ck_assert_int_eq(regular_file_open_here(path, &status), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(regular_file_read_here(path, 100, &(size_t){0}));
    unlink(path);
    ck_assert_int_eq(regular_file_open(path, &status), -1);
    ck_assert_int_eq(errno, ENOENT);
    int fd = regular_file_open("/proc/self/exe", &status);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(status.st_size, 0);
    close(fd);
}
END_TEST

START_TEST(facts_of_files)
{
    struct stat status;
    struct file_facts facts;
    int fd = memory_file("facts");
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(file_facts_read(FD_PATH(fd), &facts));
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert(S_ISREG(facts.mode));
    ck_assert_uint_eq(facts.inode, status.st_ino);
    close(fd);
    ck_assert(file_facts_read("/dev/null", &facts));
    ck_assert(S_ISCHR(facts.mode));
    ck_assert_uint_eq(facts.device_major, 1);
    ck_assert_uint_eq(facts.device_minor, 3);
    ck_assert(!file_facts_read("/nothing/here", &facts));
    ck_assert_uint_eq(facts.mode, 0);
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
    tcase_add_test(tests, nobody_waits_for_the_writer_of_a_fifo);
    tcase_add_test(tests, a_pipe_may_be_empty);
    tcase_add_test(tests, nothing_but_regular_files_is_opened);
    tcase_add_test(tests, facts_of_files);
    tcase_add_test(tests, an_event_ends_a_wait);
    tcase_add_test(tests, files_of_any_size_are_read_whole);
    tcase_add_test(tests, the_beginning_of_a_file);
    tcase_add_test(tests, too_large_a_file_is_not_read);
    tcase_add_test(tests, reads_at_an_offset_end_with_the_file);
    tcase_add_test(tests, parallel_does_each_item_once);
    return suite_run("base", tests);
}
