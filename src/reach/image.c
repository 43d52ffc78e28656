#include "reach/image.h"

#include <string.h>

#include "base/search.h"

const struct reach_piece *reach_piece_at(const struct reach_image *image, uint64_t address)
{
    const struct reach_piece *pieces = image->pieces;
    size_t *last = &((struct reach_image *)image)->last_piece;
    size_t at = SEARCH_FIRST_AGAIN(i, image->piece_count, *last, pieces[i].start + pieces[i].size > address);
    return at < image->piece_count ? &pieces[at] : NULL;
}

bool reach_read(const struct reach_image *image, uint64_t address, void *to, size_t size)
{
    const struct reach_piece *piece = reach_piece_at(image, address);
    if (!piece || address < piece->start || size > piece->size || address - piece->start > piece->size - size)
        return false;
    memcpy(to, piece->bytes + (address - piece->start), size);
    return true;
}

uint64_t reach_word(const struct reach_image *image, uint64_t address)
{
    uint64_t word = 0;
    return reach_read(image, address, &word, sizeof(word)) ? word : 0;
}

const struct reach_region *reach_region_at(const struct reach_image *image, uint64_t address)
{
    const struct reach_region *regions = image->regions;
    size_t at = SEARCH_FIRST(i, image->region_count, regions[i].end > address);
    return at < image->region_count && regions[at].start <= address ? &regions[at] : NULL;
}
