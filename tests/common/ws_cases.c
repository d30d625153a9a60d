/* The table, and what makes a row of each octet sequence, code and size. */
#include "common/ws_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T(first, text) { first, text, sizeof(text) - 1, NULL, 0 }
#define BAD(first, text, fault) { first, text, sizeof(text) - 1, fault, 0 }
#define N(first, len) { first, NULL, len, NULL, 0 }
#define BAD_N(first, len, fault) { first, NULL, len, fault, 0 }
#define FRAGMENTS(first, text, size) { first, text, sizeof(text) - 1, NULL, size }
#define TEXT (WS_FIN | WS_TEXT)
#define BIN (WS_FIN | WS_BINARY)
#define CONT WS_CONTINUATION
#define LAST (WS_FIN | WS_CONTINUATION)
#define PING (WS_FIN | WS_PING)
#define PONG (WS_FIN | WS_PONG)
#define CLOSE (WS_FIN | WS_CLOSE)
#define RSV_1 WS_RSV3
#define RSV_2 WS_RSV2
#define RSV_4 WS_RSV1
#define BAD_BIT "1002 reserved bit set"
#define BAD_OPCODE "1002 reserved opcode"
#define BAD_PIECES "1002 fragmented control frame"
#define BAD_LENGTH "1002 control frame too long"
#define NOTHING "1002 continuation of nothing"
#define WITHIN "1002 message within a message"
#define BAD_UTF8 "1007 text is not UTF-8"
#define BAD_CLOSE "1002 bad close frame"
#define BAD_REASON "1007 close reason is not UTF-8"
#define TOO_BIG "1009 message too big"
#define GREETING "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4"
#define ACCENTS "\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"
#define KOSME "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
#define SURROGATE_WITHIN KOSME "\xed\xa0\x80" "edited"
#define BEYOND_WITHIN KOSME "\xf4\x90\x80\x80" "edited" /* U+110000 */
#define LONG_REASON /* 123 bytes */ \
	"****************************************************************" \
	"***********************************************************"
#define TEN_PINGS \
	{ T(PING, "0"), T(PING, "1"), T(PING, "2"), T(PING, "3"), T(PING, "4"), T(PING, "5"), T(PING, "6"), \
	  T(PING, "7"), T(PING, "8"), T(PING, "9") }
#define PINGED_BETWEEN \
	{ T(WS_TEXT, "fragment1"), T(CONT, "fragment2"), T(PING, "ping 1"), T(CONT, "fragment3"), \
	  T(CONT, "fragment4"), T(PING, "ping 2"), T(LAST, "fragment5") }

