/* Telling the service manager that started us where we are (sd_notify(3)), if one did. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

void notify_ready(void);
void notify_reloading(void); /* notify_ready() ends it */
void notify_stopping(void);

#endif
