-- elbow_svg and scatter_svg: drawings that any XML parser reads.
CREATE SCHEMA pictures_test;
SET search_path = pictures_test, public, selfclass;
-- A server built without libxml has no parser: then as many tags open as close.
CREATE FUNCTION is_svg(drawing text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN xml_is_well_formed_document(drawing) AND drawing ~ '^<svg xmlns="http://www.w3.org/2000/svg"';
EXCEPTION WHEN feature_not_supported THEN
	RETURN drawing ~ '^<svg xmlns="http://www.w3.org/2000/svg".*</svg>\s*$' AND
		(SELECT count(*) FROM regexp_matches(drawing, '<[a-z][^>]*[^/>]>', 'g')) =
		(SELECT count(*) FROM regexp_matches(drawing, '</', 'g'));
END $$;
-- How often a pattern occurs.
CREATE FUNCTION occurs(drawing text, pattern text) RETURNS bigint LANGUAGE sql AS
	'SELECT count(*) FROM regexp_matches(drawing, pattern, ''g'')';

-- elbow
CREATE VIEW curve AS SELECT elbow_svg('(6,3;100,40,10,8,7,6.5)') AS d;
SELECT is_svg(d), occurs(d, '<circle') = 6 + 1 AS dots, d ~ '>k = 3<' AS chosen FROM curve;
SELECT is_svg(d), d ~ '>no elbow<' AS none, d ~ 'k =' AS chosen
	FROM (SELECT elbow_svg('(3,0;10,2.5,0.1)')) AS e(d);
SELECT elbow_svg(NULL) IS NULL AS nothing;
-- one k; a flat curve; the largest and the smallest numbers there are
SELECT v, is_svg(elbow_svg(v::elbow_result)), elbow_svg(v::elbow_result) !~* 'nan|inf[^eo]' AS finite
	FROM unnest(ARRAY['(1,1;5)', '(2,1;0,0)', '(3,0;1.7e308,1e300,0)', '(2,2;5e-324,0)']) v;
-- a curve too long for dots
SELECT is_svg(d), occurs(d, '<circle')
	FROM (SELECT elbow_svg(('(1000,7;' || string_agg((2000.0 / k)::text, ',' ORDER BY k) || ')')::elbow_result)
		  FROM generate_series(1, 1000) k) AS e(d);

-- scatter
CREATE TABLE spot AS
	SELECT i, (i % 3) * 10 + (i % 7) * 0.5 AS x, (i % 3) * -4 + (i % 5) * 0.3 AS y,
		CASE WHEN i % 20 <> 0 THEN i % 3 END AS label
	FROM generate_series(1, 300) i;
SELECT is_svg(d), d ~ '>0 <tspan[^>]*>\(95\)<' AS zero, d ~ '>1 <tspan[^>]*>\(95\)<' AS one,
	d ~ '>2 <tspan[^>]*>\(95\)<' AS two, d ~ '>none <tspan[^>]*>\(15\)<' AS none, length(d) < 100000 AS small
	FROM (SELECT scatter_svg(x, y, label) FROM spot) AS s(d);
-- the order of the rows does not show
SELECT count(DISTINCT d) FROM (
	SELECT scatter_svg(x, y, label ORDER BY i) FROM spot
	UNION ALL SELECT scatter_svg(x, y, label ORDER BY i DESC) FROM spot
	UNION ALL SELECT scatter_svg(x, y, label ORDER BY md5(i::text)) FROM spot) AS s(d);
-- a label keeps its colour whatever else is there
SELECT label, count(DISTINCT substring(d FROM '<path fill="(#[0-9a-f]+)" fill-opacity')) AS colours
	FROM (SELECT label, scatter_svg(x, y, label) FROM spot GROUP BY label, i % 2) AS s(label, d) GROUP BY label ORDER BY label;
-- no colour with its shape comes twice among the first 48 labels
SELECT count(DISTINCT substring(d FROM '<path fill="#[0-9a-f]+" fill-opacity') ||
			 substring(d FROM 'd="M[0-9.]+ [0-9.]+(m[^"]*z)"/>\n<g font-size'))
	FROM (SELECT scatter_svg(1, 1, label) FROM generate_series(0, 47) label GROUP BY label) AS s(d);
-- a long legend is cut, not lost
SELECT is_svg(d), d ~ '>and 160 more<' AS more FROM (SELECT scatter_svg(i, i, i) FROM generate_series(-100, 99) i) AS s(d);
-- no rows, rows without a place
SELECT scatter_svg(x, y, label) IS NULL AS nothing FROM spot WHERE false;
SELECT scatter_svg(NULL, y, label) IS NULL AS nothing FROM spot;
SELECT is_svg(d), d ~ '>5 <tspan[^>]*>\(1\)<' AS one
	FROM (SELECT scatter_svg(x, 1, 5) FROM (VALUES (NULL), (3.5), (NULL)) v(x)) AS s(d);
-- one place; the widest and the narrowest ranges
SELECT is_svg(d), d !~* 'nan|inf[^oe]' AS finite FROM (
	SELECT scatter_svg(1e6, 0, 1) FROM spot
	UNION ALL SELECT scatter_svg(x, -x, 1) FROM (VALUES (-1.7e308), (1.7e308)) v(x)
	UNION ALL SELECT scatter_svg(x, 1e300, 1) FROM (VALUES (5e-324), (1e-310)) v(x)
	UNION ALL SELECT scatter_svg(x, x, 1) FROM (VALUES (1::float8), (1.0000000000000002)) v(x)) AS s(d);
SELECT failure($$SELECT scatter_svg('NaN', 1, 1)$$);
SELECT failure($$SELECT scatter_svg(1, '-inf', 1)$$);
-- in a window and in groups
SELECT count(*), count(DISTINCT d), bool_and(is_svg(d))
	FROM (SELECT scatter_svg(x, y, label) OVER (PARTITION BY label) FROM spot) AS s(d);
-- As the reader prefers, on a light or a dark ground; black points are white there.
SELECT d LIKE '%<style>@media (prefers-color-scheme:dark){%' AS dark, occurs(d, 'class="sc-mark sc-black"') AS black
	FROM (SELECT elbow_svg('(3,2;4,2,1)') UNION ALL SELECT scatter_svg(i, i, i) FROM generate_series(0, 7) i) AS s(d);
