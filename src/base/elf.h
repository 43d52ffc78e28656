/* ELF, elf(5): the machine that this program is built for, and the build-id in notes. */
#ifndef THREADLEAK_BASE_ELF_H
#define THREADLEAK_BASE_ELF_H

#include <elf.h>
#include <endian.h>
#include <stddef.h>

enum {
    OUR_ELF_CLASS = ELFCLASS64,
    OUR_ELF_BYTE_ORDER = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB,
#if defined(__x86_64__)
    OUR_ELF_MACHINE = EM_X86_64,
#elif defined(__aarch64__)
    OUR_ELF_MACHINE = EM_AARCH64,
#else
    OUR_ELF_MACHINE = EM_NONE, /* the shim does not build for it */
#endif
};

/* Searches the contents of a PT_NOTE segment, which may be damaged. Returns the build-id, which is a part of
 * the notes, and its size. NULL: none, an empty one, or more than `max_size` bytes. */
const unsigned char *build_id_find(const unsigned char *notes, size_t size, size_t max_size, size_t *id_size);

#endif
