#include "base/elf.h"

#include <elf.h>
#include <string.h>

static size_t align(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

const unsigned char *build_id_find(const unsigned char *notes, size_t size, size_t max_size, size_t *id_size)
{
    Elf64_Nhdr note;
    while (size >= sizeof(note)) {
        memcpy(&note, notes, sizeof(note));
        size_t content = sizeof(note) + align(note.n_namesz);
        if (content > size || note.n_descsz > size - content)
            return NULL;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + sizeof(note), "GNU", 4) == 0 && note.n_descsz > 0 && note.n_descsz <= max_size) {
            *id_size = note.n_descsz;
            return notes + content;
        }
        size_t next = content + align(note.n_descsz);
        if (next > size)
            return NULL;
        notes += next;
        size -= next;
    }
    return NULL;
}
