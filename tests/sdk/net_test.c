/* The bench's network: that it does as a real one, with a card and a backend of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <backplane/bench.h>

struct card {
    const struct bp_host *host;
    const struct bp_net *net;
    uint32_t events; /* a digit each */
};

static int32_t card_create(const struct bp_host *host, void *dev)
{
    struct card *s = dev;

    s->host = host;
    s->net = host->get_interface(host, BP_NET_ID);
    return BP_OK;
}

static void card_on_link(void *dev, uint32_t link, uint32_t event)
{
    struct card *s = dev;

    assert_int_equal(link, 0);
    s->events = s->events * 10 + event;
}

static const struct bp_link links[] = {{"net", BP_NET_ID, "A network.", 0, 0}};
static const char *const needs[] = {BP_NET_ID, NULL};
static const struct bp_class card_class = {
    .struct_size = sizeof(struct bp_class),
    .id = "org.test.card",
    .version = "1.0",
    .summary = "asks the network",
    .instance_size = sizeof(struct card),
    .needs = needs,
    .links = BP_TABLE(links),
    .create = card_create,
    .on_link = card_on_link,
};

/* A network that gives back what it took, one frame at a time. */
struct echo {
    uint8_t frame[BP_NET_FRAME_MAX];
    uint32_t size;
};

static int32_t echo_info(void *dev, struct bp_net_info *out)
{
    (void)dev;
    out->mtu = 9000;
    return BP_OK;
}

static int32_t echo_read(void *dev, void *frame, uint32_t room)
{
    struct echo *s = dev;
    int32_t size = (int32_t)s->size;

    (void)room;
    memcpy(frame, s->frame, s->size);
    s->size = 0;
    return size;
}

static int32_t echo_write(void *dev, const void *frame, uint32_t size)
{
    struct echo *s = dev;

    if (s->size)
        return BP_ERR_BUSY;
    memcpy(s->frame, frame, size);
    s->size = size;
    return BP_OK;
}

static const struct bp_net_ops echo_ops = {sizeof(echo_ops), 0, echo_info, echo_read, echo_write};
static const struct bp_service services[] = {{BP_NET_ID, &echo_ops}};
static const struct bp_class echo_class = {
    .struct_size = sizeof(struct bp_class),
    .flags = BP_CLASS_BACKEND,
    .id = "org.test.echo",
    .version = "1.0",
    .summary = "gives frames back",
    .instance_size = sizeof(struct echo),
    .services = BP_TABLE(services),
};

static uint8_t frame[BP_NET_FRAME_MAX + 1];

static int32_t card_read(const struct card *s)
{
    return s->net->read(s->host, 0, frame, BP_NET_FRAME_MAX);
}

static int32_t card_write(const struct card *s, uint32_t size)
{
    return s->net->write(s->host, 0, frame, size);
}

static void frames_arrive_whole_in_their_order_with_one_word(void **state)
{
    struct bench *b = bench_create(&card_class, NULL);
    struct card *s = bench_instance(b);

    (void)state;
    bench_net_feed(b, "net", "abcdefghijklmnop", 16);
    bench_net_feed(b, "net", "ABCDEFGHIJKLMN", 14);
    assert_int_equal(s->events, BP_LINK_READABLE);
    assert_int_equal(bench_net_waiting(b, "net"), 2);
    assert_int_equal(s->net->read(s->host, 0, frame, BP_NET_FRAME_MAX - 1), BP_ERR_INVALID);
    assert_int_equal(card_read(s), 16);
    assert_memory_equal(frame, "abcdefghijklmnop", 16);
    assert_int_equal(card_read(s), 14);
    assert_memory_equal(frame, "ABCDEFGHIJKLMN", 14);
    bench_net_feed(b, "net", "abcdefghijklmnop", 16);
    assert_int_equal(s->events, BP_LINK_READABLE); /* it has not found nothing yet */
    assert_int_equal(card_read(s), 16);
    assert_int_equal(card_read(s), 0);
    bench_net_feed(b, "net", "abcdefghijklmnop", 16);
    assert_int_equal(s->events, BP_LINK_READABLE * 11);
    bench_destroy(b);
}

