/* Rows for programs: a JSON object each, its members as docs/trace.md has them. */
#ifndef SERVER_LADDER_JSON_H
#define SERVER_LADDER_JSON_H

#include "server/document.h"
#include "server/ladder_row.h"

void ladder_json(struct document *out, const struct ladder_row *row);

/* Members of an object: between whom a connection is. */
void ladder_json_ends(struct document *out, const struct ladder_flow *flow);

/* So many rows were left out here. */
void ladder_json_lost(struct document *out, uint64_t rows);

#endif
