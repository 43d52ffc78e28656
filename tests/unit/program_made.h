/* Made-up programs and scripts in a directory of their own, and whether they can be watched. */
#ifndef PROGRAM_MADE_H
#define PROGRAM_MADE_H

#include <elf.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/common/watchable.h"

/* Of each test. */
extern char program_directory[64];
extern struct error watchable_error;
void program_made_setup(void);

/* Its path, which is valid for 31 more calls. */
const char *make_file(const char *name, const void *bytes, size_t length, mode_t mode);
const char *script(const char *name, const char *text);

/* An ELF file of our own kind, of one segment, that a test then damages. */
struct made_elf {
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    char loader[64];
};

/* loader: NULL in a static program. */
struct made_elf made(const char *loader);
const char *make_elf(const char *name, const struct made_elf *elf);

/* Fail the test where watchable_file answers otherwise; text: a part of its error, or NULL. */
void expect_watchable(const char *path, enum watchable expected, const char *text);

#endif