static void a_full_network_says_so_and_when_there_is_room(void **state)
{
    struct bench *b = bench_create(&card_class, NULL);
    struct card *s = bench_instance(b);
    uint32_t size;

    (void)state;
    memset(frame, 'x', 100);
    bench_net_room(b, "net", 1);
    assert_int_equal(card_write(s, 100), BP_OK);
    assert_int_equal(card_write(s, 60), BP_ERR_BUSY);
    assert_int_equal(s->events, 0);
    bench_net_room(b, "net", 5);
    assert_int_equal(s->events, BP_LINK_WRITABLE);
    assert_int_equal(card_write(s, 60), BP_OK);
    assert_int_equal(card_write(s, 13), BP_ERR_RANGE);
    assert_int_equal(card_write(s, BP_NET_FRAME_MAX + 1), BP_ERR_RANGE);
    assert_int_equal(bench_net_sent(b, "net"), 2);
    assert_memory_equal(bench_net_frame(b, "net", 0, &size), frame, 100);
    assert_int_equal(size, 100);
    bench_net_frame(b, "net", 1, &size);
    assert_int_equal(size, 60);
    assert_int_equal(bench_net_calls(b, "net"), 3);
    bench_net_clear(b, "net");
    assert_int_equal(bench_net_sent(b, "net"), 0);
    bench_destroy(b);
}

static void the_link_goes_down_and_up_and_is_told_once(void **state)
{
    struct bench *b = bench_create(&card_class, NULL);
    struct card *s = bench_instance(b);
    struct bp_net_info info = {.struct_size = sizeof(info)};

    (void)state;
    assert_int_equal(s->net->info(s->host, 0, &info), BP_OK);
    assert_int_equal(info.flags, BP_NET_LINK_UP);
    bench_net_up(b, "net", 0);
    bench_net_up(b, "net", 0);
    assert_int_equal(s->events, BP_LINK_CHANGED);
    assert_int_equal(s->net->info(s->host, 0, &info), BP_OK);
    assert_int_equal(info.flags, 0);
    bench_destroy(b);
}

static void without_a_cable_frames_vanish(void **state)
{
    const char *const names[] = {"net", NULL};
    struct bench_setup setup = {.unconnected = names};
    struct bench *b = bench_create_with(&card_class, &setup);
    struct card *s = bench_instance(b);
    struct bp_net_info info = {.struct_size = sizeof(info)};

    (void)state;
    assert_int_equal(s->net->info(s->host, 0, &info), BP_ERR_NOT_FOUND);
    assert_int_equal(card_write(s, 60), BP_OK);
    assert_int_equal(card_read(s), 0);
    bench_destroy(b);
}

static void a_backends_own_service_is_called_as_the_host_does(void **state)
{
    struct bench *b = bench_create(&echo_class, NULL);
    struct bp_net_info info;

    (void)state;
    assert_int_equal(bench_net_info(b, &info), BP_OK);
    assert_int_equal(info.mtu, 9000);
    memset(frame, 'y', 100);
    assert_int_equal(bench_net_write(b, frame, 13), BP_ERR_RANGE);
    assert_int_equal(bench_net_write(b, frame, 100), BP_OK);
    assert_int_equal(bench_net_write(b, frame, 50), BP_ERR_BUSY);
    memset(frame, 0, 100);
    assert_int_equal(bench_net_read(b, frame), 100);
    assert_int_equal(frame[99], 'y');
    assert_int_equal(bench_net_read(b, NULL), 0);
    bench_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_whole_in_their_order_with_one_word),
        cmocka_unit_test(a_full_network_says_so_and_when_there_is_room),
        cmocka_unit_test(the_link_goes_down_and_up_and_is_told_once),
        cmocka_unit_test(without_a_cable_frames_vanish),
        cmocka_unit_test(a_backends_own_service_is_called_as_the_host_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
