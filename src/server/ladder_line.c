/* Rows set in columns: time, number, client's state, arrow, server's state. */
#include "server/ladder_line.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	PREFIX = 12,      /* "  0.041 #1  " */
	STATE = 10,       /* of the narrow names */
	STATE_WIDE = 12,
	WIDE = 100,       /* from so many columns on names are not cut short */
	TEXT = LADDER_WIDEST + 1,
	ARROW_ENDS = 6,   /* "-- " and " ->" ... */
	SHORT_ENDS = 5,   /* ... or " >", where there is no room */
};

/* Select Graphic Rendition (ECMA-48 section 8.3.117) */
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

char *ladder_flags_text(uint8_t flags, char between, char out[static LADDER_FLAGS])
{
	static const struct {
		uint8_t flag;
		const char *name;
	} names[] = {
		{ LADDER_SYN, "SYN" }, { LADDER_FIN, "FIN" }, { LADDER_RST, "RST" }, { LADDER_PSH, "PSH" },
		{ LADDER_ACK, "ACK" }, { LADDER_URG, "URG" }, { LADDER_ECE, "ECE" }, { LADDER_CWR, "CWR" },
	};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if ((flags & names[i].flag) == 0)
			continue;
		if (len > 0)
			out[len++] = between;
		memcpy(out + len, names[i].name, 3);
		len += 3;
	}
	out[len] = '\0';
	return out;
}

/* Where columns are narrow, two states are written as RFC 9293 figure 5 has them. */
static const char *state_text(enum tcp_state s, bool is_wide)
{
	if (!is_wide && s == TCP_ESTABLISHED)
		return "ESTAB";
	return !is_wide && s == TCP_SYN_RECEIVED ? "SYN-RCVD" : tcp_state_name(s);
}

static bool is_wide(const struct ladder_look *look)
{
	return look->width >= WIDE;
}

static unsigned state_width(const struct ladder_look *look)
{
	return is_wide(look) ? STATE_WIDE : STATE;
}

/* Between the two columns of states and the spaces beside them. */
static unsigned middle_width(const struct ladder_look *look)
{
	return look->width - PREFIX - 2 * (state_width(look) + 1);
}

static void add_padded(struct document *out, const char *text, size_t width)
{
	size_t len = strlen(text);

	document_add(out, text, len);
	for (; len < width; len++)
		document_add(out, " ", 1);
}

static void add_coloured(struct document *out, const struct ladder_look *look, const char *colour,
			 const char *text, size_t width)
{
	if (look->colour)
		document_add_text(out, colour);
	add_padded(out, text, width);
	if (look->colour)
		document_add_text(out, PLAIN);
}

/* In milliseconds, as exactly as seven columns say it. */
static void write_time(uint64_t us, char text[static 32])
{
	uint64_t ms = us / 1000;
	unsigned rest = (unsigned)(us % 1000);

	if (ms < 1000)
		snprintf(text, 32, "%3" PRIu64 ".%03u", ms, rest);
	else if (ms < 10000)
		snprintf(text, 32, "%" PRIu64 ".%02u", ms, rest / 10);
	else if (ms < 100000)
		snprintf(text, 32, "%" PRIu64 ".%u", ms, rest / 100);
	else
		snprintf(text, 32, "%" PRIu64, ms);
}

static void add_prefix(struct document *out, const struct ladder_row *row)
{
	char time[32], text[48];

	write_time(row->now_us - row->flow->started_us, time);
	snprintf(text, sizeof text, "%7s #%-2u ", time, row->flow->number);
	add_padded(out, text, PREFIX);
}

static void add_state(struct document *out, const struct ladder_look *look, const struct ladder_row *row,
		      enum ladder_end end)
{
	const char *text = state_text(row->step.state[end], is_wide(look));
	size_t width = end == LADDER_CLIENT ? state_width(look) : 0;

	if (row->step.changed[end])
		add_coloured(out, look, BOLD, text, width);
	else
		add_padded(out, text, width);
}

/* ---- segments ---- */

/* Adds as much as there is room for, if that says anything. */
static void append_cut(char text[static TEXT], size_t room, const char *more)
{
	size_t len = strlen(text), wanted = strlen(more);

	if (wanted == 0 || len + 1 + (wanted < 6 ? wanted : 6) > room)
		return;
	snprintf(text + len, TEXT - len, " %.*s", (int)(room - len - 1), more);
	if (len + 1 + wanted > room)
		memcpy(text + room - 2, "..", 2);
}

static void write_numbers(const struct ladder_row *row, char text[static TEXT])
{
	char flags[LADDER_FLAGS], ack[16] = "";

	if ((row->flags & LADDER_ACK) != 0)
		snprintf(ack, sizeof ack, " ack %" PRIu32, row->step.ack);
	snprintf(text, TEXT, "%s %" PRIu32 "+%" PRIu32 "%s win %" PRIu32,
		 ladder_flags_text(row->flags, ' ', flags), row->step.seq, row->len, ack, row->step.window);
}

static void append_content(const struct ladder_row *row, char text[static TEXT], size_t room)
{
	if (row->step.is_third_ack)
		append_cut(text, room, "third ACK");
	append_cut(text, room, row->content);
}

