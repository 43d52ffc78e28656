/* See guard.h for the rules of code in this folder. */
#include "run_ask.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "shim.h"
#include "sys.h"

#define WAIT_S 10

static long connect_to_run(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[LEDGER_RUN_SOCKET_MAX];
    ledger_run_socket(name, shim_config.run_dir);
    memcpy(address.sun_path + 1, name, strlen(name));
    size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    long fd = SYS3(socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || SYS3(connect, fd, &address, size) == 0)
        return fd;
    SYS1(close, fd);
    return -1;
}

static bool send_request(long to, uint32_t what)
{
    struct ledger_run_request request = {.what = what, .pid = (int32_t)SYS0(getpid)};
    return SYS6(sendto, to, &request, sizeof(request), MSG_NOSIGNAL, NULL, 0) == (long)sizeof(request);
}

static bool wait_for_answer(long from)
{
    struct pollfd answer = {.fd = (int)from, .events = POLLIN};
    struct timespec rest = {.tv_sec = WAIT_S};
    long n;
    do /* the kernel writes into `rest` what is left of it */
        n = SYS6(ppoll, &answer, 1, &rest, NULL, 0, 0);
    while (n == -EINTR);
    return n == 1;
}

static bool take_answer(long from, int *fd)
{
    char done = 0;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {&done, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
    }
    if (SYS3(recvmsg, from, &message, MSG_CMSG_CLOEXEC) != 1 || done != 1)
        return false;
    if (!fd)
        return true;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof(int)))
        return false;
    memcpy(fd, CMSG_DATA(head), sizeof(*fd));
    return true;
}

bool run_ask(uint32_t what, int *fd)
{
    if (!*shim_config.run_dir || shim_config.sandboxed)
        return false;
    long to = connect_to_run();
    if (to < 0)
        return false;
    bool done = send_request(to, what) && wait_for_answer(to) && take_answer(to, fd);
    SYS1(close, to);
    return done;
}
