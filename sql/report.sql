-- report_html: the whole result of a model as one file.
CREATE SCHEMA report_test;
SET search_path = report_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE FUNCTION occurs(report text, pattern text) RETURNS bigint LANGUAGE sql AS
	'SELECT count(*) FROM regexp_matches(report, pattern, ''g'')';
-- A server built without libxml has no parser.
CREATE FUNCTION is_html(report text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN xml_is_well_formed_document(report) AND report ~ '^<!DOCTYPE html>.*</html>\n$';
EXCEPTION WHEN feature_not_supported THEN
	RETURN report ~ '^<!DOCTYPE html>.*</html>\n$';
END $$;
-- Names of namespaces are no links.
CREATE FUNCTION links(report text) RETURNS bigint LANGUAGE sql AS
	$$SELECT occurs(regexp_replace(report, 'xmlns="[^"]*"|data:image/jpeg;base64,[A-Za-z0-9+/=]*', '', 'g'), '//|href|url\(|<script[^>]|src="[^"]')$$;
CREATE FUNCTION parts(report text) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(m[1], ', ' ORDER BY n) FROM regexp_matches(report, '<h[123]>([^<]*)', 'g') WITH ORDINALITY r(m, n)$$;
CREATE FUNCTION holds(report text, picture bytea) RETURNS boolean LANGUAGE sql AS
	$$SELECT strpos(report, 'base64,' || translate(encode(picture, 'base64'), E'\n', '') || '"') > 0$$;

-- A key and names that need quotes, one image that cannot be read.
CREATE TABLE "<b>&""pictures" ("the <key>" text COLLATE "C" PRIMARY KEY, image bytea);
INSERT INTO "<b>&""pictures" SELECT 'p' || i, test_picture(i % 3, i) FROM generate_series(1, 24) i;
INSERT INTO "<b>&""pictures" VALUES ('p25', 'no image');
\set tiny '\'{"preset": "lightly", "input_size": 16, "epochs": 2, "batch_size": 8}\''

CALL cluster_images_into('"<b>&""pictures"', 'groups', k => 3, model => 'tiny', options => :tiny);
SELECT report_html('tiny') AS report \gset
-- Who is least sure is shown twice; how many are depends on the CPU's arithmetic.
SELECT is_html(:'report'), links(:'report'), parts(:'report'), occurs(:'report', '<svg') AS drawings, occurs(:'report', '<img') >= 24 AS pictures;
SELECT :'report' LIKE '%<td>report_test.&quot;&lt;b&gt;&amp;&quot;&quot;pictures&quot;</td>%' OR :'report' LIKE '%<td>report_test."&lt;b&gt;&amp;""pictures"</td>%' AS source,
	:'report' LIKE '%<tr><th>input_size</th><td>16</td></tr>%' AS setting, :'report' LIKE '%The number of groups was given.%' AS given,
	:'report' ~ '2 epochs, loss \d+\.\d{3} at the end' AS loss;
SELECT :'report' ~ '<tr><th>how sure that is</th><td>the number was given</td></tr>' AS sure,
	:'report' ~ '<tr><td><bdi>p25</bdi></td><td>not a JPEG.*\(Its 8 bytes begin with 6e 6f 20 69 6d 61 67 65\.\)</td></tr>' AS unreadable,
	:'report' LIKE '%neighbour graph of these pictures:%' AS graph, :'report' LIKE '%mean silhouette of the groups%' AS silhouette,
	:'report' LIKE '%<title>modularity by number of groups</title>%' AS modularity;
-- On dark pages too, the file and each of its drawings.
SELECT occurs(:'report', 'prefers-color-scheme') - occurs(:'report', '<svg') AS dark, occurs(:'report', 'name="color-scheme" content="light dark"') AS both;
-- The groups are those that the call made, and so are their pictures and their drawing.
SELECT g.label, :'report' LIKE format('%%<h3>Group %s <small>%s pictures</small></h3>%%', g.label, count(*)) AS size,
	holds(:'report', contact_sheet(p.image, 12, 80 ORDER BY g.distance)) AS sheet
	FROM groups g JOIN "<b>&""pictures" p ON p."the <key>" = g.id WHERE label IS NOT NULL GROUP BY g.label ORDER BY g.label;
SELECT strpos(:'report', scatter_svg(embedding_0, embedding_1, label)) > 0 AS drawing FROM groups WHERE label IS NOT NULL;
-- The same for any number of threads, in one transaction.
BEGIN;
SELECT md5(report_html('tiny')) AS before \gset
SET LOCAL selfclass.threads = 1;
SELECT md5(report_html('tiny')) = :'before' AS same;
ROLLBACK;

-- A key of two columns.
CREATE TABLE paired AS SELECT left("the <key>", 2) AS a, substr("the <key>", 3) AS b, image FROM "<b>&""pictures" WHERE image <> 'no image';
ALTER TABLE paired ADD PRIMARY KEY (a, b);
CREATE TYPE pair AS (a text, b text);
CREATE TABLE in_pairs AS SELECT * FROM cluster_images('paired', NULL::pair, 3, 'paired', '{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 8}');
SELECT g.label, holds(r, contact_sheet(p.image, 12, 80 ORDER BY g.distance)) AS sheet
	FROM report_html('paired') r, in_pairs g JOIN paired p ON ROW(p.a, p.b)::pair = g.id GROUP BY g.label, r ORDER BY g.label;

-- k by the elbow; a view, and a group that is empty by now.
CREATE VIEW few AS SELECT "the <key>" AS name, image FROM "<b>&""pictures" WHERE "the <key>" < 'p3' AND image <> 'no image';
SELECT count(*) FROM cluster_images('few', NULL::text, model => 'by_elbow', options => :tiny::jsonb || '{"id_column": "name", "pca_components": 2}');
SELECT is_html(r), r LIKE '%was chosen%' AS chosen, r LIKE '%The number of groups was given%' AS given, strpos(r, elbow_svg(elbow)) > 0 AS curve,
	r LIKE '%more than two dimensions%' AS more FROM report_html('by_elbow') r, selfclass_models WHERE name = 'by_elbow';
SELECT count(*) FROM cluster_images('few', NULL::text, 12, 'by_elbow');
CREATE OR REPLACE VIEW few AS SELECT "the <key>" AS name, image FROM "<b>&""pictures" WHERE "the <key>" < 'p2' AND image <> 'no image'
	UNION ALL SELECT 'p1', NULL;
SET client_min_messages = error;
SELECT is_html(r), r ~ '<h3>Group \d+ <small>0 pictures</small></h3>\n<h3>|<h3>Group 11 <small>0 pictures</small></h3>\n<h2>' AS empty FROM report_html('by_elbow') r;
-- one dimension has no drawing
SELECT count(*) FROM cluster_images('few', NULL::text, 2, 'by_elbow', '{"pca_components": 1}');
-- (which label the second group takes over depends on last digits)
SELECT is_html(r), regexp_replace(parts(r), 'Group \d+', 'Group N', 'g') AS parts FROM report_html('by_elbow') r;
SET client_min_messages = warning;
-- no image is left; the table is gone
CREATE OR REPLACE VIEW few AS SELECT "the <key>" AS name, image FROM "<b>&""pictures" WHERE false;
SELECT is_html(r), parts(r) FROM report_html('by_elbow') r;
DROP VIEW few;
SELECT is_html(r), parts(r), r LIKE '%a table that is gone%' AS gone FROM report_html('by_elbow') r;

-- Not clustered; of an imported file; not ready.
CALL train_encoder('only_trained', '"<b>&""pictures"', :tiny);
SELECT is_html(r), parts(r), occurs(r, '<img') AS pictures FROM report_html('only_trained') r;
SELECT import_encoder('imported', export_encoder('only_trained'), '{"input_size": 16}');
SELECT is_html(r), parts(r), occurs(r, '<th>') > 50 AS settings FROM report_html('imported') r;
\set VERBOSITY sqlstate
CALL train_encoder('diverged', '"<b>&""pictures"', :tiny::jsonb || '{"lr": 1000, "weight_decay": 10, "epochs": 50}');
\set VERBOSITY default
SELECT is_html(r), parts(r) LIKE 'Model diverged%' AS title, r LIKE '%<td>failed</td>%' AS state FROM report_html('diverged') r;
-- A curve that still falls at its end is no news where the number of groups is there already.
CALL cluster_images_into('"<b>&""pictures"', 'given_groups', k => 3, model => 'given', options => :tiny::jsonb || '{"epochs": 0, "max_k": 4, "elbow_method": "last_turn"}');
SELECT is_html(report_html('given'));

-- Pictures that are there twice.
INSERT INTO "<b>&""pictures" SELECT '</bdi>"<again>' || i, image FROM "<b>&""pictures", generate_series(1, 13) i WHERE "the <key>" = 'p1';
SELECT is_html(r), r ~ '<h2>Doubles</h2>\n<p>\d+ pictures could go: ' AS doubles, r ~ '<h2>Doubles</h2>.*>&lt;/bdi&gt;&quot;&lt;again&gt;\d+</bdi></figure>' AS key,
	r ~ '<h2>Doubles</h2>.*<p>And [2-9]\d* more\.</p>' AS more FROM report_html('only_trained') r;
DELETE FROM "<b>&""pictures" WHERE "the <key>" LIKE '</bdi>%';

-- Errors, and the caller's rights.
SELECT report_html(NULL);
SELECT report_html('tiney');
SELECT report_html('tiny@2');
SELECT report_html('<b>');
CREATE ROLE report_reader;
GRANT USAGE ON SCHEMA report_test, selfclass TO report_reader;
SET ROLE report_reader;
SELECT report_html('tiny');
RESET ROLE;
SELECT grant_model('tiny', 'report_reader');
SET ROLE report_reader;
SELECT report_html('tiny');
RESET ROLE;
GRANT SELECT ON "<b>&""pictures", groups TO report_reader;
SET ROLE report_reader;
SET default_transaction_read_only = on;
SELECT is_html(report_html('tiny'));
RESET default_transaction_read_only;
RESET ROLE;
SELECT revoke_model('tiny', 'report_reader');
REVOKE ALL ON SCHEMA report_test, selfclass FROM report_reader;
REVOKE ALL ON "<b>&""pictures", groups FROM report_reader;
DROP ROLE report_reader;
SET selfclass.max_memory = '16MB';
\set VERBOSITY sqlstate
SELECT report_html('tiny');
\set VERBOSITY default
RESET selfclass.max_memory;
SELECT drop_model(name) FROM (SELECT DISTINCT name FROM selfclass_models WHERE name IN ('tiny', 'by_elbow', 'paired', 'given', 'only_trained', 'imported', 'diverged')) m ORDER BY name;
