/*
 * The modules of a process with a glibc before 2.35, which cannot find one without a lock. The table has the
 * modules of the start. An address in none of them is searched in /proc/self/maps.
 *
 * It has a fixed size: a new module takes the place of the oldest one when it is full. A thread or a handler
 * that finds an entry while another one writes it treats the entry as empty.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_TABLE_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define MODULE_TABLE_SIZE 128

/* Bytes of a path, with its NUL. The stack may be small. */
#define MODULE_PATH 512

struct module_found {
    uint64_t start, end; /* end: of the last segment */
    uint64_t eh_frame;   /* address of .eh_frame_hdr; 0: none */
};

/* Takes the loader's lock. */
void module_table_fill(void);

/* As module_find_path. bias, path: NULL if they are not wanted. */
bool module_table_find(uint64_t pc, struct module_found *found, uint64_t *bias, char *path);

/* As module_is_at: true also if /proc/self/maps cannot be read. */
bool module_table_is_at(uint64_t start, uint64_t end);

/* A library was unloaded: another one can have its addresses. */
void module_table_forget(void);

#endif
