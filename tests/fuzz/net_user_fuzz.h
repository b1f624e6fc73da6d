/*
 * Fuzz target: what a guest may send to net-user, and so to libslirp. The input is a program:
 * frames that are nearly right, or nothing of the kind, time, and a world that answers. Frames that
 * could leave this host are turned to its own loopback, and to ports of our own.
 *
 * With libFuzzer: net_user_fuzz.c, make MODE=fuzz fuzzers. Without: plugins/net-user/fuzz_test.c
 * runs seeded programs.
 */
#ifndef TESTS_NET_USER_FUZZ_H
#define TESTS_NET_USER_FUZZ_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <backplane/bench.h>

#include "fuzz/net_guest.h"

#define ROOM 9000u

struct program {
    const uint8_t *at, *end;
    struct bench *b;
    int listener; /* TCP, on the loopback */
    int datagrams;
    uint16_t tcp_port, udp_port;
    int connection;           /* the last that the guest has made, or -1 */
    uint32_t seq, ack, ports; /* of the last segment that the guest has heard */
    uint8_t frame[65535];
};

static unsigned long n_frames, n_answers; /* of all programs */

static uint32_t next(struct program *p, uint32_t bytes)
{
    uint32_t value = 0;
    for (; bytes != 0; bytes--)
        value = value << 8 | (p->at < p->end ? *p->at++ : 0u);
    return value;
}

static int open_port(int type, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        (type == SOCK_STREAM && listen(fd, 8) != 0))
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

/* --- Frames that are nearly right ------------------------------------------------------------- */

static uint32_t make_ipv6(uint8_t *f, uint8_t protocol, const char *target, uint32_t size)
{
    make_ether(f, 0x86dd);
    memset(f + 14, 0, 40);
    f[14] = 0x60;
    put16(f + 18, size);
    f[20] = protocol;
    f[21] = 255;
    (void)inet_pton(AF_INET6, "fec0::5054:ff:fe12:3456", f + 22);
    (void)inet_pton(AF_INET6, target, f + 38);
    return 54 + size;
}

static uint32_t make_neighbour(uint8_t *f, uint8_t type, const char *target)
{
    uint32_t size = type == 133 ? 8 : 24;
    memset(f + 54, 0, 40);
    f[54] = type;
    (void)inet_pton(AF_INET6, target, f + 62);
    if (type != 133) { /* with an option: its own address */
        f[78] = type == 135 ? 1 : 2;
        f[79] = 1;
        memcpy(f + 80, guest_mac, 6);
        size += 8;
    }
    return make_ipv6(f, 58, type == 133 ? "ff02::2" : "ff02::1:ff00:2", size);
}

static uint32_t make_transport6(struct program *p, uint8_t protocol)
{
    uint8_t *f = p->frame;
    memset(f + 54, 0, 64);
    put16(f + 54, GUEST_PORT);
    put16(f + 56, protocol == 6 ? p->tcp_port : p->udp_port);
    if (protocol == 6) {
        f[66] = 0x50;
        f[67] = TCP_SYN;
        return make_ipv6(f, 6, "fec0::2", 20);
    }
    put16(f + 58, 28);
    return make_ipv6(f, 17, "fec0::2", 28);
}

static uint32_t make_segment(struct program *p, uint32_t flags, uint32_t bytes)
{
    static const uint8_t text[1400] = "GET / HTTP/1.0\r\n\r\n";
    uint32_t ports = p->ports != 0 ? p->ports : GUEST_PORT << 16 | p->tcp_port;
    return make_tcp(p->frame, GATEWAY_IP, ports, p->seq, p->ack, flags, text, bytes);
}

static uint32_t make_fragment(struct program *p)
{
    uint32_t where = next(p, 2), bytes = 8 * (next(p, 1) % 180);
    memset(p->frame + 34, 0x41, bytes);
    (void)make_ipv4(p->frame, where & 1 ? 17 : 1, GUEST_IP, GATEWAY_IP, bytes);
    put16(p->frame + 18, where & 3);
    put16(p->frame + 20, where & 0x3fff);
    return 34 + bytes;
}

