/* Who is ended when the machine, or a control group, has no memory left. */
#ifndef THREADLEAK_CLI_OOM_H
#define THREADLEAK_CLI_OOM_H

/* From now on the kernel ends this process first, and not the one that it reads. Children inherit that. */
void oom_take_this_first(void);

#endif
