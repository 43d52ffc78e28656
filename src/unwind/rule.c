#include "unwind/rule.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

/* "CFA = register + offset", or anything else. */
static bool set_cfa(struct frame_rules *rules, Dwarf_Frame *frame)
{
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0)
        return false;
    if (count == 1 && ops->atom >= DW_OP_breg0 && ops->atom <= DW_OP_breg31) {
        rules->cfa = (struct rule){.kind = RULE_REGISTER, .value = ops->atom - DW_OP_breg0};
        rules->cfa_offset = (int64_t)ops->number;
    } else if (count == 1 && ops->atom == DW_OP_bregx) {
        rules->cfa = (struct rule){.kind = RULE_REGISTER, .value = (int32_t)ops->number};
        rules->cfa_offset = (int64_t)ops->number2;
    } else {
        rules->cfa = (struct rule){.kind = RULE_EXPRESSION, .ops = ops, .op_count = count};
    }
    return rules->cfa.kind != RULE_REGISTER || (rules->cfa.value >= 0 && rules->cfa.value < SNAPSHOT_REGS);
}

static bool fits(int64_t value)
{
    return value == (int32_t)value;
}

/* elfutils/libdw.h documents these forms of simple rules at dwarf_frame_register. */
static struct rule make_rule(const Dwarf_Op *ops, size_t count, const Dwarf_Op *buffer)
{
    if (count == 0)
        return (struct rule){.kind = ops ? RULE_UNDEFINED : RULE_SAME};
    bool is_value = ops[count - 1].atom == DW_OP_stack_value;
    size_t plain = count - is_value;
    if (plain && plain <= 2 && ops[0].atom == DW_OP_call_frame_cfa) {
        int64_t offset = plain == 2 ? (int64_t)ops[1].number : 0;
        if ((plain == 1 || ops[1].atom == DW_OP_plus_uconst) && fits(offset))
            return (struct rule){.kind = is_value ? RULE_CFA_PLUS : RULE_AT_CFA, .value = (int32_t)offset};
    }
    if (count == 1 && ops->atom == DW_OP_regx && ops->number < SNAPSHOT_REGS)
        return (struct rule){.kind = RULE_REGISTER, .value = (int32_t)ops->number};
    if (count == 1 && ops->atom >= DW_OP_reg0 && ops->atom <= DW_OP_reg31 &&
        ops->atom - DW_OP_reg0 < SNAPSHOT_REGS)
        return (struct rule){.kind = RULE_REGISTER, .value = ops->atom - DW_OP_reg0};
    if (ops == buffer) /* unknown form, and libdw does not keep the operations */
        return (struct rule){.kind = RULE_UNDEFINED};
    return (struct rule){
        .kind = is_value ? RULE_EXPRESSION : RULE_AT_EXPRESSION, .ops = ops, .op_count = count};
}

static bool set_rules(struct frame_rules *rules, Dwarf_Frame *frame)
{
    Dwarf_Op buffer[3], *ops;
    size_t count;
    rules->return_register = dwarf_frame_info(frame, &rules->start, NULL, &rules->is_signal_frame);
    if (rules->return_register < 0 || rules->return_register >= SNAPSHOT_REGS || !set_cfa(rules, frame))
        return false;
    for (int i = 0; i < SNAPSHOT_REGS; i++) {
        if (dwarf_frame_register(frame, i, buffer, &ops, &count) != 0)
            return false;
        rules->regs[i] = make_rule(ops, count, buffer);
    }
    return true;
}

static bool find_in(Dwarf_CFI *cfi, uint64_t address, struct frame_rules *rules)
{
    Dwarf_Frame *frame;
    if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0)
        return false;
    bool ok = set_rules(rules, frame);
    free(frame);
    return ok;
}

bool frame_rules_find(struct code_file *file, uint64_t pc, struct frame_rules *rules)
{
    if (find_in(file->eh_frame, pc - file->bias, rules)) {
        rules->start += file->bias;
        return true;
    }
    if (!file->dwarf && file->elf && !file->memory) {
        file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
        file->debug_frame = file->dwarf ? dwarf_getcfi(file->dwarf) : NULL;
    }
    if (!find_in(file->debug_frame, pc - file->bias, rules))
        return false;
    rules->start += file->bias;
    return true;
}
