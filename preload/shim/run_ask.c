#include "preload/shim/run_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "common/run_protocol.h"

/* ---- this program is watched ------------------------------------------------------- */

#define NAME_SIZE (sizeof(shim_config.run_dir) + 80)

/* The same path as at the start, in this process. In a forked child no such file exists. */
static void find_path(char path[NAME_SIZE])
{
    struct text text = text_in(path, NAME_SIZE);
    text_print(&text, "%s/" LEDGER_BEGAN_PREFIX "%ld.%lu.%d", shim_config.run_dir, SYS0(getpid),
               shim_config.started_ns, shim_config.run_parent);
}

bool run_report_in(void)
{
    char path[NAME_SIZE];
    shim_config.run_parent = (int32_t)SYS0(getppid);
    find_path(path);
    return SYS4(mknodat, AT_FDCWD, path, S_IFREG | 0600, 0) == 0;
}

void run_withdraw(void)
{
    char path[NAME_SIZE];
    find_path(path);
    SYS3(unlinkat, AT_FDCWD, path, 0);
}

/* ---- requests ---------------------------------------------------------------------- */

/* run starts another program to save the stacks, and does the other requests at once. */
#define STACKS_WAIT_S 10
#define WAIT_S 2

/* After the run anybody can take the name of its socket. So only root and our own user are trusted: they
 * could harm this process anyway. */
static bool is_trusted(long fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof(peer);
    return SYS6(getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &size, 0) == 0 &&
           (peer.uid == 0 || peer.uid == (uid_t)SYS0(geteuid));
}

static long connect_to_run(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[LEDGER_RUN_SOCKET_MAX];
    ledger_run_socket(name, shim_config.run_dir);
    memcpy(address.sun_path + 1, name, strlen(name));
    size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    /* Non-blocking: connect() would wait while the queue of the socket is full. */
    long fd = SYS3(socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (SYS3(connect, fd, &address, size) == 0 && is_trusted(fd))
        return fd;
    SYS1(close, fd);
    return -1;
}

static bool send_request(long to, uint32_t what)
{
    struct ledger_run_request request = {.what = what};
    return SYS6(sendto, to, &request, sizeof(request), MSG_NOSIGNAL, NULL, 0) == (long)sizeof(request);
}

static bool wait_for_answer(long from, uint32_t what)
{
    struct pollfd answer = {.fd = (int)from, .events = POLLIN};
    struct timespec rest = {.tv_sec = what == LEDGER_RUN_STACKS ? STACKS_WAIT_S : WAIT_S};
    long n;
    do /* the kernel subtracts the time that has passed from `rest` */
        n = SYS6(ppoll, &answer, 1, &rest, NULL, 0, 0);
    while (n == -EINTR);
    return n == 1;
}

/* Takes a regular file from a message. */
static bool take_file(struct msghdr *message, int *fd)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    struct stat file = {0};
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof(int)))
        return false;
    memcpy(fd, CMSG_DATA(head), sizeof(*fd));
    if (SYS2(fstat, *fd, &file) == 0 && S_ISREG(file.st_mode))
        return true;
    SYS1(close, *fd);
    return false;
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
    return !fd || take_file(&message, fd);
}

bool run_ask(uint32_t what, int *fd)
{
    if (!*shim_config.run_dir || shim_config.sandboxed)
        return false;
    long to = connect_to_run();
    if (to < 0)
        return false;
    bool done = send_request(to, what) && wait_for_answer(to, what) && take_answer(to, fd);
    SYS1(close, to);
    return done;
}
