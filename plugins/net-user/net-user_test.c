/* net-user on the bench: the test is the guest on one side and the world on the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <backplane/bench.h>

#include "fuzz/net_guest.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static uint8_t frame[65535];

/* --- The world -------------------------------------------------------------------------------- */

/* A socket of this kind on the loopback; its port is *port. */
static int world_socket(int type, uint16_t *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(*port)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* A port that nobody has now. */
static uint16_t free_port(int type)
{
    uint16_t port = 0;
    close(world_socket(type, &port));
    return port;
}

static int world_connect(int type, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int status = connect(fd, (struct sockaddr *)&address, sizeof(address));
    assert_true(status == 0 || errno == EINPROGRESS);
    return fd;
}

/* --- The guest -------------------------------------------------------------------------------- */

static struct bench *start(const char *setting)
{
    static const char *lists[4][2]; /* they outlive the bench */
    static uint32_t n;
    const char **settings = lists[n++ % 4];
    settings[0] = setting;
    return bench_create(BENCH_CLASS, settings);
}

static void say(struct bench *b, uint32_t size)
{
    assert_int_equal(bench_net_write(b, frame, size), BP_OK);
    bench_settle(b);
}

/* The next frame into `frame`, with the world given its time; 0: nothing comes. */
static uint32_t hear(struct bench *b)
{
    for (uint32_t tries = 0; tries < 40; tries++) {
        uint32_t size = bench_net_read(b, frame);
        if (size != 0)
            return size;
        bench_poll(b, tries < 20 ? 0 : 2);
        bench_advance_ns(b, 3 * MS);
    }
    return 0;
}

static uint32_t hear_ipv4(struct bench *b, uint32_t protocol)
{
    uint32_t size;
    while ((size = hear(b)) != 0 && !is_ipv4(frame, size, protocol))
        if (get16(frame + 12) == 0x0806 && get16(frame + 20) == 1) /* who has us? */
            say(b, make_arp(frame, 2, GATEWAY_IP));
    /* Later versions of the library fill frames up to Ethernet's 60 bytes. */
    uint32_t packet = size == 0 ? 0 : 14 + get16(frame + 16);
    assert_true(size == packet || (packet < 60 && size == 60));
    return packet;
}

static void introduce(struct bench *b)
{
    say(b, make_arp(frame, 1, GATEWAY_IP));
    assert_true(hear(b) >= 42);
}

/* A connection of the guest. */
struct tcp {
    uint32_t peer;
    uint32_t ports; /* ours << 16 | theirs */
    uint32_t seq;
    uint32_t ack;
};

static void tcp_send(struct bench *b, struct tcp *t, uint32_t flags, const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    say(b, make_tcp(frame, t->peer, t->ports, t->seq, t->ack, flags, text, size));
    t->seq += size + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

/* The next segment of the connection: its flags, 0 for none. Data are acknowledged. */
static uint32_t tcp_hear(struct bench *b, struct tcp *t, char *text, uint32_t room)
{
    uint32_t size;
    text[0] = '\0';
    if (hear_ipv4(b, 6) == 0)
        return 0;
    const uint8_t *data = tcp_data(frame, &size);
    uint32_t flags = frame[47];
    assert_true(size < room);
    memcpy(text, data, size);
    text[size] = '\0';
    t->peer = get32(frame + 26);
    t->ports = get16(frame + 36) << 16 | get16(frame + 34);
    t->ack = get32(frame + 38) + size + ((flags & (TCP_SYN | TCP_FIN)) != 0);
    return flags;
}

static struct tcp tcp_connect(struct bench *b, uint16_t port)
{
    struct tcp t = {.peer = GATEWAY_IP, .ports = GUEST_PORT << 16 | port, .seq = 1000};
    char text[2000];
    tcp_send(b, &t, TCP_SYN, "");
    assert_int_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_SYN | TCP_ACK);
    tcp_send(b, &t, TCP_ACK, "");
    return t;
}

/* --- Addresses -------------------------------------------------------------------------------- */

static void the_gateway_and_the_name_server_answer_arp(void **state)
{
    struct bench *b = start(NULL);
    (void)state;
    say(b, make_arp(frame, 1, GATEWAY_IP));
    assert_true(hear(b) >= 42);
    assert_int_equal(get16(frame + 20), 2);
    assert_int_equal(get32(frame + 28), GATEWAY_IP);
    say(b, make_arp(frame, 1, DNS_IP));
    assert_true(hear(b) >= 42);
    assert_int_equal(get32(frame + 28), DNS_IP);
    say(b, make_arp(frame, 1, 0x0a000263));
    assert_int_equal(hear(b), 0);
    bench_destroy(b);
}

static void check_dhcp(struct bench *b, uint32_t address, uint32_t gateway, uint32_t dns)
{
    say(b, make_dhcp(frame, 1, 0));
    uint32_t size = hear_ipv4(b, 17);
    assert_true(size > 42 + 240);
    assert_int_equal(dhcp_option(frame, size, 53)[0], 2); /* offer */
    assert_int_equal(get32(frame + 58), address);
    say(b, make_dhcp(frame, 3, address));
    size = hear_ipv4(b, 17);
    assert_int_equal(dhcp_option(frame, size, 53)[0], 5); /* acknowledged */
    assert_int_equal(get32(dhcp_option(frame, size, 3)), gateway);
    assert_int_equal(get32(dhcp_option(frame, size, 6)), dns);
}

static void dhcp_gives_address_gateway_and_name_server(void **state)
{
    struct bench *b = start("hostname=elsewhere");
    (void)state;
    check_dhcp(b, GUEST_IP, GATEWAY_IP, DNS_IP);
    assert_memory_equal(dhcp_option(frame, sizeof(frame), 12), "elsewhere", 9);
    assert_int_equal(get32(dhcp_option(frame, sizeof(frame), 1)), 0xffffff00);
    bench_destroy(b);
}

static void another_network_moves_all_addresses(void **state)
{
    static const char *const settings[] = {"network=192.168.64.0/20", "dns=192.168.70.1", NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    (void)state;
    check_dhcp(b, 0xc0a8400f, 0xc0a84002, 0xc0a84601);
    assert_int_equal(get32(dhcp_option(frame, sizeof(frame), 1)), 0xfffff000);
    bench_destroy(b);
}

static void the_card_is_told_the_mtu_and_that_the_link_is_up(void **state)
{
    struct bench *b = start("mtu=9000");
    struct bp_net_info info;
    (void)state;
    assert_int_equal(bench_net_info(b, &info), BP_OK);
    assert_int_equal(info.mtu, 9000);
    assert_int_equal(info.flags, BP_NET_LINK_UP);
    bench_destroy(b);
}

/* --- Out -------------------------------------------------------------------------------------- */

static void datagrams_reach_the_world_and_come_back(void **state)
{
    struct bench *b = start(NULL);
    uint16_t port = 0;
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    char text[100] = {0};
    int fd = world_socket(SOCK_DGRAM, &port);
    (void)state;
    introduce(b);
    say(b, make_udp(frame, GATEWAY_IP, GUEST_PORT, port, "hello", 5));
    assert_int_equal(recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &from_size), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(sendto(fd, "and back", 8, 0, (struct sockaddr *)&from, from_size), 8);
    assert_int_equal(hear_ipv4(b, 17), 42 + 8);
    assert_int_equal(get32(frame + 26), GATEWAY_IP);
    assert_int_equal(get16(frame + 34), port);
    assert_int_equal(get16(frame + 36), GUEST_PORT);
    assert_memory_equal(frame + 42, "and back", 8);
    close(fd);
    bench_destroy(b);
}

static void a_connection_carries_bytes_both_ways_and_ends(void **state)
{
    struct bench *b = start(NULL);
    uint16_t port = 0;
    char text[2000] = {0};
    int listener = world_socket(SOCK_STREAM, &port);
    (void)state;
    introduce(b);
    struct tcp t = tcp_connect(b, port);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fd >= 0);
    tcp_send(b, &t, TCP_ACK | TCP_PSH, "GET / HTTP/1.0\r\n");
    assert_int_equal(recv(fd, text, sizeof(text), 0), 16);
    assert_memory_equal(text, "GET / HTTP/1.0\r\n", 16);
    assert_int_equal(send(fd, "200 OK", 6, 0), 6);
    do
        assert_true(tcp_hear(b, &t, text, sizeof(text)) != 0);
    while (text[0] == '\0');
    assert_string_equal(text, "200 OK");
    tcp_send(b, &t, TCP_ACK, "");
    close(fd);
    while ((tcp_hear(b, &t, text, sizeof(text)) & TCP_FIN) == 0)
        ;
    tcp_send(b, &t, TCP_ACK | TCP_FIN, "");
    assert_int_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_ACK);
    close(listener);
    bench_destroy(b);
}

