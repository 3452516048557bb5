/*-------------------------------------------------------------------------
 *
 * src/core/api.h
 *	  The table of functions through which selfclass.so reaches the core.
 *
 * selfclass_core.so is opened with RTLD_LOCAL and exports one symbol,
 * sc_core_open, which returns this table. A function that src/pg calls is one
 * line in SC_CORE_FUNCTIONS; its member has the function's own name and type.
 * The headers here are those of these functions, and those that are inline
 * (arena, rng, status) or linked into both libraries (distance, simd, space).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_API_H
#define SC_API_H

#include "core/analytics/duplicates.h"
#include "core/analytics/elbow.h"
#include "core/analytics/erasure.h"
#include "core/analytics/groups.h"
#include "core/analytics/kmeans.h"
#include "core/analytics/kmeans_step.h"
#include "core/analytics/knn.h"
#include "core/analytics/measures.h"
#include "core/analytics/near.h"
#include "core/analytics/pca.h"
#include "core/analytics/silhouette.h"
#include "core/analytics/space.h"
#include "core/analytics/spread.h"
#include "core/analytics/ward.h"
#include "core/base/arena.h"
#include "core/base/distance.h"
#include "core/base/headroom.h"
#include "core/base/pool.h"
#include "core/base/rng.h"
#include "core/base/simd.h"
#include "core/base/status.h"
#include "core/image/decode.h"
#include "core/image/encode.h"
#include "core/image/image.h"
#include "core/image/quality.h"
#include "core/nn/optim.h"
#include "core/simclr/capture.h"
#include "core/simclr/mirror.h"
#include "core/simclr/simclr.h"
#include "core/simclr/weights.h"
#ifdef SC_WITH_TESTS
#include "core/base/multiply.h"
#endif

#define SC_CORE_FUNCTIONS(F) \
	F(sc_pool_start) \
	F(sc_pool_fd) \
	F(sc_pool_stop) \
	F(sc_pool_finish) \
	F(sc_pool_shutdown) \
	F(sc_image_plan_read) \
	F(sc_image_format_name) \
	F(sc_quality_run) \
	F(sc_decode_batch_run) \
	F(sc_jpeg_bound) \
	F(sc_jpeg_encode_run) \
	F(sc_pca_check) \
	F(sc_pca_layout) \
	F(sc_pca_run) \
	F(sc_pca_flush_bytes) \
	F(sc_pca_flush_begin) \
	F(sc_pca_flush_step) \
	F(sc_pca_merge) \
	F(sc_space_project_layout) \
	F(sc_space_project_run) \
	F(sc_kmeans_layout) \
	F(sc_kmeans_run) \
	F(sc_kmeans_step_layout) \
	F(sc_kmeans_step_assign) \
	F(sc_elbow_choose) \
	F(sc_groups_layout) \
	F(sc_groups_run) \
	F(sc_elbow_falls) \
	F(sc_knn_layout) \
	F(sc_knn_run) \
	F(sc_near_layout) \
	F(sc_near_begin) \
	F(sc_near_run) \
	F(sc_duplicates_layout) \
	F(sc_duplicates_collapse_run) \
	F(sc_duplicates_join) \
	F(sc_duplicates_finish_run) \
	F(sc_duplicates_threshold) \
	F(sc_spread_layout) \
	F(sc_spread_run) \
	F(sc_silhouette_layout) \
	F(sc_silhouette_run) \
	F(sc_ward_layout) \
	F(sc_ward_run) \
	F(sc_hungarian_bytes) \
	F(sc_hungarian) \
	F(sc_purity) \
	F(sc_accuracy_run) \
	F(sc_accuracy_bytes) \
	F(sc_normalized_mutual_info) \
	F(sc_adjusted_rand_index) \
	F(sc_precision_best) \
	F(sc_conv_code_forbidden) \
	F(sc_conv_arithmetic) \
	F(sc_trainer_plan) \
	F(sc_trainer_create_run) \
	F(sc_trainer_destroy) \
	F(sc_train_step_run) \
	F(sc_trainer_look_run) \
	F(sc_trainer_save_bytes) \
	F(sc_trainer_save_run) \
	F(sc_trainer_load_run) \
	F(sc_weights_look) \
	F(sc_st_metadata_get) \
	F(sc_st_annotate) \
	F(sc_weights_import_bytes) \
	F(sc_weights_import_run) \
	F(sc_mirror_layout) \
	F(sc_mirror_run) \
	F(sc_capture_layout) \
	F(sc_capture_run) \
	F(sc_erasure_layout) \
	F(sc_erasure_run) \
	F(sc_encoder_plan) \
	F(sc_encoder_create_run) \
	F(sc_encoder_destroy) \
	F(sc_embed_batch_run) \
	F(sc_lr_at) \
	SC_TEST_FUNCTIONS(F)

#ifdef SC_WITH_TESTS
#define SC_TEST_FUNCTIONS(F) F(sc_multiply_run)
#else
#define SC_TEST_FUNCTIONS(F)
#endif

/*
 * Address space that opening it takes at most: the libraries that it needs (83
 * MB on Debian 12), whose start-up does not survive without, and OpenBLAS's
 * first buffer (gemm.h).
 */
#define SC_CORE_ROOM ((size_t) 288 << 20)

typedef struct sc_core_api
{
	/*
	 * SC_BUILD_ID, which the Makefile makes of the core's headers: a table of
	 * another build may have another shape, and is refused. First, so that it
	 * is found whatever follows.
	 */
	const char *build_id;
	bool serial_blas; /* one lane only: OpenBLAS without threads */
	bool no_room;	  /* there is too little memory left to compute anything */
#define F(f) __typeof__(f) *f;
	SC_CORE_FUNCTIONS(F)
#undef F
} sc_core_api;

typedef const sc_core_api *(*sc_core_open_fn)(void);

#endif /* SC_API_H */
