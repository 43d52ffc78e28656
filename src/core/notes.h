/* The notes of a core file: threads, mapped files, who and why. */
#ifndef THREADLEAK_CORE_NOTES_H
#define THREADLEAK_CORE_NOTES_H

#include "core/core.h"

/* How many notes may still be looked at in one file: no end of them can be claimed. */
struct core_notes {
    size_t left;
    bool cut; /* the file ends within them, or they make no sense from somewhere on */
};

/* Takes what a PT_NOTE holds into the core.  False: out of memory. */
bool core_notes_read(struct core_file *core, struct core_notes *notes, uint64_t offset, uint64_t size);

#endif
