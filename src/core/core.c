#include "core/core.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/search.h"

const struct core_segment *core_file_find(const struct core_file *core, uint64_t address)
{
    size_t at = SEARCH_FIRST(i, core->segment_count, core->segments[i].end > address);
    return at < core->segment_count && core->segments[at].start <= address ? &core->segments[at] : NULL;
}

bool core_file_maps(const struct core_file *core, const char *basename)
{
    for (size_t i = 0; i < core->mapping_count; i++)
        if (strcmp(path_basename(core->mappings[i].path), basename) == 0)
            return true;
    return false;
}

size_t core_file_read(const struct core_file *core, uint64_t address, void *to, size_t size)
{
    const struct core_segment *segment = core_file_find(core, address);
    const struct core_segment *end = core->segments + core->segment_count;
    size_t done = 0;
    while (done < size && segment && segment < end && segment->start <= address) {
        uint64_t from = address - segment->start;
        uint64_t here = from < segment->dumped ? segment->dumped - from : 0;
        size_t wanted = here < size - done ? (size_t)here : size - done;
        uint64_t offset;
        if (__builtin_add_overflow(segment->offset, from, &offset))
            break;
        size_t got = core_file_pread(core, offset, (char *)to + done, wanted);
        done += got;
        address += got;
        if (got < wanted || address < segment->end)
            break;
        segment++;
    }
    return done;
}

size_t core_file_pread(const struct core_file *core, uint64_t offset, void *to, size_t size)
{
    return pread_all(core->fd, offset, to, size);
}

void core_file_close(struct core_file *core)
{
    if (!core)
        return;
    if (core->fd >= 0)
        close(core->fd);
    free(core->path);
    free(core->segments);
    free(core->mappings);
    free(core->threads);
    free(core->strings);
    free(core);
}