/* The urgent pointer is a guest's to choose: nothing that it did not send may leave. */
static void urgent_data_are_data_and_no_more_than_was_sent(void **state)
{
    struct bench *b = start(NULL);
    uint16_t port = 0;
    char text[8000] = {0};
    int listener = world_socket(SOCK_STREAM, &port);
    (void)state;
    introduce(b);
    struct tcp t = tcp_connect(b, port);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t size =
            make_tcp(frame, t.peer, t.ports, t.seq, t.ack, TCP_ACK | TCP_PSH | 0x20, "urgent", 6);
        put16(frame + 52, i * 3000);
        put16(frame + 50, 0);
        put16(frame + 50, transport_checksum(frame, 26));
        t.seq += 6;
        say(b, size);
        (void)bench_poll(b, 1);
    }
    assert_int_equal(recv(fd, text, sizeof(text), 0), 120);
    for (uint32_t i = 0; i < 20; i++)
        assert_memory_equal(text + 6 * i, "urgent", 6);
    assert_int_equal(recv(fd, text, sizeof(text), MSG_OOB), -1);
    close(fd);
    close(listener);
    bench_destroy(b);
}

static void a_connection_to_a_closed_port_is_refused(void **state)
{
    struct bench *b = start(NULL);
    struct tcp t = {.peer = GATEWAY_IP, .ports = GUEST_PORT << 16 | free_port(SOCK_STREAM)};
    char text[100];
    (void)state;
    introduce(b);
    tcp_send(b, &t, TCP_SYN, "");
    assert_true((tcp_hear(b, &t, text, sizeof(text)) & TCP_RST) != 0);
    bench_destroy(b);
}

