/* Memory and mapped files of a core, by address. */
#include <string.h>

#include "core/core.h"

const struct core_segment *core_file_find(const struct core_file *core, uint64_t address)
{
    size_t low = 0, high = core->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct core_segment *segment = &core->segments[middle];
        if (address < segment->start)
            high = middle;
        else if (address >= segment->end)
            low = middle + 1;
        else
            return segment;
    }
    return NULL;
}

const struct core_mapping *core_file_find_mapping(const struct core_file *core, uint64_t address)
{
    size_t low = 0, high = core->mapping_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct core_mapping *mapping = &core->mappings[middle];
        if (address < mapping->start)
            high = middle;
        else if (address >= mapping->end)
            low = middle + 1;
        else
            return mapping;
    }
    return NULL;
}

bool core_file_maps(const struct core_file *core, const char *basename)
{
    for (size_t i = 0; i < core->mapping_count; i++) {
        const char *slash = strrchr(core->mappings[i].path, '/');
        if (strcmp(slash ? slash + 1 : core->mappings[i].path, basename) == 0)
            return true;
    }
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
