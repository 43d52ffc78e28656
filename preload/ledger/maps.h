/* Reads /proc/self/maps by system calls alone: no lock, no malloc, a small buffer. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MAPS_H
#define THREADLEAK_PRELOAD_LEDGER_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maps {
    long fd;
    uint32_t at, filled;
    char buffer[512];
};

struct maps_line {
    uint64_t start, end, offset;
    bool readable, of_file;
};

bool maps_open(struct maps *maps, const char *file);
void maps_close(struct maps *maps);

/* The next mapping; false: no more. path: gets its file, "" if there is none or if the name is too long.
 * The kernel's " (deleted)" is removed. NULL: not wanted. */
bool maps_next(struct maps *maps, struct maps_line *line, char *path, size_t size);

/* The kernel adds " (deleted)" to the path of a file that was removed. */
void maps_remove_deleted(char *path);

#endif