static uint32_t make_template(struct program *p)
{
    static const uint8_t read_file[] = "\0\1boot.img\0octet\0blksize\0001400\0tsize\0000";
    static const uint8_t query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\4host\0\0\1\0\1";
    uint32_t kind = next(p, 1);
    uint8_t *f = p->frame;
    switch (kind % 20) {
    case 0:
        return make_arp(f, 1, GATEWAY_IP);
    case 1:
        return make_arp(f, 2, GATEWAY_IP);
    case 2:
        return make_ping(f, GATEWAY_IP, next(p, 2) % 3000);
    case 3:
        return make_udp(f, GATEWAY_IP, GUEST_PORT + kind, p->udp_port, query, sizeof(query));
    case 4:
        return make_dhcp(f, 1 + kind / 20, kind & 1 ? GUEST_IP : 0);
    case 5:
        return make_udp(f, GATEWAY_IP, GUEST_PORT, 69, read_file, sizeof(read_file));
    case 6:
        return make_udp(f, GATEWAY_IP, 68, 67, query, sizeof(query));
    case 7:
        return make_neighbour(f, 133, "::");
    case 8:
        return make_neighbour(f, 135, "fec0::2");
    case 9:
        return make_neighbour(f, 136, "fec0::2");
    case 10:
        return make_transport6(p, 6);
    case 11:
        return make_transport6(p, 17);
    case 12:
        make_ether(f, 0x88f8); /* NC-SI */
        memset(f + 14, 0, 60);
        return 74;
    case 13:
        return make_fragment(p);
    case 14:
        p->ports = 0;
        return make_segment(p, TCP_SYN, 0);
    case 15:
        return make_segment(p, TCP_ACK | TCP_FIN, 0);
    case 16:
        return make_segment(p, TCP_RST, 0);
    default:
        return make_segment(p, TCP_ACK | TCP_PSH, next(p, 2) % 1400);
    }
}

/* --- Only to ourselves ------------------------------------------------------------------------ */

static void tame_ports(const struct program *p, uint8_t *at, uint32_t protocol)
{
    static const uint16_t served[] = {67, 69, 547, 1};
    uint32_t port = get16(at + 2);
    if (port != p->tcp_port && port != p->udp_port)
        put16(at + 2, (port & 8) != 0 ? served[port & 3]
                      : protocol == 6 ? p->tcp_port
                                      : p->udp_port);
}

static void tame_ipv4(const struct program *p, uint8_t *f, uint32_t size, bool is_right)
{
    uint32_t header = (f[14] & 15u) * 4, total = get16(f + 16), protocol = f[23];
    static const uint32_t targets[] = {GATEWAY_IP, GATEWAY_IP, GATEWAY_IP, 0xffffffff};
    put32(f + 30, targets[f[33] & 3]);
    if (header >= 20 && size >= 14 + header + 8 && (protocol == 6 || protocol == 17))
        tame_ports(p, f + 14 + header, protocol);
    if (!is_right)
        return;
    put16(f + 24, 0);
    if (header >= 20 && header <= size - 14)
        put16(f + 24, checksum(f + 14, header, 0));
    if (header != 20 || total < 28 || total > size - 14)
        return;
    uint32_t at = protocol == 6 ? 50 : protocol == 17 ? 40 : protocol == 1 ? 36 : 0;
    if (at == 0 || (protocol == 6 && total < 40))
        return;
    put16(f + at, 0);
    put16(f + at,
          protocol == 1 ? checksum(f + 34, total - 20, 0) : transport_checksum(f, total - 20));
}

static void tame_ipv6(const struct program *p, uint8_t *f, uint32_t size, bool is_right)
{
    uint32_t bytes = get16(f + 18), protocol = f[20];
    if (f[38] != 0xff)
        (void)inet_pton(AF_INET6, "fec0::2", f + 38);
    if (size >= 62 && (protocol == 6 || protocol == 17))
        tame_ports(p, f + 54, protocol);
    uint32_t at = protocol == 6 ? 16 : protocol == 17 ? 6 : protocol == 58 ? 2 : UINT32_MAX;
    if (!is_right || bytes > size - 54 || at > bytes || bytes - at < 2)
        return;
    put16(f + 54 + at, 0);
    uint32_t addresses = (uint16_t)~checksum(f + 22, 32, 0);
    put16(f + 54 + at, checksum(f + 54, bytes, addresses + protocol + bytes));
}

