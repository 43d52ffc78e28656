/*
 * Recursive locks of libc: those of FILEs, and its own, such as that of the list of all FILEs. They store the
 * descriptor of their owner (_IO_lock_t in sysdeps/nptl/stdio-lock.h, __libc_lock_recursive_t in
 * sysdeps/nptl/libc-lock.h). pthread_mutex_t stores a tid.
 */
#include "reach/kept.h"

/* Before the owner are the lock, which is 1, or 2 if others wait, and the count. */
enum { OWNER_AT = 8, MAX_LOCKED = 2 };

/* struct _IO_FILE, and the locks that fopen(3) and others allocate behind it (struct locked_FILE). */
enum { FILE_MAGIC = 0xfbad, FILE_LOCK = 136, FILE_SIZE = 216, LOCK_WITHIN = 512 };

static bool is_held(const struct reach_image *image, uint64_t lock)
{
    uint64_t word = reach_word(image, lock);
    uint32_t locked = (uint32_t)word, count = (uint32_t)(word >> 32);
    return locked && locked <= MAX_LOCKED && count && count <= INT32_MAX;
}

static bool is_of_file(const struct reach_image *image, uint64_t lock)
{
    for (uint64_t file = lock - FILE_SIZE; file > lock - LOCK_WITHIN; file -= sizeof(uint64_t))
        if (reach_word(image, file + FILE_LOCK) == lock &&
            (uint32_t)reach_word(image, file) >> 16 == FILE_MAGIC)
            return true;
    return false;
}

/* A structure of the program may look like a lock. libc's data and its FILEs have no members of the program
 * there, so both is required. */
bool reach_is_lock_owner(const struct reach_image *image, uint64_t at)
{
    uint64_t lock = at - OWNER_AT;
    bool is_of_libc = lock >= image->glibc.libc_start && lock < image->glibc.libc_end;
    return at % sizeof(uint64_t) == 0 && is_held(image, lock) && (is_of_libc || is_of_file(image, lock));
}
