/* The few facts of an ELF file that decide how the kernel starts it. */
#ifndef THREADLEAK_CLI_COMMON_ELF_HEAD_H
#define THREADLEAK_CLI_COMMON_ELF_HEAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct elf_head {
    int class;             /* ELFCLASS32 … */
    int byte_order;        /* ELFDATA2LSB … */
    unsigned type;         /* ET_EXEC … */
    unsigned machine;      /* EM_X86_64 … */
    char loader[PATH_MAX]; /* PT_INTERP; "": none */
};

enum elf_status {
    ELF_OK,
    ELF_FOREIGN, /* class, byte_order and machine are valid, the rest was not read */
    ELF_DAMAGED, /* an ELF file that the kernel would refuse */
};

/* Reads an open file that begins with "\177ELF". */
enum elf_status elf_head_read(int fd, struct elf_head *head);

/* The loader that started this program, or NULL. */
const char *elf_own_loader(void);
/* "64-bit ARM" …; `scratch` holds the text for a machine that has no name here. */
const char *elf_machine_name(const struct elf_head *head, char *scratch, size_t size);

#endif
