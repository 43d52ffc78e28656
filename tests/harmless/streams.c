/* stdio and threads: locks of streams, and what exit() and fork() do with them. */
#include <stdio_ext.h>
#include <sys/wait.h>

#include "harmless.h"

static void *try_stream(void *stream)
{
    int error = ftrylockfile(stream);
    if (!error)
        funlockfile(stream);
    return (void *)(long)!!error;
}

TEST(stream_locks_recur)
{
    flockfile(stdout);
    is("ftrylockfile by its owner", ftrylockfile(stdout), 0);
    funlockfile(stdout);
    is("by another thread", (long)run_thread(try_stream, stdout), 1);
    funlockfile(stdout);
    is("when it is free", (long)run_thread(try_stream, stdout), 0);
}

static FILE *file;

static void *put_many(void *letter)
{
    for (int i = 0; i < 2000; i++)
        fputc((int)(long)letter, file);
    return letter;
}

TEST(stream_of_many_threads)
{
    file = tmpfile();
    pthread_t threads[4];
    for (long i = 0; i < 4; i++)
        threads[i] = begin(put_many, (void *)('a' + i));
    for (int i = 0; i < 4; i++)
        joined(threads[i]);
    is("bytes", ftell(file), 8000);
    rewind(file);
    long sum = 0;
    for (int letter; (letter = getc(file)) != EOF;)
        sum += letter - 'a';
    is("sum", sum, 2000 * (0 + 1 + 2 + 3));
}

static void *hold_stream(void *unused)
{
    flockfile(stderr);
    happened('l');
    for (;;)
        pause();
    return unused;
}

static void use_it_in_child(void)
{
    is("bytes in a child", fprintf(stdout, "line of a child\n"), 16);
    fflush(stdout);
}

TEST(stream_after_a_fork)
{
    run_thread(nothing, NULL);
    flockfile(stdout); /* by the thread that forks: the child's */
    pid_t pid = fork();
    if (pid == 0) {
        funlockfile(stdout);
        use_it_in_child();
        _exit(0);
    }
    funlockfile(stdout);
    text_is("child", status_of_pid(pid), "exit 0");
}

/* glibc's exit() does not wait for a stream that a thread holds, if it has nothing to write. */
TEST_ENDS(stream_held_at_the_end, "exit 4")
{
    begin(hold_stream, NULL);
    while (!*happenings())
        sleep_ms(1);
    exit(4);
}

static void read_some(void)
{
    char line[8];
    is("fgets", fgets(line, sizeof(line), file) != NULL, 1);
    text_is("line", line, "one\n");
}

TEST(stream_position_after_a_child)
{
    file = tmpfile();
    fputs("one\ntwo\n", file);
    rewind(file);
    run_thread(nothing, NULL);
    text_is("child", status_of(read_some), "exit 0");
    is("end of file", fseek(file, 0, SEEK_END), 0);
    is("position", ftell(file), 8);
}

TEST(stream_buffer_is_copied_by_fork)
{
    run_thread(nothing, NULL);
    setvbuf(stdout, NULL, _IOFBF, 4096);
    fputs("twice\n", stdout);
    fflush(stdout);
    fputs("thrice\n", stdout);
    pid_t pid = fork();
    if (pid == 0)
        exit(0);
    waitpid(pid, NULL, 0);
    is("in the parent's buffer", (long)__fpending(stdout), 7);
}

TEST(stream_not_buffered)
{
    setvbuf(stderr, NULL, _IONBF, 0);
    run_thread(nothing, NULL);
    is("fputs", fputs("on standard error\n", stderr) >= 0, 1);
    is("pending", (long)__fpending(stderr), 0);
}
