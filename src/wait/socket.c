#include "wait/socket.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "proc/file.h"
#include "proc/process.h"

static struct socket_fact *add(struct socket_facts *facts, uint64_t inode)
{
    if (!ARRAY_GROW(facts->items, facts->count))
        return NULL;
    struct socket_fact *fact = &facts->items[facts->count++];
    *fact = (struct socket_fact){.inode = inode};
    return fact;
}

static int compare(const void *a, const void *b)
{
    const struct socket_fact *x = a, *y = b;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

const struct socket_fact *socket_facts_find(const struct socket_facts *facts, uint64_t inode)
{
    const struct socket_fact key = {.inode = inode};
    return facts->count ? bsearch(&key, facts->items, facts->count, sizeof(key), compare) : NULL;
}

void socket_facts_release(struct socket_facts *facts)
{
    free(facts->items);
    *facts = (struct socket_facts){NULL, 0};
}

/* ---- TCP, UDP ---------------------------------------------------------------------- */

struct end {
    unsigned char address[16];
    bool is_v6;
    unsigned port;
};

/* "0100007F:0050": 32-bit words in the byte order of this machine. */
static bool parse_end(const char *text, struct end *end)
{
    size_t digits = strcspn(text, ":");
    unsigned words[4] = {0};
    memset(end, 0, sizeof(*end));
    if ((digits != 8 && digits != 32) || sscanf(text + digits, ":%x", &end->port) != 1)
        return false;
    for (size_t i = 0; i < digits / 8; i++)
        if (sscanf(text + 8 * i, "%8x", &words[i]) != 1)
            return false;
    memcpy(end->address, words, sizeof(words));
    end->is_v6 = digits == 32;
    return true;
}

static bool is_any(const struct end *end)
{
    static const unsigned char zero[16];
    return memcmp(end->address, zero, sizeof(zero)) == 0;
}

static void print_end(const struct end *end, char *to, size_t size)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char address[INET6_ADDRSTRLEN] = "*";
    bool is_v4 = !end->is_v6 || memcmp(end->address, mapped, sizeof(mapped)) == 0;
    if (!is_any(end))
        inet_ntop(is_v4 ? AF_INET : AF_INET6, end->address + (is_v4 && end->is_v6 ? 12 : 0), address,
                  sizeof(address));
    snprintf(to, size, is_v4 || is_any(end) ? "%s:%u" : "[%s]:%u", address, end->port);
}

static void set_text(struct socket_fact *fact, const char *protocol, const struct end *local,
                     const struct end *remote, unsigned state)
{
    char here[64], there[64];
    print_end(local, here, sizeof(here));
    print_end(remote, there, sizeof(there));
    if (state == TCP_LISTEN)
        snprintf(fact->text, sizeof(fact->text), "%s listening on %s", protocol, here);
    else if (is_any(remote) && !remote->port)
        snprintf(fact->text, sizeof(fact->text), "%s %s", protocol, here);
    else
        snprintf(fact->text, sizeof(fact->text), "%s %s to %s", protocol, here, there);
}

/* The two ends of a connection on this machine. They are matched after all sockets are read. */
struct pair {
    char local[42], remote[42];
    uint64_t inode;
};

struct pairs {
    struct pair *items;
    size_t count;
};

static void add_pair(struct pairs *pairs, const char *local, const char *remote, uint64_t inode)
{
    if (!ARRAY_GROW(pairs->items, pairs->count))
        return;
    struct pair *pair = &pairs->items[pairs->count++];
    snprintf(pair->local, sizeof(pair->local), "%s", local);
    snprintf(pair->remote, sizeof(pair->remote), "%s", remote);
    pair->inode = inode;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = strcmp(x->local, y->local);
    return order ? order : strcmp(x->remote, y->remote);
}

static void match_pairs(struct socket_facts *facts, struct pairs *pairs)
{
    if (!pairs->count)
        return;
    qsort(pairs->items, pairs->count, sizeof(*pairs->items), compare_pairs);
    for (size_t i = 0; i < pairs->count; i++) {
        struct pair other = {.inode = 0};
        memcpy(other.local, pairs->items[i].remote, sizeof(other.local));
        memcpy(other.remote, pairs->items[i].local, sizeof(other.remote));
        const struct pair *found = bsearch(&other, pairs->items, pairs->count, sizeof(other), compare_pairs);
        struct socket_fact *fact = (struct socket_fact *)socket_facts_find(facts, pairs->items[i].inode);
        if (fact && found)
            fact->peer = found->inode;
    }
}

