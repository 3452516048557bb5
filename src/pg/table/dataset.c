/*-------------------------------------------------------------------------
 *
 * src/pg/table/dataset.c
 *	  Keeping the images of a table, reduced, for many passes over them.
 *
 * Images are named by the hash of their bytes and, where several rows hold the
 * same bytes, by a number, and are sorted by that name: whatever is computed
 * from a dataset cannot depend on the order in which rows were read. Which of
 * the rows with the same bytes gets which number does not matter either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/tablespace.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "core/api.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"
#include "pg/table/keys.h"
#include "pg/table/reader.h"

/* Pixels in memory are laid out in blocks of about this many bytes, or of 16 large pictures. */
#define BLOCK_BYTES ((Size) 1 << 20)

/* An image while the table is read. */
typedef struct loaded_image
{
	scpg_kept_image kept; /* its key is the hash of the bytes alone */
	int64 row;
} loaded_image;

typedef struct loader
{
	scpg_dataset *dataset;
	bool across_transactions;
	scpg_keys keys;
	MemoryContext scratch; /* goes at the end of the loading */
	loaded_image *image;
	int *side; /* short sides as stored */
	int64 images_room;
	int64 rows_room;
	int64 gray;
	int64 strokes;
	Size memory_limit; /* for pixels in memory */
	Size memory_used;
	sc_arena block;
} loader;

/* ---- the file ------------------------------------------------------------- */

static void
close_file(void *arg)
{
	scpg_dataset *dataset = arg;

	if (dataset->file > 0)
		FileClose(dataset->file);
	dataset->file = 0;
}

/*
 * A plain temporary file, without the buffer of a BufFile: that would be
 * flushed when it is closed, which may fail, and a file that outlives
 * transactions must be closed while a memory context goes.
 */
static void
create_file(loader *l)
{
	scpg_dataset *d = l->dataset;

	if (l->across_transactions)
	{
		MemoryContextCallback *callback = MemoryContextAllocZero(d->context, sizeof(MemoryContextCallback));

		callback->func = close_file;
		callback->arg = d;
		MemoryContextRegisterResetCallback(d->context, callback);
	}
	else
		PrepareTempTablespaces();
	d->file = OpenTemporaryFile(l->across_transactions);
}

static void
write_pixels(scpg_dataset *d, const uint8 *pixels, Size bytes)
{
	errno = 0;
	if (FileWrite(d->file, (char *) pixels, bytes, (off_t) d->file_size, WAIT_EVENT_BUFFILE_WRITE) == bytes)
	{
		d->file_size += bytes;
		return;
	}
	/* A write that falls short says no reason. */
	if (errno == 0)
		errno = ENOSPC;
	ereport(ERROR, (errcode_for_file_access(), errmsg("could not write to file \"%s\": %m", FilePathName(d->file))));
}

