#include "evidence/descriptors.h"

#include <sys/uio.h>

struct node {
    uint64_t next, start;
    int32_t tid;
};

static bool read_node(const struct nptl *nptl, pid_t task, uint64_t at, struct node *node)
{
    uint64_t descriptor = at - nptl->list;
    struct iovec to[] = {{&node->next, sizeof(node->next)},
                         {&node->tid, sizeof(node->tid)},
                         {&node->start, sizeof(node->start)}};
    struct iovec from[] = {{(void *)at, sizeof(node->next)},
                           {(void *)(descriptor + nptl->tid), sizeof(node->tid)},
                           {(void *)(descriptor + nptl->start), sizeof(node->start)}};
    return process_vm_readv(task, to, 3, from, 3, 0) ==
           (ssize_t)(sizeof(node->next) + sizeof(node->tid) + sizeof(node->start));
}

static bool walk(const struct nptl *nptl, uint64_t head, pid_t task, size_t most, descriptor_fn *each,
                 void *arg)
{
    struct node node;
    struct iovec to = {&node.next, sizeof(node.next)}, from = {(void *)head, sizeof(node.next)};
    if (process_vm_readv(task, &to, 1, &from, 1, 0) != (ssize_t)sizeof(node.next))
        return true;
    for (size_t i = 0; i < most && node.next && node.next != head; i++) {
        if (!read_node(nptl, task, node.next, &node))
            return true;
        if (!each(arg, node.tid, node.start))
            return false;
    }
    return true;
}

void descriptors_walk(const struct nptl *nptl, pid_t task, size_t most, descriptor_fn *each, void *arg)
{
    if (walk(nptl, nptl->used, task, most, each, arg))
        walk(nptl, nptl->user, task, most, each, arg);
}
