/* Names of header fields that the server looks at, and the list syntax of their values (RFC 9110 section
 * 5.6.1). */
#ifndef HTTP_HTTP_FIELDS_H
#define HTTP_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

enum http_field_id {
	HTTP_FIELD_OTHER,
	HTTP_FIELD_ACCEPT,
	HTTP_FIELD_ACCEPT_ENCODING,
	HTTP_FIELD_AUTHORIZATION,
	HTTP_FIELD_CONNECTION,
	HTTP_FIELD_CONTENT_LENGTH,
	HTTP_FIELD_EXPECT,
	HTTP_FIELD_HOST,
	HTTP_FIELD_IF_MATCH,
	HTTP_FIELD_IF_MODIFIED_SINCE,
	HTTP_FIELD_IF_NONE_MATCH,
	HTTP_FIELD_IF_RANGE,
	HTTP_FIELD_IF_UNMODIFIED_SINCE,
	HTTP_FIELD_ORIGIN,
	HTTP_FIELD_RANGE,
	HTTP_FIELD_REFERER,
	HTTP_FIELD_TRANSFER_ENCODING,
	HTTP_FIELD_USER_AGENT,
	HTTP_FIELD_IDS /* at most 32 */
};

/* name in any case; it must be a token. */
enum http_field_id http_field_find(const char *name, size_t len);

/* text, which is len bytes, equals word, which is in lower case, in any case. */
bool http_text_is(const char *text, size_t len, const char *word);

/* The comma-separated list in value holds this element, given in lower case. */
bool http_list_has(const char *value, size_t len, const char *element);

#endif
