# selfclass: PostgreSQL extension. "make && make install" against the server
# that pg_config names; "make check" and "make demo" install what they need
# (Debian packages) and run everything in a throw-away cluster of their own.

EXTENSION = selfclass sql/selfclass_pgvector
EXTVERSION = 1.1
PG_CONFIG ?= pg_config

# Targets that drive scripts. They must work where no PostgreSQL is installed
# yet, and PGXS has a "check" of its own, so they stand apart from it; what is
# asked for beside them ("make all check") is made by another make.
DRIVERS = help setup check check-citus soak flaky demo paper quality bench bench-analytics bench-scale rooms links format format-check tidy deb dist
ifneq ($(filter $(DRIVERS),$(MAKECMDGOALS)),)

.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
help:
	@sed -n 's/^##@ //p' $(firstword $(MAKEFILE_LIST))
##@ selfclass: PostgreSQL extension. Targets:
##@   all (the default), install    build, and install for the server of PG_CONFIG (pg_config)
##@   demo [IMAGES=folder]  draw pictures, or take yours, sort them in a private server: build/demo.html
##@   check                 every test: rooms, links, unit, SQL, TAP (tests/check.sh runs one of them)
##@   soak                  the tests of processes again, with bounds in seconds, on a quiet machine
##@   flaky [TIMES=20]      the TAP files again and again, until one fails: hours
##@   check-citus CITUS_SOURCE=folder   a source tree of Citus 13, built, and selfclass on three nodes of it
##@   unit [FILTER="..."]   the unit tests alone, or the cases whose names contain it
##@   unit-sanitize         the unit tests with the address and undefined-behaviour sanitizers (build/asan)
##@   rooms, links          do the includes of src and the links of the documents hold?
##@   format, format-check  lay the C out as .clang-format says, or tell where it is not (clang-format 14)
##@   tidy                  cppcheck and clang-tidy
##@   unit-valgrind         the unit tests under valgrind
##@   fuzz                  the fuzzers of tests/fuzz, each for FUZZ_SECONDS=120 (clang)
##@   paper                 measure: the paper's experiments
##@   quality IMAGES="folder ..."   measure: what the default call gives on labelled pictures (labels.csv)
##@   bench [IMAGES=folder] measure: training, embedding and analytics, beside rivals where their scripts are given
##@   bench-scale           measure: seconds and memory of 5,000 to 50,000 pictures, and of fewer lanes
##@   profile [SIDES="32 64 128"]   measure: the share of each stage of a training, an embedding, the analytics
##@   tune                  measure: every way to do each convolution on this CPU: build/conv_table.h
##@   deb                   a Debian package for the server of PG_CONFIG: build/deb
##@   dist                  what the repository has at HEAD as a zip for PGXN: build/selfclass-VERSION.zip
##@   setup                 install what all of this needs (Debian packages)
##@   clean
##@ Variables: WITH_ONEDNN=no WITH_PNG=no WITH_WEBP=no (build without), WITH_TESTS=yes (functions of the tests), WERROR=yes;
##@ in the environment SELFCLASS_ISA=avx512, avx2, base (run as on a CPU that has no more).
setup:
	@tests/setup.sh
check:
	@tests/check.sh
# The tests of processes again, on a quiet machine, with bounds in seconds on how soon a cancel is answered.
soak:
	@SELFCLASS_SOAK=yes tests/check.sh tap
# Of a test that fails now and then.
TIMES = 20
flaky:
	@for i in $$(seq $(TIMES)); do tests/check.sh tap || { echo "run $$i of $(TIMES) failed"; exit 1; }; done
	@echo "$(TIMES) of $(TIMES) runs passed"
check-citus:
	@CITUS_SOURCE="$(CITUS_SOURCE)" tests/citus/check.sh
demo:
	@tests/demo/demo.sh $(if $(IMAGES),"$(IMAGES)")
paper:
	@tests/paper/paper.sh
quality:
	@tests/quality/quality.sh $(IMAGES)
bench: bench-analytics
	@$(if $(IMAGES),tests/bench/learn.sh "$(IMAGES)",echo "training and embedding: make bench IMAGES=folder")
bench-analytics:
	@tests/bench/analytics.sh
bench-scale:
	@tests/bench/scale.sh
rooms:
	@tests/rooms.pl -I "$$($(PG_CONFIG) --includedir-server)"
links:
	@tests/links.pl
# Other versions lay out some lines otherwise.
CLANG_FORMAT = $(firstword $(shell command -v clang-format-14) clang-format)
C_FILES = $(shell git ls-files 'src/*.[ch]' 'tests/*.[ch]')
format:
	@$(CLANG_FORMAT) -i --style=file $(C_FILES)
format-check:
	@$(CLANG_FORMAT) --dry-run --Werror --style=file $(C_FILES)
