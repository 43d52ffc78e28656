#include "program_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf.h"
#include "suite.h"

char program_directory[64];
struct error watchable_error;

void program_made_setup(void)
{
    scratch_directory(program_directory, sizeof(program_directory));
    ck_assert_int_eq(chmod(program_directory, 0755), 0);
    watchable_error.text[0] = '\0';
}

const char *make_file(const char *name, const void *bytes, size_t length, mode_t mode)
{
    static char paths[32][128];
    static unsigned turn;
    char *path = paths[turn++ % 32];
    snprintf(path, sizeof(paths[0]), "%s/%s", program_directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

const char *script(const char *name, const char *text)
{
    return make_file(name, text, strlen(text), 0755);
}

struct made_elf made(const char *loader)
{
    struct made_elf elf = {
        .head = {.e_type = ET_DYN,
                 .e_machine = (Elf64_Half)OUR_ELF_MACHINE,
                 .e_phoff = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 1},
        .segment = {.p_type = loader ? PT_INTERP : PT_LOAD,
                    .p_offset = offsetof(struct made_elf, loader),
                    .p_filesz = loader ? strlen(loader) + 1 : 0},
    };
    memcpy(elf.head.e_ident, ELFMAG, SELFMAG);
    elf.head.e_ident[EI_CLASS] = (unsigned char)OUR_ELF_CLASS;
    elf.head.e_ident[EI_DATA] = (unsigned char)OUR_ELF_BYTE_ORDER;
    strcpy(elf.loader, loader ? loader : "");
    return elf;
}

const char *make_elf(const char *name, const struct made_elf *elf)
{
    return make_file(name, elf, sizeof(*elf), 0755);
}

void expect_watchable(const char *path, enum watchable expected, const char *said)
{
    watchable_error.text[0] = '\0';
    enum watchable answer = watchable_file(path, &watchable_error);
    ck_assert_msg(answer == expected, "%s: %d instead of %d: %s", path, answer, expected,
                  watchable_error.text);
    ck_assert_msg(!said || strstr(watchable_error.text, said), "'%s' lacks '%s'", watchable_error.text, said);
    ck_assert_ptr_null(strchr(watchable_error.text, '\n'));
}
