/* A guest for the tests of networks: makes frames and takes them apart. */
#ifndef TESTS_NET_GUEST_H
#define TESTS_NET_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define GUEST_IP   0x0a00020fu /* 10.0.2.15 */
#define GATEWAY_IP 0x0a000202u
#define DNS_IP     0x0a000203u
#define GUEST_PORT 40000u

#define TCP_FIN 1u
#define TCP_SYN 2u
#define TCP_RST 4u
#define TCP_PSH 8u
#define TCP_ACK 16u

static const uint8_t guest_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static inline void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static inline uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* The Internet checksum, on top of `sum`. */
static inline uint16_t checksum(const uint8_t *at, uint32_t size, uint32_t sum)
{
    for (uint32_t i = 0; i < size; i++)
        sum += (i & 1) != 0 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* --- Making frames: each gives the frame's size ----------------------------------------------- */

static inline void make_ether(uint8_t *f, uint32_t type)
{
    static const uint8_t gateway_mac[6] = {0x52, 0x55, 10, 0, 2, 2};
    memcpy(f, gateway_mac, 6);
    memcpy(f + 6, guest_mac, 6);
    put16(f + 12, type);
}

static inline uint32_t make_arp(uint8_t *f, uint32_t operation, uint32_t target)
{
    memset(f, 0, 42);
    make_ether(f, 0x0806);
    memset(f, 0xff, 6);
    put16(f + 14, 1);
    put16(f + 16, 0x0800);
    f[18] = 6;
    f[19] = 4;
    put16(f + 20, operation);
    memcpy(f + 22, guest_mac, 6);
    put32(f + 28, GUEST_IP);
    put32(f + 38, target);
    return 42;
}

/* An IPv4 packet around `size` bytes of payload, which lie at f + 34 already. */
static inline uint32_t make_ipv4(uint8_t *f, uint32_t protocol, uint32_t source, uint32_t target,
                                 uint32_t size)
{
    make_ether(f, 0x0800);
    memset(f + 14, 0, 20);
    f[14] = 0x45;
    put16(f + 16, 20 + size);
    f[22] = 64;
    f[23] = (uint8_t)protocol;
    put32(f + 26, source);
    put32(f + 30, target);
    put16(f + 24, checksum(f + 14, 20, 0));
    return 34 + size;
}

/* The checksum of TCP and UDP: with the addresses before it. */
static inline uint16_t transport_checksum(const uint8_t *f, uint32_t size)
{
    uint32_t addresses = (uint16_t)~checksum(f + 26, 8, 0);
    return checksum(f + 34, size, addresses + f[23] + size);
}

static inline uint32_t make_udp(uint8_t *f, uint32_t target, uint32_t from_port, uint32_t to_port,
                                const void *data, uint32_t size)
{
    memmove(f + 42, data, size);
    put16(f + 34, from_port);
    put16(f + 36, to_port);
    put16(f + 38, 8 + size);
    put16(f + 40, 0);
    uint32_t whole = make_ipv4(f, 17, GUEST_IP, target, 8 + size);
    put16(f + 40, transport_checksum(f, 8 + size));
    return whole;
}

static inline uint32_t make_tcp(uint8_t *f, uint32_t target, uint32_t ports, uint32_t seq,
                                uint32_t ack, uint32_t flags, const void *data, uint32_t size)
{
    memset(f + 34, 0, 20);
    memmove(f + 54, data, size);
    put32(f + 34, ports);
    put32(f + 38, seq);
    put32(f + 42, ack);
    f[46] = 0x50;
    f[47] = (uint8_t)flags;
    put16(f + 48, 65535);
    uint32_t whole = make_ipv4(f, 6, GUEST_IP, target, 20 + size);
    put16(f + 50, transport_checksum(f, 20 + size));
    return whole;
}

static inline uint32_t make_ping(uint8_t *f, uint32_t target, uint32_t size)
{
    memset(f + 34, 0, 8);
    f[34] = 8;
    put16(f + 38, 77);
    put16(f + 40, 1);
    for (uint32_t i = 0; i < size; i++)
        f[42 + i] = (uint8_t)i;
    put16(f + 36, checksum(f + 34, 8 + size, 0));
    return make_ipv4(f, 1, GUEST_IP, target, 8 + size);
}

/* DHCP: `type` is 1 (discover) or 3 (request, of `address`). */
static inline uint32_t make_dhcp(uint8_t *f, uint32_t type, uint32_t address)
{
    uint8_t message[300] = {1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78};
    uint8_t *option = message + 236;
    memcpy(message + 28, guest_mac, 6);
    put32(option, 0x63825363);
    option += 4;
    *option++ = 53;
    *option++ = 1;
    *option++ = (uint8_t)type;
    if (address != 0) {
        *option++ = 50;
        *option++ = 4;
        put32(option, address);
        option += 4;
    }
    *option = 255;
    uint32_t size = make_udp(f, 0xffffffff, 68, 67, message, sizeof(message));
    put32(f + 26, 0);
    put16(f + 24, 0);
    put16(f + 24, checksum(f + 14, 20, 0));
    put16(f + 40, 0);
    memset(f, 0xff, 6);
    return size;
}

/* --- Taking them apart ------------------------------------------------------------------------ */

static inline bool is_ipv4(const uint8_t *f, uint32_t size, uint32_t protocol)
{
    return size >= 34 && get16(f + 12) == 0x0800 && f[14] == 0x45 && f[23] == protocol &&
           checksum(f + 14, 20, 0) == 0 && get16(f + 16) + 14 <= size;
}

/* A TCP segment: where its data are, and how many bytes. */
static inline const uint8_t *tcp_data(const uint8_t *f, uint32_t *size)
{
    uint32_t header = (uint32_t)(f[46] >> 4) * 4;
    *size = get16(f + 16) - 20 - header;
    return f + 34 + header;
}

/* The value of a DHCP option; NULL. */
static inline const uint8_t *dhcp_option(const uint8_t *f, uint32_t size, uint8_t code)
{
    for (uint32_t at = 42 + 240; at + 2 < size && f[at] != 255;
         at += f[at] == 0 ? 1 : 2u + f[at + 1])
        if (f[at] == code)
            return f + at + 2;
    return NULL;
}

#endif
