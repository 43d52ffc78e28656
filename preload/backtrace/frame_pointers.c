#include "preload/backtrace/frame_pointers.h"

#include <stdbool.h>
#include <stdint.h>

#include "preload/ledger/module_find.h"
#include "preload/shim/readable.h"
#include "preload/shim/config.h"

/* From the linker: the memory of this library, which calls main with musl (hook_start.c). */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* x86-64 and aarch64. */
struct frame {
    const struct frame *caller;
    uint64_t return_address;
};

struct walk {
    const struct frame *at;
    uintptr_t readable; /* a page that is readable; 0: none yet */
};

static bool frame_is_readable(struct walk *walk)
{
    return (uintptr_t)walk->at % sizeof(void *) == 0 && memory_is_readable_near(walk->at, &walk->readable) &&
           memory_is_readable_near(&walk->at->return_address, &walk->readable);
}

#if defined(__x86_64__)
static uint64_t without_signature(uint64_t address)
{
    return address;
}

/* call rel32, or ff /2: a call through a register or memory of 2, 3, 6 or 7 bytes */
static bool is_after_call(const unsigned char *end)
{
    static const unsigned char sizes[] = {2, 3, 4, 6, 7};
    if (end[-5] == 0xe8)
        return true;
    for (unsigned i = 0; i < sizeof(sizes); i++)
        if (end[-sizes[i]] == 0xff && (end[1 - sizes[i]] >> 3 & 7) == 2)
            return true;
    return false;
}
#elif defined(__aarch64__)
/* xpaclri, which older CPUs ignore */
static uint64_t without_signature(uint64_t address)
{
    register uint64_t x30 __asm__("x30") = address;
    __asm__("hint #7" : "+r"(x30));
    return x30;
}

/* bl, or blr in any of its forms */
static bool is_after_call(const unsigned char *end)
{
    uint32_t code = *(const uint32_t *)(const void *)(end - 4);
    return code >> 26 == 0x25 || (code & 0xfefff800) == 0xd63f0000;
}
#endif

enum { MAX_CALL = 8 };

/* All of the call is in the module of its end, so it is readable, unless the module is damaged. */
static bool is_return_address(uint64_t address)
{
    struct module_found found;
    unsigned char code[MAX_CALL];
    return address > 4096 && module_find(address - 1, &found) && address - found.start >= MAX_CALL &&
           memory_copy(code, (const void *)(address - MAX_CALL), MAX_CALL) && is_after_call(code + MAX_CALL);
}

static bool is_own(uint64_t address)
{
    return address >= (uint64_t)__ehdr_start && address < (uint64_t)_end;
}

int frame_pointers_walk(const void *frame, void **frames, int size)
{
    struct walk walk = {.at = frame};
    int count = 0;
    bool in_program = false; /* the first frames are those of a hook */
    /* A sandbox can end the program for the system call that shows whether memory is readable. */
    while (count < size && !shim_config.sandboxed && frame_is_readable(&walk)) {
        uint64_t address = without_signature(walk.at->return_address);
        if (!is_return_address(address))
            break;
        if (in_program && is_own(address))
            break; /* main was the last */
        in_program = !is_own(address);
        frames[count++] = (void *)address;
        if (walk.at->caller <= walk.at)
            break;
        walk.at = walk.at->caller;
    }
    return count;
}
