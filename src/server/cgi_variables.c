/*
 * CGI's meta-variables. Each is composed in a document, name and value one behind the other.
 *
 * A request's field becomes HTTP_NAME only if its name is letters, digits and hyphens: an underscore would
 * make it the same variable as the field with a hyphen, which somebody in front of us may have checked. Proxy
 * is left out, for HTTP_PROXY tells many an application to send its own requests elsewhere (httpoxy).
 */
#include "server/cgi_variables.h"

#include "base/ascii.h"
#include "http/http_text.h"

struct writer {
	const struct http_call *call;
	struct document *text; /* of the variable being composed */
	size_t name_len;
	cgi_put_fn *put;
	void *context;
};

/* ---- one variable ---- */

static void begin(struct writer *w, const char *name)
{
	w->text->len = 0;
	document_add_text(w->text, name);
	w->name_len = w->text->len;
}

static void add(struct writer *w, struct bytes part)
{
	if (part.len > 0)
		document_add(w->text, part.data, part.len);
}

static void end(struct writer *w)
{
	const struct document *d = w->text;

	if (!d->failed)
		w->put(w->context, bytes_of(d->text, w->name_len),
		       bytes_of(d->text + w->name_len, d->len - w->name_len));
}

static void put_bytes(struct writer *w, const char *name, struct bytes value)
{
	begin(w, name);
	add(w, value);
	end(w);
}

static void put_text(struct writer *w, const char *name, const char *value)
{
	put_bytes(w, name, bytes_of(value, strlen(value)));
}

static void put_number(struct writer *w, const char *name, uint64_t value)
{
	begin(w, name);
	document_add_number(w->text, value);
	end(w);
}

static void put_address(struct writer *w, const char *name, const struct ip_addr *address)
{
	char text[IP_ADDR_TEXT];

	put_text(w, name, ip_addr_format(address, text));
}

/* ---- the server, the client, the request ---- */

static void put_ends(struct writer *w)
{
	const struct http_call *call = w->call;
	struct bytes host = http_authority_host(call->target->authority);

	put_text(w, "GATEWAY_INTERFACE", "CGI/1.1");
	put_text(w, "SERVER_SOFTWARE", "taphouse/" TH_VERSION);
	if (host.len > 0)
		put_bytes(w, "SERVER_NAME", host);
	else
		put_address(w, "SERVER_NAME", &call->server);
	put_address(w, "SERVER_ADDR", &call->server);
	put_number(w, "SERVER_PORT", call->server_port);
	put_address(w, "REMOTE_ADDR", &call->client);
	put_number(w, "REMOTE_PORT", call->client_port);
	put_text(w, "REQUEST_SCHEME", call->is_encrypted ? "https" : "http");
	if (call->is_encrypted)
		put_text(w, "HTTPS", "on");
}

static void put_request(struct writer *w)
{
	struct bytes path = w->call->target->path, query = w->call->target->query;

	put_text(w, "SERVER_PROTOCOL", w->call->request->line.minor > 0 ? "HTTP/1.1" : "HTTP/1.0");
	put_bytes(w, "REQUEST_METHOD", http_call_method(w->call));
	begin(w, "REQUEST_URI");
	add(w, path);
	add(w, query);
	end(w);
	bytes_skip(&query, 1); /* its question mark */
	put_bytes(w, "QUERY_STRING", query);
}

static void put_script(struct writer *w, const struct cgi_script *script)
{
	put_bytes(w, "SCRIPT_NAME", script->name);
	if (script->path_info.len > 0)
		put_bytes(w, "PATH_INFO", script->path_info);
	if (script->file.len > 0)
		put_bytes(w, "SCRIPT_FILENAME", script->file);
	if (script->root.len > 0)
		put_bytes(w, "DOCUMENT_ROOT", script->root);
	/* PHP's cgi.force_redirect asks for it: it was a server that called, and no client. */
	put_text(w, "REDIRECT_STATUS", "200");
}

