/* Any bytes as a program: the line of a script, or the headers of an ELF file. */
#include <stdlib.h>
#include <string.h>

#include "cli/common/program_head.h"
#include "fuzz.h"

static void read_script(const uint8_t *data, size_t size)
{
    char line[SCRIPT_HEAD_SIZE + 1], *interpreter, *argument;
    size_t length = size < SCRIPT_HEAD_SIZE ? size : SCRIPT_HEAD_SIZE;
    memcpy(line, data, length);
    if (!script_head_read(line, length, &interpreter, &argument))
        return;
    const char *program = script_env_program(interpreter, argument);
    volatile size_t sum = strlen(interpreter) + strlen(argument) + (program ? strlen(program) : 0);
    (void)sum;
}

static void read_elf(const uint8_t *data, size_t size)
{
    struct elf_head head;
    char scratch[64];
    int fd;
    fuzz_file(data, size, &fd);
    if (elf_head_read(fd, &head) == ELF_OK && strlen(head.loader) >= sizeof(head.loader))
        abort();
    volatile size_t sum = strlen(elf_machine_name(&head, scratch, sizeof(scratch)));
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && memcmp(data, "#!", 2) == 0)
        read_script(data, size);
    else if (size >= 4 && memcmp(data, "\177ELF", 4) == 0)
        read_elf(data, size);
    return 0;
}