static void no_host_loopback_keeps_the_guest_from_it(void **state)
{
    struct bench *b = start("host-loopback=no");
    uint16_t port = 0;
    int listener = world_socket(SOCK_STREAM, &port);
    struct tcp t = {.peer = GATEWAY_IP, .ports = GUEST_PORT << 16 | port};
    char text[100];
    (void)state;
    introduce(b);
    tcp_send(b, &t, TCP_SYN, "");
    assert_int_not_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_SYN | TCP_ACK);
    assert_int_equal(accept(listener, NULL, NULL), -1);
    close(listener);
    bench_destroy(b);
}

static void restrict_lets_nothing_out(void **state)
{
    struct bench *b = start("restrict=yes");
    uint16_t tcp_port = 0, udp_port = 0;
    int listener = world_socket(SOCK_STREAM, &tcp_port), fd = world_socket(SOCK_DGRAM, &udp_port);
    struct tcp t = {.peer = GATEWAY_IP, .ports = GUEST_PORT << 16 | tcp_port};
    char text[100];
    (void)state;
    introduce(b);
    tcp_send(b, &t, TCP_SYN, "");
    say(b, make_udp(frame, GATEWAY_IP, GUEST_PORT, udp_port, "hello", 5));
    (void)hear(b);
    assert_int_equal(accept(listener, NULL, NULL), -1);
    assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
    close(listener);
    close(fd);
    bench_destroy(b);
}

