/* Rows as JSON. */
#include "server/ladder_json.h"

#include "server/json.h"

static const char *const ends[LADDER_ENDS] = { "client", "server" };

static void add_side(struct document *out, const struct ladder_side *s, const char *name, const char *port)
{
	char addr[IP_ADDR_TEXT];

	json_text(out, name, ip_addr_format(&s->addr, addr));
	json_number(out, port, s->port);
}

void ladder_json_ends(struct document *out, const struct ladder_flow *flow)
{
	add_side(out, &flow->side[LADDER_CLIENT], "client", "client_port");
	add_side(out, &flow->side[LADDER_SERVER], "server", "server_port");
}

static void add_segment(struct document *out, const struct ladder_row *row)
{
	const struct ladder_step *step = &row->step;
	char flags[LADDER_FLAGS];

	json_text(out, "flags", ladder_flags_text(row->flags, ',', flags));
	json_number(out, "seq", step->seq);
	if ((row->flags & LADDER_SYN) != 0)
		json_number(out, "isn", row->isn);
	if ((row->flags & LADDER_ACK) != 0)
		json_number(out, "ack", step->ack);
	json_number(out, "len", row->len);
	json_number(out, "headers", row->headers);
	json_number(out, "window", step->window);
	json_text(out, "client_state", tcp_state_name(step->state[LADDER_CLIENT]));
	json_text(out, "server_state", tcp_state_name(step->state[LADDER_SERVER]));
	json_text(out, "inferred", ends[!row->flow->ours]);
	json_bool(out, "sent_again", step->is_again);
	json_bool(out, "third_ack", step->is_third_ack);
	if (*row->content != '\0')
		json_text(out, "content", row->content);
	if (row->drop != DROP_NONE)
		json_text(out, "drop", drop_reason_name(row->drop));
}

void ladder_json(struct document *out, const struct ladder_row *row)
{
	static const char *const events[] = { "opened", "segment", "step" };

	json_open_object(out, NULL);
	json_text(out, "event", events[row->event]);
	json_seconds(out, "time", row->wall_us);
	json_seconds(out, "since", row->now_us - row->flow->started_us);
	json_number(out, "number", row->flow->number);
	if (row->flow->connection != 0)
		json_number(out, "connection", row->flow->connection);
	ladder_json_ends(out, row->flow);
	if (row->event != LADDER_OPENED)
		json_text(out, "from", ends[row->from]);
	if (row->event == LADDER_SEGMENT)
		add_segment(out, row);
	if (row->note != NULL)
		json_text(out, "note", row->note);
	if (row->is_replayed)
		json_bool(out, "replayed", true);
	json_close_object(out);
}

void ladder_json_lost(struct document *out, uint64_t rows)
{
	json_open_object(out, NULL);
	json_text(out, "event", "left_out");
	json_number(out, "rows", rows);
	json_close_object(out);
}
