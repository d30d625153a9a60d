/* Records: found by their four-tuple, in the order of their queues, whatever comes and goes in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/random.h"
#include "common/peer.h"
#include "tcp/tcp_conn.h"

enum { LIMIT = 3000, PORT = 80 };

/* A kind of record, and a model of it: what is in which queue, oldest first. */
struct kind {
	struct tcp_record record;
	uint32_t name;
};

struct records {
	struct peer peer;
	const struct tcp *tcp;
	struct tcp_records records;
	struct tcp_record_queue queues[2];
	uint32_t order[2][LIMIT];
	uint32_t counts[2];
	struct kind *kinds[LIMIT];
};

static struct records *open_records(void)
{
	static struct records r;

	r = (struct records){ .tcp = NULL };
	peer_init(&r.peer, NULL);
	r.tcp = r.peer.stack->tcp;
	assert_int_equal(tcp_records_init(&r.records, "test", sizeof(struct kind), LIMIT), 0);
	return &r;
}

static void close_records(struct records *r)
{
	for (unsigned q = 0; q < ARRAY_LENGTH(r->queues); q++) {
		struct tcp_record *record;

		while ((record = tcp_record_first(&r->records, &r->queues[q])) != NULL)
			tcp_record_forget(&r->records, &r->queues[q], record,
					  tcp_record_hash(r->tcp, record));
	}
	tcp_records_fini(&r->records);
	peer_fini(&r->peer);
}

/* Few ports and addresses, so that records differ in little. */
static struct ip_addr remote_of(uint32_t name)
{
	return ip_addr_from_4(0x0b000000 + name / 100);
}

static uint16_t port_of(uint32_t name)
{
	return (uint16_t)(1000 + name % 100);
}

static struct tcp_record *find(const struct records *r, uint32_t name)
{
	const struct ip_addr *ours = &r->peer.ours, remote = remote_of(name);

	return tcp_record_find(r->tcp, &r->records, tcp_hash(r->tcp, ours, PORT, &remote, port_of(name)), ours,
			       PORT, &remote, port_of(name));
}

static void add(struct records *r, unsigned q, uint32_t name)
{
	struct kind *k = pool_take(&r->records.pool);
	struct ip_addr remote = remote_of(name);

	assert_non_null(k);
	*k = (struct kind){
		.record = tcp_record_of(r->tcp, &r->peer.ours, PORT, &remote, port_of(name)),
		.name = name,
	};
	tcp_record_add(&r->records, &r->queues[q], &k->record, tcp_record_hash(r->tcp, &k->record));
	r->kinds[name] = k;
	r->order[q][r->counts[q]++] = name;
}

/* Takes the i-th out of the model's queue. */
static uint32_t take_out(struct records *r, unsigned q, uint32_t i)
{
	uint32_t name = r->order[q][i];

	for (r->counts[q]--; i < r->counts[q]; i++)
		r->order[q][i] = r->order[q][i + 1];
	return name;
}

static void forget(struct records *r, unsigned q, uint32_t i)
{
	uint32_t name = take_out(r, q, i);
	struct tcp_record *record = &r->kinds[name]->record;

	tcp_record_forget(&r->records, &r->queues[q], record, tcp_record_hash(r->tcp, record));
	r->kinds[name] = NULL;
}

static void move(struct records *r, unsigned from, uint32_t i, unsigned to)
{
	uint32_t name = take_out(r, from, i);

	tcp_record_move(&r->records, &r->queues[from], &r->queues[to], &r->kinds[name]->record);
	r->order[to][r->counts[to]++] = name;
}

static uint32_t name_of(const struct tcp_record *record)
{
	return ((const struct kind *)(const void *)record)->name;
}

/* Table and queues are as the model has them, in both directions. */
static void compare(const struct records *r)
{
	for (unsigned q = 0; q < ARRAY_LENGTH(r->queues); q++) {
		const struct tcp_record *at = tcp_record_first(&r->records, &r->queues[q]);

		for (uint32_t i = 0; i < r->counts[q]; i++, at = tcp_record_next(&r->records, at))
			assert_int_equal(name_of(at), r->order[q][i]);
		assert_null(at);
		at = tcp_record_last(&r->records, &r->queues[q]);
		for (uint32_t i = r->counts[q]; i-- > 0; at = tcp_record_previous(&r->records, at))
			assert_int_equal(name_of(at), r->order[q][i]);
		assert_null(at);
	}
	for (uint32_t name = 0; name < LIMIT; name++) {
		const struct tcp_record *found = find(r, name);

		assert_ptr_equal(found, r->kinds[name] != NULL ? &r->kinds[name]->record : NULL);
	}
	assert_int_equal(r->records.pool.in_use, r->counts[0] + r->counts[1]);
}

static void a_record_is_found_by_all_four_of_its_tuple(void **state)
{
	struct records *r = open_records();
	struct ip_addr remote = remote_of(7), other = remote_of(1007), foreign = ip_addr_from_4(0x0a4d0063);
	uint64_t hash = tcp_hash(r->tcp, &r->peer.ours, PORT, &remote, port_of(7));
	const struct ip_addr *ours = &r->peer.ours;

	(void)state;
	add(r, 0, 7);
	/* Even in its own bucket. */
	assert_non_null(tcp_record_find(r->tcp, &r->records, hash, ours, PORT, &remote, port_of(7)));
	assert_null(tcp_record_find(r->tcp, &r->records, hash, ours, PORT, &remote, port_of(8)));
	assert_null(tcp_record_find(r->tcp, &r->records, hash, ours, PORT + 1, &remote, port_of(7)));
	assert_null(tcp_record_find(r->tcp, &r->records, hash, ours, PORT, &other, port_of(7)));
	assert_null(tcp_record_find(r->tcp, &r->records, hash, &foreign, PORT, &remote, port_of(7)));
	close_records(r);
}

static void the_pool_refuses_what_is_beyond_the_limit(void **state)
{
	struct records *r = open_records();

	(void)state;
	for (uint32_t name = 0; name < LIMIT; name++)
		add(r, name % 2, name);
	assert_null(pool_take(&r->records.pool));
	compare(r);
	close_records(r);
}

static void queues_keep_their_order_whatever_comes_and_goes(void **state)
{
	struct records *r = open_records();
	struct random lots;

	(void)state;
	random_init(&lots, 11);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t name = random_below(&lots, LIMIT);
		unsigned q = random_below(&lots, 2);
		uint32_t count = r->counts[q];

		if (r->kinds[name] == NULL && random_below(&lots, 2) == 0)
			add(r, q, name);
		else if (count > 0 && random_below(&lots, 2) == 0)
			move(r, q, random_below(&lots, count), random_below(&lots, 2));
		else if (count > 0)
			forget(r, q, random_below(&lots, count));
		if (i % 1000 == 0)
			compare(r);
	}
	compare(r);
	close_records(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_found_by_all_four_of_its_tuple),
		cmocka_unit_test(the_pool_refuses_what_is_beyond_the_limit),
		cmocka_unit_test(queues_keep_their_order_whatever_comes_and_goes),
	};

	return cmocka_run_group_tests_name("tcp/record", tests, NULL, NULL);
}
