/* Opens and reads files. */
#ifndef THREADLEAK_BASE_FILE_H
#define THREADLEAK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/*
 * A watched process can choose the names of some files, or write into their directory. It may replace such a
 * file at any time by a FIFO, a device or a symbolic link. So a name is opened once, the descriptor is
 * checked, and only the descriptor is used afterwards. A library that wants a name gets FD_PATH of the
 * descriptor. Some libraries open a name themselves to read it, with O_RDONLY alone. They get only regular
 * files below 8 GiB, because this program's `open` replaces that of libc.
 */

/* Opens a regular file for reading, and gets its status. Never blocks, and never opens another kind of file.
 * The caller closes the descriptor. -1 with errno; EINVAL: not a regular file. */
typedef int regular_file_open_fn(const char *path, struct stat *status);
regular_file_open_fn regular_file_open;
/* The same for a file in the directory of a run: a symbolic link is no regular file. */
regular_file_open_fn regular_file_open_here;
/* Reads all of such a file: read_all(regular_file_open_here(path), most, length). */
char *regular_file_read_here(const char *path, size_t most, size_t *length);

/* memfd_create(2), closed by exec. -1 with errno. */
int memory_file(const char *name);

/* What the kernel knows of a file without asking the server of a network file system: stat(2) blocks while
 * that is unreachable. */
struct file_facts {
    mode_t mode; /* its kind alone: S_ISREG(), S_ISFIFO(), ... */
    uint64_t inode;
    unsigned device_major, device_minor; /* of a device */
};
/* False with errno; then the facts are 0. Linux 4.11. */
bool file_facts_read(const char *path, struct file_facts *facts);

struct fd_path {
    char text[32];
};
/* "/proc/self/fd/FD". The string is valid until the end of the block. */
#define FD_PATH(fd) fd_path(&(struct fd_path){""}, fd)
const char *fd_path(struct fd_path *path, int fd);

/* Reads up to the end. The result is malloc'ed, with a NUL after its `length` bytes. NULL with errno; EFBIG:
 * more than `most` bytes. */
char *read_all(int fd, size_t most, size_t *length);

/* The same, but gives the first `most` bytes of a longer file. */
char *read_beginning(int fd, size_t most, size_t *length);

/* Reads a file that the user names, with a NUL after its `length` bytes. It can be a pipe, as <(...) of a
 * shell. Waits for all that is written, but not until somebody opens a FIFO to write. The result is
 * malloc'ed; NULL with an error. */
char *input_read(const char *path, size_t most, size_t *length, struct error *error);

/* Reads at an offset. Returns the number of bytes. If it is less than `size`, errno has the reason; 0: end of
 * file. */
size_t pread_all(int fd, uint64_t offset, void *to, size_t size);

#endif
