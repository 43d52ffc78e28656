/* The file of a ledger that is written: its sections, and the header. writer.h is for those who write
 * records. */
#ifndef THREADLEAK_ATTACH_WRITER_FILE_H
#define THREADLEAK_ATTACH_WRITER_FILE_H

#include "attach/table.h"
#include "base/error.h"
#include "common/ledger.h"
#include "ledger/attached.h"
#include "nptl/nptl.h"

struct writer {
    int fd;
    char path[ATTACHED_PATH];
    struct ledger_header *header;
    void *records[SECTIONS];
    uint64_t allocated[SECTIONS]; /* bytes of each that the file system has; a write beyond them could be a
                                     SIGBUS */
    struct table sites;           /* by content hash */
    struct table serials;         /* serial of a thread by its tid */
    uint32_t *free_slots;
    uint32_t free_count;
};

/* Creates the file, with what /proc knows of the process. NULL with an error: it exists and is locked, no
 * room, … */
struct writer *writer_new(pid_t pid, const struct nptl *nptl, struct error *error);
/* Removes the file. */
void writer_free(struct writer *writer);

/* The index of the first of `count` new records; UINT32_MAX: no room. A reader sees them at once. */
uint32_t writer_take(struct writer *writer, enum ledger_section section, uint32_t count);
/* The offset of a string in its section; 0: no room. */
uint32_t writer_store(struct writer *writer, const char *text, size_t size);

#endif
