-- The result of the demonstration as one HTML file, run by demo.sh with psql -At:
-- report_html, with what only the demonstration knows below its title. Variables:
-- load and train (seconds), call, purity and untrained (empty where there is no truth).
\set ON_ERROR_STOP on

SELECT replace(report_html('photos_v1'), '</h1>', '</h1>
<p>Nobody labelled these pictures. They were loaded in ' || :'load' || ' s; then this call took ' || :'train' || ' s to learn, embed and sort:</p>
<p><code>' || replace(replace(replace(:'call', '&', '&amp;'), '<', '&lt;'), '>', '&gt;') || '</code></p>' ||
	CASE WHEN :'purity' <> '' THEN format('
<p>Purity: <b>%s %%</b> of the pictures are in a group of mostly their kind. The same clustering of an encoder that has'
' learned nothing: %s %%. The true kinds were loaded afterwards, for these two numbers only.</p>', :'purity', :'untrained') ELSE '' END);