static void a_ping_comes_back_also_in_fragments(void **state)
{
    struct bench *b = start(NULL);
    uint8_t whole[3100];
    (void)state;
    introduce(b);
    say(b, make_ping(frame, GATEWAY_IP, 56));
    assert_int_equal(hear_ipv4(b, 1), 42 + 56);
    assert_int_equal(frame[34], 0);
    memcpy(whole, frame, make_ping(frame, GATEWAY_IP, 3000));
    memcpy(whole, frame, 34 + 3008);
    for (uint32_t at = 0; at < 3008; at += 1480) {
        uint32_t part = 3008 - at < 1480 ? 3008 - at : 1480;
        memcpy(frame + 34, whole + 34 + at, part);
        (void)make_ipv4(frame, 1, GUEST_IP, GATEWAY_IP, part);
        put16(frame + 18, 7);
        put16(frame + 20, at / 8 | (at + part < 3008 ? 0x2000 : 0));
        put16(frame + 24, 0);
        put16(frame + 24, checksum(frame + 14, 20, 0));
        say(b, 34 + part);
    }
    assert_true(hear_ipv4(b, 1) > 1000); /* the first of the answer's own fragments */
    assert_int_equal(get16(frame + 20) & 0x2000, 0x2000);
    bench_destroy(b);
}

static void ipv6_is_there_when_asked_for(void **state)
{
    /* A router solicitation: RFC 4861 section 4.1. */
    uint8_t ip[48] = {0x60, 0, 0, 0, 0, 8, 58, 255, 0xfe, 0x80};
    uint32_t sum = 8 + 58;
    (void)state;
    ip[23] = 9;
    memcpy(ip + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
    ip[40] = 133;
    sum += (uint16_t)~checksum(ip + 8, 32, 0);
    put16(ip + 42, checksum(ip + 40, 8, sum));
    for (uint32_t on = 0; on < 2; on++) {
        struct bench *b = start(on != 0 ? "ipv6=yes" : "ipv6=no");
        uint32_t adverts = 0, size;
        make_ether(frame, 0x86dd);
        memcpy(frame + 14, ip, sizeof(ip));
        say(b, 14 + sizeof(ip));
        while ((size = hear(b)) != 0 && adverts == 0)
            adverts += get16(frame + 12) == 0x86dd && frame[54] == 134;
        assert_int_equal(adverts, on);
        bench_destroy(b);
    }
}

/* --- In --------------------------------------------------------------------------------------- */

static void a_forwarded_port_leads_to_the_guest(void **state)
{
    char setting[100], text[2000];
    uint16_t port = free_port(SOCK_STREAM);
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=tcp:127.0.0.1:%u-:80", port);
    struct bench *b = start(setting);
    struct tcp t = {.seq = 5000};
    int fd = world_connect(SOCK_STREAM, port);
    assert_int_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_SYN);
    assert_int_equal(get32(frame + 30), GUEST_IP);
    assert_int_equal(t.ports >> 16, 80);
    tcp_send(b, &t, TCP_SYN | TCP_ACK, "");
    assert_int_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_ACK);
    tcp_send(b, &t, TCP_ACK | TCP_PSH, "welcome");
    bench_poll(b, 10);
    memset(text, 0, sizeof(text));
    assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
    assert_string_equal(text, "welcome");
    close(fd);
    bench_destroy(b);
}

static void a_forwarded_datagram_port_leads_to_the_guest(void **state)
{
    char setting[100], text[100] = {0};
    uint16_t port = free_port(SOCK_DGRAM);
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=udp::%u-10.0.2.15:53", port);
    struct bench *b = start(setting);
    int fd = world_connect(SOCK_DGRAM, port);
    introduce(b);
    assert_int_equal(send(fd, "query", 5, 0), 5);
    assert_int_equal(hear_ipv4(b, 17), 42 + 5);
    assert_int_equal(get16(frame + 36), 53);
    uint32_t peer = get32(frame + 26), peer_port = get16(frame + 34);
    say(b, make_udp(frame, peer, 53, peer_port, "answer", 6));
    assert_int_equal(recv(fd, text, sizeof(text), 0), 6);
    assert_string_equal(text, "answer");
    close(fd);
    bench_destroy(b);
}

