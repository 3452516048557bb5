/*-------------------------------------------------------------------------
 *
 * src/pg/model/locks.c
 *	  Who trains, makes or drops a model: locks on an owner's names; who grants a
 *	  name, whoever owns it; and the one on which roles are held.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/memutils.h"

#include "pg/model/model_parts.h"

/* Set these locks apart from those of pg_advisory_lock, which uses 1 and 2. */
#define LOCK_CLASS 0x5C1A
#define ROLES_LOCK_CLASS 0x5C1B
#define GRANTS_LOCK_CLASS 0x5C1C

static LOCKTAG
lock_tag(Oid owner, const char *name)
{
	LOCKTAG tag;
	uint64 hash = hash_bytes_extended((const unsigned char *) name, strcspn(name, "@"), owner);

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, LOCK_CLASS);
	return tag;
}

static void
refuse_busy(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("model \"%s\" is being trained or changed", name),
					errhint("Wait until that is done, or use another name.")));
}

void
scpg_model_lock_transaction(Oid owner, const char *name)
{
	LOCKTAG tag = lock_tag(owner, name);

	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		refuse_busy(name);
}

void
scpg_model_lock_grants(const char *name)
{
	LOCKTAG tag;
	uint64 hash = hash_bytes_extended((const unsigned char *) name, strlen(name), 0);

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, GRANTS_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

void
scpg_model_lock_roles(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, ROLES_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

static LOCKTAG
role_tag(Oid role)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, role, 1, ROLES_LOCK_CLASS);
	return tag;
}

void
scpg_model_lock_role(Oid role, bool alone)
{
	LOCKTAG tag = role_tag(role);

	(void) LockAcquire(&tag, alone ? ExclusiveLock : ShareLock, false, false);
}

void
scpg_model_unlock_role(Oid role)
{
	LOCKTAG tag = role_tag(role);

	(void) LockRelease(&tag, ShareLock, false);
}

/* ---- the lock of a trainer ------------------------------------------------------ */

typedef struct held_lock
{
	slist_node node;
	LOCKTAG tag;
} held_lock;

/*
 * The session's locks that this backend holds, in TopMemoryContext: from
 * scpg_model_lock, which puts one in, to scpg_model_unlock, which every holder
 * calls in PG_FINALLY. The server itself would let one session have a lock twice.
 */
static slist_head held_locks = SLIST_STATIC_INIT(held_locks);

static held_lock *
find_held(const LOCKTAG *tag)
{
	slist_iter iter;

	slist_foreach(iter, &held_locks)
	{
		held_lock *held = slist_container(held_lock, node, iter.cur);

		if (memcmp(&held->tag, tag, sizeof(LOCKTAG)) == 0)
			return held;
	}
	return NULL;
}

void
scpg_model_lock(Oid owner, const char *name)
{
	LOCKTAG tag;
	held_lock *held;

	Assert(name != NULL);
	tag = lock_tag(owner, name);
	if (find_held(&tag) != NULL)
		refuse_busy(name);
	/* Memory first: once the lock is there, nothing may fail before the list knows of it. */
	held = MemoryContextAlloc(TopMemoryContext, sizeof(held_lock));
	held->tag = tag;
	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		pfree(held);
		refuse_busy(name);
	}
	slist_push_head(&held_locks, &held->node);
}

void
scpg_model_unlock(Oid owner, const char *name)
{
	LOCKTAG tag = lock_tag(owner, name);
	held_lock *held = find_held(&tag);

	if (held == NULL)
		return;
	slist_delete(&held_locks, &held->node);
	pfree(held);
	(void) LockRelease(&tag, ExclusiveLock, true);
}
