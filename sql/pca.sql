-- pca_fit and what is done with its model.
CREATE TABLE pca4 AS SELECT pca_fit(e, 4) AS m FROM points;

SELECT component, embedding_dims(embedding) AS dims, abs(embedding_norm(embedding) - 1) < 1e-6 AS unit,
	abs(explained_variance - (ARRAY[38.64111098516102, 36.04959008651732, 21.94734680830313, 10.11201635707705])[component]) < 1e-9 AS variance,
	abs(explained_variance_ratio - (ARRAY[0.3520801163423394, 0.3284673641145769, 0.1999741782952475, 0.09213606453558056])[component]) < 1e-12 AS ratio
	FROM pca4, pca_components(m);
SELECT abs(abs(embedding_inner_product(embedding, '[-0.5215737185924342,-0.3180287756470805,0.5255073983709865,0.16369550337212327,0.375037634987538,0.06531629425706123,0.1499870779929644,-0.2239162136698425,0.057757833670140604,0.09482014607851925,0.3065113238600837,-0.005852435260321598]')) - 1) < 1e-6 AS first
	FROM pca4, pca_components(m) WHERE component = 1;
SELECT pca_mean(m) <-> (SELECT avg(e) FROM points) < 1e-5 AS mean FROM pca4;
SELECT count(*) FROM pca_components((SELECT pca_fit(e, 0.9) FROM points));
SELECT count(*) FROM pca_components((SELECT pca_fit(e, 0.3) FROM points));

-- coordinates: as many as components, mean 0, their variance that of the model, or 1
SELECT embedding_dims(pca_transform(e, m)) AS dims FROM points, pca4 WHERE id = 0;
WITH y AS (SELECT (pca_transform(e, m))::float8[] AS y FROM points, pca4)
SELECT c, abs(avg(y[c])) < 1e-5 AS mean, abs(var_samp(y[c]) - (ARRAY[38.64111098516102, 36.04959008651732, 21.94734680830313, 10.11201635707705])[c]) < 1e-4 AS variance
	FROM y, generate_series(1, 4) c GROUP BY c ORDER BY c;
WITH m AS (SELECT pca_fit(e, 3, '{"whiten": true}') AS m FROM points),
	y AS (SELECT (pca_transform(e, m))::float8[] AS y FROM points, m)
SELECT c, abs(avg(y[c])) < 1e-5 AS mean, abs(var_samp(y[c]) - 1) < 1e-5 AS variance
	FROM y, generate_series(1, 3) c GROUP BY c ORDER BY c;

-- the order of the rows changes nothing but the last digits
SELECT bool_and(a.embedding <-> b.embedding < 1e-6 AND abs(a.explained_variance / b.explained_variance - 1) < 1e-12) AS same
	FROM pca4, pca_components(m) a, pca_components((SELECT pca_fit(e, 4 ORDER BY id DESC) FROM points)) b
	WHERE a.component = b.component;

-- nor do parallel workers, which each see a part
ALTER TABLE points SET (parallel_workers = 3);
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 3;
EXPLAIN (COSTS OFF) SELECT pca_fit(e, 4) FROM points;
SELECT bool_and(a.embedding <-> b.embedding < 1e-6 AND abs(a.explained_variance / b.explained_variance - 1) < 1e-12) AS same
	FROM pca4, pca_components(m) a, pca_components((SELECT pca_fit(e, 4) FROM points)) b
	WHERE a.component = b.component;
COMMIT;
-- states joined by hand: three parts, waiting rows and all, far from each other
SELECT bool_and(a.embedding <-> b.embedding < 1e-6 AND abs(a.explained_variance / b.explained_variance - 1) < 1e-12) AS same
	FROM pca4, pca_components(m) a, pca_components(pca_final((
		WITH RECURSIVE part AS (SELECT id, pca_accum(NULL, e, 4) AS s, 1 AS n FROM points WHERE id IN (0, 200, 201)
			UNION ALL SELECT p.id, pca_accum(s, e, 4), n + 1 FROM part, points p
				WHERE p.id = part.id + 1 AND p.id NOT IN (200, 201)),
		last AS (SELECT s FROM part WHERE id IN (199, 200, 599))
		SELECT pca_combine(pca_combine((SELECT s FROM last LIMIT 1), (SELECT s FROM last OFFSET 1 LIMIT 1)), (SELECT s FROM last OFFSET 2))))) b
	WHERE a.component = b.component;

-- groups, windows, FILTER
SELECT truth, count(*) FROM (SELECT truth, pca_fit(e, 2) AS m FROM points GROUP BY truth) g, pca_components(m) GROUP BY truth ORDER BY truth;
SELECT count(m), count(DISTINCT m::text) FROM (SELECT pca_fit(e, 1) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS m FROM points WHERE id < 10) w;

