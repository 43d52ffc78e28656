/* Binary search. */
#ifndef THREADLEAK_BASE_SEARCH_H
#define THREADLEAK_BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first index of 0 … count - 1 for which `condition`, an expression of `i`, is true; `count` if there is
 * none. If it is true for one index, it must be true for all higher ones, as `>=` is in a sorted array.
 *
 *     size_t at = SEARCH_FIRST(i, list->count, list->items[i].tid >= tid);
 */
#define SEARCH_FIRST(i, count, condition)         \
    ({                                            \
        size_t low_ = 0, high_ = (count);         \
        while (low_ < high_) {                    \
            size_t i = low_ + (high_ - low_) / 2; \
            if (condition)                        \
                high_ = i;                        \
            else                                  \
                low_ = i + 1;                     \
        }                                         \
        low_;                                     \
    })

/*
 * The same, where most searches have the result of the one before: `last` is an lvalue that keeps it, 0 at
 * first. It may be of a shorter or longer array.
 */
#define SEARCH_FIRST_AGAIN(i, count, last, condition)                                  \
    ({                                                                                 \
        size_t count_ = (count);                                                       \
        bool same_ = ({                                                                \
            size_t i = (last);                                                         \
            i <= count_ && (i == count_ || (condition)) && (i-- == 0 || !(condition)); \
        });                                                                            \
        if (!same_)                                                                    \
            (last) = SEARCH_FIRST(i, count_, condition);                               \
        (last);                                                                        \
    })

#endif
