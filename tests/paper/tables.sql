-- What paper.sh puts its measures into.
CREATE EXTENSION selfclass;
-- Read to measure, after clustering.
CREATE TABLE clothes_truth (name text PRIMARY KEY, label text NOT NULL);
CREATE TABLE digits_truth (name text PRIMARY KEY, label text NOT NULL);

CREATE TABLE result (
	pictures text,
	preset text,
	trained boolean,
	seed int,
	epochs int,
	purity float8,
	one_to_one float8,
	nmi float8,
	neighbour float8,
	elbow int,
	seconds float8,
	at timestamptz DEFAULT clock_timestamp()
);

CREATE VIEW results AS
	SELECT pictures, preset, CASE WHEN trained THEN 'trained' ELSE 'untrained' END AS encoder, seed, epochs,
		round(100 * purity::numeric, 1) AS "purity %", round(100 * one_to_one::numeric, 1) AS "one-to-one %",
		round(nmi::numeric, 3) AS "NMI", round(100 * neighbour::numeric, 1) AS "1-NN %", elbow AS "k by elbow",
		round(seconds::numeric) AS seconds
	FROM result ORDER BY pictures DESC, trained DESC, array_position('{paper,lightly,auto}', preset), seed;

-- For a README: a row an encoder, the seeds side by side. The last rows are quoted, not measured here.
CREATE VIEW results_markdown AS
	SELECT line FROM (
		SELECT 1 AS part, NULL::timestamptz AS at, '| pictures | preset | seeds | epochs | purity % | one-to-one % | NMI | 1-NN % | k by elbow | seconds |' AS line
		UNION ALL SELECT 2, NULL, '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
		UNION ALL SELECT 3, min(at), concat('| ', concat_ws(' | ', pictures, preset || CASE WHEN trained THEN '' ELSE ', untrained' END,
			string_agg(seed::text, ', ' ORDER BY seed), string_agg(DISTINCT epochs::text, ', '),
			string_agg(round(100 * purity::numeric, 1)::text, ', ' ORDER BY seed),
			string_agg(round(100 * one_to_one::numeric, 1)::text, ', ' ORDER BY seed),
			string_agg(round(nmi::numeric, 2)::text, ', ' ORDER BY seed),
			string_agg(round(100 * neighbour::numeric, 1)::text, ', ' ORDER BY seed),
			string_agg(elbow::text, ', ' ORDER BY seed),
			string_agg(round(seconds::numeric)::text, ', ' ORDER BY seed)), ' |')
		FROM result GROUP BY pictures, preset, trained
		UNION ALL SELECT 4, NULL, format('| %s | %s | | | %s | | | | | |', pictures, what, purity)
		FROM (VALUES ('digits', 'the paper, as it says', 32), ('digits', 'k-means on pixels of length 1, scikit-learn', 58),
			('clothes', 'k-means on pixels, scikit-learn', 32)) AS quoted (pictures, what, purity)) AS lines
	ORDER BY part, at;
