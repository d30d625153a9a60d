/*
 * What a CGI application is told of a request: the meta-variables of RFC 3875 section 4.1, and those beside
 * them that applications have come to rely on.
 */
#ifndef SERVER_CGI_VARIABLES_H
#define SERVER_CGI_VARIABLES_H

#include "http/http_call.h"
#include "server/document.h"

/* Where the request leads. Texts may be empty. */
struct cgi_script {
	struct bytes name;      /* SCRIPT_NAME: the part of the path that names it */
	struct bytes path_info; /* PATH_INFO: the rest */
	struct bytes file;      /* SCRIPT_FILENAME; empty: none is told */
	struct bytes root;      /* DOCUMENT_ROOT; the same */
};

/* Takes a variable; the bytes are valid during the call. */
typedef void cgi_put_fn(void *context, struct bytes name, struct bytes value);

/* Puts all variables of the call, with body_len bytes of body, and then the extra ones: "NAME value" each,
 * NULL-terminated. False: no memory. */
bool cgi_variables_put(const struct http_call *call, const struct cgi_script *script, uint64_t body_len,
		       const char *const *extra, struct document_budget *budget, cgi_put_fn *put,
		       void *context);

#endif
