/* Reading files, pipes and FIFOs. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "suite.h"

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

int main(void)
{
    TCase *tests = tcase_create("base_files");
    tcase_add_test(tests, nobody_waits_for_the_writer_of_a_fifo);
    tcase_add_test(tests, a_pipe_may_be_empty);
    tcase_add_test(tests, nothing_but_regular_files_is_opened);
    tcase_add_test(tests, facts_of_files);
    tcase_add_test(tests, files_of_any_size_are_read_whole);
    tcase_add_test(tests, the_beginning_of_a_file);
    tcase_add_test(tests, too_large_a_file_is_not_read);
    tcase_add_test(tests, reads_at_an_offset_end_with_the_file);
    return suite_run("base_files", tests);
}