static void a_port_in_use_is_named_with_a_remedy(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        char setting[100], sentence[200];
        uint16_t port = 0;
        int fd = world_socket(types[i], &port);
        const char *const settings[] = {setting, NULL};
        struct bench_setup setup = {.settings = settings};
        struct bench *b;
        snprintf(setting, sizeof(setting), "hostfwd=%s:127.0.0.1:%u-:80", i == 0 ? "tcp" : "udp",
                 port);
        snprintf(sentence, sizeof(sentence),
                 "hostfwd: %s port %u of 127.0.0.1 is in use on this host: choose another, or end "
                 "the program that has it",
                 i == 0 ? "TCP" : "UDP", port);
        assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_EXISTS);
        assert_string_equal(bench_error(b), sentence);
        bench_destroy(b);
        close(fd);
        assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_OK); /* nothing was left behind */
        bench_destroy(b);
    }
}

static void an_address_that_is_not_the_hosts_is_named(void **state)
{
    const char *const settings[] = {"hostfwd=tcp:192.0.2.1:18080-:80", NULL};
    struct bench_setup setup = {.settings = settings};
    struct bench *b;
    (void)state;
    assert_int_equal(bench_try(BENCH_CLASS, &setup, &b), BP_ERR_NOT_FOUND);
    assert_non_null(strstr(bench_error(b), "hostfwd: 192.0.2.1 is no address of this host"));
    bench_destroy(b);
}

/* --- Settings --------------------------------------------------------------------------------- */

static const struct {
    const char *setting, *sentence;
} wrong[] = {
    {"network=10.0.2.0", "network = 10.0.2.0: an address and the length of its prefix, 8 to 27"},
    {"network=10.0.2.0/28", "8 to 27, are wanted, as in 10.0.2.0/24"},
    {"network=10.0.2.0/7", "8 to 27"},
    {"network=10.0.2.0/2x", "8 to 27"},
    {"network=10.0.2/24", "8 to 27"},
    {"network=10.0.2.1/24", "network = 10.0.2.1/24: an address of one host: with /24 its last 8 "
                            "bits are 0"},
    {"host=10.0.3.1", "host = 10.0.3.1: that is no host's address in 10.0.2.0/24"},
    {"host=10.0.2.255", "no host's address"},
    {"dns=10.0.2.0", "dns = 10.0.2.0: that is no host's address"},
    {"dns=gateway", "dns = gateway: an IPv4 address is wanted"},
    {"dhcp-start=10.0.2.3", "host, dns and dhcp-start: two of them are the same address"},
    {"hostfwd=tcp:127.0.0.1:8080", "hostfwd: item 1, \"tcp:127.0.0.1:8080\": "
                                   "PROTOCOL:[ADDRESS]:PORT-[GUEST]:PORT is wanted, as in "
                                   "tcp:127.0.0.1:8080-:80"},
    {"hostfwd=tcp::8080-:80,", "item 2, \"\": PROTOCOL"},
    {"hostfwd=tcp::8080-:80, udp::53-:53", "item 2, \" udp::53-:53\": it must begin with tcp or"},
    {"hostfwd=:127.0.0.1:8080-:80", "it must begin with tcp or udp"},
    {"hostfwd=sctp::8080-:80", "item 1, \"sctp::8080-:80\": it must begin with tcp or udp"},
    {"hostfwd=tcp:localhost:8080-:80", "the host's address is no IPv4 address; leave it out"},
    {"hostfwd=tcp::0-:80", "the host's port is no number from 1 to 65535"},
    {"hostfwd=tcp::65536-:80", "the host's port"},
    {"hostfwd=tcp::+80-:80", "the host's port"},
    {"hostfwd=tcp::000080-:80", "the host's port"},
    {"hostfwd=tcp::80-10.0.2:80", "the guest's address is no IPv4 address"},
    {"hostfwd=tcp::80-10.0.3.5:80", "the guest's address is not in the network"},
    {"hostfwd=tcp::80-:", "the guest's port is no number from 1 to 65535"},
    {"hostfwd=tcp::80-:80:", "the guest's port"},
    {"hostfwd=tcp::80-:80 ", "the guest's port"},
    {"hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80;tcp:127.0.0.1:8081-10.0.2.15:81",
     "item 1, \"tcp:127.0.0.1:8080-10.0.2.15:80;tcp:127.0.0.1:8081-10.0.2.15:81\": the guest's "
     "port"},
    {"hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80;tcp:127.0.0.1:8081-10.0.2.15:81;",
     "item 1, \"tcp:127.0.0.1:8080-10.0.2.15:80;tcp:127.0.0.1:8081-10.0.2.15:81\": it is too long"},
};

