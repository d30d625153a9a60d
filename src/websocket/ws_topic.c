/* Topics: found by a keyed hash of their names, made with their first subscriber, gone with their last. */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "websocket/ws_conn.h"

struct ws_topic {
	struct list node; /* in the endpoint's list of its hash */
	struct list subscribers;
	char name[WS_TOPIC_NAME + 1];
};

struct ws_subscription {
	struct list in_topic, in_conn;
	struct ws_conn *conn;
	struct ws_topic *topic;
};

static struct list *head_of(struct ws_endpoint *e, const char *name)
{
	return &e->topics[hash_siphash13(&e->server->world->table_key, name, strlen(name)) % WS_TOPIC_HEADS];
}

static struct ws_topic *find_topic(struct ws_endpoint *e, const char *name)
{
	LIST_FOR_EACH(n, head_of(e, name)) {
		struct ws_topic *t = LIST_ENTRY(n, struct ws_topic, node);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static struct ws_topic *new_topic(struct ws_endpoint *e, const char *name)
{
	struct ws_topic *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	memcpy(t->name, name, strlen(name));
	list_init(&t->subscribers);
	list_append(head_of(e, name), &t->node);
	e->n_topics++;
	e->server->usage.topics++;
	return t;
}

static void free_if_empty(struct ws_endpoint *e, struct ws_topic *t)
{
	if (!list_is_empty(&t->subscribers))
		return;
	list_remove(&t->node);
	e->n_topics--;
	e->server->usage.topics--;
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

int ws_subscribe(struct ws_conn *c, const char *name)
{
	struct ws_endpoint *e = c->endpoint;
	struct ws_topic *t = find_topic(e, name);
	struct ws_subscription *s;

	if (find_subscription(c, name) != NULL)
		return 0;
	if (strlen(name) > WS_TOPIC_NAME || c->n_subscriptions == WS_TOPICS_OF_CONN ||
	    (t == NULL && e->n_topics == WS_TOPICS))
		return -ENOSPC;
	s = malloc(sizeof *s);
	if (s != NULL && t == NULL)
		t = new_topic(e, name);
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
	free_if_empty(c->endpoint, s->topic);
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

unsigned ws_publish(struct ws_endpoint *e, const char *topic, enum ws_opcode opcode, struct ws_buffer *message)
{
	struct ws_outgoing o = { .plain = message, .opcode = opcode };
	struct ws_topic *t = find_topic(e, topic);
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
