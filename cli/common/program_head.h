/* The beginning of a program's file, which decides how the kernel starts it: script or ELF. */
#ifndef THREADLEAK_CLI_COMMON_PROGRAM_HEAD_H
#define THREADLEAK_CLI_COMMON_PROGRAM_HEAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_HEAD_SIZE 256 /* BINPRM_BUF_SIZE, linux/binfmts.h: the kernel reads no more */

/* Splits the first line of a script, "#! interpreter [argument]", as the kernel does.  It has `length` bytes
 * and room for one more.  The rest of the line after the interpreter is one argument, or "".  False: the
 * kernel refuses it (ENOEXEC). */
bool script_head_read(char *line, size_t length, char **interpreter, char **argument);

/* The PROGRAM of "#!/usr/bin/env [-S] PROGRAM …", or NULL.  Changes `argument`. */
const char *script_env_program(const char *interpreter, char *argument);

struct elf_head {
    int class;             /* ELFCLASS32 … */
    int byte_order;        /* ELFDATA2LSB … */
    unsigned type;         /* ET_EXEC … */
    unsigned machine;      /* EM_X86_64 … */
    char loader[PATH_MAX]; /* PT_INTERP; "": none */
};

enum elf_status {
    ELF_OK,
    ELF_FOREIGN, /* only class, byte_order and machine are valid */
    ELF_DAMAGED, /* an ELF file that the kernel would refuse */
    ELF_UNREAD,  /* a read failed */
};

/* Reads an open file that begins with "\177ELF". */
enum elf_status elf_head_read(int fd, struct elf_head *head);

/* The loader that started this program, or NULL. */
const char *elf_own_loader(void);
/* "64-bit ARM" …; `scratch` holds the text for a machine that has no name here. */
const char *elf_machine_name(const struct elf_head *head, char *scratch, size_t size);

#endif
