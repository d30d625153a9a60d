/* Field values and bodies taken apart: what their readers have in common. Texts may be empty, and absent. */
#ifndef HTTP_HTTP_TEXT_H
#define HTTP_HTTP_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"

/* What a character may be part of. */
enum http_char_class {
	HTTP_CHAR_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
	HTTP_CHAR_NAME = 2,   /* of a host: unreserved and sub-delims of RFC 3986 */
	HTTP_CHAR_TARGET = 4, /* as http_request_line.c has it */
};

extern const uint8_t http_char_classes[256]; /* enum http_char_class or'ed */

static inline bool http_char_is(char c, enum http_char_class class)
{
	return (http_char_classes[(uint8_t)c] & class) != 0;
}

static inline bool http_text_is_token_char(char c)
{
	return http_char_is(c, HTTP_CHAR_TOKEN);
}

/* Words are in lower case, and found in any case. */

bool http_text_is(struct bytes text, const char *word);

/* Takes the word off the text if it begins so. */
bool http_text_take_word(struct bytes *text, const char *word);

/* The comma-separated list holds this word (RFC 9110 section 5.6.1). */
bool http_text_lists(struct bytes list, const char *word);

/* Equal but for the case of letters. */
bool http_text_is_same(struct bytes a, struct bytes b);

/* Takes blanks and tabs off its beginning. */
void http_text_skip_blanks(struct bytes *text);

/* Without the blanks and tabs at its ends. */
struct bytes http_text_trim(struct bytes text);

/* Takes what stands before the separator off the text, and the separator; all if there is none. */
struct bytes http_text_take(struct bytes *text, char separator);

bool http_text_is_token(struct bytes text);

/* What a field may hold: no control characters but tabs (RFC 9110 section 5.5). */
bool http_text_is_field_value(struct bytes text);

/* A decimal number of at most 18 digits. False: it is none. */
bool http_text_number(struct bytes text, uint64_t *out);

/* The octet that two hexadecimal digits stand for; -1: they are none. */
int http_text_octet(uint8_t high, uint8_t low);

/* A weight parameter, "q=0.25", in thousandths (RFC 9110 section 12.4.2). False: it is none. */
bool http_text_weight(struct bytes parameter, uint16_t *out);

#endif
