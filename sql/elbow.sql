-- elbow, elbow_k, elbow_curve; the aggregate silhouette.
CREATE TABLE el AS SELECT elbow(e, 8) AS r FROM points;
SELECT k, abs(inertia / (ARRAY[65740.79138739489, 43741.309206981256, 23740.08071485441, 10468.333197442227, 2787.163803488659])[k] - 1) < 1e-6 AS as_sklearn,
	inertia <= lag(inertia) OVER (ORDER BY k) AS falls, chosen FROM el, elbow_curve(r);
SELECT elbow_k(r) FROM el;
-- the rules: the last k that gains enough, kneedle, the best silhouette
SELECT elbow_k(elbow(e, 8, '{"min_gain": 0.2}')) AS last_turn, elbow_k(elbow(e, 8, '{"min_gain": 0.5}')) AS none,
	elbow_k(elbow(e, 8, '{"method": "kneedle"}')) AS kneedle, elbow_k(elbow(e, 8, '{"method": "kneedle", "sensitivity": 100}')) AS insensitive,
	elbow_k(elbow(e, 8, '{"method": "silhouette", "n_init": 3}')) AS silhouette FROM points;
SELECT bool_and(abs(a.inertia / b.inertia - 1) < 1e-5) AS same_curve, count(*)
	FROM el, elbow_curve(r) a, elbow_curve((SELECT elbow(e, 8, '{"method": "silhouette"}') FROM points)) b WHERE a.k = b.k AND a.k <= 5;
-- five groups, however many numbers are tried; too few are said
SELECT most, elbow_k(elbow(e, most, '{"method": "kneedle"}')) AS kneedle FROM points, unnest(ARRAY[6, 8, 11, 15]) most GROUP BY most ORDER BY most;
SET client_min_messages = notice;
SELECT elbow_k(elbow(e, 4, '{"method": "kneedle"}')) IS DISTINCT FROM 5 AS kneedle FROM points;
SELECT elbow_k(elbow(e, 4)) AS last_turn FROM points;
SELECT elbow_k(elbow(e, 9, '{"method": "kneedle"}')) AS no_more_rows FROM points WHERE id < 4;
RESET client_min_messages;
SELECT * FROM elbow_curve('(3,0;10,9.95,9.9)');
-- the order of the rows changes no bit
SELECT elbow(e, 6 ORDER BY id DESC)::text = elbow(e, 6)::text AS reversed FROM points;

-- max_k stops one below the number of rows
SELECT count(*), count(*) FILTER (WHERE chosen) AS chosen FROM elbow_curve((SELECT elbow(e, 2147483647) FROM points WHERE id < 4));
SELECT elbow(e, 5), elbow_k(elbow(e, 5)) FROM (VALUES ('[1,2]'::embedding)) v (e);
SELECT k, abs(inertia - 4) < 1e-9 AS inertia, chosen
	FROM elbow_curve((SELECT elbow(e, 5, '{"method": "silhouette"}') FROM (VALUES ('[1,2]'::embedding), ('[3,4]'), (NULL)) v (e)));
SELECT elbow(e, 5), elbow(e, 5, '{"method": "kneedle"}') AS kneedle, elbow(e, 5, '{"method": "silhouette"}') AS silhouette
	FROM (VALUES ('[1,2]'::embedding), ('[1,2]'), ('[1,2]'), ('[1,2]')) v (e);
SELECT elbow_k(elbow(e, 5)), elbow_k(elbow(e, 5, '{"method": "silhouette"}')) AS silhouette FROM (VALUES ('[1,2]'::embedding), ('[1,2]'), ('[1,2]'), ('[1,5]')) v (e);
SELECT elbow(e, 5) IS NULL AS no_rows FROM points WHERE false;
SELECT elbow(NULL::embedding, 5) IS NULL AS only_nulls FROM points;
SELECT elbow_k(NULL) IS NULL AS nulls, (SELECT count(*) FROM elbow_curve(NULL)) AS no_rows;

-- by the neighbour graph: five groups whatever max_k is, sure of it; the inertia beside it
SELECT k, k_low <= 5 AND k_high >= 5 AS range, method, score > chance AS clear, round(score::numeric, 1) AS score
	FROM elbow_choice((SELECT elbow(e, 8, '{"method": "graph"}') FROM points));
SELECT elbow_k(r), (SELECT count(*) FROM elbow_curve(r)) AS numbers, (SELECT count(*) FROM elbow_curve(r) WHERE chosen) AS chosen, r::text::elbow_result::text = r::text AS text
	FROM (SELECT elbow(e, 3, '{"method": "graph"}') AS r FROM points) x;
SELECT elbow(e, 3, '{"method": "graph"}' ORDER BY id DESC)::text = elbow(e, 3, '{"method": "graph"}')::text AS reversed FROM points;
-- a cloud without groups: no more than chance
SELECT score <= chance AS unclear FROM elbow_choice((SELECT elbow(('[' || (SELECT string_agg((5 + sqrt(-2 * ln((hashint4(i * 100 + j) & 65535 | 1) / 65536.0)) * cos(6.2831853 * (hashint4(i * 100 + j + 50) & 65535) / 65536.0))::text, ',') FROM generate_series(1, 6) j) || ']')::embedding, 5, '{"method": "graph"}') FROM generate_series(1, 300) i));
-- the other methods say which, and a result of version 1.0 does not
SELECT (elbow_choice(elbow(e, 8))).*, (elbow_choice(elbow(e, 8, '{"method": "kneedle"}'))).method AS kneedle FROM points;
SELECT * FROM elbow_choice('(3,2;10,9.95,9.9)');
SELECT * FROM elbow_choice('(3,0;10,9.95,9.9)');
SELECT * FROM elbow_choice('(2,9,4,8,10;3,1,0.75,0.5,0.9)');
SELECT elbow_k('(2,9,4,8,10;3,1,0.75,0.5,0.9)'), (SELECT bool_or(chosen) FROM elbow_curve('(2,9,4,8,10;3,1,0.75,0.5,0.9)')) AS in_curve,
	elbow_svg('(2,9,4,8,10;3,1,0.75,0.5,0.9)') LIKE '%k = 9, beyond this curve%' AS drawn, elbow_result_send('(2,9,4,8,10;3,1,0.75,0.5,0.9)') AS sent;
