/* OpenSSL's error queue: the first error of a failure, sorted into the reasons that are counted. */
#include "tls/tls_error.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

static const char *const names[TLS_FAILURES_COUNT] = {
#define X(name, label) [TLS_FAILED_##name] = label,
	TLS_FAILURES(X)
#undef X
};

const char *tls_failure_name(enum tls_failure failure)
{
	return names[failure];
}

/* Reasons of OpenSSL's TLS code; those that tell of the peer's alerts are numbered from an offset on. */
static enum tls_failure sort_reason(int reason)
{
	if (reason >= SSL_AD_REASON_OFFSET)
		return TLS_FAILED_ALERT;
	switch (reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_INAPPROPRIATE_FALLBACK:
		return TLS_FAILED_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SHARED_GROUPS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
		return TLS_FAILED_CIPHER;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return TLS_FAILED_ALPN;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return TLS_FAILED_CERTIFICATE;
	default:
		return TLS_FAILED_PROTOCOL;
	}
}

void tls_error_take(struct tls_error *e)
{
	const char *data = NULL, *reason;
	int flags = 0;
	unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);

	if (code == 0) {
		*e = (struct tls_error){ .failure = TLS_FAILED_INTERNAL, .text = "no reason given" };
		return;
	}
	e->failure = ERR_GET_LIB(code) == ERR_LIB_SSL ? sort_reason(ERR_GET_REASON(code))
						      : TLS_FAILED_PROTOCOL;
	reason = ERR_reason_error_string(code);
	snprintf(e->text, sizeof e->text, "%s%s%s", reason != NULL ? reason : "unknown error",
		 (flags & ERR_TXT_STRING) != 0 && *data != '\0' ? ": " : "",
		 (flags & ERR_TXT_STRING) != 0 ? data : "");
	ERR_clear_error();
}
