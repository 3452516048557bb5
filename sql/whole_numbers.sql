-- Whole numbers as drivers send them: bigint, which int and smallint become by themselves.
-- What still takes int: typmods, pca_fit beside its double precision, and cluster_images, whose second argument tells its forms apart.
SELECT p.oid::regprocedure FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'selfclass' JOIN pg_proc p ON p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND 'int4'::regtype = ANY (p.proargtypes::oid[]) ORDER BY p.oid::regprocedure::text;
-- No two forms that only a whole number's size tells apart, but these.
SELECT p.proname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'selfclass' JOIN pg_proc p ON p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
	GROUP BY p.proname, replace(p.proargtypes::text, '23', '20') HAVING count(*) > 1 ORDER BY p.proname;

CREATE TABLE few AS SELECT id, truth, (truth + 1)::smallint AS label, e FROM points WHERE id < 50;
-- The same for every size; a number of components is one, whichever way it comes.
SELECT count(DISTINCT x.components) FROM (SELECT pca_fit(e, 2), pca_fit(e, 2::bigint), pca_fit(e, 2::smallint), pca_fit(e, 2::float8), pca_fit(e, 2::numeric, '{}') FROM few) f (a, b, c, d, f),
	LATERAL (VALUES (a), (b), (c), (d), (f)) m (m), LATERAL (SELECT string_agg(embedding::text, ' ' ORDER BY component) FROM pca_components(m)) x (components);
SELECT count(*) FROM pca_components((SELECT pca_fit(e, 1::float8) FROM few));
SELECT kmeans_fit(e, 3)::text = kmeans_fit(e, 3::bigint)::text AND kmeans_fit(e, 3)::text = kmeans_fit(e, 3::smallint, '{}')::text AS kmeans_fit,
	elbow(e, 7)::text = elbow(e, 7::bigint)::text AND elbow(e, 7)::text = elbow(e, 7::smallint, '{}')::text AS elbow,
	silhouette(e, label) = silhouette(e, label::bigint) AND silhouette(e, label) = silhouette(e, label::int) AS silhouette,
	knn_accuracy(e, truth::text, 3) = knn_accuracy(e, truth::text, 3::bigint) AS knn_accuracy FROM few;
SELECT clustering_purity(label::bigint, truth) + clustering_purity(label::int, truth::int) + clustering_purity(label, truth::text) AS purity,
	clustering_accuracy(label::bigint, truth) + clustering_accuracy(label, truth::smallint) AS accuracy,
	normalized_mutual_info(label::bigint, truth) + normalized_mutual_info(label, 'x') AS nmi,
	adjusted_rand_index(label::bigint, truth) AS ari, majority_truth(label::bigint, truth) = majority_truth(label, truth) AS majority FROM few;
SELECT bool_and(a = b AND a = c) AS kmeans FROM (SELECT kmeans(e, 3) OVER w, kmeans(e, 3::bigint) OVER w, kmeans(e, 3::smallint, '{}') OVER w FROM few WINDOW w AS (ORDER BY id)) k (a, b, c);
SELECT subvector('[1,2,3,4]', 2::bigint, 2::smallint), subvector('[1,2,3,4]', 0, 3);
SELECT scatter_svg(id, label, label) = scatter_svg(id, label, label::bigint) AS scatter_svg FROM few;
SELECT contact_sheet(NULL, 2, 32) = contact_sheet(NULL, 2::bigint, 32::smallint) AS contact_sheet;
PREPARE sent(bigint) AS SELECT sum(kmeans_predict(e, m)) FROM few, (SELECT kmeans_fit(e, $1) AS m FROM few) f;
EXECUTE sent(3);

-- beyond int
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT kmeans_fit(e, 3000000000) FROM few$$);
SELECT failure($$SELECT elbow(e, 3000000000) FROM few$$);
SELECT failure($$SELECT kmeans(e, -3000000000) OVER () FROM few$$);
SELECT failure($$SELECT silhouette(e, id + 3000000000) FROM few$$);
SELECT failure($$SELECT clustering_purity(id + 3000000000, truth) FROM few$$);
SELECT failure($$SELECT majority_truth(id + 3000000000, truth::text) FROM few$$);
SELECT failure($$SELECT knn_accuracy(e, truth::text, 3000000000) FROM few$$);
SELECT failure($$SELECT kmeans_train('few', 'e', 3000000000)$$);
SELECT failure($$SELECT subvector(e, 1, 3000000000) FROM few$$);
SELECT failure($$SELECT scatter_svg(id, 1, 3000000000) FROM few$$);
SELECT failure($$SELECT contact_sheet(NULL, 3000000000, 32)$$);
-- its two forms are told apart by the second argument's type alone, so that it must have one, or a name
SELECT failure($$PREPARE by_place AS SELECT * FROM cluster_images($1, $2)$$);
SELECT failure($$PREPARE by_name AS SELECT * FROM cluster_images($1, k => $2)$$);
DEALLOCATE by_name;
\pset format aligned
\pset tuples_only off
DROP TABLE few;
