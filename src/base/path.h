/* Paths as text. These functions open no file. */
#ifndef THREADLEAK_BASE_PATH_H
#define THREADLEAK_BASE_PATH_H

#include <stdbool.h>

/* The part after the last '/': "libc.so.6" of "/lib/libc.so.6", "" of "/lib/", the whole path if it has no
 * '/'. It points into the path; NULL for NULL. */
const char *path_basename(const char *path);

/* Removes " (deleted)", which /proc and core files add to the path of an unlinked file (proc_pid_maps(5)).
 * True: it was there. */
bool path_cut_deleted(char *path);

/* Is it the file of glibc's libc, or, before 2.34, of its libpthread? Those of Debian 11 are libc-2.31.so and
 * libpthread-2.31.so. NULL is none. */
bool path_is_libc(const char *path);

#endif
