/*
 * kill DIR COUNT SEED: starts COUNT processes, one after the other, whose threads create and join threads,
 * and ends each with SIGKILL at a random instant. Each counts in DIR/PID what it begins and what it has done,
 * which a report must agree with.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "tests/targets/target.h"

#define MAX_US 30000

struct counts {
    _Atomic long creating, created, joining, joined;
};

static struct counts *open_counts(const char *directory, pid_t pid)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%d", directory, pid);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, sizeof(struct counts)) == 0);
    struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(counts != MAP_FAILED);
    close(fd);
    return counts;
}

static void *create_and_join(void *arg)
{
    struct counts *counts = arg;
    for (;;) {
        pthread_t thread;
        counts->creating++;
        CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0);
        counts->created++;
        counts->joining++;
        CHECK(pthread_join(thread, NULL) == 0);
        counts->joined++;
    }
    return NULL;
}

static void work(const char *directory)
{
    struct counts *counts = open_counts(directory, getpid());
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        counts->creating++;
        CHECK(pthread_create(&thread, NULL, create_and_join, counts) == 0);
        counts->created++;
    }
    for (;;)
        pause();
}

/* Each second one executes this program again. */
static void kill_one(char **argv, bool executes, unsigned us)
{
    pid_t pid = fork();
    if (pid == 0 && executes)
        execv("/proc/self/exe", (char *[]){argv[0], argv[1], NULL});
    if (pid == 0)
        work(argv[1]);
    struct counts *counts = open_counts(argv[1], pid);
    while (us % 8 && !counts->creating) /* the others are killed at their start, perhaps */
        usleep(100);
    usleep(us);
    kill(pid, SIGKILL);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    munmap(counts, sizeof(*counts));
}

int main(int argc, char **argv)
{
    if (argc == 2)
        work(argv[1]);
    unsigned seed = (unsigned)atoi(argv[3]);
    for (int i = 0; i < atoi(argv[2]); i++)
        kill_one(argv, i % 2, (unsigned)rand_r(&seed) % MAX_US);
    return 0;
}
