#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void demand(int is_so)
{
    if (!is_so)
        abort();
}

static void fill(int fd, const uint8_t *data, size_t size)
{
    demand(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size &&
           lseek(fd, 0, SEEK_SET) == 0);
}

const char *fuzz_file(const uint8_t *data, size_t size, int *fd)
{
    static int file = -1;
    static char path[64];
    if (file < 0) {
        file = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    fill(file, data, size);
    if (fd)
        *fd = file;
    return path;
}

static char directory[64], in_directory[128];

static void remove_directory(void)
{
    unlink(in_directory);
    rmdir(directory);
}

const char *fuzz_directory(const char *name, const uint8_t *data, size_t size)
{
    if (!*directory) {
        strcpy(directory, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz.XXXXXX" : "/tmp/fuzz.XXXXXX");
        demand(mkdtemp(directory) != NULL);
        snprintf(in_directory, sizeof(in_directory), "%s/%s", directory, name);
        atexit(remove_directory);
    }
    int fd = open(in_directory, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    demand(fd >= 0);
    fill(fd, data, size);
    close(fd);
    return directory;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    demand(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    return text;
}

void fuzz_check_error(const char *text)
{
    demand(*text && !strchr(text, '\n'));
}
