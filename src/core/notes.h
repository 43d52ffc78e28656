/* Reads the notes of a core file: threads, mapped files, the process, the signal. */
#ifndef THREADLEAK_CORE_NOTES_H
#define THREADLEAK_CORE_NOTES_H

#include "core/core.h"

struct core_notes {
    size_t quota; /* how many more may be read: a file can claim any number */
    bool cut;     /* the file ends within them, or they are damaged */
};

/* Adds the facts in the notes of a PT_NOTE to the core. False: out of memory. */
bool core_notes_read(struct core_file *core, struct core_notes *notes, uint64_t offset, uint64_t size);

#endif
