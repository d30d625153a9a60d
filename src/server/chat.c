/* Chat: topics of WebSocket at one worker, and errands that carry what is said to the others. */
#include "server/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crew.h"

/* Of a connection, which may outlive what its location has. */
struct guest {
	struct worker *worker;
	char topic[WS_TOPIC_NAME + 1];
};

/* Rooms of the same name, in locations of the same prefix, in sites of the same name, are one: also that of a
 * configuration that was read again. False: the name is too long. */
static bool name_topic(const struct websocket *ws, const char *room, char out[static WS_TOPIC_NAME + 1])
{
	int len = snprintf(out, WS_TOPIC_NAME + 1, "%s %s %s", ws->site->name, ws->config->prefix, room);

	return len <= WS_TOPIC_NAME;
}

static unsigned admit_to_room(void *context, const struct http_call *call)
{
	char topic[WS_TOPIC_NAME + 1];

	if (strlen(call->path) > WEBSOCKET_ROOM || !name_topic(context, call->path, topic))
		return 404;
	return websocket_admit(context, call);
}

static void enter_room(struct ws_conn *c, const struct ws_opening *opening)
{
	const struct websocket *ws = ws_endpoint_context(ws_endpoint_of(c));
	struct guest *guest = malloc(sizeof *guest);

	websocket_show_handshake(c, opening);
	ws_set_user(c, guest);
	if (guest != NULL) {
		guest->worker = ws->worker;
		name_topic(ws, opening->path, guest->topic);
	}
	if (guest == NULL || ws_subscribe(c, guest->topic) < 0)
		ws_close(c, WS_CLOSE_TRY_AGAIN_LATER, "no room for more rooms");
}

static void leave_room(struct ws_conn *c, unsigned code)
{
	(void)code;
	free(ws_user(c));
	ws_set_user(c, NULL);
}

/* ---- what is said, on its way to another worker ---- */

struct word {
	struct errand errand;
	struct worker *by;
	enum ws_opcode opcode;
	char topic[WS_TOPIC_NAME + 1];
	size_t len;
	uint8_t data[];
};

static void repeat(struct errand *e, void *owner)
{
	const struct word *word = CONTAINER_OF(e, struct word, errand);
	struct worker *w = owner;
	struct ws_buffer *message = ws_message_new(w->websockets, bytes_of(word->data, word->len));

	if (message == NULL)
		return; /* as for anybody for whom there is no memory: it was counted */
	ws_publish(w->websockets, word->topic, word->opcode, message);
	ws_buffer_give(message);
}

static void forget(struct errand *e)
{
	struct word *word = CONTAINER_OF(e, struct word, errand);

	word->by->chat.words--;
	word->by->chat.bytes -= word->len;
	free(word);
}

static struct word *word_new(struct worker *w, const char *topic, enum ws_opcode opcode,
			     const struct ws_buffer *message)
{
	bool fits = w->chat.words < CHAT_WORDS && message->len <= CHAT_WORDS_BYTES - w->chat.bytes;
	struct word *word = fits ? malloc(sizeof *word + message->len) : NULL;

	if (word == NULL)
		return NULL;
	*word = (struct word){ .errand = { .run = repeat, .done = forget }, .by = w, .opcode = opcode };
	strcpy(word->topic, topic);
	word->len = message->len;
	memcpy(word->data, message->data, message->len);
	w->chat.words++;
	w->chat.bytes += message->len;
	return word;
}

static bool tell(struct worker *w, struct worker *other, const char *topic, enum ws_opcode opcode,
		 const struct ws_buffer *message)
{
	struct word *word = word_new(w, topic, opcode, message);

	if (word != NULL && !errand_send(&word->errand, &w->errands, &other->errands))
		forget(&word->errand);
	return word != NULL;
}

static bool tell_others(struct worker *w, const char *topic, enum ws_opcode opcode,
			const struct ws_buffer *message)
{
	bool all = true;

	for (unsigned i = 0; all && i < crew_size(w->place.crew); i++)
		if (i != w->place.number)
			all = tell(w, crew_worker(w->place.crew, i), topic, opcode, message);
	return all;
}

/* Whoever says something hears it too: in which order all hear it is the server's to tell. */
static void pass_on(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	const struct guest *guest = ws_user(c);

	if (guest == NULL)
		return; /* it is being closed */
	if (!tell_others(guest->worker, guest->topic, opcode, message))
		ws_close(c, WS_CLOSE_TRY_AGAIN_LATER, "too much is being said");
	else
		ws_publish_from(c, opcode, message);
}

const struct ws_handler chat_handler = {
	.admit = admit_to_room, .on_open = enter_room, .on_message = pass_on, .on_close = leave_room,
};
