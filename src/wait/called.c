#include "wait/called.h"

#include <string.h>

static uint64_t pointer_at(const struct snapshot *snapshot, uint64_t address)
{
    uint64_t pointer;
    return snapshot_read_live(snapshot, address, &pointer, sizeof(pointer)) ? pointer : 0;
}

#if defined(__x86_64__)

static uint64_t relative(uint64_t end, const unsigned char *bytes)
{
    int32_t distance;
    memcpy(&distance, bytes, sizeof(distance));
    return end + (uint64_t)(int64_t)distance;
}

/* [endbr64] [bnd] jmp *SLOT(%rip) */
static uint64_t behind_stub(const struct snapshot *snapshot, uint64_t stub)
{
    static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    unsigned char code[11];
    size_t at = 0;
    if (!snapshot_read_memory(snapshot, NULL, stub, code, sizeof(code)))
        return stub;
    if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
        at = sizeof(endbr64);
    if (code[at] == 0xf2)
        at++;
    if (code[at] != 0xff || code[at + 1] != 0x25)
        return stub;
    return pointer_at(snapshot, relative(stub + at + 6, code + at + 2));
}

uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc)
{
    unsigned char code[6];
    if (!snapshot_read_memory(snapshot, NULL, return_pc - sizeof(code), code, sizeof(code)))
        return 0;
    if (code[1] == 0xe8)
        return behind_stub(snapshot, relative(return_pc, code + 2));
    if (code[0] == 0xff && code[1] == 0x15)
        return pointer_at(snapshot, relative(return_pc, code + 2));
    return 0;
}

#elif defined(__aarch64__)

/* [bti c] adrp x16, PAGE; ldr x17, [x16, OFFSET] */
static uint64_t behind_stub(const struct snapshot *snapshot, uint64_t stub)
{
    uint32_t code[3];
    size_t at;
    if (!snapshot_read_memory(snapshot, NULL, stub, code, sizeof(code)))
        return stub;
    at = code[0] == 0xd503245f;
    if ((code[at] & 0x9f00001f) != 0x90000010 || (code[at + 1] & 0xffc003ff) != 0xf9400211)
        return stub;
    uint64_t pages = (uint64_t)(code[at] >> 5 & 0x7ffff) << 2 | (code[at] >> 29 & 3);
    int64_t distance = (int64_t)(pages << 43) >> 43;
    uint64_t page = ((stub + 4 * at) & ~UINT64_C(0xfff)) + (uint64_t)distance * 4096;
    return pointer_at(snapshot, page + 8 * (code[at + 1] >> 10 & 0xfff));
}

uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc)
{
    uint32_t code;
    if (!snapshot_read_memory(snapshot, NULL, return_pc - 4, &code, sizeof(code)) || code >> 26 != 0x25)
        return 0;
    int64_t distance = (int64_t)((uint64_t)code << 38) >> 36;
    return behind_stub(snapshot, return_pc - 4 + (uint64_t)distance);
}

#endif
