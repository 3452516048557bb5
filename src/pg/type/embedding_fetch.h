/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_fetch.h
 *	  Embeddings of a scan brought into the processor's caches before they are
 *	  read.
 *
 * A scan reads an embedding from a page of the table that no cache holds yet,
 * and then the next one. Half of the time of a distance went into waiting for
 * memory. Pages that were read one after the other lie one after the other in
 * the shared buffers, mostly (backwards in buffers of a table that was dropped),
 * and rows of the same size lie in the same places of their pages: what comes
 * next is then one page further on. Where the
 * embeddings of this process have come that way so far, that place is asked
 * for, with the header of its page and of its row. All of it is a hint: of an
 * address that means nothing it costs an instruction, and no result depends
 * on it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBEDDING_FETCH_H
#define SCPG_EMBEDDING_FETCH_H

#include "postgres.h"

#include "pg/type/embedding.h"

/* Ask for an embedding that is read next and, in a scan, for the one a page further on. */
extern void scpg_embedding_fetch(const scpg_embedding *e);

#endif /* SCPG_EMBEDDING_FETCH_H */
