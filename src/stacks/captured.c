#include "stacks/captured.h"

#include <stdio.h>
#include <stdlib.h>

void signal_capture_free(struct signal_capture *capture)
{
    if (!capture)
        return;
    ledger_close(capture->ledger);
    free(capture->threads);
    free(capture);
}

const char *signal_capture_reason_text(const struct signal_capture *capture,
                                       enum signal_capture_reason reason, char text[64])
{
    static const char *const texts[] = {
        [SIGNAL_CAPTURE_TAKEN] = "",
        [SIGNAL_CAPTURE_BLOCKED] = "blocks signal %d",
        [SIGNAL_CAPTURE_WAITING] = "may be waiting for signals",
        [SIGNAL_CAPTURE_SMALL_STACK] = "has too little stack for a signal handler",
        [SIGNAL_CAPTURE_OTHER_STACK] = "is on a stack that it made itself",
        [SIGNAL_CAPTURE_TRACED] = "is traced by another process",
        [SIGNAL_CAPTURE_STOPPED] = "is stopped",
        [SIGNAL_CAPTURE_FOREIGN] = "was not created under threadleak",
        [SIGNAL_CAPTURE_NEW] = "began while stacks were taken",
        [SIGNAL_CAPTURE_LOST] = "has lost threadleak's signal handler",
        [SIGNAL_CAPTURE_SANDBOXED] = "is in a sandbox",
        [SIGNAL_CAPTURE_FULL] = "found the ledger full",
        [SIGNAL_CAPTURE_SILENT] = "did not answer in time",
    };
    if (reason == SIGNAL_CAPTURE_BLOCKED)
        snprintf(text, 64, "blocks signal %d", capture->signal);
    else
        snprintf(text, 64, "%s", texts[reason]);
    return text;
}
