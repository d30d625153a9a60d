/* Offers of permessage-deflate: every combination of parameters, what is declined and what is malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "websocket/ws_extension.h"

#define PMD "permessage-deflate"
#define MALFORMED "malformed"

/* The answer's value; "": no offer was taken. */
static const char *answer_to(const char *value, enum ws_compression compression, uint8_t bits)
{
	static char text[WS_EXTENSION_ANSWER];
	struct ws_deflate_params p = { .agreed = false };

	if (!ws_extension_negotiate(bytes_of(value, strlen(value)), compression, bits, &p))
		return MALFORMED;
	text[0] = '\0';
	if (p.agreed)
		ws_extension_format(&p, text);
	return text;
}

static const char *answer(const char *value)
{
	return answer_to(value, WS_COMPRESSION_TAKEOVER, 12);
}

static void offers(void **state)
{
	static const struct {
		const char *value, *answer;
	} cases[] = {
		{ PMD, PMD "; client_no_context_takeover" },
		{ "Permessage-DEFLATE", PMD "; client_no_context_takeover" },
		{ PMD "; client_max_window_bits", PMD "; client_max_window_bits=12" },
		{ PMD "; client_max_window_bits=10", PMD "; client_max_window_bits=10" },
		{ PMD "; client_max_window_bits=\"10\"", PMD "; client_max_window_bits=10" },
		{ PMD "; client_max_window_bits=15", PMD "; client_max_window_bits=12" },
		{ PMD "; server_no_context_takeover",
		  PMD "; server_no_context_takeover; client_no_context_takeover" },
		{ PMD "; client_no_context_takeover", PMD "; client_no_context_takeover" },
		{ PMD "; server_max_window_bits=9",
		  PMD "; client_no_context_takeover; server_max_window_bits=9" },
		{ PMD "; server_max_window_bits=15",
		  PMD "; client_no_context_takeover; server_max_window_bits=12" },
		{ PMD ";client_max_window_bits ; server_max_window_bits = 8",
		  PMD "; server_max_window_bits=8; client_max_window_bits=12" },
		/* declined: the parameter is none, or wrong, or there twice */
		{ PMD "; server_max_window_bits", "" },
		{ PMD "; server_max_window_bits=7", "" },
		{ PMD "; server_max_window_bits=16", "" },
		{ PMD "; server_max_window_bits=08", "" },
		{ PMD "; server_max_window_bits=100", "" },
		{ PMD "; server_max_window_bits=x", "" },
		{ PMD "; client_max_window_bits=7", "" },
		{ PMD "; client_max_window_bits; client_max_window_bits", "" },
		{ PMD "; server_no_context_takeover=1", "" },
		{ PMD "; client_no_context_takeover; client_no_context_takeover", "" },
		{ PMD "; unknown", "" },
		{ "x-webkit-deflate-frame", "" },
		{ "", "" },
		{ ", ,", "" },
		/* the first that can be accepted */
		{ PMD "; server_max_window_bits=16, " PMD, PMD "; client_no_context_takeover" },
		{ "foo; a=\"b\"; c, " PMD "; client_max_window_bits, " PMD, PMD "; client_max_window_bits=12" },
		{ PMD "; client_max_window_bits=9, " PMD "; client_max_window_bits=10",
		  PMD "; client_max_window_bits=9" },
		/* no list of extensions at all */
		{ PMD ";", MALFORMED },
		{ PMD "; =", MALFORMED },
		{ PMD "; a=", MALFORMED },
		{ PMD "; a=\"", MALFORMED },
		{ PMD "; a=\"b", MALFORMED },
		{ PMD "; a=\"b c\"", MALFORMED },
		{ PMD "; a=\"\"", MALFORMED },
		{ PMD " " PMD, MALFORMED },
		{ "\"" PMD "\"", MALFORMED },
		{ PMD ", a;;b", MALFORMED },
		{ "=", MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_string_equal(answer(cases[i].value), cases[i].answer);
}

/* RFC 7692 section 7.1: what is offered is kept to, whatever the combination. */
static void every_combination_of_parameters_is_kept_to(void **state)
{
	unsigned n = 0;

	(void)state;
	for (int takeover = 0; takeover < 4; takeover++)
		for (unsigned server = 7; server <= 15; server++)
			for (unsigned client = 6; client <= 15; client++) {
				char value[200], server_text[40] = "", client_text[40] = "";
				struct ws_deflate_params p = { .agreed = false };

				if (server > 7)
					snprintf(server_text, sizeof server_text,
						 "; server_max_window_bits=%u", server);
				if (client == 7)
					snprintf(client_text, sizeof client_text, "; client_max_window_bits");
				else if (client > 7)
					snprintf(client_text, sizeof client_text,
						 "; client_max_window_bits=%u", client);
				snprintf(value, sizeof value, PMD "%s%s%s%s",
					 takeover & 1 ? "; server_no_context_takeover" : "",
					 takeover & 2 ? "; client_no_context_takeover" : "", server_text, client_text);
				assert_true(ws_extension_negotiate(bytes_of(value, strlen(value)),
								   WS_COMPRESSION_TAKEOVER, 12, &p));
				assert_true(p.agreed);
				if (takeover & 1)
					assert_true(p.server_no_takeover);
				assert_true(p.server_bits >= 8 && p.server_bits <= 12);
				if (server > 7)
					assert_true(p.server_bits <= server);
				assert_int_equal(p.tell_server_bits, server > 7);
				assert_int_equal(p.tell_client_bits, client > 6);
				if (client == 6)
					assert_true(p.client_no_takeover && p.client_bits == 15);
				else
					assert_true(p.client_bits <= 12);
				if (client > 7)
					assert_true(p.client_bits <= client);
				n++;
			}
	assert_int_equal(n, 360);
}

static void the_location_decides_how_much_is_kept(void **state)
{
	(void)state;
	assert_string_equal(answer_to(PMD, WS_COMPRESSION_OFF, 12), "");
	assert_string_equal(answer_to(PMD ";", WS_COMPRESSION_OFF, 12), MALFORMED);
	assert_string_equal(answer_to(PMD, WS_COMPRESSION_MESSAGE, 15),
			    PMD "; server_no_context_takeover; client_no_context_takeover");
	assert_string_equal(answer_to(PMD, WS_COMPRESSION_TAKEOVER, 15), PMD);
}

static void an_agreement_of_an_earlier_line_stays(void **state)
{
	static const char first[] = PMD "; client_max_window_bits=9", second[] = PMD "; client_max_window_bits=10";
	struct ws_deflate_params p = { .agreed = false };

	(void)state;
	assert_true(
		ws_extension_negotiate(bytes_of(first, sizeof first - 1), WS_COMPRESSION_TAKEOVER, 12, &p));
	assert_true(
		ws_extension_negotiate(bytes_of(second, sizeof second - 1), WS_COMPRESSION_TAKEOVER, 12, &p));
	assert_int_equal(p.client_bits, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
		cmocka_unit_test(every_combination_of_parameters_is_kept_to),
		cmocka_unit_test(the_location_decides_how_much_is_kept),
		cmocka_unit_test(an_agreement_of_an_earlier_line_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
