-- report_html of a model with a label table: it says who is in which group, and
-- from boxes that a reader ticks comes the UPDATE that moves them.
CREATE SCHEMA report_labels;
SET search_path = report_labels, public, selfclass;
SET client_min_messages = error;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
-- A server built without libxml has no parser.
CREATE FUNCTION is_xml(report text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN xml_is_well_formed_document(report);
EXCEPTION WHEN feature_not_supported THEN
	RETURN true;
END $$;
CREATE FUNCTION occurs(report text, pattern text) RETURNS bigint LANGUAGE sql AS
	'SELECT count(*) FROM regexp_matches(report, pattern, ''g'')';
-- What a browser makes of an attribute; and of the boxes, all of them ticked.
CREATE FUNCTION attributes(report text, pattern text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(replace(replace(replace(m[1], '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&amp;', '&')
	FROM regexp_matches(report, pattern || '="([^"]*)"', 'g') m $$;
CREATE FUNCTION statement(report text, label int) RETURNS text LANGUAGE sql AS $$
	SELECT attributes(report, ' data-begin') || label || attributes(report, ' data-middle') ||
		(SELECT string_agg(a, ', ') FROM attributes(report, '<input class="box" type="checkbox" value') a) || ');' $$;

-- Keys that would end an attribute, a script, a comment, a literal, or turn what is around them.
CREATE TABLE "pic's" (id text COLLATE "C" PRIMARY KEY, image bytea);
INSERT INTO "pic's" SELECT key, test_picture((i % 3)::int, i::int) FROM unnest(ARRAY['</script><script>alert(1)</script>', ']]> & &amp; &#x0;',
	'''); DROP TABLE "pic''s"; --', E'back\\slash\\''', E'ctl\x01\x1f\x7f', E'new\nline\ttab\r', 'rtl' || chr(8238) || 'abc', '" onclick="x<>''"',
	'</textarea></form>', chr(65279) || chr(8203), '<!-- %s%n $$', ':x;']) WITH ORDINALITY k(key, i);
INSERT INTO "pic's" VALUES ('torn & "<gone>', 'x');
CALL cluster_images_into('"pic''s"', '"its groups"', k => 2, model => 'odd', options => '{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 4}');
UPDATE "its groups" SET confidence = 0.25 WHERE label IS NOT NULL;
SELECT name_cluster('odd', 1, '</option><script>"&');
SELECT report_html('odd') AS report \gset
SELECT is_xml(:'report'), occurs(:'report', '<script') AS scripts, occurs(:'report', '<input') AS boxes, occurs(:'report', '0\.25, or [01]<') AS doubtful,
	:'report' ~ '[\x01-\x08\x0b-\x1f]' AS controls;
SELECT :'report' LIKE '%<h3>Group 1: <bdi>&lt;/option&gt;&lt;script&gt;&quot;&amp;</bdi> <small>%' AS name,
	:'report' LIKE '%<option value="1">1: &lt;/option&gt;&lt;script&gt;&quot;&amp;</option>%' AS choice,
	:'report' LIKE '%<bdi>torn &amp; &quot;&lt;gone&gt;</bdi>%' AS torn;
-- The query that it shows for those that cannot be read.
SELECT replace(replace(replace(replace(substring(:'report' FROM '<code>(SELECT [^<]*image_info[^<]*)</code>'), '&gt;', '>'), '&lt;', '<'), '&quot;', '"'), '&amp;', '&') AS query \gset
SELECT id FROM (:query) AS q;
SELECT statement(:'report', 1) AS statement \gset
SELECT literal FROM attributes(:'report', '<input class="box" type="checkbox" value') literal ORDER BY literal COLLATE "C";
:statement
SELECT count(*), count(*) FILTER (WHERE label = 1 AND pinned) AS moved FROM "its groups";

-- Pinned rows are shown as such, and doubt nobody; a label of NULL is unsure; a picture without a row is named.
UPDATE "its groups" SET label = NULL, pinned = false WHERE id = ':x;';
UPDATE "its groups" SET label = 0, pinned = false, confidence = 0.75 WHERE id LIKE '</%';
DELETE FROM "its groups" WHERE id LIKE '<!--%';
SELECT report_html('odd') AS report \gset
SELECT occurs(:'report', '<small>2 pictures</small>') AS two, occurs(:'report', '<small>8 pictures</small>') AS eight, occurs(:'report', '>pinned, or 0<') AS pinned,
	occurs(:'report', '0\.75, or 1<') AS doubtful, :'report' LIKE '%<h3>Of no group <small>2 pictures</small></h3>%' AS outside, occurs(:'report', '>no row') AS without,
	occurs(:'report', '8 pinned') AS counted, occurs(:'report', '<input') AS boxes;
-- Without confidence, by the distances.
UPDATE "its groups" SET confidence = NULL;
SELECT is_xml(r), r LIKE '%how much farther the nearest other group is%' AS distances FROM report_html('odd') r;
-- A label that is no group; the caller's rights; a table that is gone.
UPDATE "its groups" SET label = 7 WHERE id = ':x;';
\set VERBOSITY sqlstate
SELECT report_html('odd');
UPDATE "its groups" SET label = 0 WHERE id = ':x;';
CREATE ROLE labels_reader;
GRANT USAGE ON SCHEMA report_labels, selfclass TO labels_reader;
GRANT SELECT ON "pic's" TO labels_reader;
SELECT grant_model('odd', 'labels_reader');
SET ROLE labels_reader;
SELECT report_html('odd');
RESET ROLE;
GRANT SELECT ON "its groups" TO labels_reader;
SET ROLE labels_reader;
SET default_transaction_read_only = on;
SELECT occurs(report_html('odd'), '<input') AS boxes;
RESET default_transaction_read_only;
RESET ROLE;
SELECT revoke_model('odd', 'labels_reader');
REVOKE ALL ON SCHEMA report_labels, selfclass FROM labels_reader;
REVOKE ALL ON "pic's", "its groups" FROM labels_reader;
DROP ROLE labels_reader;
DROP TABLE "its groups";
SELECT is_xml(r), r LIKE '%the model''s label table is gone%' AS gone, occurs(r, '<input|<script') AS boxes FROM report_html('odd') r;
\set VERBOSITY default

-- A key of two columns, one of them a date.
CREATE TABLE paired (a date, "b ""c" text, image bytea, PRIMARY KEY (a, "b ""c"));
INSERT INTO paired SELECT DATE '2026-01-01' + i, E'it''s \\ ' || i, test_picture(i % 3, i) FROM generate_series(1, 9) i;
CALL cluster_images_into('paired', 'paired_groups', k => 2, model => 'paired', options => '{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 4}');
SELECT is_xml(r), occurs(r, '<input') AS boxes, statement(r, 1) AS statement FROM report_html('paired') r \gset
SELECT :'is_xml' AS is_xml, :boxes AS boxes, strpos(:'statement', $$('2026-01-05', E'it''s \\ 4')$$) > 0 AS literal;
:statement
SELECT count(*) FILTER (WHERE label = 1 AND pinned) AS moved FROM paired_groups;
-- How many groups there are after corrections, and how sure the number was before; times to the second.
SELECT count(*) FROM (SELECT merge_clusters('paired', 1, 0)) merged;
SELECT r LIKE '%<th>groups</th><td>1, corrected by hand</td></tr>_<tr><th>how sure it was before</th><td>the number was given<%' AS corrected,
	r ~ '<td>[-0-9]+ [:0-9]+[-+0-9]+</td></tr>\s</table>' AS seconds FROM report_html('paired') r;
SELECT drop_model('paired');
SELECT drop_model('odd');