tidy:
	@tests/tidy.sh
deb:
	@PG_CONFIG=$(PG_CONFIG) packaging/deb.sh
DIST = selfclass-$(shell sed -n 's/^   "version": "\(.*\)",/\1/p' META.json)
dist:
	@mkdir -p build
	git archive --format=zip --prefix=$(DIST)/ -o build/$(DIST).zip HEAD
OTHERS = $(filter-out $(DRIVERS),$(MAKECMDGOALS))
$(OTHERS):
	@$(MAKE) $@

else

# ---------------------------------------------------------------------------
# selfclass.so: what knows PostgreSQL. Links no numeric library.
# ---------------------------------------------------------------------------
BUILD = build
ISAS = base $(if $(filter x86_64,$(shell uname -m)),avx2 avx512)
# One file below src/X/ROOM, as an object of the folder $(BUILD); loops once per instruction set.
objects_of = $(1:src/%.c=$(BUILD)/%.o)
simd_objects_of = $(foreach isa,$(ISAS),$(1:src/%.c=$(BUILD)/%_$(isa).o))
# For tests alone: jobs and views that no user calls.
TEST_SRC = $(wildcard src/core/base/multiply.c src/pg/server/multiply_sql.c src/pg/server/cgroup_sql.c \
	src/pg/server/progress_test_sql.c src/pg/table/dataset_test_sql.c)
left_out = $(if $(filter yes,$(WITH_TESTS)),,$(TEST_SRC))

MODULE_big = selfclass
# Of the core in both libraries: loops that end in microseconds and stand on nothing but the choice of the
# instruction set.
SHARED_OBJ = $(call objects_of,src/core/base/simd.c src/core/base/distance.c src/core/analytics/space.c) \
	$(call simd_objects_of,src/core/base/distance_simd.c)
OBJS = $(patsubst %.c,%.o,$(filter-out $(left_out),$(wildcard src/pg/*/*.c))) $(SHARED_OBJ)
DATA = $(wildcard sql/selfclass--*.sql sql/selfclass_pgvector--*.sql)
REGRESS = $(shell cat sql/schedule)

# PGXS would build bitcode of the glue for the JIT, which has nothing to gain here.
override with_llvm := no
WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
WARNINGS += -Wno-sign-compare -Wno-cast-function-type -Wno-psabi $(if $(WERROR),-Werror)
# The server's own flags are gcc's where the server was built with gcc.
WARNINGS += $(if $(findstring clang,$(CC)),-Wno-ignored-optimization-argument -Wno-unknown-warning-option)
# In the tests what callers promise is checked: SC_ASSERT in the core, Assert in the glue.
TEST_DEFS = $(if $(filter yes,$(WITH_TESTS)),-DSC_WITH_TESTS)
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DSELFCLASS_VERSION='"$(EXTVERSION)"' $(TEST_DEFS) $(if $(TEST_DEFS),-DUSE_ASSERT_CHECKING) -MMD -MP
PG_CFLAGS = $(WARNINGS)
SHLIB_LINK = -ldl
EXTRA_CLEAN = build $(wildcard src/pg/*/*.o src/pg/*/*.d)

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# ---------------------------------------------------------------------------
# selfclass_core.so: the numerics, C11, no PostgreSQL. Built by itself.
# ---------------------------------------------------------------------------
CORE_ALL = $(wildcard src/core/*.c src/core/*/*.c)
SIMD_SRC = $(filter %_simd.c,$(CORE_ALL))
ONEDNN_SRC = $(wildcard src/core/nn/*onednn*.c)
CORE_SRC = $(filter-out $(SIMD_SRC) src/core/image/png.c src/core/image/webp.c $(ONEDNN_SRC) $(left_out),$(CORE_ALL))
CORE_LIBS = -lopenblas -ljpeg -lm -pthread

# Found at build time, like a configure script would: libpng, libwebp and oneDNN are optional.
have_header = $(shell printf '\043include <$(1)>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
WITH_PNG ?= $(if $(call have_header,png.h),yes,no)
WITH_WEBP ?= $(if $(call have_header,webp/decode.h),yes,no)
WITH_ONEDNN ?= $(if $(call have_header,oneapi/dnnl/dnnl.h),yes,no)
ifeq ($(WITH_PNG),yes)
CORE_SRC += src/core/image/png.c
CORE_DEFS += -DSC_WITH_PNG
CORE_LIBS += -lpng
endif
ifeq ($(WITH_WEBP),yes)
CORE_SRC += src/core/image/webp.c
CORE_DEFS += -DSC_WITH_WEBP
CORE_LIBS += -lwebp
endif
ifeq ($(WITH_ONEDNN),yes)
CORE_SRC += $(ONEDNN_SRC)
CORE_DEFS += -DSC_WITH_ONEDNN
CORE_LIBS += -ldnnl -lgomp
endif

# These let the compiler vectorise sums. None of them links crtfastmath.o, so
# none changes floating-point for the rest of the backend; isnan keeps its meaning.
FP_FLAGS = -ftree-vectorize -fassociative-math -fno-signed-zeros \
	-fno-trapping-math -fno-math-errno -ffp-contract=fast
# PACKAGE_FLAGS: what a distribution wants all of its packages to be compiled and linked with (packaging/debian/rules).
CORE_CFLAGS = -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer \
	-fno-strict-aliasing -fwrapv -pthread $(PACKAGE_FLAGS) $(WARNINGS) -Wmissing-prototypes $(FP_FLAGS) -Isrc \
	$(CORE_DEFS) $(TEST_DEFS) $(SANITIZE)
DEPENDENCIES = -MMD -MP
SIMD_avx2 = -mavx2 -mfma -mf16c
SIMD_avx512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512

CORE_OBJ = $(call objects_of,$(CORE_SRC)) $(call simd_objects_of,$(SIMD_SRC))

# A file of one line, written where the line has changed.
line_in_file = mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
# What the objects were built with; a change of it rebuilds them.
$(BUILD)/flags: FORCE
	@$(call line_in_file,$(CC) $(CORE_CFLAGS) $(CORE_LIBS) $(CPPFLAGS))
$(OBJS): $(BUILD)/flags

# What the two libraries must agree on: the core's headers, and what changes the table in them. The core's
# door says it and its loader compares it, so that the libraries of two builds are not mixed.
BUILD_ID := $(shell (echo '$(TEST_DEFS)'; cat $(sort $(wildcard src/core/*.h src/core/*/*.h))) | sha256sum | cut -c 1-16)
LOADER_OBJ = src/pg/server/load.o
DOOR_OBJ = $(BUILD)/core/api.o
$(BUILD)/build_id: FORCE
	@$(call line_in_file,$(BUILD_ID))
