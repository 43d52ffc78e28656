/* Call-frame information in a compact form: how to find the caller's frame, for each code address. */
#ifndef THREADLEAK_UNWIND_RULE_H
#define THREADLEAK_UNWIND_RULE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "unwind/file.h"

enum rule_kind {
    RULE_UNDEFINED,
    RULE_SAME,
    RULE_AT_CFA,        /* saved at CFA + offset */
    RULE_CFA_PLUS,      /* is CFA + offset */
    RULE_REGISTER,      /* is in another register */
    RULE_AT_EXPRESSION, /* saved at the value of the expression */
    RULE_EXPRESSION,    /* is the value of the expression */
};

struct rule {
    enum rule_kind kind;
    int32_t value;       /* offset or register */
    const Dwarf_Op *ops; /* of expressions; the file's */
    size_t op_count;
};

struct frame_rules {
    struct rule cfa; /* RULE_REGISTER with cfa_offset, or RULE_EXPRESSION */
    int64_t cfa_offset;
    struct rule regs[SNAPSHOT_REGS];
    int return_register; /* that holds the caller's pc; < 0: there is no caller */
    bool is_signal_frame;
    uint64_t start; /* the first instruction that these rules are valid for, in the process */
};

/* Rules for the instruction at an address; false: no call-frame information. */
bool frame_rules_find(struct code_file *file, uint64_t pc, struct frame_rules *rules);

/* What an expression may read. */
struct expression_context {
    const uint64_t *regs;
    uint64_t unknown; /* bits, by number: registers whose value is unknown */
    uint64_t cfa;
    bool (*read)(void *arg, uint64_t address, void *to, size_t size);
    void *arg;
};
/* False: an operation that call-frame information does not use, an unknown register, or unreadable memory. */
bool expression_evaluate(const Dwarf_Op *ops, size_t count, const struct expression_context *context,
                         uint64_t *result);

#endif
