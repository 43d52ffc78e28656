/* The file of a ledger that is written: its sections, and the header. Private to writer.c and writer_file.c.
 */
#ifndef THREADLEAK_ATTACH_WRITER_FILE_H
#define THREADLEAK_ATTACH_WRITER_FILE_H

#include "attach/table.h"
#include "attach/writer.h"
#include "ledger/attached.h"

struct writer {
    int fd;
    char path[ATTACHED_PATH];
    struct ledger_header *header;
    void *records[SECTIONS];
    struct table sites;   /* by content hash */
    struct table serials; /* serial of a thread by its tid */
    uint32_t *free_slots;
    uint32_t free_count;
};

/* The index of the first of `count` new records; UINT32_MAX: no room. A reader sees them at once. */
uint32_t writer_take(struct writer *writer, enum ledger_section section, uint32_t count);
/* The offset of a string in its section; 0: no room. */
uint32_t writer_store(struct writer *writer, const char *text, size_t size);

#endif
