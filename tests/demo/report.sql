-- The result of the demonstration as one HTML file, run by demo.sh with psql -At.
-- Needs the tables photos and photo_cluster and the model photos_v1; variables:
-- load and train (seconds), call, purity and untrained (empty where there is no truth).
\set ON_ERROR_STOP on
\pset footer off

-- Text that may stand between tags.
CREATE FUNCTION pg_temp.html(t text) RETURNS text LANGUAGE sql AS
	$$SELECT replace(replace(replace(t, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')$$;
-- A picture that travels inside the file.
CREATE FUNCTION pg_temp.picture(jpeg bytea, alt text) RETURNS text LANGUAGE sql AS
	$$SELECT format('<img alt="%s" src="data:image/jpeg;base64,%s">', alt, translate(encode(jpeg, 'base64'), E'\n', ''))$$;
CREATE FUNCTION pg_temp.row(name text, value text) RETURNS text LANGUAGE sql AS
	$$SELECT format('<tr><th>%s</th><td>%s</td></tr>', pg_temp.html(name), pg_temp.html(value))$$;

SELECT count(*) AS photos, count(label) AS grouped, count(DISTINCT label) AS groups FROM photo_cluster \gset
SELECT round(:grouped * m.epochs_done / nullif(extract(epoch FROM m.finished - m.created), 0)) AS speed,
	m.epochs_done AS epochs, round(m.loss::numeric, 3) AS loss, m.images AS trained,
	round(extract(epoch FROM m.finished - m.created), 1) AS training
FROM selfclass_models m WHERE m.name = 'photos_v1' \gset

SELECT $$<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Pictures sorted by selfclass</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 sans-serif; color: #222; background: #fff; margin: 2em auto; max-width: 1040px; padding: 0 1em }
h1, h2 { line-height: 1.2 } h2 { margin: 2em 0 .5em; border-bottom: 1px solid #ddd }
h3 { margin: 1.5em 0 .3em } h3 small { font-weight: normal; color: #666 }
img, svg { max-width: 100%; height: auto; display: block }
table { border-collapse: collapse } th { text-align: left; font-weight: normal; color: #666; padding-right: 2em; vertical-align: top }
code { background: #f4f4f4; padding: .1em .3em } details { margin: 1em 0 } summary { cursor: pointer }
</style></head><body>$$;
SELECT format('<h1>%s pictures in %s groups</h1>', :photos, :groups);
SELECT format('<p>Nobody labelled these pictures. PostgreSQL %s sorted them with selfclass %s, which learned from the pictures alone:</p><p><code>%s</code></p>',
	split_part(current_setting('server_version'), ' ', 1), extversion, pg_temp.html(:'call'))
FROM pg_extension WHERE extname = 'selfclass';
SELECT format('<p>Purity: <b>%s %%</b> of the pictures are in a group of mostly their kind. The same clustering of an encoder that has learned nothing: %s %%.'
			  ' The true kinds were loaded afterwards, for these two numbers only.</p>', :'purity', :'untrained')
WHERE :'purity' <> '';
SELECT format('<p>%s pictures could not be read and are in no group.</p>', :photos - :grouped) WHERE :photos > :grouped;

SELECT $$<h2>The groups</h2>
<p>Largest group first; in each, the pictures nearest to its middle come first.</p>$$;
SELECT format('<h3>Group %s <small>%s pictures%s</small></h3>%s', label, size,
			  CASE WHEN size > 84 THEN ', the first 84' ELSE '' END,
			  pg_temp.picture(contact_sheet(image, 12, 80 ORDER BY distance, id), 'pictures of group ' || label))
FROM (SELECT c.label, c.distance, p.id, p.image, count(*) OVER (PARTITION BY c.label) AS size,
		row_number() OVER (PARTITION BY c.label ORDER BY c.distance, p.id) AS rank
	  FROM photo_cluster c JOIN photos p USING (id) WHERE c.label IS NOT NULL) AS members
WHERE rank <= 84 GROUP BY label, size ORDER BY label;

SELECT $$<h2>All of them at a glance</h2>
<p>The first two principal components of the space in which the groups were made. What lies apart there may overlap here: it has more than two dimensions.</p>$$;
SELECT scatter_svg(embedding_0, embedding_1, label) FROM photo_cluster WHERE label IS NOT NULL;

SELECT $$<h2>How many groups?</h2>$$;
SELECT CASE WHEN elbow IS NOT NULL THEN '<p>The number of groups was chosen where the curve turns.</p>' || elbow_svg(elbow)
	ELSE '<p>The number of groups was given. This is what the elbow of the same embeddings says.</p>' ||
		(SELECT elbow_svg(elbow(embedding, 15)) FROM photo_cluster) END
FROM selfclass_models WHERE name = 'photos_v1';

SELECT $$<h2>What was done</h2>
<table>$$;
SELECT pg_temp.row('pictures', format('%s, loaded in %s s', :photos, :'load'));
SELECT pg_temp.row('training, embedding and clustering', format('%s s', :'train'));
SELECT pg_temp.row('training', format('%s epochs, loss %s at the end', :epochs, :loss));
SELECT pg_temp.row('at', to_char(now(), 'YYYY-MM-DD HH24:MI TZ'));
SELECT $$</table>
<details><summary>Every setting</summary><table>$$;
SELECT string_agg(pg_temp.row(key, value), E'\n' ORDER BY key)
FROM selfclass_models, jsonb_each_text(recipe) WHERE name = 'photos_v1';
SELECT $$</table></details></body></html>$$;
