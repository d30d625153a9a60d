/*
 * What must not be guessed: initial sequence numbers (RFC 6528), the offset of the timestamp clock (RFC 7323
 * section 5.4), and the source port of an active open (RFC 6056 algorithm 3). All come from SipHash with a
 * secret of the instance.
 */
#include "tcp/tcp_conn.h"

enum { EPHEMERAL_FIRST = 32768, EPHEMERAL_COUNT = 28232 }; /* 32768 to 60999, as Linux has it */

struct tuple {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t purpose; /* one secret, several uses */
};

/* What all IPv4 addresses have in common need not be mixed in. */
static uint64_t secret_hash_4(const struct tcp *tcp, const struct tuple *t)
{
	const struct {
		uint32_t local, remote;
		uint16_t local_port, remote_port;
		uint32_t purpose;
	} t4 = {
		ip_addr_to_4(&t->local), ip_addr_to_4(&t->remote), t->local_port, t->remote_port, t->purpose,
	};

	return hash_siphash24(&tcp->isn_key, &t4, sizeof t4);
}

static uint64_t secret_hash(const struct tcp *tcp, const struct tuple *t)
{
	if (LIKELY(ip_addr_is_4(&t->local) && ip_addr_is_4(&t->remote)))
		return secret_hash_4(tcp, t);
	return hash_siphash24(&tcp->isn_key, t, sizeof *t);
}

struct seq tcp_isn(const struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		   const struct ip_addr *remote, uint16_t remote_port)
{
	struct tuple t = { *local, *remote, local_port, remote_port, 1 };

	/* ISN = M + F(localip, localport, remoteip, remoteport, secretkey); M ticks every 4 microseconds. */
	return seq_of((uint32_t)(tcp_now(tcp) / 4) + (uint32_t)secret_hash(tcp, &t));
}

uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct ip_addr *local,
			      const struct ip_addr *remote)
{
	/* Without the ports: a new connection's timestamps follow on from those of the last between the same
	 * two hosts, which RFC 6191 needs to tell a new SYN from an old one. */
	struct tuple t = { *local, *remote, 0, 0, 2 };

	return (uint32_t)secret_hash(tcp, &t);
}

uint16_t tcp_ephemeral_port(struct tcp *tcp, const struct ip_addr *local, const struct ip_addr *remote,
			    uint16_t remote_port)
{
	struct tuple t = { *local, *remote, 0, remote_port, 3 };
	uint32_t first = (uint32_t)secret_hash(tcp, &t) % EPHEMERAL_COUNT + tcp->next_ephemeral;

	for (unsigned tries = 0; tries < EPHEMERAL_COUNT; tries++) {
		uint16_t port = (uint16_t)(EPHEMERAL_FIRST + (first + tries) % EPHEMERAL_COUNT);
		uint64_t hash = tcp_hash(tcp, local, port, remote, remote_port);

		tcp->next_ephemeral++;
		if (tcp_table_find(tcp, hash, local, port, remote, remote_port) == NULL &&
		    !tcp_timewait_has(tcp, hash, local, port, remote, remote_port) &&
		    tcp_listener_find(tcp, local, port) == NULL)
			return port;
	}
	return 0;
}
