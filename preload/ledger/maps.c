#include "preload/ledger/maps.h"

#include <fcntl.h>
#include <string.h>

#include "preload/shim/sys.h"
#include "preload/shim/text.h"

#define END (-1)

bool maps_open(struct maps *maps, const char *file)
{
    maps->at = maps->filled = 0;
    maps->fd = SYS3(openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    return maps->fd >= 0;
}

void maps_close(struct maps *maps)
{
    SYS1(close, maps->fd);
}

static int next_char(struct maps *maps)
{
    if (maps->at == maps->filled) {
        long n = SYS3(read, maps->fd, maps->buffer, sizeof(maps->buffer));
        maps->at = 0;
        maps->filled = n > 0 ? (uint32_t)n : 0;
        if (n <= 0)
            return END;
    }
    return (unsigned char)maps->buffer[maps->at++];
}

/* Returns the character after the digits. */
static int read_hex(struct maps *maps, uint64_t *value)
{
    int c;
    *value = 0;
    while ((c = next_char(maps)) != END) {
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint64_t)(c - 'a' + 10);
        else
            break;
    }
    return c;
}

/* The kernel writes a newline in a name as \012. */
static void remove_escapes(char *path)
{
    char *to = path;
    for (const char *from = path; *from; to++) {
        bool newline = strncmp(from, "\\012", 4) == 0;
        *to = newline ? '\n' : *from;
        from += newline ? 4 : 1;
    }
    *to = 0;
}

void maps_remove_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    size_t length = strlen(path), end = sizeof(mark) - 1;
    if (length > end && strcmp(path + length - end, mark) == 0)
        path[length - end] = 0;
}

/* c: the first character after the inode. */
static void read_path(struct maps *maps, int c, struct text *path)
{
    while (c == ' ')
        c = next_char(maps);
    for (; c != '\n' && c != END; c = next_char(maps)) {
        char byte = (char)c;
        text_bytes(path, &byte, 1);
    }
    if (path->overflow)
        path->buffer[0] = 0;
    maps_remove_deleted(path->buffer);
    remove_escapes(path->buffer);
}

/* START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH */
bool maps_next(struct maps *maps, struct maps_line *line, char *path, size_t size)
{
    char none[1];
    uint64_t ignored, inode;
    struct text text = path ? text_in(path, size) : text_in(none, sizeof(none));
    if (read_hex(maps, &line->start) != '-' || read_hex(maps, &line->end) != ' ')
        return false;
    line->readable = next_char(maps) == 'r';
    for (int c = 0; c != ' ' && c != END;)
        c = next_char(maps);
    if (read_hex(maps, &line->offset) != ' ' || read_hex(maps, &ignored) != ':' ||
        read_hex(maps, &ignored) != ' ')
        return false;
    read_path(maps, read_hex(maps, &inode), &text);
    line->of_file = inode != 0;
    return true;
}
