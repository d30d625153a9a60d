/* Giving up root. System calls: setgroups, setgid, setuid, prctl (start). */
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The order matters: each step is allowed only by what the next ones give up. */
static bool become(const struct passwd *user)
{
	return initgroups(user->pw_name, user->pw_gid) == 0 &&
	       setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool is_now(const struct passwd *user)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) == 0 && real == user->pw_uid &&
	       effective == user->pw_uid && saved == user->pw_uid && getegid() == user->pw_gid;
}

int privileges_drop(const char *name, struct failure *why)
{
	const struct passwd *user;

	if (*name == '\0')
		return 0;
	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return failure_set(why, errno != 0 ? -errno : -ENOENT, "there is no user \"%s\"", name);
	if (!become(user))
		return failure_set(why, -errno, "cannot become user \"%s\": %s%s", name, strerror(errno),
				   errno == EPERM ? ": start as root" : "");
	if (!is_now(user) || (user->pw_uid != 0 && setuid(0) == 0))
		return failure_set(why, -EPERM, "becoming user \"%s\" left a way back to root", name);
	return 0;
}
