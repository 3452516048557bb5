/*-------------------------------------------------------------------------
 *
 * src/pg/type/elbow_result.c
 *	  The SQL type elbow_result: what it holds, its making and its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "pg/type/elbow_result.h"

/* Methods, numbered from 1: those of scpg_elbow_choice, which has its place above this room. The last one is the graph. */
#define METHODS 4
#define BY_GRAPH 4

/* Numbers after the inertia of a choice by the graph: modularity, chance, stability. */
#define GRAPH_NUMBERS 3

/*
 * head: n, chosen, and since version 1.1 method, low, high; x: inertia (n), and
 * by the graph modularity, chance and stability.
 */
static size_t
count(const int32 *head)
{
	bool graph = head[2] == BY_GRAPH;

	if (head[0] < 1 || head[1] < 0 || head[2] < 0 || head[2] > METHODS)
		return 0;
	if (graph ? head[3] < 1 || head[3] > head[1] || head[4] < head[1]
			  : head[1] > head[0] || head[3] != 0 || head[4] != 0)
		return 0;
	return (size_t) head[0] + (graph ? GRAPH_NUMBERS : 0);
}

static bool
valid(const scpg_numbers *value)
{
	scpg_elbow_result r = scpg_elbow_result_open(value);

	for (int i = 0; i < r.n; i++)
		if (r.inertia[i] < 0)
			return false;
	return fabs(r.score) <= 1 && fabs(r.chance) <= 1 && fabs(r.stability) <= 1;
}

const scpg_numbers_form scpg_elbow_result_form = {"elbow_result", 2, 3, count, valid};

scpg_numbers *
scpg_elbow_result_make(const scpg_elbow_result *parts)
{
	int32 head[NUMBERS_HEAD] = {parts->n, parts->chosen, parts->method, parts->low, parts->high};
	scpg_numbers *result = scpg_numbers_new(&scpg_elbow_result_form, head);

	memcpy(result->x, parts->inertia, parts->n * sizeof(double));
	if (scpg_elbow_result_by_graph(parts))
	{
		result->x[parts->n] = parts->score;
		result->x[parts->n + 1] = parts->chance;
		result->x[parts->n + 2] = parts->stability;
	}
	return result;
}

scpg_elbow_result
scpg_elbow_result_open(const scpg_numbers *value)
{
	scpg_elbow_result r = {.n = value->head[0],
						   .chosen = value->head[1],
						   .method = value->head[2],
						   .low = value->head[3],
						   .high = value->head[4],
						   .inertia = value->x};

	Assert(count(value->head) > 0);
	if (scpg_elbow_result_by_graph(&r))
	{
		r.score = value->x[r.n];
		r.chance = value->x[r.n + 1];
		r.stability = value->x[r.n + 2];
	}
	return r;
}

bool
scpg_elbow_result_by_graph(const scpg_elbow_result *r)
{
	return r->method == BY_GRAPH;
}
