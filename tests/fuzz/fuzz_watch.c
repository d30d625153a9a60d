/*
 * libFuzzer target: what a client of events asks for, and packets of peers that are recorded and told to it.
 *
 * the message's length (1 byte), the message; then, over and over, a packet's length (2 bytes; its highest bit: it
 * is ours) and the packet, from its IP header on. Every other packet is told as it comes, the rest is replayed.
 *
 * What is told must be a JSON array, whatever was sent.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "link/ethernet.h"
#include "server/watcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1500, OURS = 0x8000 };

static struct stack *stack;
static struct recorder *recorder;
static struct watcher *watcher;

static bool check(struct watcher *w, struct bytes batch)
{
	json_t *rows = json_loadb((const char *)batch.data, batch.len, JSON_REJECT_DUPLICATES, NULL);

	(void)w;
	assert(json_is_array(rows) && json_array_size(rows) > 0);
	json_decref(rows);
	return true;
}

static void on_record(void *context, const struct recorded *record)
{
	watcher_record(context, record);
}

static void open_once(void)
{
	struct stack_config c;
	struct failure why;
	int error;

	if (stack != NULL)
		return;
	stack_config_default(&c);
	c.seed = 1;
	c.caps.mtu = MOST;
	error = stack_new(&c, 1000000, &stack, &why);
	recorder = recorder_new(stack);
	watcher = malloc(sizeof *watcher);
	assert(error == 0 && recorder != NULL && watcher != NULL);
}

static void begin(void)
{
	open_once();
	recorder_set(recorder, true);
	recorder_tell(recorder, on_record, watcher);
	memset(watcher, 0, sizeof *watcher);
	watcher->everybody = true;
	watcher->send = check;
	watcher_init(watcher, stack->tcp, 0);
}

static void see(struct bytes packet, bool is_ours)
{
	uint8_t frame[ETH_HEADER_LEN + MOST] = { [12] = ETH_TYPE_IPV4 >> 8 };
	uint32_t len = (uint32_t)(ETH_HEADER_LEN + packet.len), head = len;
	struct rx_frame rx;
	struct tx_frame tx;
	uint8_t *copy;

	memcpy(frame + ETH_HEADER_LEN, packet.data, packet.len);
	copy = malloc(len); /* of just that size, so that a read beyond it is seen */
	assert(copy != NULL);
	memcpy(copy, frame, len);
	rx = (struct rx_frame){ .data = copy, .len = len };
	if (head > ETH_HEADER_LEN + 60)
		head = ETH_HEADER_LEN + 60;
	tx_begin(&tx);
	memcpy(tx_push(&tx, head), copy, head);
	if (len > head)
		tx_add_payload(&tx, copy + head, len - head);
	observers_tell(stack->world.observer,
		       &(struct trace_event){ .kind = is_ours ? TRACE_FRAME_OUT : TRACE_FRAME_IN,
					      .now_us = 1000000,
					      .rx = &rx,
					      .tx = &tx });
	free(copy);
}

static void see_all(struct bytes *input)
{
	uint16_t head;
	size_t len;

	for (unsigned n = 0; bytes_take_be16(input, &head); n++) {
		len = head & (OURS - 1u);
		if (len > MOST)
			len = MOST;
		if (len > input->len)
			len = input->len;
		see(bytes_of(input->data, len), (head & OURS) != 0);
		bytes_skip(input, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	struct watch_request request = { .what = WATCH_ALL, .segments = true };
	uint8_t len;

	begin();
	if (bytes_take_u8(&input, &len) && input.len >= len) {
		watch_request_parse(bytes_of(input.data, len), &request);
		bytes_skip(&input, len);
		watcher_begin(watcher, &request, recorder);
		see_all(&input);
		watcher_turn(watcher, 1100000, WATCHER_SAVED);
		request.what = WATCH_ALL;
		request.segments = true;
		watcher_begin(watcher, &request, recorder);
		watcher_turn(watcher, 1200000, WATCHER_SAVED);
	}
	recorder_set(recorder, false);
	return 0;
}
