/*
 * Which of a frame's registers its caller's frame hangs on, by the call-frame
 * information of the function (DWARF 5, 6.4; LSB Core, .eh_frame and .eh_frame_hdr).
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_FRAME_RULE_H
#define THREADLEAK_PRELOAD_BACKTRACE_FRAME_RULE_H

#include <stdint.h>

enum frame_rule {
    FRAME_RULE_NONE,  /* no call-frame information in .eh_frame */
    FRAME_RULE_PLAIN, /* the CFA is a fixed distance from the stack or frame pointer; the return address
                         and a saved frame pointer are fixed distances from the CFA */
    FRAME_RULE_OTHER, /* another register, an expression, a signal's frame, or not understood */
};

/* Of the function that a return address is in. */
enum frame_rule frame_rule_at(uint64_t return_address);

#endif
