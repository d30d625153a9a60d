/* Names and texts of the drop reasons, from the one list in drop.h. */
#include "base/drop.h"

#include <assert.h>

static const struct {
	const char *name;
	const char *text;
} reasons[DROP_REASON_COUNT] = {
#define X(id, name, text) [DROP_##id] = { name, text },
	DROP_REASONS(X)
#undef X
};

const char *drop_reason_name(enum drop_reason reason)
{
	assert((unsigned)reason < DROP_REASON_COUNT);
	return reasons[reason].name;
}

const char *drop_reason_text(enum drop_reason reason)
{
	assert((unsigned)reason < DROP_REASON_COUNT);
	return reasons[reason].text;
}