static void tame(const struct program *p, uint8_t *f, uint32_t size, bool is_right)
{
    uint32_t type = size < 14 ? 0 : get16(f + 12);
    if (type == 0x0800 && size >= 34)
        tame_ipv4(p, f, size, is_right);
    else if (type == 0x86dd && size >= 54)
        tame_ipv6(p, f, size, is_right);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void say(struct program *p, uint32_t size, bool is_right)
{
    tame(p, p->frame, size, is_right);
    if (size >= 14)
        n_frames += bench_net_write(p->b, p->frame, size) == BP_OK;
    bench_settle(p->b);
}

static void step_raw(struct program *p)
{
    uint32_t size = next(p, 2) % ROOM;
    make_ether(p->frame, (uint32_t[]){0x0800, 0x0806, 0x86dd, 0x88f8}[size & 3]);
    for (uint32_t i = 14; i < size; i++)
        p->frame[i] = (uint8_t)(i < 100 ? next(p, 1) : i);
    say(p, size, (size & 16) != 0);
}

static void step_mutated(struct program *p)
{
    uint32_t size = make_template(p), changes = next(p, 1);
    for (uint32_t n = changes & 7; n != 0; n--) {
        uint32_t at = next(p, 1);
        p->frame[at < size ? at : at % (size + 1)] = (uint8_t)next(p, 1);
    }
    if ((changes & 0x38) == 0x38) /* cut, or with something behind it */
        size = next(p, 2) % (size + 64);
    say(p, size, (changes & 0xc0) != 0);
}

static void step_hear(struct program *p)
{
    for (uint32_t n = 0; n < 50; n++) {
        uint32_t size = bench_net_read(p->b, p->frame);
        if (size == 0)
            return;
        n_answers++;
        if (size < 54 || !is_ipv4(p->frame, size, 6))
            continue;
        uint32_t bytes;
        (void)tcp_data(p->frame, &bytes);
        p->ports = get16(p->frame + 36) << 16 | get16(p->frame + 34);
        p->seq = get32(p->frame + 42);
        p->ack = get32(p->frame + 38) + bytes + ((p->frame[47] & (TCP_SYN | TCP_FIN)) != 0 ? 1 : 0);
    }
}

static void step_world(struct program *p)
{
    static const uint8_t text[5200];
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    uint32_t what = next(p, 1);
    char bytes[2000];
    if (p->connection < 0)
        p->connection = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK);
    if ((what & 1) != 0 && p->connection >= 0)
        (void)!send(p->connection, text, what * 20, MSG_NOSIGNAL | (what & 2 ? MSG_OOB : 0));
    if ((what & 4) != 0 && p->connection >= 0)
        (void)!recv(p->connection, bytes, sizeof(bytes), 0);
    if ((what & 0xf0) == 0xf0 && p->connection >= 0) {
        close(p->connection);
        p->connection = -1;
    }
    ssize_t n = recvfrom(p->datagrams, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);
    if (n > 0)
        (void)!sendto(p->datagrams, text, what * 16, 0, (struct sockaddr *)&from, size);
    bench_poll(p->b, 0);
}

static void step(struct program *p)
{
    uint32_t op = next(p, 1);
    switch (op & 15) {
    case 0:
    case 1:
    case 2:
        step_raw(p);
        break;
    case 3:
        bench_advance_ns(p->b, (uint64_t)next(p, 2) << (op >> 4));
        break;
    case 4:
    case 5:
        step_hear(p);
        break;
    case 6:
    case 7:
        step_world(p);
        break;
    case 8:
        if (op >> 4 == 15)
            bench_reset(p->b, BP_RESET_WARM);
        else if (op >> 4 == 14 && bench_check_state_roundtrip(p->b) != BP_OK)
            abort();
        break;
    default:
        step_mutated(p);
        break;
    }
}

/* One program, from a new network to its end. */
static void net_user_fuzz(const uint8_t *data, size_t size)
{
    static const char *const settings[] = {"ipv6=yes", "max-sockets=20", "hostname=fuzz", NULL};
    static struct program p;
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    p = (struct program){.at = data, .end = data + size, .connection = -1};
    p.listener = open_port(SOCK_STREAM, &p.tcp_port);
    p.datagrams = open_port(SOCK_DGRAM, &p.udp_port);
    p.b = bench_create(BENCH_CLASS, settings);
    say(&p, make_arp(p.frame, 1, GATEWAY_IP), false);
    while (p.at < p.end)
        step(&p);
    bench_destroy(p.b);
    if (p.connection >= 0)
        close(p.connection);
    close(p.listener);
    close(p.datagrams);
}

#endif