static const struct ws_case short_cases[] = {
	/* 2: pings and pongs */
	{ .name = "2.1", { T(PING, "") } },
	{ .name = "2.2", { T(PING, "Hello, world!") } },
	{ .name = "2.3", { T(PING, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff") } },
	{ .name = "2.4", { N(PING, 125) } },
	{ .name = "2.5", { BAD_N(PING, 126, BAD_LENGTH) } },
	{ .name = "2.6", { N(PING, 125) }, .chop = 1 },
	{ .name = "2.7", { T(PONG, "") } },
	{ .name = "2.8", { T(PONG, "unasked") } },
	{ .name = "2.9", { T(PONG, "unasked"), T(PING, "asked") } },
	{ .name = "2.10", TEN_PINGS },
	{ .name = "2.11", TEN_PINGS, .chop = 1 },
	/* 3: reserved bits, from 1 to 7 */
	{ .name = "3.1", { BAD(TEXT | RSV_1, "Hello", BAD_BIT) } },
	{ .name = "3.2", { T(TEXT, "Hello"), BAD(TEXT | RSV_2, "Hello", BAD_BIT), T(PING, "") } },
	{ .name = "3.3", { T(TEXT, "Hello"), BAD(TEXT | RSV_1 | RSV_2, "Hello", BAD_BIT), T(PING, "") } },
	{ .name = "3.4", { T(TEXT, "Hello"), BAD(TEXT | RSV_4, "Hello", BAD_BIT), T(PING, "") }, .chop = 1 },
	{ .name = "3.5", { BAD(BIN | RSV_4 | RSV_1, "\x00\xff\xfe", BAD_BIT) } },
	{ .name = "3.6", { BAD(PING | RSV_4 | RSV_2, "Hello", BAD_BIT) } },
	{ .name = "3.7", { BAD(CLOSE | RSV_4 | RSV_2 | RSV_1, "", BAD_BIT) } },
	/* 4: opcodes */
	{ .name = "4.1.1", { BAD(WS_FIN | 3, "", BAD_OPCODE) } },
	{ .name = "4.1.2", { BAD(WS_FIN | 4, "reserved", BAD_OPCODE) } },
	{ .name = "4.1.3", { T(TEXT, "Hello"), BAD(WS_FIN | 5, "", BAD_OPCODE), T(PING, "") } },
	{ .name = "4.1.4", { T(TEXT, "Hello"), BAD(WS_FIN | 6, "Hello", BAD_OPCODE), T(PING, "") } },
	{ .name = "4.1.5",
	  { T(TEXT, "Hello"), BAD(WS_FIN | 7, "Hello", BAD_OPCODE), T(PING, "") },
	  .chop = 1 },
	{ .name = "4.2.1", { BAD(WS_FIN | 11, "", BAD_OPCODE) } },
	{ .name = "4.2.2", { BAD(WS_FIN | 12, "reserved", BAD_OPCODE) } },
	{ .name = "4.2.3", { T(TEXT, "Hello"), BAD(WS_FIN | 13, "", BAD_OPCODE), T(PING, "") } },
	{ .name = "4.2.4", { T(TEXT, "Hello"), BAD(WS_FIN | 14, "Hello", BAD_OPCODE), T(PING, "") } },
	{ .name = "4.2.5",
	  { T(TEXT, "Hello"), BAD(WS_FIN | 15, "Hello", BAD_OPCODE), T(PING, "") },
	  .chop = 1 },
	/* 5: fragmentation */
	{ .name = "5.1", { BAD(WS_PING, "fragment1", BAD_PIECES), T(LAST, "fragment2") } },
	{ .name = "5.2", { BAD(WS_PONG, "fragment1", BAD_PIECES), T(LAST, "fragment2") } },
	{ .name = "5.3", { T(WS_TEXT, "fragment1"), T(LAST, "fragment2") } },
	{ .name = "5.4", { T(WS_TEXT, "fragment1"), T(LAST, "fragment2") }, .chop = 15 },
	{ .name = "5.5", { T(WS_TEXT, "fragment1"), T(LAST, "fragment2") }, .chop = 1 },
	{ .name = "5.6", { T(WS_TEXT, "fragment1"), T(PING, "ping"), T(LAST, "fragment2") } },
	{ .name = "5.7", { T(WS_TEXT, "fragment1"), T(PING, "ping"), T(LAST, "fragment2") }, .chop = 15 },
	{ .name = "5.8", { T(WS_TEXT, "fragment1"), T(PING, "ping"), T(LAST, "fragment2") }, .chop = 1 },
	{ .name = "5.9", { BAD(LAST, "lost", NOTHING), T(TEXT, "Hello") } },
	{ .name = "5.10", { BAD(LAST, "lost", NOTHING), T(TEXT, "Hello") }, .chop = 10 },
	{ .name = "5.11", { BAD(LAST, "lost", NOTHING), T(TEXT, "Hello") }, .chop = 1 },
	{ .name = "5.12", { BAD(CONT, "lost", NOTHING), T(TEXT, "Hello") } },
	{ .name = "5.13", { BAD(CONT, "lost", NOTHING), T(TEXT, "Hello") }, .chop = 10 },
	{ .name = "5.14", { BAD(CONT, "lost", NOTHING), T(TEXT, "Hello") }, .chop = 1 },
	{ .name = "5.15",
	  { T(WS_TEXT, "fragment1"), T(LAST, "fragment2"), BAD(CONT, "fragment3", NOTHING),
	    T(TEXT, "fragment4") } },
	{ .name = "5.16",
	  { BAD(CONT, "lost", NOTHING), T(WS_TEXT, "fragment2"), T(LAST, "fragment3") },
	  .repeat = 1 },
	{ .name = "5.17",
	  { BAD(LAST, "lost", NOTHING), T(WS_TEXT, "fragment2"), T(LAST, "fragment3") },
	  .repeat = 1 },
	{ .name = "5.18", { T(WS_TEXT, "fragment1"), BAD(TEXT, "fragment2", WITHIN) } },
	{ .name = "5.18b", { T(WS_TEXT, "fragment1"), BAD(WS_BINARY, "fragment2", WITHIN) } },
	{ .name = "5.19", PINGED_BETWEEN },
	{ .name = "5.20", PINGED_BETWEEN, .chop = 1 },
	/* 6: UTF-8; 6.5 to 6.23 stand below */
	{ .name = "6.1.1", { T(TEXT, "") } },
	{ .name = "6.1.2", { T(WS_TEXT, ""), T(CONT, ""), T(LAST, "") } },
	{ .name = "6.1.3", { T(WS_TEXT, ""), T(CONT, "middle"), T(LAST, "") } },
	{ .name = "6.2.1", { T(TEXT, GREETING ACCENTS) } },
	{ .name = "6.2.2", { T(WS_TEXT, GREETING), T(LAST, ACCENTS) } },
	{ .name = "6.2.3", { FRAGMENTS(WS_TEXT, GREETING ACCENTS, 1) } },
	{ .name = "6.2.4", { FRAGMENTS(WS_TEXT, KOSME, 1) } },
	{ .name = "6.3.1", { BAD(TEXT, SURROGATE_WITHIN, BAD_UTF8) } },
	{ .name = "6.3.2", { { WS_TEXT, SURROGATE_WITHIN, 20, BAD_UTF8, 1 } } },
	{ .name = "6.4.1",
	  { T(WS_TEXT, KOSME), BAD(CONT, "\xf4\x90\x80\x80", BAD_UTF8), T(LAST, "edited") } },
	{ .name = "6.4.2",
	  { T(WS_TEXT, KOSME "\xf4"), BAD(CONT, "\x90", BAD_UTF8), T(LAST, "\x80\x80" "edited") } },
	{ .name = "6.4.3", { BAD(TEXT, BEYOND_WITHIN, BAD_UTF8) }, .chop = 17 },
	{ .name = "6.4.4", { BAD(TEXT, BEYOND_WITHIN, BAD_UTF8) }, .chop = 18 },
	{ .name = "6.4b", { T(BIN, BEYOND_WITHIN) } }, /* in binary anything goes */
	/* 7: closing; codes stand below */
	{ .name = "7.1.1", { T(TEXT, "Hello World!"), T(CLOSE, "\x03\xe8") } },
	{ .name = "7.1.2", { T(CLOSE, "\x03\xe8"), T(CLOSE, "\x03\xe9") } },
	{ .name = "7.1.3", { T(CLOSE, "\x03\xe8"), T(PING, "") } },
	{ .name = "7.1.4", { T(CLOSE, "\x03\xe8"), T(TEXT, "Hello World!") } },
	{ .name = "7.1.5", { T(WS_TEXT, "fragment1"), T(CLOSE, "\x03\xe8"), T(LAST, "fragment2") } },
	{ .name = "7.1.6",
	  { N(TEXT, 256 << 10), T(TEXT, "Hello World!"), T(CLOSE, "\x03\xe8"), T(PING, "") } },
	{ .name = "7.3.1", { T(CLOSE, "") } },
	{ .name = "7.3.2", { BAD(CLOSE, "\x03", BAD_CLOSE) } },
	{ .name = "7.3.3", { T(CLOSE, "\x03\xe8") } },
	{ .name = "7.3.4", { T(CLOSE, "\x03\xe8Hello World!") } },
	{ .name = "7.3.5", { T(CLOSE, "\x03\xe8" LONG_REASON) } },
	{ .name = "7.3.6", { BAD(CLOSE, "\x03\xe8" LONG_REASON "*", BAD_LENGTH) } },
	{ .name = "7.5.1", { BAD(CLOSE, "\x03\xe8" SURROGATE_WITHIN, BAD_REASON) } },
	/* 9: limits; sizes stand below */
	{ .name = "9.1b", { BAD_N(BIN, WS_CASE_MAX_MESSAGE + 1, TOO_BIG) } },
	{ .name = "9.3b", { N(WS_BINARY, WS_CASE_MAX_MESSAGE), T(CONT, ""), BAD_N(LAST, 1, TOO_BIG) } },
	{ .name = "9.3c", { N(WS_BINARY, WS_CASE_MAX_MESSAGE), T(CONT, ""), T(LAST, "") } },
	/* 10: fragments made by the client's library */
	{ .name = "10.1.1", { { WS_TEXT, NULL, 65536, NULL, 1300 } } },
};

#define PACKED (WS_FIN | WS_RSV1)
#define HELLO "text 5:Hello close 1000"

const struct ws_case ws_packed_cases[] = {
	{ .name = "12a", { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00") }, .story = HELLO },
	/* the second refers to the first */
	{ .name = "12b",
	  { T(PACKED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00"),
	    T(PACKED | WS_TEXT, "\xf2\x00\x11\x00\x00") },
	  .story = "text 5:Hello " HELLO },
	{ .name = "12c",
	  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(LAST, "\xc9\xc9\x07\x00") },
	  .story = HELLO },
	{ .name = "12d",
	  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(PING, "x"), T(LAST, "\xc9\xc9\x07\x00") },
	  .story = "pong 1:x " HELLO },
	{ .name = "12e",
	  { T(PACKED | WS_BINARY, "\x00"), T(TEXT, "plain") },
	  .story = "binary 0: text 5:plain close 1000" },
	{ .name = "12f", { T(PACKED | WS_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00") }, .story = HELLO },
	{ .name = "13a",
	  { T(WS_RSV1 | WS_TEXT, "\xf2\x48\xcd"), T(WS_RSV1 | LAST, "\xc9\xc9\x07\x00") },
	  .story = "close " BAD_BIT },
	{ .name = "13b",
	  { T(PACKED | WS_BINARY, "\xff\xff\xff\xff") },
	  .story = "close 1007 compressed data is broken" },
	{ .name = "13c",
	  { T(PACKED | WS_TEXT, "\x00\x01\x00\xfe\xff\xff\x00") },
	  .story = "close " BAD_UTF8 },
	{ .name = "13d", { T(PACKED | WS_TEXT, "") }, .story = "close 1007 compressed data is broken" },
};
const size_t ws_packed_cases_count = ARRAY_LENGTH(ws_packed_cases);

/* ---- rows that are made: each is its family's next one ---- */

struct maker {
	void (*visit)(const struct ws_case *c, void *context);
	void *context;
	const char *family;
	unsigned number;
};

static void make(struct maker *m, const char *family, struct ws_case c)
{
	m->number = strcmp(m->family, family) == 0 ? m->number + 1 : 1;
	m->family = family;
	snprintf(c.name, sizeof c.name, "%s.%u", family, m->number);
	m->visit(&c, m->context);
}

static void make_sized(struct maker *m, const char *family, uint8_t first, size_t len, size_t fragment,
		       size_t chop)
{
	make(m, family, (struct ws_case){ .parts = { { first, NULL, len, NULL, fragment } }, .chop = chop });
}

static void make_frames(struct maker *m, const char *family, uint8_t first)
{
	static const size_t sizes[] = { 0, 125, 126, 127, 128, 65535, 65536 };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		make_sized(m, family, first, sizes[i], 0, 0);
	make_sized(m, family, first, 65536, 0, 997);
}

static void make_large(struct maker *m, const char *family, uint8_t first)
{
	static const size_t sizes[] = { 64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20 };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		make_sized(m, family, first, sizes[i], 0, 0);
}

static void make_fragmented(struct maker *m, const char *family, uint8_t first)
{
	for (size_t fragment = 64; fragment <= 4 << 20; fragment *= 4)
		make_sized(m, family, first, 4 << 20, fragment, 0);
}

static void make_chopped(struct maker *m, const char *family, uint8_t first)
{
	for (size_t chop = 64; chop <= 2048; chop *= 2)
		make_sized(m, family, first, 1 << 20, 0, chop);
}

static void make_many(struct maker *m, const char *family, uint8_t first)
{
	static const size_t sizes[] = { 0, 16, 64, 256, 1024, 4096 };

	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		make(m, family, (struct ws_case){ .parts = { N(first, sizes[i]) }, .repeat = 999 });
}

static void make_sizes(struct maker *m)
{
	make_frames(m, "1.1", TEXT);
	make_frames(m, "1.2", BIN);
	make_large(m, "9.1", TEXT);
	make_large(m, "9.2", BIN);
	make_fragmented(m, "9.3", WS_TEXT);
	make_fragmented(m, "9.4", WS_BINARY);
	make_chopped(m, "9.5", TEXT);
	make_chopped(m, "9.6", BIN);
	make_many(m, "9.7", TEXT);
	make_many(m, "9.8", BIN);
}

static void make_close(struct maker *m, const char *family, unsigned code, bool is_valid)
{
	const char payload[] = { (char)(code >> 8), (char)code };

	make(m, family,
	     (struct ws_case){ .parts = { { CLOSE, payload, 2, is_valid ? NULL : BAD_CLOSE, 0 } } });
}

static void make_closes(struct maker *m)
{
	static const unsigned valid[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009,
					  1010, 1011, 3000, 3999, 4000, 4999 };
	static const unsigned since[] = { 1012, 1013, 1014 }; /* in the registry */
	static const unsigned invalid[] = { 0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999 };
	static const unsigned beyond[] = { 5000, 65535 };

	for (size_t i = 0; i < ARRAY_LENGTH(valid); i++)
		make_close(m, "7.7", valid[i], true);
	for (size_t i = 0; i < ARRAY_LENGTH(since); i++)
		make_close(m, "7.7b", since[i], true);
	for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++)
		make_close(m, "7.9", invalid[i], false);
	make_close(m, "7.9b", 1015, false);
	for (size_t i = 0; i < ARRAY_LENGTH(beyond); i++)
		make_close(m, "7.13", beyond[i], false);
}

/* ---- 6.5 to 6.23: octet sequences, most of them those of Markus Kuhn's stress test for decoders ---- */

#define OCTETS(family, is_text, octets) { family, is_text, octets, sizeof(octets) - 1 }

static const struct octets {
	const char *family;
	bool is_text;
	const char *octets;
	size_t len;
} sequences[] = {
	OCTETS("6.5", true, "hello$world"),
	OCTETS("6.5", true, "hello\xc2\xa2world"),
	OCTETS("6.5", true, "hello\xe2\x82\xacworld"),
	OCTETS("6.5", true, "hello\xf0\xa4\xad\xa2world"),
	OCTETS("6.5", true, KOSME),
	/* 6.6: all that a text may begin with */
	OCTETS("6.6", false, "\xce"),
	OCTETS("6.6", true, "\xce\xba"),
	OCTETS("6.6", false, "\xce\xba\xe1"),
	OCTETS("6.6", false, "\xce\xba\xe1\xbd"),
	OCTETS("6.6", true, "\xce\xba\xe1\xbd\xb9"),
	OCTETS("6.6", false, "\xce\xba\xe1\xbd\xb9\xcf"),
	OCTETS("6.6", true, "\xce\xba\xe1\xbd\xb9\xcf\x83"),
	OCTETS("6.6", false, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce"),
	OCTETS("6.6", true, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc"),
	OCTETS("6.6", false, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce"),
	OCTETS("6.6", true, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"),
	/* 6.7 and 6.8: the first sequence of each length; of five and six octets there are none */
	OCTETS("6.7", true, "\x00"),
	OCTETS("6.7", true, "\xc2\x80"),
	OCTETS("6.7", true, "\xe0\xa0\x80"),
	OCTETS("6.7", true, "\xf0\x90\x80\x80"),
	OCTETS("6.8", false, "\xf8\x88\x80\x80\x80"),
	OCTETS("6.8", false, "\xfc\x84\x80\x80\x80\x80"),
	/* 6.9 and 6.10: the last one */
	OCTETS("6.9", true, "\x7f"),
	OCTETS("6.9", true, "\xdf\xbf"),
	OCTETS("6.9", true, "\xef\xbf\xbf"),
	OCTETS("6.9", true, "\xf4\x8f\xbf\xbf"),
	OCTETS("6.10", false, "\xf7\xbf\xbf\xbf"),
	OCTETS("6.10", false, "\xfb\xbf\xbf\xbf\xbf"),
	OCTETS("6.10", false, "\xfd\xbf\xbf\xbf\xbf\xbf"),
	/* 6.11: beside surrogates, and beyond U+10FFFF */
	OCTETS("6.11", true, "\xed\x9f\xbf"),
	OCTETS("6.11", true, "\xee\x80\x80"),
	OCTETS("6.11", true, "\xef\xbf\xbd"),
	OCTETS("6.11", true, "\xf4\x8f\xbf\xbf"),
	OCTETS("6.11", false, "\xf4\x90\x80\x80"),
	/* 6.12: continuations of nothing */
	OCTETS("6.12", false, "\x80"),
	OCTETS("6.12", false, "\xbf"),
	OCTETS("6.12", false, "\x80\xbf"),
	OCTETS("6.12", false, "\x80\xbf\x80"),
	OCTETS("6.12", false, "\x80\xbf\x80\xbf"),
	OCTETS("6.12", false, "\x80\xbf\x80\xbf\x80"),
	OCTETS("6.12", false, "\x80\xbf\x80\xbf\x80\xbf"),
	OCTETS("6.12", false,
	       "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"
	       "\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"
	       "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
	       "\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe"),
	/* 6.13: beginnings without continuation */
	OCTETS("6.13", false,
	       "\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd \xce \xcf "
	       "\xd0 \xd1 \xd2 \xd3 \xd4 \xd5 \xd6 \xd7 \xd8 \xd9 \xda \xdb \xdc \xdd \xde "),
	OCTETS("6.13", false, "\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed \xee "),
	OCTETS("6.13", false, "\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 "),
	OCTETS("6.13", false, "\xf8 \xf9 \xfa "),
	OCTETS("6.13", false, "\xfc "),
	/* 6.14: the last octet is missing; 6.15: all of these in a row */
	OCTETS("6.14", false, "\xc0"),
	OCTETS("6.14", false, "\xe0\x80"),
	OCTETS("6.14", false, "\xf0\x80\x80"),
	OCTETS("6.14", false, "\xf8\x80\x80\x80"),
	OCTETS("6.14", false, "\xfc\x80\x80\x80\x80"),
	OCTETS("6.14", false, "\xdf"),
	OCTETS("6.14", false, "\xef\xbf"),
	OCTETS("6.14", false, "\xf7\xbf\xbf"),
	OCTETS("6.14", false, "\xfb\xbf\xbf\xbf"),
	OCTETS("6.14", false, "\xfd\xbf\xbf\xbf\xbf"),
	OCTETS("6.15", false,
	       "\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80"
	       "\xdf\xef\xbf\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf"),
	/* 6.16: octets that are in no text */
	OCTETS("6.16", false, "\xfe"),
	OCTETS("6.16", false, "\xff"),
	OCTETS("6.16", false, "\xfe\xfe\xff\xff"),
	/* 6.17 to 6.19: longer than need be: a slash, the most that fits, NUL */
	OCTETS("6.17", false, "\xc0\xaf"),
	OCTETS("6.17", false, "\xe0\x80\xaf"),
	OCTETS("6.17", false, "\xf0\x80\x80\xaf"),
	OCTETS("6.17", false, "\xf8\x80\x80\x80\xaf"),
	OCTETS("6.17", false, "\xfc\x80\x80\x80\x80\xaf"),
	OCTETS("6.18", false, "\xc1\xbf"),
	OCTETS("6.18", false, "\xe0\x9f\xbf"),
	OCTETS("6.18", false, "\xf0\x8f\xbf\xbf"),
	OCTETS("6.18", false, "\xf8\x87\xbf\xbf\xbf"),
	OCTETS("6.18", false, "\xfc\x83\xbf\xbf\xbf\xbf"),
	OCTETS("6.19", false, "\xc0\x80"),
	OCTETS("6.19", false, "\xe0\x80\x80"),
	OCTETS("6.19", false, "\xf0\x80\x80\x80"),
	OCTETS("6.19", false, "\xf8\x80\x80\x80\x80"),
	OCTETS("6.19", false, "\xfc\x80\x80\x80\x80\x80"),
	/* 6.20 and 6.21: surrogates, alone and in pairs */
	OCTETS("6.20", false, "\xed\xa0\x80"),
	OCTETS("6.20", false, "\xed\xad\xbf"),
	OCTETS("6.20", false, "\xed\xae\x80"),
	OCTETS("6.20", false, "\xed\xaf\xbf"),
	OCTETS("6.20", false, "\xed\xb0\x80"),
	OCTETS("6.20", false, "\xed\xbe\x80"),
	OCTETS("6.20", false, "\xed\xbf\xbf"),
	OCTETS("6.21", false, "\xed\xa0\x80\xed\xb0\x80"),
	OCTETS("6.21", false, "\xed\xa0\x80\xed\xbf\xbf"),
	OCTETS("6.21", false, "\xed\xad\xbf\xed\xb0\x80"),
	OCTETS("6.21", false, "\xed\xad\xbf\xed\xbf\xbf"),
	OCTETS("6.21", false, "\xed\xae\x80\xed\xb0\x80"),
	OCTETS("6.21", false, "\xed\xae\x80\xed\xbf\xbf"),
	OCTETS("6.21", false, "\xed\xaf\xbf\xed\xb0\x80"),
	OCTETS("6.21", false, "\xed\xaf\xbf\xed\xbf\xbf"),
	/* 6.23: what Unicode calls specials */
	OCTETS("6.23", true, "\xef\xbf\xb9"),
	OCTETS("6.23", true, "\xef\xbf\xba"),
	OCTETS("6.23", true, "\xef\xbf\xbb"),
	OCTETS("6.23", true, "\xef\xbf\xbc"),
	OCTETS("6.23", true, "\xef\xbf\xbd"),
	OCTETS("6.23", true, "\xef\xbf\xbe"),
	OCTETS("6.23", true, "\xef\xbf\xbf"),
};

static void make_octets(struct maker *m, const struct octets *o)
{
	struct ws_case_part part = { TEXT, o->octets, o->len, o->is_text ? NULL : BAD_UTF8, 0 };

	make(m, o->family, (struct ws_case){ .parts = { part } });
}

/* 6.22: U+FFFE and U+FFFF of each plane, which are no characters, but text. */
static void make_noncharacters(struct maker *m)
{
	static const char family[] = "6.22";

	make_octets(m, &(struct octets)OCTETS(family, true, "\xef\xbf\xbe"));
	make_octets(m, &(struct octets)OCTETS(family, true, "\xef\xbf\xbf"));
	for (unsigned plane = 1; plane <= 16; plane++)
		for (unsigned last = 0xbe; last <= 0xbf; last++) {
			const char octets[] = { (char)(0xf0 | plane >> 2), (char)(0x8f | (plane & 3) << 4),
						(char)0xbf, (char)last };

			make_octets(m, &(struct octets){ family, true, octets, sizeof octets });
		}
}

void ws_cases_each(void (*visit)(const struct ws_case *c, void *context), void *context)
{
	struct maker m = { .visit = visit, .context = context, .family = "" };

	for (size_t i = 0; i < ARRAY_LENGTH(short_cases); i++)
		visit(&short_cases[i], context);
	for (size_t i = 0; i < ARRAY_LENGTH(sequences); i++)
		make_octets(&m, &sequences[i]);
	make_noncharacters(&m);
	make_closes(&m);
	make_sizes(&m);
}

/* ---- frames ---- */

struct bytes ws_case_pattern(size_t len)
{
	static uint8_t pattern[WS_CASE_MAX_MESSAGE + 1];

	if (pattern[0] == 0)
		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = (uint8_t)('a' + i % 23);
	return bytes_of(pattern, len);
}

static struct bytes payload_of(const struct ws_case_part *p)
{
	return p->text != NULL ? bytes_of(p->text, p->len) : ws_case_pattern(p->len);
}

static bool is_part(const struct ws_case *c, size_t i)
{
	return i < WS_CASE_PARTS && (c->parts[i].first != 0 || c->parts[i].text != NULL);
}

void ws_case_fragments(struct ws_bytes *out, uint8_t first, struct bytes payload, size_t fragment)
{
	struct bytes piece = { 0 };
	uint8_t opcode = first;

	do {
		bytes_take(&payload, payload.len < fragment ? payload.len : fragment, &piece);
		ws_client_frame(out, (uint8_t)(opcode | (payload.len == 0 ? WS_FIN : 0)), piece.data,
				piece.len);
		opcode = WS_CONTINUATION;
	} while (payload.len > 0);
}

void ws_case_frames(const struct ws_case *c, struct ws_bytes *out)
{
	for (unsigned n = 0; n <= c->repeat; n++)
		for (size_t i = 0; is_part(c, i); i++) {
			const struct ws_case_part *p = &c->parts[i];

			if (p->fragment > 0)
				ws_case_fragments(out, p->first, payload_of(p), p->fragment);
			else
				ws_client_frame(out, p->first, payload_of(p).data, p->len);
		}
	ws_client_frame(out, CLOSE, "\x03\xe8", 2);
}

size_t ws_case_size(const struct ws_case *c)
{
	size_t size = 0;

	for (size_t i = 0; is_part(c, i); i++)
		size += c->parts[i].len;
	return size * (c->repeat + 1);
}

/* ---- stories ---- */

static void say(struct ws_bytes *story, const char *text)
{
	ws_bytes_add(story, text, strlen(text));
}

static void begin(struct ws_bytes *story)
{
	if (story->len > 0)
		say(story, " ");
}

void ws_story_tell(struct ws_bytes *story, const char *what, struct bytes data)
{
	char text[64];
	uint32_t sum = 0;

	begin(story);
	snprintf(text, sizeof text, "%s %zu:", what, data.len);
	say(story, text);
	if (data.len <= 16) {
		ws_bytes_add(story, data.data, data.len);
		return;
	}
	for (size_t i = 0; i < data.len; i++)
		sum = sum * 31 + data.data[i];
	snprintf(text, sizeof text, "#%08x", sum);
	say(story, text);
}

static void tell_close(struct ws_bytes *story, struct bytes payload)
{
	char code[16] = "close";
	uint16_t value;

	begin(story);
	if (bytes_take_be16(&payload, &value))
		snprintf(code, sizeof code, "close %u", value);
	say(story, code);
	if (payload.len > 0)
		say(story, " ");
	ws_bytes_add(story, payload.data, payload.len);
}

static void tell_fault(struct ws_bytes *story, const char *fault)
{
	begin(story);
	say(story, "close ");
	say(story, fault);
}

/* What is answered to a frame without fault. False: the connection is over. message: what was sent of one. */
static bool tell_answer(struct ws_bytes *story, const struct ws_case_part *p, struct ws_bytes *message,
			uint8_t *opcode)
{
	uint8_t own = p->first & 0x0f;

	if (own == WS_PING)
		ws_story_tell(story, "pong", payload_of(p));
	if (own == WS_CLOSE) /* the code comes back, and not the reason */
		tell_close(story, bytes_of(p->text, p->len < 2 ? p->len : 2));
	if (ws_opcode_is_control(own))
		return own != WS_CLOSE;
	if (own != WS_CONTINUATION)
		*opcode = own;
	ws_bytes_add(message, payload_of(p).data, p->len);
	if ((p->first & WS_FIN) || p->fragment > 0) {
		ws_story_tell(story, *opcode == WS_TEXT ? "text" : "binary",
			      bytes_of(message->data, message->len));
		message->len = 0;
	}
	return true;
}

static void derive_story(const struct ws_case *c, struct ws_bytes *story)
{
	struct ws_bytes message = { 0 };
	uint8_t opcode = 0;
	bool open = true;

	for (unsigned n = 0; open && n <= c->repeat; n++)
		for (size_t i = 0; open && is_part(c, i); i++) {
			if (c->parts[i].fault == NULL) {
				open = tell_answer(story, &c->parts[i], &message, &opcode);
				continue;
			}
			tell_fault(story, c->parts[i].fault);
			open = false;
		}
	if (open)
		tell_fault(story, "1000");
	ws_bytes_fini(&message);
}

void ws_case_story(const struct ws_case *c, struct ws_bytes *story)
{
	if (c->story != NULL)
		say(story, c->story);
	else
		derive_story(c, story);
}

void ws_story_of(struct bytes frames, struct ws_bytes *story)
{
	static const char *const names[16] = { [WS_TEXT] = "text", [WS_BINARY] = "binary", [WS_PING] = "ping",
					       [WS_PONG] = "pong" };
	struct ws_server_frame frame;
	size_t at = 0;

	while (ws_server_frame_next(frames.data, frames.len, &at, &frame)) {
		uint8_t opcode = frame.first & 0x0f;

		assert_int_equal(frame.first & ~0x0f, WS_FIN);
		if (opcode == WS_CLOSE)
			tell_close(story, frame.payload);
		else
			ws_story_tell(story, names[opcode], frame.payload);
	}
	assert_int_equal(at, frames.len);
}
