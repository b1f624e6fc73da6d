/*
 * A look at what a guest sends, before a library parses it: RFC 826 (ARP), 791 (IPv4), 8200 (IPv6),
 * 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP). Lengths only: what the addresses and flags mean is
 * the library's business.
 */
#include "frames.h"

#define ETHER_BYTES 14u
#define ETHER_TYPE  12u
#define TYPE_IPV4   0x0800u
#define TYPE_ARP    0x0806u
#define TYPE_IPV6   0x86ddu

#define ARP_BYTES   28u
#define IPV4_BYTES  20u
#define IPV6_BYTES  40u
#define TCP_BYTES   20u
#define UDP_BYTES   8u
#define ICMP_BYTES  8u
#define ICMP6_BYTES 4u

#define PROTOCOL_ICMP  1u
#define PROTOCOL_TCP   6u
#define PROTOCOL_UDP   17u
#define PROTOCOL_ICMP6 58u

/* There is no file to give, and libslirp before 4.8 reads a request after it has freed it. */
#define PORT_TFTP 69u

#define TCP_SYN 0x02u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u

#define FLAG_RESERVED 0x8000u
#define FLAG_MORE     0x2000u
#define OFFSET        0x1fffu /* of a fragment, in 8 bytes */

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static enum frame_verdict check_arp(const uint8_t *arp, uint32_t size)
{
    if (size < ARP_BYTES || get16(arp) != 1 || get16(arp + 2) != TYPE_IPV4 || arp[4] != 6 ||
        arp[5] != 4)
        return FRAME_BROKEN;
    return FRAME_GOOD;
}

/* What may make the library open a socket. */
static enum frame_verdict opens(const struct frame_limits *limits)
{
    return limits->is_full ? FRAME_REFUSED : FRAME_GOOD;
}

/* The payload of an unfragmented packet: exactly `size` bytes. */
static enum frame_verdict check_payload(const struct frame_limits *limits, uint32_t protocol,
                                        const uint8_t *at, uint32_t size)
{
    uint32_t header;
    switch (protocol) {
    case PROTOCOL_TCP:
        header = size < TCP_BYTES ? 0 : (uint32_t)(at[12] >> 4) * 4;
        if (header < TCP_BYTES || header > size)
            return FRAME_BROKEN;
        return (at[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN ? opens(limits) : FRAME_GOOD;
    case PROTOCOL_UDP:
        if (size < UDP_BYTES || get16(at + 4) < UDP_BYTES || get16(at + 4) > size)
            return FRAME_BROKEN;
        if (get16(at + 2) == PORT_TFTP)
            return FRAME_IGNORED;
        return opens(limits);
    case PROTOCOL_ICMP:
        return size < ICMP_BYTES ? FRAME_BROKEN : opens(limits);
    case PROTOCOL_ICMP6:
        return size < ICMP6_BYTES ? FRAME_BROKEN : FRAME_GOOD;
    default:
        return FRAME_IGNORED;
    }
}

static enum frame_verdict check_ipv4(const struct frame_limits *limits, const uint8_t *ip,
                                     uint32_t size)
{
    if (size < IPV4_BYTES || ip[0] >> 4 != 4)
        return FRAME_BROKEN;
    uint32_t header = (ip[0] & 15u) * 4, total = get16(ip + 2), flags = get16(ip + 6);
    if (header < IPV4_BYTES || total < header || total > size || (flags & FLAG_RESERVED) != 0)
        return FRAME_BROKEN;
    if ((flags & (FLAG_MORE | OFFSET)) != 0)
        return total == header || (flags & OFFSET) * 8 > UINT16_MAX - total ? FRAME_BROKEN
                                                                            : FRAME_PART;
    if (ip[9] == PROTOCOL_ICMP6)
        return FRAME_IGNORED;
    return check_payload(limits, ip[9], ip + header, total - header);
}

static enum frame_verdict check_ipv6(const struct frame_limits *limits, const uint8_t *ip,
                                     uint32_t size)
{
    if (!limits->has_ipv6)
        return FRAME_IGNORED;
    if (size < IPV6_BYTES || ip[0] >> 4 != 6 || get16(ip + 4) > size - IPV6_BYTES)
        return FRAME_BROKEN;
    if (ip[6] == PROTOCOL_ICMP)
        return FRAME_IGNORED;
    return check_payload(limits, ip[6], ip + IPV6_BYTES, get16(ip + 4));
}

enum frame_verdict frame_check(const struct frame_limits *limits, const uint8_t *frame,
                               uint32_t size)
{
    if (size < ETHER_BYTES)
        return FRAME_BROKEN;
    const uint8_t *at = frame + ETHER_BYTES;
    uint32_t left = size - ETHER_BYTES;
    switch (get16(frame + ETHER_TYPE)) {
    case TYPE_ARP:
        return check_arp(at, left);
    case TYPE_IPV4:
        return check_ipv4(limits, at, left);
    case TYPE_IPV6:
        return check_ipv6(limits, at, left);
    default:
        return FRAME_IGNORED;
    }
}

/* --- Urgent data ------------------------------------------------------------------------------ */

/* Puts `value` where a checksum covers it: RFC 1624. */
static void replace16(uint8_t *at, uint32_t value, uint8_t *checksum)
{
    uint32_t sum = (get16(checksum) ^ 0xffffu) + (get16(at) ^ 0xffffu) + value;
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    checksum[0] = (uint8_t) ~(sum >> 8);
    checksum[1] = (uint8_t)~sum;
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void frame_clear_urgent(uint8_t *frame)
{
    uint8_t *ip = frame + ETHER_BYTES, *tcp;
    uint32_t type = get16(frame + ETHER_TYPE);
    if (type == TYPE_IPV4 && ip[9] == PROTOCOL_TCP)
        tcp = ip + (ip[0] & 15u) * 4;
    else if (type == TYPE_IPV6 && ip[6] == PROTOCOL_TCP)
        tcp = ip + IPV6_BYTES;
    else
        return;
    if ((tcp[13] & TCP_URG) == 0)
        return;
    replace16(tcp + 12, get16(tcp + 12) & ~TCP_URG, tcp + 16);
    replace16(tcp + 18, 0, tcp + 16);
}
