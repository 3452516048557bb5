-- The extension goes into a schema of its own that no later test has in its
-- search_path unless it says so here: the database's default for the tests.
CREATE SCHEMA selfclass;
CREATE EXTENSION selfclass SCHEMA selfclass;
ALTER DATABASE contrib_regression SET search_path = public, selfclass;
-- What a statement that should fail fails with, as one line; for the tests that try many.
CREATE FUNCTION failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT extversion FROM pg_extension WHERE extname = 'selfclass';

SET search_path = public, selfclass;
-- The points that scikit-learn's values were made of: 600 rows of 12 dimensions around 5 centres.
CREATE TABLE points AS
	SELECT i AS id, i % 5 AS truth, array_agg((((i % 5 * 37 + j * 11 + i % 5 * j * 5) % 23) * 0.5 +
		(i * 7919 + j * 104729 + i * i * 31 + j * i * 17) % 1009 / 1009.0 * (1 + j % 3))::real ORDER BY j)::embedding AS e
	FROM generate_series(0::bigint, 599) i, generate_series(0::bigint, 11) j GROUP BY i ORDER BY i;
ALTER TABLE points ADD PRIMARY KEY (id);
VACUUM ANALYZE points;
