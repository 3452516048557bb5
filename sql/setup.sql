-- The extension goes into a schema of its own that no later test has in its
-- search_path unless it says so here: the database's default for the tests.
CREATE SCHEMA selfclass;
CREATE EXTENSION selfclass SCHEMA selfclass;
ALTER DATABASE contrib_regression SET search_path = public, selfclass;
SELECT extversion FROM pg_extension WHERE extname = 'selfclass';
