/* What is known about the ELF file that contains an address. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_FOUND_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_FOUND_H

#include <stdint.h>

/* Bytes of a path, with its NUL. The stack may be small. */
#define MODULE_PATH 512

struct module_found {
    uint64_t start, end; /* end: of the last segment */
    uint64_t eh_frame;   /* address of .eh_frame_hdr; 0: none */
};

#endif
