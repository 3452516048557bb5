/*-------------------------------------------------------------------------
 *
 * src/pg/table/keys.c
 *	  Keys of rows: copied to memory that is counted, and as text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "pg/server/memory.h"
#include "pg/table/keys.h"

void
scpg_keys_init(scpg_keys *keys, MemoryContext parent)
{
	keys->context = AllocSetContextCreate(parent, "selfclass keys", ALLOCSET_DEFAULT_SIZES);
	keys->counted = 0;
}

Datum
scpg_keys_add(scpg_keys *keys, const scpg_source *source, Datum key)
{
	MemoryContext old;
	Size now;

	if (source->id_by_value)
		return key;
	old = MemoryContextSwitchTo(keys->context);
	key = datumCopy(key, false, source->id_length);
	MemoryContextSwitchTo(old);
	/* The context grows by blocks of many keys, so this is seldom. */
	now = MemoryContextMemAllocated(keys->context, false);
	if (now > keys->counted)
	{
		scpg_count_memory(keys->context, now - keys->counted, "the keys of all rows");
		keys->counted = now;
	}
	return key;
}

int
scpg_keys_begin_text(void)
{
	/* Those by which pg_dump and postgres_fdw write values that they read again. */
	static const char *const settings[][2] = {{"DateStyle", "ISO"},
											  {"IntervalStyle", "postgres"},
											  {"TimeZone", "UTC"},
											  {"extra_float_digits", "3"},
											  {"bytea_output", "hex"}};
	int level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	return level;
}

void
scpg_keys_end_text(int level)
{
	AtEOXact_GUC(true, level);
}
