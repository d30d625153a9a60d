/* Which script of an application a request is for, by its path. */
#ifndef SERVER_FASTCGI_SCRIPT_H
#define SERVER_FASTCGI_SCRIPT_H

#include <limits.h>

#include "server/cgi_variables.h"
#include "server/config.h"

/* A script, and the memory of its texts. */
struct fastcgi_script {
	struct cgi_script cgi; /* points in here, and into path */
	char name[2 * PATH_MAX], path_info[PATH_MAX], file[2 * PATH_MAX];
};

/* rest: of the resolved path, behind the location's prefix. 0, or the status that refuses the request. */
unsigned fastcgi_script_find(const struct config_location *l, const char *rest, struct fastcgi_script *out);

#endif