static void every_wrong_setting_is_refused_with_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *const settings[] = {wrong[i].setting, NULL};
        struct bench_setup setup = {.settings = settings};
        struct bench *b;
        assert_true(bench_try(BENCH_CLASS, &setup, &b) < 0);
        if (strstr(bench_error(b), wrong[i].sentence) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", wrong[i].setting, bench_error(b),
                     wrong[i].sentence);
        bench_destroy(b);
    }
}

/* --- Room and limits -------------------------------------------------------------------------- */

static void a_card_waits_when_there_is_no_room_and_hears_when_there_is(void **state)
{
    struct bench *b = start(NULL);
    uint32_t taken = 0, size = make_udp(frame, GATEWAY_IP, GUEST_PORT, 9, frame + 100, 1400);
    (void)state;
    while (bench_net_write(b, frame, size) == BP_OK)
        taken++;
    assert_in_range(taken, 100, 200);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 0);
    bench_settle(b);
    assert_int_equal(bench_notices(b, BP_LINK_WRITABLE), 1);
    assert_int_equal(bench_net_write(b, frame, size), BP_OK);
    bench_destroy(b);
}

/* The world has more to say than the guest takes: what was sent waits at its source, and all of it
 * arrives in the end. */
static void a_guest_that_does_not_listen_loses_nothing_of_a_connection(void **state)
{
    struct bench *b = start(NULL);
    uint16_t port = 0;
    uint32_t sent = 0, heard = 0, total = 3000000;
    int listener = world_socket(SOCK_STREAM, &port);
    (void)state;
    introduce(b);
    struct tcp t = tcp_connect(b, port);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    for (uint32_t idle = 0; heard < total && idle < 300; idle++) {
        uint8_t bytes[4096];
        for (uint32_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)((sent + i) * 31 >> 3);
        uint32_t part = total - sent < sizeof(bytes) ? total - sent : sizeof(bytes);
        ssize_t n = part == 0 ? -1 : send(fd, bytes, part, 0);
        if (n > 0) {
            sent += (uint32_t)n;
            idle = 0;
            continue;
        }
        bench_poll(b, 1);
        while (hear_ipv4(b, 6) != 0) {
            uint32_t size;
            const uint8_t *data = tcp_data(frame, &size);
            if (get32(frame + 38) != t.ack || size == 0)
                continue; /* again, or too early */
            for (uint32_t i = 0; i < size; i++)
                assert_int_equal(data[i], (uint8_t)((heard + i) * 31 >> 3));
            heard += size;
            t.ack += size;
            idle = 0;
            tcp_send(b, &t, TCP_ACK, "");
            break;
        }
    }
    assert_int_equal(heard, total);
    close(fd);
    close(listener);
    bench_destroy(b);
}

static void a_guest_that_never_listens_costs_a_bounded_ring_and_one_line(void **state)
{
    struct bench *b = start(NULL);
    uint64_t bytes = 0;
    uint32_t size;
    (void)state;
    introduce(b);
    for (uint32_t i = 0; i < 3000; i++)
        say(b, make_ping(frame, GATEWAY_IP, 1400));
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 1);
    assert_true(bench_log_contains(b, "the guest does not fetch its frames"));
    while ((size = bench_net_read(b, frame)) != 0)
        bytes += size;
    assert_in_range(bytes, 1 << 19, 1 << 20);
    say(b, make_ping(frame, GATEWAY_IP, 56));
    assert_int_equal(hear_ipv4(b, 1), 42 + 56);
    bench_destroy(b);
}

