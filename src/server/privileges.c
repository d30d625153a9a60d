/*
 * Giving up root, or the capabilities that somebody else was given to start with: opening the device takes
 * them, and nothing afterwards. System calls: setgroups, setresgid, setresuid, capset, prctl (start).
 */
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

/* The ambient ones go with the permitted ones (capabilities(7)). */
static int drop_capabilities(struct failure *why)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capset, &header, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	return failure_set(why, -errno, "capabilities cannot be given up: %s", strerror(errno));
}

int privileges_drop(const char *name, struct failure *why)
{
	const struct passwd *user;

	if (*name == '\0')
		return geteuid() != 0 ? drop_capabilities(why) : 0;
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
