-- The types of fitted models: the same value out of text and binary as went in.
SELECT '(2,1,0;1.5,2,0.6,0.8,3.25,0.75)'::pca_model;
SELECT '(2,1,3,1;0.1,3,1,0.5,-7)'::kmeans_model;
SELECT '(3,2;10,2.5,0.1)'::elbow_result;
SELECT '(3,0;10,2.5,1e-300)'::elbow_result;
SELECT pca_model_send('(2,1,0;1.5,2,0.6,0.8,3.25,0.75)');
SELECT elbow_result_send('(1,1;1)');
-- what no model can be
SELECT '(2,3,0;1)'::pca_model;
SELECT '(2,1,0;1.5,2,0.6,0.8,-3.25,0.75)'::pca_model;
SELECT '(16000,16000,0;1)'::pca_model;
SELECT '(2147483647,2147483647,0,0;1)'::kmeans_model;
SELECT '(2,1,3,1;0.1,3,1.5,0.5,-7)'::kmeans_model;
SELECT '(2,1,3,1;0.1,3,1,0.5,1e300)'::kmeans_model;
SELECT '(3,4;10,2.5,0.1)'::elbow_result;
SELECT '(3,2;10,NaN,0.1)'::elbow_result;
SELECT '(3,2;10,2.5)'::elbow_result;
SELECT '(3,2;10,2.5,1) '::elbow_result;
SELECT '[3]'::elbow_result;
