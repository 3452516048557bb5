/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_cache.c
 *	  What the session remembers for functions that are called for every row:
 *	  the models that names mean, and their encoders.
 *
 * A name is looked up again as soon as anything may have changed what it
 * means: another snapshot, another command, another role that it is
 * looked for. An encoder is known
 * by the checksum of its weights and by its recipe, so it may stay for as long
 * as memory is not needed for something else: a model that was trained again,
 * dropped or revoked is not found any more, so its encoder is not used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "pg/model/embed.h"
#include "pg/model/embed_cache.h"
#include "pg/server/compat.h"
#include "pg/server/jobs.h"
#include "pg/server/memory.h"
#include "pg/table/decoding.h"

/* One statement may well compare a few models. */
#define CACHED 4

/* When a model was found. Two equal ones see the same rows of the same tables. */
typedef struct moment
{
	TimestampTz transaction;
	SubTransactionId subtransaction;
	CommandId command;
	TransactionId xmin;
	TransactionId xmax;
	uint64 running; /* hash of the transactions that the snapshot knows as running */
	Oid role;		/* that it was found for */
	bool recovery;
} moment;

typedef struct found_model
{
	MemoryContext context; /* NULL: empty */
	uint64 used;
	moment when;
	char *name; /* as it was called */
	scpg_model *model;
} found_model;

/* What makes an encoder another one. */
typedef struct encoder_key
{
	int64 model_id;
	TimestampTz created;
	int64 weights_bytes;
	int64 weights_crc;
	uint64 recipe;
	int64 lanes;
} encoder_key;

typedef struct cached_encoder
{
	scpg_encoder *encoder; /* NULL: empty */
	uint64 used;
	encoder_key key;
} cached_encoder;

/*
 * All that is remembered, of this session, in TopMemoryContext. A model goes
 * when its place is needed for another one. An encoder goes likewise, or when
 * memory is needed for something else (scpg_memory_cache calls drop_encoders),
 * or when it failed.
 */
static struct
{
	found_model models[CACHED];
	cached_encoder encoders[CACHED];
	size_t encoder_bytes; /* of selfclass.max_memory, of all encoders together */
	uint64 uses;		  /* a clock: what was used last has the largest number */
} cache;

/* ---- models --------------------------------------------------------------- */

/* False: there is no snapshot, so nothing may be remembered. */
static bool
this_moment(moment *m, Oid role)
{
	Snapshot s;

	memset(m, 0, sizeof(*m));
	if (!ActiveSnapshotSet())
		return false;
	s = GetActiveSnapshot();
	m->transaction = GetCurrentTransactionStartTimestamp();
	m->subtransaction = GetCurrentSubTransactionId();
	m->command = s->curcid;
	m->xmin = s->xmin;
	m->xmax = s->xmax;
	m->running = hash_bytes_extended((unsigned char *) s->xip, s->xcnt * sizeof(TransactionId), 0) ^
				 hash_bytes_extended((unsigned char *) s->subxip, Max(s->subxcnt, 0) * sizeof(TransactionId), 1);
	m->role = role;
	m->recovery = s->takenDuringRecovery;
	return true;
}

static void
forget(found_model *f)
{
	MemoryContext cxt = f->context;

	f->context = NULL;
	if (cxt != NULL)
		MemoryContextDelete(cxt);
}

const scpg_model *
scpg_model_of_statement(const char *name, Oid role)
{
	MemoryContext caller = CurrentMemoryContext;
	found_model *f = &cache.models[0];
	MemoryContext cxt;
	moment now;
	bool known = this_moment(&now, role);

	for (int i = 0; i < CACHED; i++)
	{
		found_model *m = &cache.models[i];

		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): this_moment begins with zeros. */
		if (known && m->context != NULL && memcmp(&m->when, &now, sizeof(now)) == 0 && strcmp(m->name, name) == 0)
		{
			m->used = ++cache.uses;
			return m->model;
		}
		if (m->used < f->used)
			f = m;
	}
	forget(f);
	cxt = AllocSetContextCreate(caller, "selfclass model", ALLOCSET_SMALL_SIZES);
	SPI_connect();
	MemoryContextSwitchTo(cxt);
	f->name = pstrdup(name);
	f->model = scpg_model_find_ready_as(name, role);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	f->when = now;
	f->used = ++cache.uses;
	MemoryContextSetParent(cxt, TopMemoryContext);
	f->context = cxt;
	return f->model;
}

/* ---- encoders ------------------------------------------------------------- */

static void
drop_encoder(cached_encoder *c)
{
	scpg_encoder *encoder = c->encoder;

	if (encoder == NULL)
		return;
	c->encoder = NULL;
	cache.encoder_bytes -= scpg_encoder_bytes(encoder);
	scpg_encoder_close(encoder);
}

static void
drop_encoders(void)
{
	for (int i = 0; i < CACHED; i++)
		drop_encoder(&cache.encoders[i]);
}

static encoder_key
key_of(const scpg_model *model)
{
	encoder_key key;

	/* Compared byte by byte. */
	memset(&key, 0, sizeof(key));
	key.model_id = model->model_id;
	key.created = model->created;
	key.weights_bytes = model->weights_bytes;
	key.weights_crc = model->weights_crc;
	key.recipe = hash_bytes_extended((unsigned char *) model->stored_recipe, VARSIZE(model->stored_recipe), 0);
	key.lanes = scpg_lanes();
	return key;
}

scpg_encoder *
scpg_encoder_of_session(const scpg_model *model)
{
	MemoryContext caller = CurrentMemoryContext;
	cached_encoder *c = &cache.encoders[0];
	encoder_key key = key_of(model);
	scpg_encoder *encoder;

	for (int i = 0; i < CACHED; i++)
	{
		cached_encoder *one = &cache.encoders[i];

		if (one->encoder != NULL && memcmp(&one->key, &key, sizeof(key)) == 0)
		{
			one->used = ++cache.uses;
			return one->encoder;
		}
		if (one->used < c->used)
			c = one;
	}

	SPI_connect();
	encoder = scpg_encoder_of_model(model, 1, TopMemoryContext);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	drop_encoder(c);
	c->encoder = encoder;
	c->key = key;
	c->used = ++cache.uses;
	cache.encoder_bytes += scpg_encoder_bytes(encoder);
	scpg_memory_cache(&cache.encoder_bytes, drop_encoders);
	return encoder;
}

void
scpg_encoder_forget(const scpg_encoder *encoder)
{
	for (int i = 0; i < CACHED; i++)
		if (cache.encoders[i].encoder == encoder)
			drop_encoder(&cache.encoders[i]);
}
