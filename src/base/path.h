/* Paths as text.  Nothing here opens a file. */
#ifndef THREADLEAK_BASE_PATH_H
#define THREADLEAK_BASE_PATH_H

#include <stdbool.h>

/* Behind the last '/': "libc.so.6" of "/lib/libc.so.6", "" of "/lib/", all of a path without '/'.
 * It points into the path; NULL for NULL. */
const char *path_basename(const char *path);

/* Cuts off " (deleted)", which /proc and core files add to the path of a file that has lost its name
 * (proc_pid_maps(5)).  True: it was there. */
bool path_cut_deleted(char *path);

#endif
