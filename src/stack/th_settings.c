/* The public interface of libtaphouse: the settings of a connection, and the picture of it. */
#include "stack/th_internal.h"

#include <errno.h>

void th_set_nodelay(struct th_conn *conn, int nodelay)
{
	if (conn->stream != NULL)
		tcp_set_nodelay(conn->stream, nodelay != 0);
}

void th_set_keepalive(struct th_conn *conn, int on)
{
	if (conn->stream != NULL)
		tcp_set_keepalive(conn->stream, on != 0);
}

void th_set_keepalive_times(struct th_conn *conn, uint64_t idle_us, uint64_t interval_us, uint8_t probes)
{
	const struct tcp_keepalive times = { .idle_us = idle_us,
					     .interval_us = interval_us,
					     .probes = probes };

	if (conn->stream != NULL)
		tcp_set_keepalive_times(conn->stream, &times);
}

void th_set_user_timeout(struct th_conn *conn, uint64_t us)
{
	if (conn->stream != NULL)
		tcp_set_user_timeout(conn->stream, us);
}

void th_set_error_reports(struct th_conn *conn, int on)
{
	if (on == 0)
		conn->soft_error = 0;
	if (conn->stream != NULL)
		tcp_set_error_reports(conn->stream, on != 0);
}

int th_set_dscp(struct th_conn *conn, uint8_t dscp)
{
	if (dscp > 63)
		return -EINVAL;
	if (conn->stream != NULL)
		tcp_set_dscp(conn->stream, dscp);
	return 0;
}

int th_set_ttl(struct th_conn *conn, uint8_t ttl)
{
	if (ttl == 0)
		return -EINVAL;
	if (conn->stream != NULL)
		tcp_set_ttl(conn->stream, ttl);
	return 0;
}

int th_set_congestion(struct th_conn *conn, const char *name)
{
	return conn->stream != NULL ? tcp_set_congestion(conn->stream, name) : 0;
}

static void fill_in(const struct tcp_info *i, struct th_info *out)
{
	*out = (struct th_info){
		.state = tcp_state_name(i->state),
		.local_port = i->local_port,
		.remote_port = i->remote_port,
		.mss = i->mss,
		.cwnd = i->cwnd,
		.ssthresh = i->ssthresh,
		.snd_wnd = i->snd_wnd,
		.rcv_wnd = i->rcv_wnd,
		.in_flight = i->in_flight,
		.unsent = i->unsent,
		.unread = i->unread,
		.srtt_us = i->srtt_us,
		.rttvar_us = i->rttvar_us,
		.rto_us = i->rto_us,
		.bytes_acked = i->bytes_acked,
		.bytes_received = i->bytes_received,
		.segs_in = i->segs_in,
		.segs_out = i->segs_out,
		.retransmissions = i->retransmissions,
		.urgent = i->urgent_unread,
		.lost = i->lost,
		.sacked = i->sacked,
		.min_rtt_us = i->min_rtt_us,
		.pacing_rate = i->pacing_rate,
		.delivery_rate = i->delivery_rate,
		.bytes_delivered = i->bytes_delivered,
		.bytes_lost = i->bytes_lost,
		.iss = i->iss,
		.irs = i->irs,
		.snd_una = i->snd_una,
		.snd_nxt = i->snd_nxt,
		.rcv_nxt = i->rcv_nxt,
		.snd_wscale = i->snd_wscale,
		.rcv_wscale = i->rcv_wscale,
		.timestamps = i->timestamps,
		.window_scaling = i->window_scaling,
		.sack = i->sack,
		.ecn = i->ecn,
		.in_recovery = i->in_recovery,
		.reordering_seen = i->reordering_seen,
		.r1_passed = i->r1_passed,
		.dscp = i->dscp,
		.ttl = i->ttl,
		.received_dscp = i->received_dscp,
		.congestion = i->congestion,
	};
	ip_addr_format(&i->local, out->local);
	ip_addr_format(&i->remote, out->remote);
}

int th_info_sized(const struct th_conn *conn, struct th_info *out, size_t size)
{
	struct tcp_info internal;
	struct th_info info;

	if (conn->stream == NULL)
		return -ENOTCONN;
	tcp_conn_info(tcp_conn_of_stream(conn->stream), &internal);
	fill_in(&internal, &info);
	memset(out, 0, size); /* what a newer header has besides */
	memcpy(out, &info, size < sizeof info ? size : sizeof info);
	return 0;
}
