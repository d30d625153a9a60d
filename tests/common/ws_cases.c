/* The table. */
#include "common/ws_cases.h"

#define T(first, text) { first, text, sizeof(text) - 1 }
#define N(first, len) { first, NULL, len }
#define TEXT (WS_FIN | WS_TEXT)
#define BIN (WS_FIN | WS_BINARY)
#define CONT WS_CONTINUATION
#define LAST (WS_FIN | WS_CONTINUATION)
#define PING (WS_FIN | WS_PING)
#define PONG (WS_FIN | WS_PONG)
#define CLOSE (WS_FIN | WS_CLOSE)
#define SMILE "\xf0\x9f\x98\x80"
#define BAD_UTF8 "fail 1007 text is not UTF-8"

const struct ws_case ws_cases[] = {
	/* 1: framing */
	{ "1.1.1", "text 0:", { T(TEXT, "") } },
	{ "1.1.2", NULL, { N(TEXT, 125) } },
	{ "1.1.3", NULL, { N(TEXT, 126) } },
	{ "1.1.4", NULL, { N(TEXT, 127) } },
	{ "1.1.5", NULL, { N(TEXT, 128) } },
	{ "1.1.6", NULL, { N(TEXT, 65535) } },
	{ "1.1.7", NULL, { N(TEXT, 65536) } },
	{ "1.2.1", "binary 0:", { T(BIN, "") } },
	{ "1.2.2", NULL, { N(BIN, 125) } },
	{ "1.2.3", NULL, { N(BIN, 126) } },
	{ "1.2.6", NULL, { N(BIN, 65535) } },
	{ "1.2.7", NULL, { N(BIN, 65536) } },
	/* 2: pings and pongs */
	{ "2.1", "ping 0:", { T(PING, "") } },
	{ "2.2", "ping 13:Hello, world!", { T(PING, "Hello, world!") } },
	{ "2.4", NULL, { N(PING, 125) } },
	{ "2.5", "fail 1002 control frame too long", { N(PING, 126) } },
	{ "2.7", "pong 0:", { T(PONG, "") } },
	{ "2.8", "pong 1:x", { T(PONG, "x") } },
	{ "2.10", "ping 1:a ping 1:b ping 1:c ping 0: ping 1:d",
	  { T(PING, "a"), T(PING, "b"), T(PING, "c"), T(PING, ""), T(PING, "d") } },
	/* 3: reserved bits */
	{ "3.1", "fail 1002 reserved bit set", { T(TEXT | WS_RSV1, "x") } },
	{ "3.2", "text 1:a fail 1002 reserved bit set", { T(TEXT, "a"), T(TEXT | WS_RSV2, "x"), T(PING, "") } },
	{ "3.3", "text 1:a fail 1002 reserved bit set", { T(TEXT, "a"), T(TEXT | WS_RSV3, "x") } },
	{ "3.4", "fail 1002 reserved bit set", { T(BIN | WS_RSV1 | WS_RSV3, "x") } },
	{ "3.5", "fail 1002 reserved bit set", { T(PING | WS_RSV1, "x") } },
	{ "3.6", "fail 1002 reserved bit set", { T(CLOSE | WS_RSV2, "") } },
	{ "3.7", "fail 1002 reserved bit set", { T(TEXT | WS_RSV1 | WS_RSV2 | WS_RSV3, "") } },
	/* 4: opcodes */
	{ "4.1.1", "fail 1002 reserved opcode", { T(WS_FIN | 3, "") } },
	{ "4.1.2", "fail 1002 reserved opcode", { T(WS_FIN | 4, "x") } },
	{ "4.1.3", "text 1:a fail 1002 reserved opcode", { T(TEXT, "a"), T(WS_FIN | 5, "") } },
	{ "4.1.5", "fail 1002 reserved opcode", { T(WS_FIN | 7, "") } },
	{ "4.2.1", "fail 1002 reserved opcode", { T(WS_FIN | 11, "") } },
	{ "4.2.2", "fail 1002 reserved opcode", { T(WS_FIN | 12, "x") } },
	{ "4.2.5", "fail 1002 reserved opcode", { T(WS_FIN | 15, "") } },
	/* 5: fragmentation */
	{ "5.1", "fail 1002 fragmented control frame", { T(WS_PING, "a"), T(LAST, "b") } },
	{ "5.2", "fail 1002 fragmented control frame", { T(WS_PONG, "a"), T(LAST, "b") } },
	{ "5.3", "text 6:abcdef", { T(WS_TEXT, "abc"), T(LAST, "def") } },
	{ "5.6", "ping 1:p text 6:abcdef", { T(WS_TEXT, "abc"), T(PING, "p"), T(LAST, "def") } },
	{ "5.9", "fail 1002 continuation of nothing", { T(LAST, "x"), T(TEXT, "y") } },
	{ "5.12", "fail 1002 continuation of nothing", { T(CONT, "x"), T(TEXT, "y") } },
	{ "5.15", "text 2:ab fail 1002 continuation of nothing",
	  { T(WS_TEXT, "a"), T(LAST, "b"), T(CONT, "c"), T(LAST, "d") } },
	{ "5.18", "fail 1002 message within a message", { T(WS_TEXT, "a"), T(TEXT, "b") } },
	{ "5.18b", "fail 1002 message within a message", { T(WS_TEXT, "a"), T(WS_BINARY, "b") } },
	{ "5.19", "ping 1:1 ping 1:2 text 5:abcde", { T(WS_TEXT, "a"), T(CONT, "b"), T(PING, "1"), T(CONT, "c"),
	  T(CONT, "d"), T(PING, "2"), T(LAST, "e") } },
	/* 6: UTF-8 */
	{ "6.1.1", "text 0:", { T(TEXT, "") } },
	{ "6.1.2", "text 0:", { T(WS_TEXT, ""), T(CONT, ""), T(LAST, "") } },
	{ "6.1.3", "text 1:x", { T(WS_TEXT, ""), T(CONT, "x"), T(LAST, "") } },
	{ "6.2.1", "text 10:\xc2\xb5@\xc3\x9f" SMILE "!", { T(TEXT, "\xc2\xb5@\xc3\x9f" SMILE "!") } },
	{ "6.2.3", "text 4:" SMILE, { T(WS_TEXT, "\xf0"), T(CONT, "\x9f"), T(CONT, "\x98"), T(LAST, "\x80") } },
	{ "6.3.1", BAD_UTF8, { T(TEXT, "\xce\xba\xed\xa0\x80") } },
	{ "6.4.1", BAD_UTF8, { T(WS_TEXT, "\xce\xba\xf4\x90"), T(CONT, "never"), T(LAST, "read") } },
	{ "6.5.1", BAD_UTF8, { T(TEXT, "\xf0\x9f\x98") } }, /* a text that ends within a character */
	{ "6.6.1", BAD_UTF8, { T(WS_TEXT, "\xc3"), T(LAST, "") } },
	{ "6.12.1", BAD_UTF8, { T(TEXT, "\x80") } },
	{ "6.14.1", BAD_UTF8, { T(TEXT, "\xc0\xaf") } },
	{ "6.20.1", BAD_UTF8, { T(TEXT, "\xed\xbf\xbf") } },
	{ "6.22.1", "text 3:\xef\xbf\xbe", { T(TEXT, "\xef\xbf\xbe") } },
	{ "6.x", "binary 1:\xff", { T(BIN, "\xff") } }, /* in binary anything goes */
	/* 7: closing */
	{ "7.1.1", "text 1:a close 2:\x03\xe8", { T(TEXT, "a"), T(CLOSE, "\x03\xe8") } },
	{ "7.1.2", "close 0:", { T(CLOSE, ""), T(CLOSE, "") } },
	{ "7.1.3", "close 0:", { T(CLOSE, ""), T(PING, "x") } },
	{ "7.1.4", "close 0:", { T(CLOSE, ""), T(TEXT, "x") } },
	{ "7.1.5", "close 0:", { T(WS_TEXT, "a"), T(CLOSE, ""), T(LAST, "b") } },
	{ "7.3.2", "close 1:\x03", { T(CLOSE, "\x03") } },
	{ "7.3.5", NULL, { N(CLOSE, 125) } },
	{ "7.3.6", "fail 1002 control frame too long", { N(CLOSE, 126) } },
	/* 9: limits (10: large messages in tiny fragments stand below) */
	{ "9.1", NULL, { N(TEXT, WS_CASE_MAX_MESSAGE) } },
	{ "9.2", NULL, { N(BIN, WS_CASE_MAX_MESSAGE) } },
	{ "9.3", NULL, { N(WS_TEXT, WS_CASE_MAX_MESSAGE / 2), T(CONT, ""), N(LAST, WS_CASE_MAX_MESSAGE / 2) } },
	{ "9.x1", "fail 1009 message too big", { N(BIN, WS_CASE_MAX_MESSAGE + 1) } },
	{ "9.x2", "fail 1009 message too big", { N(WS_BINARY, WS_CASE_MAX_MESSAGE), T(CONT, ""), N(LAST, 1) } },
	{ "9.x3", NULL, { N(WS_BINARY, WS_CASE_MAX_MESSAGE), T(CONT, ""), N(LAST, 0) } },
};
const size_t ws_cases_count = ARRAY_LENGTH(ws_cases);