-- leiden: the blobs, alike from whatever side; k, partitions, NULL
SELECT l, count(*), count(DISTINCT truth) AS truths FROM (SELECT truth, leiden(e) OVER () AS l FROM points) x GROUP BY l ORDER BY l;
SELECT count(DISTINCT l) AS k, bool_and(l = m) AS any_order FROM (SELECT leiden(e, 7) OVER () AS l, leiden(e, 7, '{}') OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS m FROM points) x;
SELECT id % 2 AS half, count(DISTINCT l) AS k, max(l) AS last FROM (SELECT id, leiden(CASE WHEN id <> 3 THEN e END, NULL, '{"neighbors": 12, "resolution": 1, "n_init": 3, "metric": "l2", "seed": 5}') OVER (PARTITION BY id % 2) AS l FROM points) x GROUP BY half ORDER BY half;
SELECT id, leiden(CASE WHEN id <> 3 THEN e END) OVER () IS NULL AS no_label FROM points WHERE id < 4 ORDER BY id;
SELECT count(DISTINCT leiden) AS k FROM (SELECT leiden(e, 9) OVER () FROM (SELECT e FROM points WHERE id < 5 UNION ALL SELECT e FROM points WHERE id < 5) p) x;

-- silhouette
SELECT abs(silhouette(e, truth::int) - 0.7791842962000489) < 1e-9 AS as_sklearn, abs(silhouette(e, (-1000 * truth)::int ORDER BY id DESC) - 0.7791842962000489) < 1e-9 AS any_label FROM points;
SELECT abs(silhouette(e, CASE WHEN id < 600 THEN truth::int END) - 0.7791842962000489) < 1e-9 AS without_null
	FROM (SELECT id, truth, e FROM points UNION ALL SELECT 600, 1, '[1,1,1,1,1,1,1,1,1,1,1,1]' UNION ALL SELECT 1, 1, NULL) p;
SELECT abs(silhouette(e, l) - (9.5 / 10.5 + 8.5 / 9.5) / 2) < 1e-12 AS two_labels, silhouette(e, 3) AS one_label, silhouette(e, NULL) AS no_label FROM (VALUES ('[0]'::embedding, 7), ('[1]', 7), ('[10]', -7), ('[11]', -7)) v (e, l);
SELECT silhouette(e, 1) IS NULL AS no_rows FROM points WHERE false;
-- a row far from all others, the first or the last, changes nothing of theirs
SELECT round(silhouette(e, l ORDER BY n)::numeric, 6) AS first, round(silhouette(e, l ORDER BY n DESC)::numeric, 6) AS last
	FROM (VALUES (1, '[1e8]'::embedding, 2), (2, '[0]', 0), (3, '[0.001]', 0), (4, '[1]', 1), (5, '[1.001]', 1)) v (n, e, l);

-- what is refused
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT elbow(e, 0) FROM points$$);
SELECT failure($$SELECT elbow(e, NULL) FROM points$$);
SELECT elbow(e, 5, NULL)::text = elbow(e, 5)::text FROM points;
SELECT failure($$SELECT elbow(e, 1 + (id % 2)::int) FROM points$$);
SELECT failure($$SELECT elbow(e, 5, '{"elbow_method": "kneedle"}') FROM points$$);
SELECT failure($$SELECT elbow(e, 5, '{"method": "knee"}') FROM points$$);
SELECT failure($$SELECT elbow(e, 5, '{"min_gain": 0}') FROM points$$);
SELECT failure($$SELECT elbow(e, 5, '{"n_init": 1.5}') FROM points$$);
SELECT failure($$SELECT elbow(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 2) FROM points$$);
SELECT failure($$SELECT elbow(e, 5, '{"method": "graph", "metric": "l1"}') FROM points$$);
SELECT failure($$SELECT '(2,9,4,10,10;3,1,0.75,0.5)'::elbow_result$$);
SELECT failure($$SELECT '(2,9,4,8,10;3,1)'::elbow_result$$);
SELECT failure($$SELECT '(2,3;3,1)'::elbow_result$$);
SELECT failure($$SELECT '(2,1,5,0,0;3,1)'::elbow_result$$);
SELECT failure($$SELECT leiden(e, 0) OVER () FROM points$$);
SELECT failure($$SELECT leiden(e, 3000000000) OVER () FROM points$$);
SELECT failure($$SELECT leiden(e, 3, '{"neighbours": 5}') OVER () FROM points$$);
SELECT failure($$SELECT leiden(e, 3, '{"resolution": 0}') OVER () FROM points$$);
SELECT bool_and(a = b) FROM (SELECT leiden(e, 3, NULL) OVER () AS a, leiden(e, 3) OVER () AS b FROM points) l;
SELECT failure($$SELECT silhouette(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 2) FROM points$$);
\pset format aligned
\pset tuples_only off
DROP TABLE el;
