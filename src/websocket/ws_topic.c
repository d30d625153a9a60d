/* Topics: found by a keyed hash of their names, made with their first subscriber, gone with their last. */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "websocket/ws_conn.h"

struct ws_topic {
	struct list node; /* in the server's list of its hash */
	struct list subscribers;
	char name[WS_TOPIC_NAME + 1];
};

struct ws_subscription {
	struct list in_topic, in_conn;
	struct ws_conn *conn;
	struct ws_topic *topic;
};

static struct list *head_of(struct ws_server *s, const char *name)
{
	return &s->topics[hash_siphash13(&s->world->table_key, name, strlen(name)) % WS_TOPIC_HEADS];
}

static struct ws_topic *find_topic(struct ws_server *s, const char *name)
{
	LIST_FOR_EACH(n, head_of(s, name)) {
		struct ws_topic *t = LIST_ENTRY(n, struct ws_topic, node);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static struct ws_topic *new_topic(struct ws_server *s, const char *name)
{
	struct ws_topic *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	memcpy(t->name, name, strlen(name));
	list_init(&t->subscribers);
	list_append(head_of(s, name), &t->node);
	s->usage.topics++;
	return t;
}

static void free_if_empty(struct ws_server *s, struct ws_topic *t)
{
	if (!list_is_empty(&t->subscribers))
		return;
	list_remove(&t->node);
	s->usage.topics--;
	free(t);
}

static struct ws_subscription *find_subscription(struct ws_conn *c, const char *name)
{
	LIST_FOR_EACH(n, &c->subscriptions) {
		struct ws_subscription *s = LIST_ENTRY(n, struct ws_subscription, in_conn);

		if (strcmp(s->topic->name, name) == 0)
			return s;
	}
	return NULL;
}

static bool is_beyond_limits(const struct ws_conn *c, const char *name, bool is_new)
{
	return strlen(name) > WS_TOPIC_NAME || c->n_subscriptions == WS_TOPICS_OF_CONN ||
	       (is_new && c->endpoint->server->usage.topics == WS_TOPICS);
}

int ws_subscribe(struct ws_conn *c, const char *name)
{
	struct ws_server *server = c->endpoint->server;
	struct ws_topic *t = find_topic(server, name);
	struct ws_subscription *s;

	if (find_subscription(c, name) != NULL)
		return 0;
	if (is_beyond_limits(c, name, t == NULL))
		return -ENOSPC;
	s = malloc(sizeof *s);
	if (s != NULL && t == NULL)
		t = new_topic(server, name);
	if (s == NULL || t == NULL) {
		free(s);
		return -ENOMEM;
	}
	*s = (struct ws_subscription){ .conn = c, .topic = t };
	list_append(&t->subscribers, &s->in_topic);
	list_append(&c->subscriptions, &s->in_conn);
	c->n_subscriptions++;
	return 0;
}

static void end_subscription(struct ws_subscription *s)
{
	struct ws_conn *c = s->conn;

	list_remove(&s->in_topic);
	list_remove(&s->in_conn);
	c->n_subscriptions--;
	free_if_empty(c->endpoint->server, s->topic);
	free(s);
}

void ws_unsubscribe(struct ws_conn *c, const char *name)
{
	struct ws_subscription *s = find_subscription(c, name);

	if (s != NULL)
		end_subscription(s);
}

void ws_conn_unsubscribe_all(struct ws_conn *c)
{
	struct list *n;

	while ((n = list_first(&c->subscriptions)) != NULL)
		end_subscription(LIST_ENTRY(n, struct ws_subscription, in_conn));
}

/* Sending frees no connection and ends no subscription (ws_conn.c), so the list stays as it is. */
static unsigned publish(struct ws_topic *t, struct ws_outgoing *o)
{
	unsigned sent = 0;

	LIST_FOR_EACH(n, &t->subscribers)
		sent += ws_conn_send(LIST_ENTRY(n, struct ws_subscription, in_topic)->conn, o) == WS_SENT;
	return sent;
}

unsigned ws_publish(struct ws_server *s, const char *topic, enum ws_opcode opcode, struct ws_buffer *message)
{
	struct ws_outgoing o = { .plain = message, .opcode = opcode };
	struct ws_topic *t = find_topic(s, topic);
	unsigned sent = t != NULL ? publish(t, &o) : 0;

	ws_outgoing_fini(&o);
	return sent;
}

unsigned ws_publish_from(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	struct ws_outgoing o = { .plain = message, .opcode = opcode };
	unsigned sent = 0;

	LIST_FOR_EACH(n, &c->subscriptions)
		sent += publish(LIST_ENTRY(n, struct ws_subscription, in_conn)->topic, &o);
	ws_outgoing_fini(&o);
	return sent;
}