/* Half a ring waits for the guest, the rest at its source: nothing is dropped here. */
static void datagrams_for_a_guest_that_does_not_listen_wait_in_the_hosts_sockets(void **state)
{
    char setting[100];
    uint8_t bytes[1400] = {0};
    uint16_t port = free_port(SOCK_DGRAM);
    uint64_t heard = 0;
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=udp:127.0.0.1:%u-:53", port);
    struct bench *b = start(setting);
    int fd = world_connect(SOCK_DGRAM, port);
    introduce(b);
    for (uint32_t i = 0; i < 1000; i++) {
        (void)!send(fd, bytes, sizeof(bytes), 0);
        bench_poll(b, 0);
    }
    assert_int_equal(bench_poll(b, 0), 0); /* it rests, and does not spin */
    while (bench_net_read(b, frame) != 0)
        heard++;
    assert_in_range(heard * 1442, (1 << 19) - 10000, (1 << 19) + 10000);
    while (hear_ipv4(b, 17) != 0)
        heard++;
    assert_true(heard * 1442 > 600000);
    assert_int_equal(bench_log_count(b, BP_LOG_GUEST), 0);
    close(fd);
    bench_destroy(b);
}

static void connections_without_end_are_refused_at_the_limit(void **state)
{
    struct bench *b = start("max-sockets=10");
    uint16_t port = 0;
    uint32_t answers = 0;
    int fd = world_socket(SOCK_DGRAM, &port);
    char text[10];
    (void)state;
    introduce(b);
    for (uint32_t i = 0; i < 1000; i++)
        say(b, make_udp(frame, GATEWAY_IP, 10000 + i, port, "x", 1));
    while (recv(fd, text, sizeof(text), 0) > 0)
        answers++;
    assert_int_equal(answers, 10);
    assert_true(bench_log_contains(b, "it has 10 connections already"));
    bench_advance_ns(b, 300 * S); /* datagrams are forgotten after some minutes */
    say(b, make_udp(frame, GATEWAY_IP, 50000, port, "x", 1));
    assert_int_equal(recv(fd, text, sizeof(text), 0), 1);
    close(fd);
    bench_destroy(b);
}

/* Hears the first segments of connections that come in, and resets those that it hears of; how many
 * different ones there were. */
static uint32_t hear_connections(struct bench *b, bool resets, uint8_t *seen)
{
    uint32_t n = 0;
    while (hear_ipv4(b, 6) != 0) {
        struct tcp t = {.peer = get32(frame + 26),
                        .ports = get16(frame + 36) << 16 | get16(frame + 34),
                        .ack = get32(frame + 38) + 1};
        n += (seen[t.ports & 0xffff] & 1) == 0;
        seen[t.ports & 0xffff] = 1;
        if (resets)
            tcp_send(b, &t, TCP_RST | TCP_ACK, "");
        if (n >= 30)
            break;
    }
    return n;
}

static void connections_from_the_world_wait_at_the_limit(void **state)
{
    char setting[100];
    static uint8_t seen[65536];
    uint16_t port = free_port(SOCK_STREAM);
    int fds[30];
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=tcp:127.0.0.1:%u-:80", port);
    const char *const settings[] = {"max-sockets=10", setting, NULL};
    struct bench *b = bench_create(BENCH_CLASS, settings);
    introduce(b);
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < 30; i++)
        fds[i] = world_connect(SOCK_STREAM, port);
    uint32_t n = hear_connections(b, false, seen);
    assert_int_equal(n, 10);
    for (uint32_t tries = 0; tries < 20 && n < 30; tries++) {
        bench_advance_ns(b, 7 * S); /* they are tried again */
        n += hear_connections(b, true, seen);
    }
    assert_int_equal(n, 30);
    for (uint32_t i = 0; i < 30; i++)
        close(fds[i]);
    bench_destroy(b);
}

/* --- Time and state --------------------------------------------------------------------------- */

static void with_nothing_to_do_it_sleeps(void **state)
{
    char setting[100];
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=tcp:127.0.0.1:%u-:80", free_port(SOCK_STREAM));
    struct bench *b = start(setting);
    introduce(b);
    say(b, make_ping(frame, GATEWAY_IP, 56));
    (void)hear(b);
    assert_true(bench_timers_armed(b) > 0);
    bench_advance_ns(b, 400 * S);
    assert_int_equal(bench_timers_armed(b), 0);
    say(b, make_ping(frame, GATEWAY_IP, 56));
    assert_true(hear_ipv4(b, 1) > 0);
    bench_destroy(b);
}

