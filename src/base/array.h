/*
 * Arrays that grow by one item at a time. Their capacity is the next power of two, so it follows from the
 * number of items and is not stored.
 */
#ifndef THREADLEAK_BASE_ARRAY_H
#define THREADLEAK_BASE_ARRAY_H

#include <stddef.h>

/*
 * Makes space for items[count]. The array begins as NULL, and only this macro may grow it. False: out of
 * memory; then the array is unchanged. `items` is an lvalue. The caller keeps the count, and frees the array.
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

/* The array, which realloc may have moved; NULL: out of memory. */
void *array_grow(void *items, size_t count, size_t size);

#endif