$(LOADER_OBJ) $(DOOR_OBJ): $(BUILD)/build_id
$(LOADER_OBJ): private override CPPFLAGS += -DSC_BUILD_ID='"$(BUILD_ID)"'
$(DOOR_OBJ): private CORE_CFLAGS += -DSC_BUILD_ID='"$(BUILD_ID)"'

define simd_rule
$(BUILD)/%_simd_$(1).o: src/%_simd.c $(BUILD)/flags Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(CORE_CFLAGS) $$(DEPENDENCIES) -O3 $$(SIMD_$(1)) -DSC_ISA=$(1) -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call simd_rule,$(isa))))
$(BUILD)/%.o: src/%.c $(BUILD)/flags Makefile
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) $(DEPENDENCIES) -c -o $@ $<

CORE_LINK = -Wl,-Bsymbolic -Wl,-z,now -Wl,-z,defs
selfclass_core.so: $(CORE_OBJ)
	$(CC) -shared $(CORE_LINK) $(PACKAGE_FLAGS) $(SANITIZE) -o $@ $(CORE_OBJ) $(CORE_LIBS)

# For a test: a core that says that it is of another build.
$(BUILD)/other/selfclass_core.so: $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -DSC_BUILD_ID='"other"' -c -o $(@D)/api.o src/core/api.c
	$(CC) -shared $(CORE_LINK) $(SANITIZE) -o $@ $(@D)/api.o $(filter-out $(DOOR_OBJ),$(CORE_OBJ)) $(CORE_LIBS)

# A header rebuilds what includes it.
-include $(wildcard $(OBJS:.o=.d) $(CORE_OBJ:.o=.d))

all: selfclass_core.so
install: install-core
install-core: selfclass_core.so
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_SHLIB) selfclass_core.so '$(DESTDIR)$(pkglibdir)/selfclass_core.so'
uninstall: uninstall-core
uninstall-core:
	rm -f '$(DESTDIR)$(pkglibdir)/selfclass_core.so'
clean: clean-core
clean-core:
	rm -f selfclass_core.so

# ---------------------------------------------------------------------------
# Unit tests: C programs on the core's objects alone, no server.
# ---------------------------------------------------------------------------
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
comma := ,
link_with = $(CC) $(CORE_CFLAGS) $(DEPENDENCIES) -MT $@ -MF $@.d $(1) -o $@ $< $(2) $(CORE_LIBS)
$(BUILD)/unit/%: tests/unit/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,-Itests/unit,$(CORE_OBJ))
unit-programs: $(UNIT) $(BUILD)/unit/cpu
unit: unit-programs
	@tests/unit/run.sh $(UNIT)
