/* What ELF files of this build of threadleak say of the machine: elf(5). */
#ifndef THREADLEAK_BASE_ELF_H
#define THREADLEAK_BASE_ELF_H

#include <elf.h>
#include <endian.h>

enum {
    OUR_ELF_CLASS = ELFCLASS64,
    OUR_ELF_BYTE_ORDER = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB,
#if defined(__x86_64__)
    OUR_ELF_MACHINE = EM_X86_64,
#elif defined(__aarch64__)
    OUR_ELF_MACHINE = EM_AARCH64,
#else
    OUR_ELF_MACHINE = EM_NONE, /* the shim does not build there */
#endif
};

#endif
