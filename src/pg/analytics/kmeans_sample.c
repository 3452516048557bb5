/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sample.c
 *	  The sample of a table that kmeans_train starts from.
 *
 * A row is in the sample if the lowest bits of its hash are zero: of so many
 * bits that about the wanted number of rows is left, each distinct row once.
 * Where the rows that come are more than there is room for, one more bit must
 * be zero, and those that have it set go again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "pg/analytics/kmeans_sample.h"
#include "pg/server/memory.h"
#include "pg/type/embedding.h"

/* scpg_numbers in a sample: 256 MB of them. */
#define MOST_NUMBERS (1 << 26)

/* A tag of scpg_rows has so many bits of the hash; more are never needed of rows that are different. */
#define MOST_BITS 32

/* Memory of the table of hashes is counted in steps of so many, each about so large. */
#define SEEN_COUNTED 4096
#define SEEN_BYTES ((size_t) 48)

typedef struct sample
{
	DestReceiver receiver; /* must be first */
	scpg_rows rows;		   /* tag: lowest bits of the hash */
	HTAB *seen;			   /* hashes of rows */
	size_t wanted;
	int k;
	int bits;			   /* of the hash that are zero */
	bool full;			   /* bits had to be added */
	MemoryContext context; /* of rows and seen */
	MemoryContext row;
} sample;

static void
sample_nothing(DestReceiver *self)
{
}

static void
sample_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static inline bool
in_sample(uint64 hash, int bits)
{
	return (hash & ((UINT64CONST(1) << bits) - 1)) == 0;
}

/* One more bit that must be zero: half of the rows go. */
static void
thin_out(sample *s)
{
	size_t d = (size_t) s->rows.d;
	size_t kept = 0;

	s->bits++;
	s->full = true;
	for (size_t i = 0; i < s->rows.n; i++)
		if (in_sample((uint32) s->rows.tag[i], s->bits))
		{
			memmove(s->rows.x + kept * d, s->rows.x + i * d, d * sizeof(float));
			s->rows.tag[kept++] = s->rows.tag[i];
		}
	s->rows.n = kept;
}

/* A row of the query: embedding, hash. */
static bool
sample_receive(TupleTableSlot *slot, DestReceiver *self)
{
	sample *s = (sample *) self;
	MemoryContext old;
	uint64 hash;
	bool found;
	size_t most;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	hash = (uint64) DatumGetInt64(slot->tts_values[1]);
	if (!in_sample(hash, s->bits))
		return true;
	(void) hash_search(s->seen, &hash, HASH_ENTER, &found);
	if (found)
		return true;
	if (hash_get_num_entries(s->seen) % SEEN_COUNTED == 1)
		scpg_count_memory(s->context, SEEN_COUNTED * SEEN_BYTES, "the hashes of a sample");
	old = MemoryContextSwitchTo(s->row);
	scpg_rows_add(&s->rows, DatumGetEmbedding(slot->tts_values[0]), (int32) (uint32) hash);
	MemoryContextSwitchTo(old);
	MemoryContextReset(s->row);
	/* Twice as many as were wanted, for half of them may have to go, but never too few for k clusters. */
	most = Max(Min(2 * s->wanted, MOST_NUMBERS / s->rows.d), Max(SCPG_SAMPLE_LEAST, 4 * (size_t) s->k));
	while (s->rows.n > most && s->bits < MOST_BITS)
		thin_out(s);
	return true;
}

/* Into s, in a new context, the rows whose hashes have that many zero bits. */
static void
read_rows(sample *s, const scpg_kmeans_table *t, int64 seed, int bits, MemoryContext cxt)
{
	HASHCTL control = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64)};
	SPIExecuteOptions options = {.read_only = true, .dest = &s->receiver};
	const char *hash =
		psprintf("%s.embedding_hash_extended(%s, '%lld'::pg_catalog.int8)", t->schema, t->column, (long long) seed);
	StringInfoData sql;
	int status;

	/* SPI looks at nothing of a receiver but its functions; of the kinds, DestTuplestore is the nearest. */
	s->receiver = (DestReceiver){sample_receive, sample_startup, sample_nothing, sample_nothing, DestTuplestore};
	s->bits = bits;
	s->full = false;
	s->context = AllocSetContextCreate(cxt, "kmeans_train sample", ALLOCSET_DEFAULT_SIZES);
	s->row = AllocSetContextCreate(s->context, "kmeans_train row", ALLOCSET_DEFAULT_SIZES);
	scpg_rows_init(&s->rows, s->context);
	control.hcxt = s->context;
	s->seen = hash_create("kmeans_train sample", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s, %s FROM %s WHERE %s IS NOT NULL", t->column, hash, t->relation, t->column);
	if (bits > 0)
		appendStringInfo(&sql,
						 " AND %s OPERATOR(pg_catalog.&) '%lld'::pg_catalog.int8 OPERATOR(pg_catalog.=) '0'::pg_catalog.int8",
						 hash, (long long) ((UINT64CONST(1) << bits) - 1));
	status = SPI_execute_extended(sql.data, &options);
	if (status != SPI_OK_SELECT)
		elog(ERROR, "could not read a sample: %s", SPI_result_code_string(status));
}

scpg_rows
scpg_kmeans_sample(const scpg_kmeans_table *table, int64 n, int k, int wanted, int64 seed, MemoryContext cxt)
{
	sample s = {.k = k, .wanted = Max((size_t) wanted, 4 * (size_t) k)};
	int bits = 0;

	Assert(n > 0 && k > 0 && wanted >= SCPG_SAMPLE_LEAST);
	while (bits < MOST_BITS && (uint64) n >> bits > s.wanted)
		bits++;
	for (;;)
	{
		size_t enough;

		read_rows(&s, table, seed, bits, cxt);
		enough = s.full ? (size_t) k : Max((size_t) k, s.wanted / 8);
		if (s.rows.n >= enough || bits == 0)
			return s.rows;
		/* Many rows are the same: fewer of them are different. */
		MemoryContextDelete(s.context);
		bits--;
	}
}