static void read_table(struct socket_facts *facts, struct pairs *pairs, pid_t task, const char *name,
                       uint64_t until)
{
    char local[42], remote[42], *line = NULL;
    size_t size = 0;
    FILE *file = fopen(PROC_PATH("%d/net/%s", task, name), "re");
    while (file && now_ns() < until && getline(&line, &size, file) > 0) {
        struct end here, there;
        unsigned state;
        uint64_t inode;
        if (sscanf(line, " %*[^:]: %41s %41s %x %*s %*s %*s %*s %*s %" SCNu64, local, remote, &state,
                   &inode) != 4 ||
            !inode || !parse_end(local, &here) || !parse_end(remote, &there))
            continue;
        struct socket_fact *fact = add(facts, inode);
        if (!fact)
            break;
        bool is_tcp = *name == 't';
        set_text(fact, is_tcp ? "TCP" : "UDP", &here, &there, is_tcp ? state : 0);
        if (is_tcp && state == TCP_ESTABLISHED)
            add_pair(pairs, local, remote, inode);
    }
    free(line);
    if (file)
        fclose(file);
}

/* ---- Unix ------------------------------------------------------------------------------ */

static void set_unix_text(struct socket_fact *fact, const struct unix_diag_msg *message, const char *name,
                          int length)
{
    const char *type = message->udiag_type == SOCK_STREAM  ? "stream"
                       : message->udiag_type == SOCK_DGRAM ? "datagram"
                                                           : "packet";
    bool listens = message->udiag_state == TCP_LISTEN;
    if (length <= 0)
        snprintf(fact->text, sizeof(fact->text), "Unix %s%s", type, listens ? ", listening" : "");
    else
        /* An abstract name begins with a NUL. */
        snprintf(fact->text, sizeof(fact->text), "Unix %s%s %s%.*s", type, listens ? ", listening on" : "",
                 *name ? "" : "@", *name ? length : length - 1, *name ? name : name + 1);
}

static void add_unix(struct socket_facts *facts, const struct nlmsghdr *header)
{
    const struct unix_diag_msg *message = NLMSG_DATA(header);
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)))
        return;
    struct socket_fact *fact = add(facts, message->udiag_ino);
    if (!fact)
        return;
    const char *name = NULL;
    int name_length = 0;
    const struct rtattr *part = (const struct rtattr *)(message + 1);
    size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof(*message));
    while (RTA_OK(part, left)) {
        uint32_t peer;
        if (part->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(part) >= sizeof(peer)) {
            memcpy(&peer, RTA_DATA(part), sizeof(peer));
            fact->peer = peer;
        }
        if (part->rta_type == UNIX_DIAG_NAME) {
            name = RTA_DATA(part);
            name_length = (int)RTA_PAYLOAD(part);
        }
        size_t step = RTA_ALIGN(part->rta_len);
        if (step > left)
            break;
        left -= step;
        part = (const struct rtattr *)((const char *)part + step);
    }
    set_unix_text(fact, message, name, name_length);
}

enum { BUFFER_SIZE = 32768 }; /* netlink(7): a dump fills at most this much at once */

/* False: there is no more. */
static bool receive(struct socket_facts *facts, int fd, void *buffer)
{
    ssize_t got = recv(fd, buffer, BUFFER_SIZE, 0);
    if (got <= 0)
        return false;
    size_t left = (size_t)got;
    for (const struct nlmsghdr *header = buffer; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
            return false;
        if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
            add_unix(facts, header);
    }
    return true;
}

static void read_unix(struct socket_facts *facts, uint64_t until)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = {.nlmsg_len = sizeof(message),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = UINT32_MAX,
                    .udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_NAME},
    };
    const struct timeval patience = {.tv_usec = 50000};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return;
    void *buffer = malloc(BUFFER_SIZE);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (buffer && send(fd, &message, sizeof(message), 0) == sizeof(message))
        while (now_ns() < until && receive(facts, fd, buffer))
            ;
    free(buffer);
    close(fd);
}

void socket_facts_read(struct socket_facts *facts, pid_t task, unsigned max_ms)
{
    static const char *const tables[] = {"tcp", "tcp6", "udp", "udp6"};
    uint64_t until = now_ns() + max_ms * UINT64_C(1000000);
    struct pairs pairs = {NULL, 0};
    if (process_shares_namespace(task, "net"))
        read_unix(facts, until);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        read_table(facts, &pairs, task, tables[i], until);
    if (facts->count)
        qsort(facts->items, facts->count, sizeof(*facts->items), compare);
    match_pairs(facts, &pairs);
    free(pairs.items);
}
