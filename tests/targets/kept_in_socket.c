/* The reference to a gate is kept in a socket, or was. See kept.h. */
#include "kept.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void keep_in_socketpair(void *gate)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[1], "first", 5) == 5 && write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
}

static void keep_in_datagrams(void *gate)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    CHECK(write(ends[1], "first", 5) == 5 && write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
}

static int bind_to_loopback(int type, struct sockaddr_in *address)
{
    int receiver = socket(AF_INET, type, 0);
    socklen_t size = sizeof(*address);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(receiver >= 0 && bind(receiver, (struct sockaddr *)address, size) == 0);
    CHECK(getsockname(receiver, (struct sockaddr *)address, &size) == 0);
    return receiver;
}

static int connect_to(int type, const struct sockaddr_in *address)
{
    int sender = socket(AF_INET, type, 0);
    CHECK(sender >= 0 && connect(sender, (const struct sockaddr *)address, sizeof(*address)) == 0);
    return sender;
}

static void send_to(int type, const struct sockaddr_in *address, void *gate)
{
    int sender = connect_to(type, address);
    CHECK(write(sender, &gate, sizeof(gate)) == sizeof(gate) && close(sender) == 0);
}

static void keep_in_udp(void *gate)
{
    struct sockaddr_in address;
    bind_to_loopback(SOCK_DGRAM, &address);
    send_to(SOCK_DGRAM, &address, gate);
}

static void keep_in_tcp(void *gate)
{
    struct sockaddr_in address;
    int listener = bind_to_loopback(SOCK_STREAM, &address);
    CHECK(listen(listener, 1) == 0);
    send_to(SOCK_STREAM, &address, gate);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

/* Nobody accepts the connection. */
static void keep_in_connection(void *gate)
{
    struct sockaddr_in address;
    CHECK(listen(bind_to_loopback(SOCK_STREAM, &address), 1) == 0);
    send_to(SOCK_STREAM, &address, gate);
}

/* The receiver's buffer is full, and the sender is closed, so the rest is in no descriptor. */
static void keep_in_orphan(void *gate)
{
    static char filler[65536];
    const int small = 4096, large = 1 << 20;
    struct sockaddr_in address;
    int listener = bind_to_loopback(SOCK_STREAM, &address);
    CHECK(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0 &&
          listen(listener, 1) == 0);
    int sender = connect_to(SOCK_STREAM, &address);
    CHECK(setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)) == 0);
    CHECK(accept(listener, NULL, NULL) >= 0);
    CHECK(write(sender, filler, sizeof(filler)) == sizeof(filler));
    CHECK(write(sender, &gate, sizeof(gate)) == sizeof(gate) && close(sender) == 0);
}

/* A read ends at the urgent byte. */
static void keep_behind_mark(void *gate)
{
    struct sockaddr_in address;
    int listener = bind_to_loopback(SOCK_STREAM, &address);
    CHECK(listen(listener, 1) == 0);
    int sender = connect_to(SOCK_STREAM, &address);
    CHECK(write(sender, "a", 1) == 1 && send(sender, "!", 1, MSG_OOB) == 1);
    CHECK(write(sender, &gate, sizeof(gate)) == sizeof(gate) && close(sender) == 0);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

static void keep_behind_empty(void *gate)
{
    struct sockaddr_in address;
    bind_to_loopback(SOCK_DGRAM, &address);
    int sender = connect_to(SOCK_DGRAM, &address);
    CHECK(send(sender, "", 0, 0) == 0 && write(sender, &gate, sizeof(gate)) == sizeof(gate));
    CHECK(close(sender) == 0);
}

/* Only root can do this. 253: for experiments (RFC 3692). */
static void keep_in_raw(void *gate)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int receiver = socket(AF_INET, SOCK_RAW, 253), sender = socket(AF_INET, SOCK_RAW, 253);
    CHECK(receiver >= 0 && bind(receiver, (const struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(connect(sender, (const struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(write(sender, "first", 5) == 5 && write(sender, &gate, sizeof(gate)) == sizeof(gate));
    CHECK(close(sender) == 0);
}

/* A socket of IPv6 has a peer of IPv4: ::ffff:127.0.0.1 and ::ffff:127.0.0.2. */
static void keep_in_mapped(void *gate)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    socklen_t size = sizeof(any);
    int listener = socket(AF_INET6, SOCK_STREAM, 0), sender = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&any, size) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&any, &size) == 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    struct sockaddr_in to = from;
    to.sin_port = any.sin6_port;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(sender, (struct sockaddr *)&from, sizeof(from)) == 0);
    CHECK(connect(sender, (struct sockaddr *)&to, sizeof(to)) == 0);
    CHECK(write(sender, &gate, sizeof(gate)) == sizeof(gate) && close(sender) == 0);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

/* All that was sent has been read, and a connection has been read to its end. */
static void forget_in_sockets(void *gate)
{
    static char copy[8];
    int ends[2];
    struct sockaddr_in address;
    bind_to_loopback(SOCK_DGRAM, &address);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[1], &gate, sizeof(gate)) == sizeof(gate) && read(ends[0], copy, 8) == 8);
    int listener = bind_to_loopback(SOCK_STREAM, &address);
    CHECK(listen(listener, 1) == 0);
    send_to(SOCK_STREAM, &address, gate);
    int receiver = accept(listener, NULL, NULL);
    CHECK(recv(receiver, copy, 8, MSG_WAITALL) == 8);
    CHECK(read(receiver, copy, 8) == 0);
    memset(copy, 0, sizeof(copy));
}

static const struct place places[] = {
    PLACE(socketpair, keep_in_socketpair),
    PLACE(datagrams, keep_in_datagrams),
    PLACE(udp, keep_in_udp),
    PLACE(tcp, keep_in_tcp),
    PLACE(connection, keep_in_connection),
    PLACE(orphan, keep_in_orphan),
    PLACE(behind_mark, keep_behind_mark),
    PLACE(behind_empty, keep_behind_empty),
    PLACE(raw, keep_in_raw),
    PLACE(mapped, keep_in_mapped),
    PLACE(empty_sockets, forget_in_sockets),
};

int main(int argc, char **argv)
{
    return keep(places, sizeof(places) / sizeof(*places), argc, argv);
}
