/*-------------------------------------------------------------------------
 *
 * src/pg/server/progress.c
 *	  How far a command is, in shared memory, for other sessions.
 *
 * A fixed number of slots. A backend takes one for a command and gives it back
 * at its end, whichever end that is. It alone writes it, as a server's own row
 * in pg_stat_activity is written: a counter is odd while that goes on, so that
 * a reader who finds it odd, or another one afterwards, reads again.
 *
 * The memory is made by the first backend that needs it, so nothing has to be
 * preloaded. Where there is none, or no free slot, commands run unseen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "pg/server/compat.h"
#include "pg/server/progress.h"
#include "pg/server/progress_parts.h"

typedef struct slot
{
	pg_atomic_uint32 owner; /* process id; 0: free */
	uint32 changes;			/* odd: the row is being written */
	scpg_progress_row row;
} slot;

/*
 * A server that is not restarted when the library is replaced still has the
 * memory of the old one: another layout needs another name.
 */
#define MEMORY_NAME "selfclass_progress_1"
StaticAssertDecl(sizeof(slot) == 200 || sizeof(void *) < 8, "the layout has changed: raise the number in MEMORY_NAME");

static slot *slots = NULL; /* (SCPG_PROGRESS_SLOTS) in shared memory; NULL: not attached */
static slot *mine = NULL;
static int depth = 0;		  /* of commands within commands */
static scpg_progress_row now; /* what `mine` shows */
static instr_time clock_start;
static int64 images_before; /* of the epochs that were done since then */

/* ---- the memory --------------------------------------------------------------- */

static void
make_slots(void *memory)
{
	slot *made = memory;

	memset(made, 0, sizeof(slot) * SCPG_PROGRESS_SLOTS);
	for (int i = 0; i < SCPG_PROGRESS_SLOTS; i++)
		pg_atomic_init_u32(&made[i].owner, 0);
}

static void
attach(void)
{
	bool found;

	if (slots == NULL)
		slots = GetNamedDSMSegment(MEMORY_NAME, sizeof(slot) * SCPG_PROGRESS_SLOTS, make_slots, &found);
}

/*
 * Attach, and let no lack of shared memory fail the command. What the attempt
 * held is let go as at the end of a subtransaction, which would be refused in a
 * parallel operation; SQL calls no function while it holds a lock of that kind.
 */
static void
try_attach(void)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner attempt;

	if (slots != NULL)
		return;
	attempt = ResourceOwnerCreate(owner, "selfclass progress");
	CurrentResourceOwner = attempt;
	PG_TRY();
	{
		attach();
	}
	PG_CATCH();
	{
		CurrentResourceOwner = owner;
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_INSUFFICIENT_RESOURCES)
			PG_RE_THROW();
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		LWLockReleaseAll();
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	ResourceOwnerRelease(attempt, RESOURCE_RELEASE_BEFORE_LOCKS, slots != NULL, false);
	ResourceOwnerRelease(attempt, RESOURCE_RELEASE_LOCKS, slots != NULL, false);
	ResourceOwnerRelease(attempt, RESOURCE_RELEASE_AFTER_LOCKS, slots != NULL, false);
	ResourceOwnerDelete(attempt);
}

/* ---- writing ------------------------------------------------------------------ */

/* An interrupt or an error in between would leave the counter odd: hence the critical section. */
static void
publish(void)
{
	volatile uint32 *changes = &mine->changes;

	START_CRIT_SECTION();
	(*changes)++;
	pg_write_barrier();
	memcpy(&mine->row, &now, sizeof(now));
	pg_write_barrier();
	(*changes)++;
	END_CRIT_SECTION();
}

static void
give_back(void)
{
	if (mine == NULL)
		return;
	memset(&now, 0, sizeof(now));
	publish();
	pg_atomic_write_u32(&mine->owner, 0);
	mine = NULL;
}

/* Of a backend that is terminated within a command. */
static void
give_back_at_exit(int code, Datum arg)
{
	give_back();
}

static slot *
take_slot(void)
{
	static bool registered = false;

	if (!registered)
		before_shmem_exit(give_back_at_exit, (Datum) 0);
	registered = true;
	for (int i = 0; i < SCPG_PROGRESS_SLOTS; i++)
	{
		uint32 nobody = 0;

		if (pg_atomic_compare_exchange_u32(&slots[i].owner, &nobody, (uint32) MyProcPid))
			return &slots[i];
	}
	return NULL;
}

