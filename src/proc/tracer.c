#include "proc/tracer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define REST_MS 5

long status_number(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    size_t length = strlen(key);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && value < 0 && fgets(line, sizeof(line), file))
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            value = strtol(line + length + 1, NULL, 10);
    if (file)
        fclose(file);
    return value;
}

void tracer_name(long tracer, char *name, size_t size)
{
    char path[64];
    snprintf(name, size, "?");
    snprintf(path, sizeof(path), "/proc/%ld/comm", tracer);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, (int)size, file))
        name[strcspn(name, "\n")] = 0;
    if (file)
        fclose(file);
}

bool tracer_is_ours(long tracer)
{
    char name[32];
    tracer_name(tracer, name, sizeof(name));
    return strcmp(name, "threadleak") == 0;
}

int tracer_take_turn(pid_t pid, unsigned ms)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && waited < ms; waited += REST_MS)
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    return fd;
}
