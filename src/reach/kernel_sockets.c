/*
 * Sockets. What can be seen without consuming it is a reference, but it is never all: of datagrams only the
 * first can be seen, a read of TCP ends at the urgent mark, descriptors can be under way, and if the
 * receiver's buffer is full, the rest is in that of a sender whose descriptor may be closed. So only a socket
 * that is known to be empty leaves a proof.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "reach/kernel.h"

static int option(int socket, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* ---- whose bytes are these? ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* IPv4, also as ::ffff:127.0.0.1: ipv6(7). */
static bool as_four(const union address *address, uint32_t *four)
{
    const struct in6_addr *six = &address->six.sin6_addr;
    bool is_mapped = address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six);
    *four = ntohl(is_mapped ? six->s6_addr32[3] : address->four.sin_addr.s_addr);
    return is_mapped || address->any.sa_family == AF_INET;
}

static bool is_same_host(const union address *own, const union address *peer)
{
    uint32_t own_four, peer_four;
    bool own_is_four = as_four(own, &own_four), peer_is_four = as_four(peer, &peer_four);
    if (own_is_four && peer_is_four)
        return own_four == peer_four || own_four >> 24 == IN_LOOPBACKNET || peer_four >> 24 == IN_LOOPBACKNET;
    return own->any.sa_family == AF_INET6 && peer->any.sa_family == AF_INET6 &&
           IN6_ARE_ADDR_EQUAL(&own->six.sin6_addr, &peer->six.sin6_addr);
}

/* Can the process itself have sent what is in a socket of the internet? Without a peer anybody can. */
static bool is_of_this_host(int socket)
{
    union address own, peer;
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    return getpeername(socket, &peer.any, &peer_size) != 0 || getsockname(socket, &own.any, &own_size) != 0 ||
           is_same_host(&own, &peer);
}

/* ---- is there anything? ---- */

/* POLLERR also shows a queue of errors, which contain what was sent: ip(7), IP_RECVERR. */
static int events_of(int socket)
{
    struct pollfd waiting = {.fd = socket, .events = POLLIN | POLLPRI};
    if (poll(&waiting, 1, 0) < 0)
        return POLLERR;
    return waiting.revents & (POLLIN | POLLPRI | POLLERR);
}

/* A stream can be read to its end, at which it is readable for ever. Reading with SO_PEEK_OFF moves the
 * offset. */
static bool is_at_end(int socket)
{
    char byte;
    return option(socket, SO_TYPE) == SOCK_STREAM && option(socket, SO_PEEK_OFF) < 0 &&
           recv(socket, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* size: 0 also where the first datagram is empty, at an urgent mark, and where FIONREAD is unknown (netlink).
 */
static bool is_empty(int socket, int size, int events)
{
    return size == 0 && (!events || (events == POLLIN && is_at_end(socket)));
}

/* On its way, or held back: tcp(7), TCP_CORK; udp(7), UDP_CORK. */
static bool has_unsent(int socket)
{
    int unsent = 0;
    return ioctl(socket, SIOCOUTQ, &unsent) != 0 || unsent != 0;
}

/* ---- reading ---- */

static void peek(struct reach_collector *collector, int socket, size_t size)
{
    unsigned char *bytes = malloc(size);
    ssize_t n = bytes ? recv(socket, bytes, size, MSG_PEEK | MSG_DONTWAIT) : -1;
    if (n > 0)
        reach_kernel_add(collector, bytes, (size_t)n);
    free(bytes);
}

/* A read would take an error that waits for the process (socket(7), SO_ERROR). */
static bool can_peek(int socket, int size, int events)
{
    return size > 0 && !(events & POLLERR) && option(socket, SO_PEEK_OFF) < 0;
}

void reach_kernel_read_socket(struct reach_collector *collector, struct reach_seen *seen, int socket,
                              const struct stat *status)
{
    int size = 0, events = events_of(socket), domain = option(socket, SO_DOMAIN);
    bool is_internet = domain == AF_INET || domain == AF_INET6;
    bool is_local = is_internet ? is_of_this_host(socket) : domain == AF_UNIX;
    if (option(socket, SO_ACCEPTCONN) == 1) {
        if (events) /* what was sent over a new connection is in no descriptor yet */
            reach_kernel_unread(collector);
        return;
    }
    if (ioctl(socket, FIONREAD, &size) != 0)
        size = 0;
    if (is_internet && is_local && has_unsent(socket))
        reach_kernel_unread(collector);
    if (is_empty(socket, size, events))
        return;
    reach_kernel_unread(collector);
    if (is_local && can_peek(socket, size, events) && !reach_kernel_was_seen(seen, status) &&
        reach_kernel_see(seen, status) && reach_kernel_take(collector, (size_t)size))
        peek(collector, socket, (size_t)size);
}