static void a_snapshot_goes_on_in_another_network(void **state)
{
    struct bench *b = start(NULL), *other = start(NULL);
    uint64_t size;
    (void)state;
    introduce(b);
    assert_int_equal(bench_check_state_roundtrip(b), BP_OK);
    bench_advance_ns(b, 100 * S);
    uint8_t *bytes = bench_save(b, &size);
    introduce(b); /* it goes on after a save */
    assert_int_equal(bench_load(other, bytes, size), BP_OK);
    free(bytes);
    say(other, make_ping(frame, GATEWAY_IP, 56)); /* the guest asks nobody anew */
    assert_true(hear_ipv4(other, 1) > 0);
    bench_destroy(b);
    bench_destroy(other);
}

static void a_reset_forgets_frames_and_keeps_forwarded_ports(void **state)
{
    char setting[100], text[100];
    uint16_t port = free_port(SOCK_STREAM);
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=tcp:127.0.0.1:%u-:80", port);
    struct bench *b = start(setting);
    struct tcp t = {0};
    say(b, make_arp(frame, 1, GATEWAY_IP));
    bench_reset(b, BP_RESET_WARM);
    assert_int_equal(bench_net_read(b, frame), 0);
    int fd = world_connect(SOCK_STREAM, port);
    assert_int_equal(tcp_hear(b, &t, text, sizeof(text)), TCP_SYN);
    close(fd);
    bench_destroy(b);
}

static void set_up_can_fail_anywhere(void **state)
{
    char setting[100];
    const char *const settings[] = {setting, NULL};
    struct bench_setup setup = {.settings = settings};
    (void)state;
    snprintf(setting, sizeof(setting), "hostfwd=udp:127.0.0.1:%u-:80", free_port(SOCK_DGRAM));
    assert_true(bench_check_setup_failures(BENCH_CLASS, &setup) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gateway_and_the_name_server_answer_arp),
        cmocka_unit_test(dhcp_gives_address_gateway_and_name_server),
        cmocka_unit_test(another_network_moves_all_addresses),
        cmocka_unit_test(the_card_is_told_the_mtu_and_that_the_link_is_up),
        cmocka_unit_test(datagrams_reach_the_world_and_come_back),
        cmocka_unit_test(a_connection_carries_bytes_both_ways_and_ends),
        cmocka_unit_test(urgent_data_are_data_and_no_more_than_was_sent),
        cmocka_unit_test(a_connection_to_a_closed_port_is_refused),
        cmocka_unit_test(no_host_loopback_keeps_the_guest_from_it),
        cmocka_unit_test(restrict_lets_nothing_out),
        cmocka_unit_test(a_ping_comes_back_also_in_fragments),
        cmocka_unit_test(ipv6_is_there_when_asked_for),
        cmocka_unit_test(a_forwarded_port_leads_to_the_guest),
        cmocka_unit_test(a_forwarded_datagram_port_leads_to_the_guest),
        cmocka_unit_test(a_port_in_use_is_named_with_a_remedy),
        cmocka_unit_test(an_address_that_is_not_the_hosts_is_named),
        cmocka_unit_test(every_wrong_setting_is_refused_with_what_is_wrong),
        cmocka_unit_test(a_card_waits_when_there_is_no_room_and_hears_when_there_is),
        cmocka_unit_test(a_guest_that_does_not_listen_loses_nothing_of_a_connection),
        cmocka_unit_test(a_guest_that_never_listens_costs_a_bounded_ring_and_one_line),
        cmocka_unit_test(datagrams_for_a_guest_that_does_not_listen_wait_in_the_hosts_sockets),
        cmocka_unit_test(connections_without_end_are_refused_at_the_limit),
        cmocka_unit_test(connections_from_the_world_wait_at_the_limit),
        cmocka_unit_test(with_nothing_to_do_it_sleeps),
        cmocka_unit_test(a_snapshot_goes_on_in_another_network),
        cmocka_unit_test(a_reset_forgets_frames_and_keeps_forwarded_ports),
        cmocka_unit_test(set_up_can_fail_anywhere),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
