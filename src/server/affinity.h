/* Which processor core a thread runs on. */
#ifndef SERVER_AFFINITY_H
#define SERVER_AFFINITY_H

/* A core of those that the process may use, another one for each number below `of`. -1: there are fewer than
 * that, or only one thread needs one. */
int affinity_choose(unsigned number, unsigned of);

/* The calling thread stays on this core; -1: where the kernel puts it. Where that is refused, too. */
void affinity_stay(int core);

#endif
