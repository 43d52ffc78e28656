#include "cli/common/program_head.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "base/elf.h"
#include "base/file.h"
#include "common/compat.h"
#include "base/path.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Follows load_script() in fs/binfmt_script.c. */
bool script_head_read(char *line, size_t length, char **interpreter, char **argument)
{
    char *end = memchr(line, '\n', length);
    bool whole = end || memchr(line, 0, length) || length < SCRIPT_HEAD_SIZE;
    if (!end)
        end = line + length;
    *end = '\0';
    for (end = line + strlen(line); end > line + 2 && is_blank(end[-1]);)
        *--end = '\0';
    char *at = line + 2;
    at += strspn(at, " \t");
    if (!*at)
        return false;
    *interpreter = at;
    at += strcspn(at, " \t");
    if (!*at && !whole)
        return false;
    if (*at)
        *at++ = '\0';
    *argument = at + strspn(at, " \t");
    return true;
}

const char *script_env_program(const char *interpreter, char *argument)
{
    if (strcmp(path_basename(interpreter), "env"))
        return NULL;
    if (!strncmp(argument, "-S", 2)) {
        argument += 2;
        argument += strspn(argument, " \t");
        argument[strcspn(argument, " \t")] = '\0';
    }
    return *argument && *argument != '-' && !strchr(argument, '=') ? argument : NULL;
}

/* EIO of a disk says nothing about the file. */
static enum elf_status read_whole(int fd, uint64_t offset, void *to, size_t size)
{
    if (pread_all(fd, offset, to, size) == size)
        return ELF_OK;
    return errno == 0 || errno == EOVERFLOW ? ELF_DAMAGED : ELF_UNREAD;
}

static enum elf_status read_loader(int fd, const Elf64_Phdr *segment, struct elf_head *head)
{
    /* as the kernel does: load_elf_binary() in fs/binfmt_elf.c */
    if (segment->p_filesz < 2 || segment->p_filesz > sizeof(head->loader))
        return ELF_DAMAGED;
    enum elf_status status = read_whole(fd, segment->p_offset, head->loader, segment->p_filesz);
    bool terminated = status != ELF_OK || head->loader[segment->p_filesz - 1] == '\0';
    return terminated ? status : ELF_DAMAGED;
}

enum elf_status elf_head_read(int fd, struct elf_head *head)
{
    memset(head, 0, sizeof(*head));
    Elf64_Ehdr elf;
    memset(&elf, 0, sizeof(elf));
    size_t got = pread_all(fd, 0, &elf, sizeof(elf));
    if (got == 0 && errno != 0)
        return ELF_UNREAD;
    if (got < sizeof(Elf32_Ehdr) || memcmp(elf.e_ident, ELFMAG, SELFMAG))
        return ELF_DAMAGED;
    head->class = elf.e_ident[EI_CLASS];
    head->byte_order = elf.e_ident[EI_DATA];
    bool swapped = head->byte_order != OUR_ELF_BYTE_ORDER;
    /* e_type and e_machine have the same offsets in both classes */
    head->type = swapped ? __builtin_bswap16(elf.e_type) : elf.e_type;
    head->machine = swapped ? __builtin_bswap16(elf.e_machine) : elf.e_machine;
    if (head->class != OUR_ELF_CLASS || swapped || head->machine != OUR_ELF_MACHINE)
        return ELF_FOREIGN;
    if (got < sizeof(elf) || (head->type != ET_EXEC && head->type != ET_DYN) ||
        elf.e_phentsize != sizeof(Elf64_Phdr) || !elf.e_phnum)
        return ELF_DAMAGED;
    for (unsigned i = 0; i < elf.e_phnum; i++) {
        Elf64_Phdr segment;
        if (elf.e_phoff > INT64_MAX / 2)
            return ELF_DAMAGED;
        enum elf_status status = read_whole(fd, elf.e_phoff + i * sizeof(segment), &segment, sizeof(segment));
        if (status != ELF_OK)
            return status;
        if (segment.p_type == PT_INTERP)
            return read_loader(fd, &segment, head);
    }
    return ELF_OK;
}

/* The program itself comes first. This reads its memory, because /proc/self/exe is the loader when the loader
 * was started by name. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            /* The address belongs to a segment of this program. */
            *(const char **)found = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return 1;
}

const char *elf_own_loader(void)
{
    const char *loader = NULL;
    dl_iterate_phdr(find_loader, &loader);
    return loader;
}

const char *elf_machine_name(const struct elf_head *head, char *scratch, size_t size)
{
    static const struct {
        unsigned machine;
        int class;
        const char *name;
    } names[] = {
        {EM_X86_64, ELFCLASS64, "x86-64"},       {EM_X86_64, ELFCLASS32, "32-bit x86-64 (x32)"},
        {EM_386, ELFCLASS32, "32-bit x86"},      {EM_AARCH64, ELFCLASS64, "64-bit ARM (aarch64)"},
        {EM_ARM, ELFCLASS32, "32-bit ARM"},      {EM_RISCV, ELFCLASS64, "64-bit RISC-V"},
        {EM_RISCV, ELFCLASS32, "32-bit RISC-V"}, {EM_PPC64, ELFCLASS64, "64-bit PowerPC"},
        {EM_S390, ELFCLASS64, "s390x"},          {EM_LOONGARCH, ELFCLASS64, "64-bit LoongArch"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == head->machine && names[i].class == head->class)
            return names[i].name;
    snprintf(scratch, size, "%s machine number %u",
             head->class == ELFCLASS32   ? "32-bit"
             : head->class == ELFCLASS64 ? "64-bit"
                                         : "unknown",
             head->machine);
    return scratch;
}
