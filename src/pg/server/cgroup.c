/*-------------------------------------------------------------------------
 *
 * src/pg/server/cgroup.c
 *	  What the process's own cgroup lets it use: the quota of CPU time.
 *
 * /proc/self/cgroup says which cgroup that is in each hierarchy, mountinfo where
 * the hierarchies are mounted, and of which part. A quota binds at every level,
 * so they are looked at from the process's cgroup up to what is mounted. In a
 * container the path that the kernel tells can be one of the host's, of which
 * nothing is mounted here; then the mount is the container's own cgroup.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/string.h"
#include "lib/stringinfo.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "pg/server/cgroup.h"

/* A hierarchy that has quotas, as the process sees it. */
typedef struct hierarchy
{
	bool unified; /* version 2 */
	char *path;	  /* the process's cgroup in it */
} hierarchy;

/* The first two numbers of a file, "max" as -1; how many there were. */
static int
read_numbers(const char *path, long *first, long *second)
{
	FILE *f = AllocateFile(path, "r");
	char line[64];
	int count = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
	{
		if (strncmp(line, "max", 3) == 0)
		{
			*first = -1;
			count = 1;
		}
		else
			count = sscanf(line, "%ld %ld", first, second);
	}
	FreeFile(f);
	return count;
}

/* CPUs by the quota of one cgroup; 0: it has none. */
static int
quota_of(const char *folder, bool unified)
{
	long quota = -1;
	long period = 0;

	if (unified)
		(void) read_numbers(psprintf("%s/cpu.max", folder), &quota, &period);
	else
	{
		(void) read_numbers(psprintf("%s/cpu.cfs_quota_us", folder), &quota, &period);
		(void) read_numbers(psprintf("%s/cpu.cfs_period_us", folder), &period, &period);
	}
	if (quota <= 0 || period <= 0)
		return 0;
	return (int) Min((quota - 1) / period + 1, PG_INT32_MAX);
}

static int
smaller_quota(int a, int b)
{
	return a == 0 ? b : b == 0 ? a : Min(a, b);
}

/* Is word one of those in a list with commas? */
static bool
lists(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at != NULL; at = strchr(at, ','))
	{
		if (*at == ',')
			at++;
		if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* mountinfo writes blanks and backslashes as three octal digits: in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
	{
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7')
		{
			*to++ = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		}
		else
			*to++ = *s;
	}
	*to = '\0';
}

/* The n-th word of a line (from 0), or NULL; cuts it off there. */
static char *
word_at(char *line, int n)
{
	char *rest = line;
	char *word;

	do
		word = strsep(&rest, " ");
	while (word != NULL && n-- > 0);
	return word;
}

/* A line of mountinfo, as far as it says what is mounted of a hierarchy (root) and where (point). */
static bool
is_mounted(char *line, const hierarchy *h, char **root, char **point)
{
	char *behind = strstr(line, " - ");
	char *type;
	char *options;

	if (behind == NULL)
		return false;
	*behind = '\0';
	type = behind + 3;
	options = strrchr(type, ' ');
	if (options == NULL)
		return false;
	options++;
	if (h->unified ? strncmp(type, "cgroup2 ", 8) != 0 : strncmp(type, "cgroup ", 7) != 0 || !lists(options, "cpu"))
		return false;
	*root = word_at(pstrdup(line), 3);
	*point = word_at(pstrdup(line), 4);
	if (*root == NULL || *point == NULL)
		return false;
	unescape(*root);
	unescape(*point);
	return true;
}

/* The process's cgroup below what is mounted ("" or "/a/b"). */
static const char *
path_below(const char *path, const char *root)
{
	size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0') ||
		strstr(path, "/..") != NULL || strcmp(path + length, "/") == 0)
		return "";
	return path + length;
}

/* The smallest quota from the process's cgroup up to the mount's top. */
static int
quota_up(const hierarchy *h, const char *top, const char *root, const char *point)
{
	char *mount = psprintf("%s%s", top, point);
	char *folder = psprintf("%s%s", mount, path_below(h->path, root));
	int quota = 0;

	for (;;)
	{
		quota = smaller_quota(quota, quota_of(folder, h->unified));
		if (strlen(folder) <= strlen(mount))
			return quota;
		*strrchr(folder, '/') = '\0';
	}
}

static int
quota_in(const hierarchy *h, const char *top)
{
	FILE *f = AllocateFile(psprintf("%s/proc/self/mountinfo", top), "r");
	StringInfoData line;
	int quota = 0;

	if (f == NULL)
		return 0;
	initStringInfo(&line);
	while (pg_get_line_buf(f, &line))
	{
		char *root;
		char *point;

		(void) pg_strip_crlf(line.data);
		if (is_mounted(line.data, h, &root, &point))
			quota = smaller_quota(quota, quota_up(h, top, root, point));
	}
	FreeFile(f);
	return quota;
}

/* A line of /proc/self/cgroup: number:controllers:path, without controllers for version 2. */
static bool
has_quotas(char *line, hierarchy *h)
{
	char *controllers = strchr(line, ':');
	char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');

	if (path == NULL)
		return false;
	*path++ = '\0';
	controllers++;
	h->unified = *controllers == '\0';
	h->path = path;
	return h->unified || lists(controllers, "cpu");
}

int
scpg_cgroup_cpus(const char *top)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass cgroup", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(cxt);
	FILE *f = AllocateFile(psprintf("%s/proc/self/cgroup", top), "r");
	StringInfoData line;
	int quota = 0;

	initStringInfo(&line);
	while (f != NULL && pg_get_line_buf(f, &line))
	{
		hierarchy h;

		(void) pg_strip_crlf(line.data);
		if (has_quotas(line.data, &h))
			quota = smaller_quota(quota, quota_in(&h, top));
	}
	if (f != NULL)
		FreeFile(f);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	return quota;
}
