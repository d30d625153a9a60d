/* Opening files below a root directory, and nowhere else. */
#ifndef HTTP_HTTP_OPEN_H
#define HTTP_HTTP_OPEN_H

/* The descriptor of a directory to open files below, or negative errno. */
int http_open_root(const char *directory);

/* Whoever we are by now may open what is below it. 0 or negative errno. */
int http_check_root(int root);

/* Opens a file or directory for reading. path is relative and may hold symlinks as long as they stay
 * below root. Never blocks on a fifo. The descriptor, or negative errno: -EXDEV when the path leads out
 * of root. */
int http_open_beneath(int root, const char *path);

/* As above, and symlinks may lead anywhere. The path itself must not: no "..", no leading slash. */
int http_open_anywhere(int root, const char *path);

/* What http_open_beneath() does where the kernel has no openat2(2) (before 5.6): no symlink is followed. */
int http_open_by_steps(int root, const char *path);

#endif
