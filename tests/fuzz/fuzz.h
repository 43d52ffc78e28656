/*
 * What the fuzzers share. Each defines LLVMFuzzerTestOneInput for one reader of files that a watched program
 * can write. A fuzzer with file names as arguments runs over these files once.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a regular file with these bytes. It is valid until the next call. *fd, unless NULL: it, at
 * offset 0. */
const char *fuzz_file(const uint8_t *data, size_t size, int *fd);
/* A directory that has only this file. */
const char *fuzz_directory(const char *name, const uint8_t *data, size_t size);
/* A copy with a NUL at the end; the caller frees it. */
char *fuzz_text(const uint8_t *data, size_t size);
/* Every error has a text of one line. */
void fuzz_check_error(const char *text);

#endif
