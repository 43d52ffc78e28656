/* Opens and reads files. */
#ifndef THREADLEAK_BASE_FILE_H
#define THREADLEAK_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Opens a regular file for reading, and gets its status. The caller closes the descriptor. -1 with errno;
 * EINVAL: not a regular file. Opening a pipe may block, opening a device may have effects. */
int regular_file_open(const char *path, struct stat *status);

/* Reads up to the end. The result is malloc'ed, with a NUL after its `length` bytes. NULL with errno; EFBIG:
 * more than `most` bytes. */
char *read_all(int fd, size_t most, size_t *length);

/* Reads at an offset. Returns the number of bytes. If it is less than `size`, errno has the reason; 0: end of
 * file. */
size_t pread_all(int fd, uint64_t offset, void *to, size_t size);

#endif
