/* Two stacks in one process: a server that answers, and a client that asks. cc hello.c
 * $(pkg-config --cflags --libs taphouse) */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <taphouse/taphouse.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

int main(void)
{
	struct th_stack *server, *client;
	struct th_listener *listener;
	struct th_conn *there = NULL, *here;
	struct th_wire *wire;
	uint64_t now = 0;
	ssize_t n = -1;
	char buf[512];

	assert(th_stack_new(NULL, now, &server) == 0 && th_stack_add_address(server, "10.77.0.2/24") == 0);
	assert(th_stack_new(NULL, now, &client) == 0 && th_stack_add_address(client, "10.77.0.1/24") == 0);
	assert(th_wire_new(client, server,
			   &(struct th_wire_config){ .delay_us = 10000, .impair = "loss=10%" }, &wire) == 0);
	assert(th_listen(server, NULL, 80, &listener) == 0);
	assert(th_connect(client, "10.77.0.2", 80, &here) == 0);
	assert(th_send(here, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27) == 27);

	while (n != 0 && th_wire_step(wire, &now)) {
		if (there == NULL && th_accept(listener, &there) != 0)
			continue;
		if (th_recv(there, buf, sizeof buf) > 0) {
			assert(th_send(there, answer, strlen(answer)) == (ssize_t)strlen(answer));
			th_shutdown(there);
		}
		while ((n = th_recv(here, buf, sizeof buf)) > 0)
			fwrite(buf, 1, (size_t)n, stdout);
	}
	printf("-- after %llu us of virtual time\n", (unsigned long long)now);
	th_close(here);
	th_close(there);
	th_listener_close(listener);
	th_wire_free(wire);
	th_stack_free(client);
	th_stack_free(server);
	return n == 0 ? 0 : 1;
}
