/* Opens files at paths that another program wrote. */
#ifndef THREADLEAK_BASE_REGULAR_FILE_H
#define THREADLEAK_BASE_REGULAR_FILE_H

#include <sys/stat.h>

/* A descriptor for reading, to be closed by the caller, and its status.  -1 with errno, EINVAL
 * for anything but a regular file: opening a pipe may block, opening a device may act. */
int regular_file_open(const char *path, struct stat *status);

#endif
