/* Who holds what a thread waits for: sets wait.owner and the members that belong to it, and appends to the
 * text. */
#ifndef THREADLEAK_WAIT_OWNER_H
#define THREADLEAK_WAIT_OWNER_H

#include "wait/glibc.h"
#include "wait/view.h"

/* ", held by T5". how: "held". own: the tid in the memory of the process; 0: none is stored, and nothing is
 * appended. shared: its memory decides whether processes share the object. */
void owner_add(const struct view *view, const char *how, int32_t own, bool shared);
/* The same with a tid of this program's namespace. */
void owner_add_thread(const struct view *view, const char *how, pid_t owner);

/* The tid in glibc's descriptor of a thread, to which pthread_t and the owners of libc's recursive locks
 * point, as the process knows it. 0: there is no such descriptor. */
int32_t owner_of_descriptor(const struct view *view, uint64_t descriptor);
/* Has the owner of the lock at wait->address ended, and left it locked? lock: as view_read() reads it. */
bool owner_has_ended_with(const struct view *view, const struct glibc_recursive_lock *lock);
/* The owner has ended, and its tid is not known. */
void owner_add_ended(const struct view *view, const char *how);

bool owner_is_thread(const struct view *view, pid_t tid);

#endif