-- a mean far from zero costs no digits; wide rows
SELECT abs(explained_variance - 2.5) < 1e-6 AS variance
	FROM pca_components((SELECT pca_fit(ARRAY[1000000 + i, -2000000]::embedding, 1) FROM generate_series(1, 5) i));
SELECT count(*), bool_and(explained_variance > 0) AS positive
	FROM pca_components((SELECT pca_fit((SELECT array_agg(sin(i * j))::embedding FROM generate_series(1, 500) j), 7) FROM generate_series(1, 200) i));
SELECT pca_fit(('[3e38' || repeat(',-3e38', 9) || ']')::embedding, 1) IS NOT NULL AS large FROM generate_series(1, 3);

-- none, one, NULL, equal rows
SELECT pca_fit(e, 2) IS NULL AS no_rows FROM points WHERE false;
SELECT pca_fit(NULL::embedding, 2) IS NULL AS only_nulls FROM points;
SELECT pca_transform(NULL, m) IS NULL AND pca_transform('[1]', NULL) IS NULL AND pca_mean(NULL) IS NULL AS nulls FROM pca4;
SELECT count(*) FROM pca_components(NULL);
SELECT component, embedding_norm(embedding) = 1 AS unit, explained_variance, explained_variance_ratio
	FROM pca_components((SELECT pca_fit(e, 1) FROM (VALUES ('[1,2]'::embedding), (NULL)) v (e)));
SELECT pca_transform('[1,2]', pca_fit(e, 2, '{"whiten": true}')) FROM (VALUES ('[1,2]'::embedding), ('[1,2]')) v (e);
-- two dimensions of ten, far from zero: what float4 rounds away is no variance
WITH far AS (SELECT i, (SELECT array_agg(1000 + sin(i * 0.731) * cos(j * 1.1) + cos(i * 1.37) * sin(j * 0.7 + 1) ORDER BY j) FROM generate_series(1, 10) j)::embedding AS e
	FROM generate_series(1, 200) i), coordinate AS (SELECT c, x FROM far, unnest(pca_transform(e, (SELECT pca_fit(e, 10, '{"whiten": true}') FROM far))::real[]) WITH ORDINALITY u (x, c))
	SELECT array_agg(variance ORDER BY c) AS variances FROM (SELECT c, round(var_samp(x)::numeric, 4) AS variance FROM coordinate GROUP BY c) v;
SELECT pca_transform('[3,5]', pca_fit(e, 0.5)) FROM (VALUES ('[1,2]'::embedding), ('[1,2]')) v (e);

-- what is refused
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT pca_fit(e, 0) FROM points$$);
SELECT failure($$SELECT pca_fit(e, 13) FROM points$$);
SELECT failure($$SELECT pca_fit(e, 3) FROM points WHERE id < 2$$);
SELECT failure($$SELECT pca_fit(e, 1.5) FROM points$$);
SELECT failure($$SELECT pca_fit(e, 13::bigint) FROM points$$);
SELECT failure($$SELECT pca_fit(e, 0::bigint) FROM points$$);
SELECT failure($$SELECT pca_fit(e, -1::float8) FROM points$$);
SELECT failure($$SELECT pca_fit(e, 'Infinity') FROM points$$);
SELECT failure($$SELECT pca_fit(e, 'NaN') FROM points$$);
SELECT failure($$SELECT pca_fit(e, NULL::int) FROM points$$);
SELECT failure($$SELECT pca_fit(e, (id % 2 + 1)::int) FROM points$$);
SELECT pca_fit(e, 2, NULL)::text = pca_fit(e, 2)::text FROM points;
SELECT failure($$SELECT pca_fit(e, 2, '{"whitened": true}') FROM points$$);
SELECT failure($$SELECT pca_fit(e, 2, '{"whiten": 1}') FROM points$$);
SELECT failure($$SELECT pca_fit(e, 2, '[]') FROM points$$);
SELECT failure($$SELECT pca_fit(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 2) FROM points$$);
SELECT failure($$SELECT pca_transform('[1,2]', m) FROM pca4$$);
SELECT failure($$SELECT pca_transform('[3e38,3e38]', '(2,1,0;0,0,1,1,1,1)')$$);
SELECT failure($$SELECT pca_accum('\x00', '[1]', 1)$$);
SELECT failure($$SELECT pca_final(substr(pca_accum(NULL, '[1]', 1), 1, 40))$$);
SELECT failure($$SELECT pca_combine(pca_accum(NULL, '[1]', 1), pca_accum(NULL, '[1,2]', 1))$$);
SELECT failure($$SELECT pca_combine(pca_accum(NULL, '[1]', 1), pca_accum(NULL, '[1]', 0.5))$$);
\pset format aligned
\pset tuples_only off
DROP TABLE pca4;
