/*
 * Arrays that grow by one item at a time, doubled at each power of two.  So the number of items says how many
 * there is room for, and nothing else has to be kept.
 */
#ifndef THREADLEAK_BASE_ARRAY_H
#define THREADLEAK_BASE_ARRAY_H

#include <stddef.h>

/*
 * Makes room for items[count] in an array that began as NULL and was grown by nothing else.  False: out of
 * memory; then the array is as it was.  `items` is an lvalue; the caller counts, and frees it.
 *
 *     if (!ARRAY_GROW(list->items, list->count))
 *         return false;
 *     list->items[list->count++] = item;
 */
#define ARRAY_GROW(items, count)                                       \
    ({                                                                 \
        void *grown_ = array_grow((items), (count), sizeof(*(items))); \
        (items) = grown_ ? grown_ : (void *)(items);                   \
        grown_ != NULL;                                                \
    })

/* The array, moved where needed, or NULL. */
void *array_grow(void *items, size_t count, size_t size);

#endif
