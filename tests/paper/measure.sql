-- One row of results, printed too; run by paper.sh, which says what the variables are.
SELECT jsonb_build_object('preset', :'preset', 'seed', :seed) ||
	CASE WHEN :'epochs' <> '' THEN jsonb_build_object('epochs', nullif(:'epochs', '')::int) ELSE '{}' END || :'more'::jsonb ||
	CASE WHEN :'untrained' <> '' THEN '{"epochs": 0}' ELSE '{}'::jsonb END AS options \gset

SELECT clock_timestamp() AS began \gset
CALL cluster_images_into(:'pictures', :'name', k => 10, model => :'name', options => :'options');
SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz) AS seconds \gset

-- The same encoder again, now without k.
SELECT :'name' || '_elbow' AS by_elbow, :'pictures' || '_truth' AS truth \gset
CREATE TABLE :"by_elbow" AS SELECT * FROM cluster_images(:'pictures', model => :'name', options => '{"replace_groups": true, "keep": false}');

INSERT INTO result
	SELECT :'pictures', :'preset', :'untrained' = '', :seed, (SELECT epochs_done FROM selfclass_models WHERE name = :'name'),
		clustering_purity(c.label, t.label), clustering_accuracy(c.label, t.label), normalized_mutual_info(c.label, t.label),
		knn_accuracy(l2_normalize(c.embedding), t.label, 1),
		(SELECT count(DISTINCT label) FROM :"by_elbow"), :seconds
	FROM :"name" c JOIN :"pictures" USING (id) JOIN :"truth" t USING (name);

SELECT format('%s epochs: purity %s %%, one-to-one %s %%, NMI %s, 1-NN %s %%, k by elbow %s, %s s', epochs,
	round(100 * purity::numeric, 1), round(100 * one_to_one::numeric, 1), round(nmi::numeric, 3),
	round(100 * neighbour::numeric, 1), elbow, round(seconds::numeric))
FROM result ORDER BY at DESC LIMIT 1;