#define PACKED (WS_FIN | WS_RSV1)

const struct ws_case ws_packed_cases[] = {
	{ "12.1", "text 5:Hello", { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00") } },
	{ "12.1b", "text 5:Hello text 5:Hello", /* the second refers to the first */
	  { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00"), T(PACKED | WS_TEXT, "\xf2\x00\x11\x00\x00") } },
	{ "12.2", "text 5:Hello", { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(LAST, "\xc9\xc9\x07\x00") } },
	{ "12.3", "ping 1:x text 5:Hello",
	  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(PING, "x"), T(LAST, "\xc9\xc9\x07\x00") } },
	{ "12.4", "binary 0: text 5:plain", { T(PACKED | WS_BINARY, "\x00"), T(TEXT, "plain") } },
	{ "12.5", "text 5:Hello", { T(PACKED | WS_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00") } },
	{ "13.1", "fail 1002 reserved bit set",
	  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(WS_RSV1 | LAST, "\xc9\xc9\x07\x00") } },
	{ "13.2", "fail 1007 compressed data is broken", { T(PACKED | WS_BINARY, "\xff\xff\xff\xff") } },
	{ "13.3", BAD_UTF8, { T(PACKED | WS_TEXT, "\x00\x01\x00\xfe\xff\xff\x00") } },
	{ "13.4", "fail 1007 compressed data is broken", { T(PACKED | WS_TEXT, "") } },
};
const size_t ws_packed_cases_count = ARRAY_LENGTH(ws_packed_cases);

struct bytes ws_case_pattern(size_t len)
{
	static uint8_t pattern[WS_CASE_MAX_MESSAGE + 1];

	if (pattern[0] == 0)
		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = (uint8_t)('a' + i % 23);
	return bytes_of(pattern, len);
}

void ws_case_frames(const struct ws_case *c, struct ws_bytes *out)
{
	for (const struct ws_case_part *p = c->parts; p->first != 0 || p->text != NULL; p++)
		ws_client_frame(out, p->first,
				p->text != NULL ? (const uint8_t *)p->text : ws_case_pattern(p->len).data,
				p->len);
}