static void
read_pixels(scpg_dataset *d, uint8 *pixels, Size bytes, uint64 offset)
{
	errno = 0;
	if (FileRead(d->file, (char *) pixels, bytes, (off_t) offset, WAIT_EVENT_BUFFILE_READ) == bytes)
		return;
	if (errno == 0)
		errno = EIO;
	ereport(ERROR, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", FilePathName(d->file))));
}

/* ---- loading -------------------------------------------------------------- */

static Size
image_bytes(const scpg_kept_image *image)
{
	return sc_mul(sc_mul(image->width, image->height), image->channels);
}

/* Put the pixels of an image away, into memory or into the file. */
static void
keep_pixels(loader *l, scpg_kept_image *kept, const uint8 *pixels)
{
	scpg_dataset *d = l->dataset;
	Size bytes = image_bytes(kept);

	if (d->file == 0 && l->block.size - l->block.used < bytes + 2 * SC_ALIGN)
	{
		/* Many pictures to a block, so that little of it is lost where the next does not fit. */
		Size block = Min(Max(BLOCK_BYTES, sc_mul(bytes, 16)), Max(bytes, l->memory_limit / 16)) + 2 * SC_ALIGN;

		if (l->memory_used + block > l->memory_limit || block > scpg_memory_left() / 2)
			create_file(l);
		else
		{
			l->block = scpg_arena(d->context, block, "the images of a table");
			l->memory_used += block;
		}
	}
	if (d->file == 0)
	{
		kept->pixels = SC_TAKE(&l->block, uint8, bytes);
		memcpy(kept->pixels, pixels, bytes);
		return;
	}
	kept->offset = d->file_size;
	write_pixels(d, pixels, bytes);
}

/* Has an image no colour? Many gray pictures are stored as RGB. */
static bool
is_gray(const sc_image *image)
{
	Size pixels = (Size) image->width * image->height;
	const uint8 *p = image->pixels;

	if (image->channels == 1)
		return true;
	for (Size i = 0; i < pixels; i++, p += 3)
		if (p[0] != p[1] || p[0] != p[2])
			return false;
	return true;
}

/*
 * Are most pixels near the darkest or the lightest value, as in writing and line
 * drawings? Of a photograph about half are. First channel only: it is asked of
 * gray pictures.
 */
static bool
is_two_toned(const sc_image *image)
{
	Size pixels = (Size) image->width * image->height;
	int lo = 255, hi = 0;
	Size near = 0;

	for (Size i = 0; i < pixels; i++)
	{
		int v = image->pixels[i * image->channels];

		lo = Min(lo, v);
		hi = Max(hi, v);
	}
	for (Size i = 0; i < pixels; i++)
	{
		int v = image->pixels[i * image->channels];

		near += 4 * (v - lo) <= hi - lo || 4 * (hi - v) <= hi - lo;
	}
	return hi - lo >= 64 && 4 * near >= 3 * pixels;
}

/* An array with room for at least one more element than used, in cxt. */
static void *
grow(void *array, int64 used, int64 *room, Size item, MemoryContext cxt)
{
	int64 more = Max(1024, *room * 2);

	if (used < *room)
		return array;
	array = scpg_enlarge(array, *room * item, sc_mul(more, item), cxt, "the rows of a table");
	*room = more;
	return array;
}

static void
add_image(loader *l, const scpg_image_row *row)
{
	scpg_dataset *d = l->dataset;
	int64 room = l->images_room;
	loaded_image *image;

	l->image = grow(l->image, d->images, &room, sizeof(loaded_image), l->scratch);
	l->side = grow(l->side, d->images, &l->images_room, sizeof(int), l->scratch);
	image = &l->image[d->images];
	memset(image, 0, sizeof(*image));
	image->kept.key = image->kept.hash = row->hash;
	image->kept.width = row->image.width;
	image->kept.height = row->image.height;
	image->kept.channels = row->image.channels;
	image->row = d->rows;
	keep_pixels(l, &image->kept, row->image.pixels);
	l->side[d->images] = row->short_side;
	if (is_gray(&row->image))
	{
		l->gray++;
		l->strokes += is_two_toned(&row->image);
	}
	d->images++;
}

static void
add_row(loader *l, const scpg_image_row *row)
{
	scpg_dataset *d = l->dataset;
	scpg_kept_row *kept;

	d->row = grow(d->row, d->rows, &l->rows_room, sizeof(scpg_kept_row), d->context);
	kept = &d->row[d->rows];
	kept->id = scpg_keys_add(&l->keys, &d->source, row->id);
	kept->image = -1;
	if (row->status == SC_OK)
		add_image(l, row);
	else
		scpg_skips_add(&d->skips, &d->source, row->id, &row->error);
	d->rows++;
}

static int
compare_images(const void *a, const void *b)
{
	const loaded_image *x = a;
	const loaded_image *y = b;

	if (x->kept.key != y->kept.key)
		return x->kept.key < y->kept.key ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static int
compare_ints(const void *a, const void *b)
{
	int x = *(const int *) a;
	int y = *(const int *) b;

	return x < y ? -1 : x > y;
}

/* Give the images their keys and their order, and the rows their images. */
static void
finish(loader *l)
{
	scpg_dataset *d = l->dataset;
	int64 n = d->images;
	uint64 occurrence = 0;
	uint64 hash = 0;
	int lower, upper; /* of the short sides, in the middle of their order */

	if (n == 0)
		return;
	qsort(l->image, n, sizeof(loaded_image), compare_images);
	for (int64 i = 0; i < n; i++)
	{
		uint64 name[2];

		occurrence = i > 0 && l->image[i].kept.key == hash ? occurrence + 1 : 0;
		hash = l->image[i].kept.key;
		name[0] = hash;
		name[1] = occurrence;
		l->image[i].kept.key = sc_hash_bytes(name, sizeof(name), 0);
	}
	qsort(l->image, n, sizeof(loaded_image), compare_images);
	scpg_count_memory(d->context, sc_mul(n, sizeof(scpg_kept_image)), "the rows of a table");
	d->image = MemoryContextAllocHuge(d->context, sc_mul(n, sizeof(scpg_kept_image)));
	for (int64 i = 0; i < n; i++)
	{
		d->image[i] = l->image[i].kept;
		d->row[l->image[i].row].image = i;
	}

	qsort(l->side, n, sizeof(int), compare_ints);
	lower = l->side[(n - 1) / 2];
	upper = l->side[n / 2];
	d->median_side = ((double) lower + upper) / 2;
	d->gray_share = (double) l->gray / n;
	d->stroke_share = (double) l->strokes / n;
}

/* The dataset without rows; the source's names are copied. */
static scpg_dataset *
make_dataset(const scpg_source *source, scpg_on_error on_error)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass dataset", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_dataset *d = palloc0(sizeof(scpg_dataset));

	d->context = cxt;
	d->source = *source;
	d->source.relation = pstrdup(source->relation);
	d->source.id_column = pstrdup(source->id_column);
	d->source.id = pstrdup(source->id);
	d->source.data_column = pstrdup(source->data_column);
	d->skips.on_error = on_error;
	d->skips.context = cxt;
	MemoryContextSwitchTo(old);
	return d;
}

scpg_dataset *
scpg_dataset_load(const scpg_source *source, int max_side, scpg_on_error on_error, bool across_transactions)
{
	scpg_dataset *d = make_dataset(source, on_error);
	MemoryContext caller = CurrentMemoryContext;
	scpg_reader *reader;
	scpg_image_row *row;
	loader l;
	int count;

	memset(&l, 0, sizeof(l));
	l.dataset = d;
	l.across_transactions = across_transactions;
	l.memory_limit = scpg_memory_limit() / 8;
	scpg_keys_init(&l.keys, d->context);
	l.scratch = AllocSetContextCreate(d->context, "selfclass loading", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(l.scratch);
	reader = across_transactions ? scpg_reader_open_now(&d->source, max_side) : scpg_reader_open(&d->source, max_side);
	if (scpg_progress_is_shown())
		scpg_progress_phase("reading", scpg_reader_count(reader));
	while ((count = scpg_reader_next(reader, &row)) > 0)
	{
		for (int i = 0; i < count; i++)
			add_row(&l, &row[i]);
		scpg_progress_images(d->rows);
	}
	scpg_reader_close(reader);
	finish(&l);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(l.scratch);
	return d;
}

void
scpg_dataset_close(scpg_dataset *dataset)
{
	close_file(dataset);
	MemoryContextDelete(dataset->context);
}

/* ---- using ---------------------------------------------------------------- */

void
scpg_dataset_fetch(scpg_dataset *dataset, sc_image *out, const int64 *number, int count)
{
	sc_arena counter = sc_arena_counter();
	sc_arena arena = counter;

	for (int i = 0; i < count; i++)
	{
		Assert(number[i] >= 0 && number[i] < dataset->images);
		if (dataset->image[number[i]].pixels == NULL)
			(void) SC_TAKE(&counter, uint8, image_bytes(&dataset->image[number[i]]));
	}
	if (counter.used > 0)
		arena = scpg_arena(CurrentMemoryContext, sc_arena_need(&counter), "a batch of images");
	for (int i = 0; i < count; i++)
	{
		const scpg_kept_image *image = &dataset->image[number[i]];
		uint8 *pixels = image->pixels;

		if (pixels == NULL)
		{
			Size bytes = image_bytes(image);

			CHECK_FOR_INTERRUPTS();
			pixels = SC_TAKE(&arena, uint8, bytes);
			read_pixels(dataset, pixels, bytes, image->offset);
		}
		out[i].width = image->width;
		out[i].height = image->height;
		out[i].channels = image->channels;
		out[i].pixels = pixels;
		out[i].hash = image->hash;
	}
}

void
scpg_dataset_walk(scpg_dataset *dataset, int64 n, int each, scpg_images_use use, void *arg)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass images", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(batch);

	for (int64 first = 0; first < n; first += each)
	{
		int count = (int) Min(each, n - first);
		sc_image *images = palloc(sizeof(sc_image) * count);
		int64 *number = palloc(sizeof(int64) * count);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
			number[i] = first + i;
		scpg_dataset_fetch(dataset, images, number, count);
		use(arg, images, first, count);
		MemoryContextReset(batch);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch);
}
