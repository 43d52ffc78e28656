/* Part of the ledger: code addresses, and the modules that contain them. */
#ifndef THREADLEAK_COMMON_LEDGER_CODE_H
#define THREADLEAK_COMMON_LEDGER_CODE_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * A code address that stays valid after the process: module index << 48 | offset from the
 * load bias of the module, as in its ELF file and symbols.  In a backtrace it is the return
 * address itself.  LEDGER_NO_MODULE: the address is in no module (JIT code), and the lower
 * bits are the pc.
 */
typedef uint64_t ledger_pc;
#define LEDGER_NO_MODULE 0xffffu
#define LEDGER_PC_OFFSET_MASK 0x0000ffffffffffffull
static inline uint32_t ledger_pc_module(ledger_pc pc)
{
    return (uint32_t)(pc >> 48);
}
static inline uint64_t ledger_pc_offset(ledger_pc pc)
{
    return pc & LEDGER_PC_OFFSET_MASK;
}

/* An ELF file that contains a frame.  No two have the same path and build-id. */
struct ledger_module {
    uint32_t path;         /* in strings; absolute if possible */
    uint32_t build_id_len; /* bytes; 0: none */
    uint8_t build_id[32];
    uint64_t bias;               /* load bias when it was recorded, or recorded again after it was unloaded */
    _Atomic uint64_t start, end; /* its addresses then; end 0: they are being written */
    /* The latest dlclose that unmapped it there; 0: none. Of the threads that run its code, those with a
     * smaller serial began before. Loaded again at the same address, they have their code again: then 0. */
    _Atomic uint64_t unloaded_serial;
    _Atomic ledger_pc unloaded_at; /* return address of that dlclose; 0: none */
    _Atomic uint32_t unloaded;     /* 1: it has not been recorded again since */
    uint32_t reserved0;
    uint64_t reserved1;
};
_Static_assert(sizeof(struct ledger_module) == 96, "module layout is part of the format");

#endif