static void put_body(struct writer *w, uint64_t body_len)
{
	struct bytes type = http_call_value(w->call, "content-type");

	if (type.data != NULL)
		put_bytes(w, "CONTENT_TYPE", type);
	if (body_len > 0 || http_call_value(w->call, "content-length").data != NULL)
		put_number(w, "CONTENT_LENGTH", body_len);
}

/* Who has proved to be who (RFC 3875 section 4.1.1, 4.1.11): the server asked, so the application need
 * not. */
static void put_user(struct writer *w)
{
	const struct http_pass *pass = &w->call->pass;

	if (pass->user_len == 0)
		return;
	put_text(w, "AUTH_TYPE", "Basic");
	put_bytes(w, "REMOTE_USER", bytes_of(pass->user, pass->user_len));
}

/* ---- fields ---- */

/* Of the connection (RFC 9110 section 7.6.1), told already, or dangerous. */
static bool is_kept_back(const struct writer *w, struct bytes name)
{
	static const char *const names[] = {
		"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
		"upgrade", "proxy-authorization", "expect", "content-length", "content-type", "proxy",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (http_text_is(name, names[i]))
			return true;
	return w->call->pass.user_len > 0 && http_text_is(name, "authorization");
}

/* "HTTP_ACCEPT_LANGUAGE" begins. False: the name has a character that none of CGI has. */
static bool begin_field(struct writer *w, struct bytes name)
{
	begin(w, "HTTP_");
	for (size_t i = 0; i < name.len; i++) {
		uint8_t byte = name.data[i];
		char c = (char)(ascii_is_letter(byte) ? byte & ~0x20 : byte);

		if (!ascii_is_alphanumeric(byte) && byte != '-')
			return false;
		document_add(w->text, c == '-' ? "_" : &c, 1);
	}
	w->name_len = w->text->len;
	return true;
}

static bool came_before(const struct http_call *call, uint32_t i, struct bytes name)
{
	struct bytes other, value;

	for (uint32_t k = 0; k < i && http_call_field(call, k, &other, &value); k++)
		if (http_text_is_same(name, other))
			return true;
	return false;
}

/* Several fields of a name become one (RFC 3875 section 4.1.18); those of
 * Cookie are joined in its own way. */
static void put_field(struct writer *w, uint32_t i, struct bytes name, struct bytes value)
{
	bool is_cookie = http_text_is(name, "cookie");
	struct bytes other;

	if (is_kept_back(w, name) || came_before(w->call, i, name) || !begin_field(w, name))
		return;
	add(w, value);
	while (http_call_field(w->call, ++i, &other, &value))
		if (http_text_is_same(name, other)) {
			document_add_text(w->text, is_cookie ? "; " : ", ");
			add(w, value);
		}
	end(w);
}

static void put_extra(struct writer *w, const char *const *extra)
{
	for (; *extra != NULL; extra++) {
		struct bytes value = bytes_of(*extra, strlen(*extra)), name = http_text_take(&value, ' ');

		begin(w, "");
		add(w, name);
		w->name_len = w->text->len;
		add(w, value);
		end(w);
	}
}

bool cgi_variables_put(const struct http_call *call, const struct cgi_script *script, uint64_t body_len,
		       const char *const *extra, struct document_budget *budget, cgi_put_fn *put,
		       void *context)
{
	struct writer w = {
		.call = call, .text = document_new(budget, budget->limit), .put = put, .context = context
	};
	struct bytes name, value;
	bool failed;

	if (w.text == NULL)
		return false;
	put_ends(&w);
	put_request(&w);
	put_script(&w, script);
	put_body(&w, body_len);
	put_user(&w);
	for (uint32_t i = 0; http_call_field(call, i, &name, &value); i++)
		put_field(&w, i, name, value);
	put_extra(&w, extra);
	failed = w.text->failed;
	span_owner_unref(&w.text->owner);
	return !failed;
}
