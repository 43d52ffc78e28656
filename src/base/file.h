/* Opens and reads files: regular ones that another program wrote, and all of whatever a descriptor gives. */
#ifndef THREADLEAK_BASE_FILE_H
#define THREADLEAK_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* A descriptor for reading, to be closed by the caller, and its status.  -1 with errno, EINVAL
 * for anything but a regular file: opening a pipe may block, opening a device may act. */
int regular_file_open(const char *path, struct stat *status);

/* All up to the end, malloc'ed, with a NUL behind its `length` bytes.  NULL with errno; EFBIG: that is more
 * than `most` bytes. */
char *read_all(int fd, size_t most, size_t *length);

/* Reads from an offset on; how many bytes.  If fewer than `size`, errno says why; 0: there the file ends. */
size_t pread_all(int fd, uint64_t offset, void *to, size_t size);

#endif