static void
start_clock(void)
{
	INSTR_TIME_SET_CURRENT(clock_start);
	images_before = 0;
	now.images_per_second = 0;
	now.seconds_left = -1;
}

/* How many images are left of the phase; SCPG_UNCOUNTED: that is not known. */
static int64
images_left(void)
{
	if (now.images_total == SCPG_UNCOUNTED || now.images_done == SCPG_UNCOUNTED)
		return SCPG_UNCOUNTED;
	if (now.epochs_total == SCPG_UNCOUNTED)
		return Max(0, now.images_total - now.images_done);
	return (now.epochs_total - now.epochs_done) * now.images_total - now.images_done;
}

/* Tell the row, with the speed since the clock was started. images: what was done since then. */
static void
tell(int64 images)
{
	instr_time passed;
	double seconds;
	int64 left = images_left();

	INSTR_TIME_SET_CURRENT(passed);
	INSTR_TIME_SUBTRACT(passed, clock_start);
	seconds = INSTR_TIME_GET_DOUBLE(passed);
	if (images > 0 && seconds > 0)
		now.images_per_second = images / seconds;
	now.seconds_left = left >= 0 && now.images_per_second > 0 ? left / now.images_per_second : -1;
	now.written = GetCurrentTimestamp();
	publish();
}

bool
scpg_progress_is_shown(void)
{
	return depth == 1 && mine != NULL;
}

void
scpg_progress_begin(const char *command, Oid relid, const char *model)
{
	if (depth == 0)
	{
		try_attach();
		mine = slots != NULL ? take_slot() : NULL;
	}
	depth++;
	if (!scpg_progress_is_shown())
		return;
	memset(&now, 0, sizeof(now));
	now.pid = MyProcPid;
	now.backend_start = MyStartTimestamp;
	now.role = GetAuthenticatedUserId();
	now.database = MyDatabaseId;
	now.encoding = GetDatabaseEncoding();
	now.relid = relid;
	strlcpy(now.command, command, sizeof(now.command));
	if (model != NULL)
		strlcpy(now.model, model, pg_mbcliplen(model, strlen(model), sizeof(now.model) - 1) + 1);
	now.loss = NAN;
	scpg_progress_phase("", SCPG_UNCOUNTED);
}

void
scpg_progress_end(void)
{
	Assert(depth > 0);
	if (--depth == 0)
		give_back();
}

void
scpg_progress_phase(const char *phase, int64 images)
{
	if (!scpg_progress_is_shown())
		return;
	strlcpy(now.phase, phase, sizeof(now.phase));
	now.epochs_total = now.epochs_done = SCPG_UNCOUNTED;
	now.images_total = images;
	now.images_done = SCPG_UNCOUNTED;
	start_clock();
	tell(0);
}

void
scpg_progress_epochs(int total, int done)
{
	if (!scpg_progress_is_shown())
		return;
	now.epochs_total = total;
	now.epochs_done = done;
	start_clock();
	tell(0);
}

void
scpg_progress_images(int64 done)
{
	if (!scpg_progress_is_shown())
		return;
	now.images_done = done;
	tell(images_before + done);
}

void
scpg_progress_epoch(int done, double loss)
{
	if (!scpg_progress_is_shown())
		return;
	/* What is not counted within an epoch is at its end. */
	images_before += Max(now.images_total, 0);
	now.epochs_done = done;
	now.loss = loss;
	if (now.images_done != SCPG_UNCOUNTED)
		now.images_done = 0;
	tell(images_before);
}

/* ---- reading ------------------------------------------------------------------ */

bool
scpg_progress_read(int number, scpg_progress_row *row)
{
	slot *s;
	volatile uint32 *changes;

	attach();
	s = &slots[number];
	changes = &s->changes;
	for (;;)
	{
		uint32 before = *changes;

		pg_read_barrier();
		memcpy(row, &s->row, sizeof(*row));
		pg_read_barrier();
		if (before % 2 == 0 && before == *changes)
			return row->pid != 0;
		CHECK_FOR_INTERRUPTS();
	}
}