# valgrind knows no AVX-512, and takes what libjpeg-turbo's own loops read beyond a row for a fault.
# Where it finds one, VALGRIND="valgrind --track-origins=yes" says of what; that takes twice the time.
VALGRIND = valgrind -q --error-exitcode=99
unit-valgrind: unit-programs
	@UNIT_SMALL=yes SELFCLASS_ISA=avx2 JSIMD_FORCENONE=1 WRAP="$(VALGRIND)" tests/unit/run.sh $(UNIT)

# The same with what finds memory misused or lost; oneDNN and OpenBLAS are what they are.
unit-sanitize:
	$(MAKE) BUILD=build/asan WITH_TESTS=yes \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' unit

# What the profile of an embedding times is called through it (tests/bench/profile_embed.c).
PROFILED_EMBED = sc_conv_infer_run sc_plain_view_of sc_resnet_put_view $(addprefix sc_infer_pool_,$(ISAS))
$(BUILD)/bin/profile_embed: tests/bench/profile_embed.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,$(addprefix -Wl$(comma)--wrap=,$(PROFILED_EMBED)),$(CORE_OBJ))

# What the profile of a training times is called through it (tests/bench/profile_train.c).
PROFILED = sc_conv_forward sc_conv_backward_data sc_conv_backward_weights sc_conv_reorder sc_trainer_make_views \
	sc_head_forward sc_head_backward sc_ntxent_run sc_sgd_step sc_resnet_average \
	$(foreach isa,base avx2 avx512,$(addsuffix _$(isa),$(addprefix sc_norm_,sums apply mask products backward pool unpool)))
$(BUILD)/bin/profile_train: tests/bench/profile_train.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,$(addprefix -Wl$(comma)--wrap=,$(PROFILED)),$(CORE_OBJ))

# What the profile of the analytics times is called through it (tests/bench/profile_analytics.c).
PROFILED_ANALYTICS = sc_sgemm sc_bf16_multiply sc_bf16_pack_right sc_candidates_load sc_reduction_apply sc_kmeans_bound \
	sc_centring_find sc_kmeans_order_rows sc_kmeans_seed sc_dsyev_top
$(BUILD)/bin/profile_analytics: tests/bench/profile_analytics.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,$(addprefix -Wl$(comma)--wrap=,$(PROFILED_ANALYTICS)),$(CORE_OBJ))

# Compiled like the core, for programs of tests/ that are no tests.
$(BUILD)/bin/%: tests/bench/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,,$(CORE_OBJ))
$(BUILD)/bin/%: tests/quality/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,,$(CORE_OBJ))
$(BUILD)/bin/%: tests/demo/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,,$(CORE_OBJ))

# OpenBLAS's own threads would take part in what is measured of one lane.
profile: $(BUILD)/bin/profile_train $(BUILD)/bin/profile_embed $(BUILD)/bin/profile_analytics
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BUILD)/bin/profile_train $(SIDES)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BUILD)/bin/profile_embed $(SIDES)
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BUILD)/bin/profile_analytics
# The table that conv_choice.c chooses by, made anew; what it says goes into src by hand.
tune: $(BUILD)/bin/tune $(BUILD)/unit/cpu
	tests/bench/tune.sh > $(BUILD)/conv_table.h
	diff src/core/nn/conv_table.h $(BUILD)/conv_table.h || true

# Fuzzers (clang's libFuzzer), each for FUZZ_SECONDS; what they found new is kept in build/fuzz/corpus.
FUZZ_SECONDS ?= 120
$(BUILD)/bin/%: tests/fuzz/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(call link_with,-fsanitize=fuzzer,$(CORE_OBJ))
# The type's source, with a server that the fuzzer makes itself.
TYPE_SRC = src/pg/type/embedding.c src/pg/type/embedding_sql.c
$(BUILD)/bin/fuzz_embedding: tests/fuzz/fuzz_embedding.c $(TYPE_SRC)
	@mkdir -p $(@D)
	$(CC) -g -O1 $(SANITIZE) -fsanitize=fuzzer $(WARNINGS) $(filter-out -MMD -MP,$(PG_CPPFLAGS)) -o $@ $< $(TYPE_SRC) -lm
FUZZ = $(patsubst tests/fuzz/%.c,build/fuzz/bin/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-programs:
	$(MAKE) CC=clang BUILD=build/fuzz WITH_TESTS=yes SANITIZE='-fsanitize=address,undefined,fuzzer-no-link' $(FUZZ)
$(BUILD)/bin/seeds: tests/fuzz/seeds.c
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -o $@ $< $(CORE_LIBS)
fuzz: fuzz-programs $(BUILD)/bin/seeds
	@tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)
-include $(wildcard $(BUILD)/unit/*.d $(BUILD)/bin/*.d)

.PHONY: FORCE profile tune install-core uninstall-core clean-core unit unit-sanitize unit-valgrind unit-programs fuzz fuzz-programs
.SECONDARY: $(CORE_OBJ)
FORCE:

endif