static void add_arrow(struct document *out, const struct ladder_look *look, const struct ladder_row *row,
		      const char *text)
{
	bool to_right = row->from == LADDER_CLIENT, dropped = row->drop != DROP_NONE;
	char line = row->step.is_again ? '=' : '-', arrow[TEXT + ARROW_ENDS];
	size_t width = middle_width(look), len = strlen(text);
	const char *colour = dropped ? RED : row->is_trouble ? YELLOW : "";

	if (len + SHORT_ENDS > width)
		width = len + SHORT_ENDS;
	memset(arrow, line, width);
	arrow[to_right ? width - 1 : 0] = dropped ? 'x' : to_right ? '>' : '<';
	arrow[2] = arrow[3 + len] = ' ';
	memcpy(arrow + 3, text, len);
	arrow[width] = '\0';
	if (*colour != '\0')
		add_coloured(out, look, colour, arrow, width);
	else
		document_add_text(out, arrow);
}

/* Where no time is told. */
static void add_number(struct document *out, const struct ladder_row *row)
{
	char text[32];

	snprintf(text, sizeof text, "%8s#%-2u ", "", row->flow->number);
	add_padded(out, text, PREFIX);
}

/* What has no room beside the numbers. */
static void add_note(struct document *out, const struct ladder_look *look, const struct ladder_row *row,
		     const char *note)
{
	add_padded(out, "", PREFIX + state_width(look) + 4);
	add_coloured(out, look, row->drop != DROP_NONE ? RED : YELLOW, note, 0);
	document_add(out, "\n", 1);
}

static void write_note(const struct ladder_row *row, char note[static TEXT])
{
	*note = '\0';
	if (row->drop != DROP_NONE)
		snprintf(note, TEXT, "dropped: %s", drop_reason_text(row->drop));
	else if (row->note != NULL)
		snprintf(note, TEXT, "%s", row->note);
}

static void add_segment(struct document *out, const struct ladder_look *look, const struct ladder_row *row)
{
	size_t room = middle_width(look) - ARROW_ENDS;
	char text[TEXT], note[TEXT];
	bool has_room;

	write_numbers(row, text);
	write_note(row, note);
	has_room = *note == '\0' || strlen(text) + 1 + strlen(note) <= room;
	if (has_room)
		append_cut(text, room, note);
	append_content(row, text, room);
	add_prefix(out, row);
	add_state(out, look, row, LADDER_CLIENT);
	document_add(out, " ", 1);
	add_arrow(out, look, row, text);
	document_add(out, " ", 1);
	add_state(out, look, row, LADDER_SERVER);
	document_add(out, "\n", 1);
	if (!has_room)
		add_note(out, look, row, note);
	if (row->drop == DROP_WIRE && row->note != NULL) /* why it was sent, or what became of it there */
		add_note(out, look, row, row->note);
}

/* ---- the rest ---- */

/* On the side of who did it. */
static void add_step(struct document *out, const struct ladder_look *look, const struct ladder_row *row)
{
	size_t width = middle_width(look) - ARROW_ENDS, len = strlen(row->note);
	char text[TEXT];

	snprintf(text, sizeof text, "%.*s", (int)width, row->note);
	if (len > width)
		memcpy(text + width - 2, "..", 2);
	add_number(out, row);
	add_padded(out, "", state_width(look) + 4);
	if (row->from == LADDER_SERVER && len < width)
		add_padded(out, "", width - len);
	add_coloured(out, look, row->is_trouble ? YELLOW : CYAN, text, 0);
	document_add(out, "\n", 1);
}

static void write_end(const struct ladder_side *s, char text[static IP_ADDR_TEXT + 16])
{
	char addr[IP_ADDR_TEXT];

	snprintf(text, IP_ADDR_TEXT + 16, "%s port %u", ip_addr_format(&s->addr, addr), s->port);
}

static void add_opened(struct document *out, const struct ladder_look *look, const struct ladder_row *row)
{
	char client[IP_ADDR_TEXT + 16], server[IP_ADDR_TEXT + 16];
	size_t width = look->width - PREFIX;

	write_end(&row->flow->side[LADDER_CLIENT], client);
	write_end(&row->flow->side[LADDER_SERVER], server);
	add_number(out, row);
	add_padded(out, client, width - strlen(server));
	document_add_text(out, server);
	document_add(out, "\n", 1);
}

void ladder_line_head(struct document *out, const struct ladder_look *look, enum ladder_end ours)
{
	add_padded(out, "     ms #", PREFIX);
	add_padded(out, ours == LADDER_CLIENT ? "client" : "client*", state_width(look) + 1);
	add_padded(out, "flags seq+length ack window; *inferred", middle_width(look) + 1);
	document_add_text(out, ours == LADDER_CLIENT ? "server*\n" : "server\n");
}

void ladder_line(struct document *out, const struct ladder_look *look, const struct ladder_row *row)
{
	switch (row->event) {
	case LADDER_OPENED:
		add_opened(out, look, row);
		break;
	case LADDER_SEGMENT:
		add_segment(out, look, row);
		break;
	case LADDER_STEP:
		add_step(out, look, row);
		break;
	}
}
