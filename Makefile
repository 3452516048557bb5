# selfclass: PostgreSQL extension. "make && make install" against the server
# that pg_config names; "make check" and "make demo" install what they need
# (Debian packages) and run everything in a throw-away cluster of their own.

EXTENSION = selfclass sql/selfclass_pgvector
EXTVERSION = 1.1
PG_CONFIG ?= pg_config

# Targets that drive scripts. They must work where no PostgreSQL is installed
# yet, and PGXS has a "check" of its own, so they stand apart from it.
DRIVERS = setup check soak demo paper bench-analytics
ifneq ($(filter $(DRIVERS),$(MAKECMDGOALS)),)

.PHONY: $(DRIVERS)
setup:
	@tests/setup.sh
check:
	@tests/check.sh
# The tests of processes again, on a quiet machine, with bounds in seconds on how soon a cancel is answered.
soak:
	@SELFCLASS_SOAK=yes tests/check.sh tap
demo:
	@tests/demo/demo.sh $(if $(IMAGES),"$(IMAGES)")
paper:
	@tests/paper/paper.sh
bench-analytics:
	@tests/bench/analytics.sh

else

# ---------------------------------------------------------------------------
# selfclass.so: what knows PostgreSQL. Links no numeric library.
# ---------------------------------------------------------------------------
MODULE_big = selfclass
ISAS = base $(if $(filter x86_64,$(shell uname -m)),avx2 avx512)
PG_SIMD_SRC = $(wildcard src/pg/*_simd.c)
PG_SIMD_OBJ = $(foreach isa,$(ISAS),$(PG_SIMD_SRC:%.c=%_$(isa).o))
# Of the core, for the loops over embeddings: it stands on nothing.
ISA_OBJ = build/core/isa.o
OBJS = $(patsubst %.c,%.o,$(filter-out $(PG_SIMD_SRC),$(wildcard src/pg/*.c))) $(PG_SIMD_OBJ) $(ISA_OBJ)
DATA = $(wildcard sql/selfclass--*.sql sql/selfclass_pgvector--*.sql)
REGRESS = $(shell cat sql/schedule)

# PGXS would build bitcode of the glue for the JIT, which has nothing to gain here.
override with_llvm := no
WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
WARNINGS += -Wno-sign-compare -Wno-cast-function-type $(if $(WERROR),-Werror)
# The server's own flags are gcc's where the server was built with gcc.
WARNINGS += $(if $(findstring clang,$(CC)),-Wno-ignored-optimization-argument -Wno-unknown-warning-option)
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DSELFCLASS_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = $(WARNINGS)
SHLIB_LINK = -ldl
EXTRA_CLEAN = build

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Every object sees every header: the tree is small, a stale object costs hours.
HEADERS_ALL = $(wildcard src/core/*.h src/pg/*.h)
$(OBJS): $(HEADERS_ALL) Makefile

# ---------------------------------------------------------------------------
# selfclass_core.so: the numerics, C11, no PostgreSQL. Built by itself.
# ---------------------------------------------------------------------------
BUILD = build
CORE_SRC = $(filter-out %_simd.c src/core/png.c src/core/conv_onednn.c,$(wildcard src/core/*.c))
SIMD_SRC = $(wildcard src/core/*_simd.c)
CORE_LIBS = -lopenblas -ljpeg -lm -pthread
PKGCONFIG = $(if $(shell command -v pkg-config),pkg-config,false)

# Found at build time, like a configure script would: libpng and oneDNN are optional.
have_header = $(shell printf '\043include <$(1)>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
WITH_PNG ?= $(if $(call have_header,png.h),yes,no)
WITH_ONEDNN ?= $(if $(call have_header,oneapi/dnnl/dnnl.h),yes,no)
ifeq ($(WITH_PNG),yes)
CORE_SRC += $(wildcard src/core/png.c)
CORE_DEFS += -DSC_WITH_PNG
CORE_LIBS += -lpng
endif
ifeq ($(WITH_ONEDNN),yes)
CORE_SRC += $(wildcard src/core/conv_onednn.c)
CORE_DEFS += -DSC_WITH_ONEDNN
CORE_LIBS += -ldnnl -lgomp
endif

# These let the compiler vectorise sums. None of them links crtfastmath.o, so
# none changes floating-point for the rest of the backend; isnan keeps its meaning.
FP_FLAGS = -ftree-vectorize -fassociative-math -fno-signed-zeros \
	-fno-trapping-math -fno-math-errno -ffp-contract=fast
CORE_CFLAGS = -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer \
	-fno-strict-aliasing -fwrapv -pthread $(WARNINGS) -Wmissing-prototypes $(FP_FLAGS) $(CORE_DEFS) $(SANITIZE)
SIMD_avx2 = -mavx2 -mfma -mf16c
SIMD_avx512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512

CORE_OBJ = $(CORE_SRC:src/core/%.c=$(BUILD)/core/%.o) \
	$(foreach isa,$(ISAS),$(SIMD_SRC:src/core/%.c=$(BUILD)/core/%_$(isa).o))

# What the objects were built with; a change of it rebuilds them.
$(BUILD)/core/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CORE_CFLAGS) $(CORE_LIBS)' | cmp -s - $@ || echo '$(CC) $(CORE_CFLAGS) $(CORE_LIBS)' > $@

$(BUILD)/core/%.o: src/core/%.c $(HEADERS_ALL) $(BUILD)/core/flags Makefile
	$(CC) $(CORE_CFLAGS) -c -o $@ $<
define simd_rule
src/pg/%_simd_$(1).o: src/pg/%_simd.c $(HEADERS_ALL) $(BUILD)/core/flags Makefile
	$$(CC) $$(CORE_CFLAGS) -Isrc -O3 $$(SIMD_$(1)) -DSC_ISA=$(1) -c -o $$@ $$<
$(BUILD)/core/%_simd_$(1).o: src/core/%_simd.c $(HEADERS_ALL) $(BUILD)/core/flags Makefile
	$$(CC) $$(CORE_CFLAGS) -O3 $$(SIMD_$(1)) -DSC_ISA=$(1) -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call simd_rule,$(isa))))

selfclass_core.so: $(CORE_OBJ)
	$(CC) -shared -Wl,-Bsymbolic -Wl,-z,now -Wl,-z,defs $(SANITIZE) -o $@ $(CORE_OBJ) $(CORE_LIBS)

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
# Unit tests: C programs on the core's objects (and the loops over embeddings,
# which know no PostgreSQL either) alone, no server.
# ---------------------------------------------------------------------------
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
$(BUILD)/unit/%: tests/unit/%.c tests/unit/unit.h $(CORE_OBJ) $(PG_SIMD_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -Isrc/core -Isrc -Itests/unit -o $@ $< $(CORE_OBJ) $(PG_SIMD_OBJ) $(CORE_LIBS)
unit-programs: $(UNIT) $(BUILD)/unit/cpu
unit: $(UNIT) $(BUILD)/unit/cpu
	@tests/unit/run.sh $(UNIT)

# Compiled like the core, for programs of tests/ that are no tests.
$(BUILD)/bin/%: tests/bench/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -Isrc/core -o $@ $< $(CORE_OBJ) $(CORE_LIBS)
$(BUILD)/bin/%: tests/demo/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -Isrc/core -o $@ $< $(CORE_OBJ) $(CORE_LIBS)

# Fuzzers (clang's libFuzzer): "make fuzz-programs", then run build/fuzz/bin/fuzz_*.
$(BUILD)/bin/%: tests/fuzz/%.c $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -fsanitize=fuzzer -Isrc/core -o $@ $< $(CORE_OBJ) $(CORE_LIBS)
FUZZ = $(patsubst tests/fuzz/%.c,build/fuzz/bin/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-programs:
	$(MAKE) CC=clang BUILD=build/fuzz SANITIZE='-fsanitize=address,undefined,fuzzer-no-link' $(FUZZ)

.PHONY: FORCE install-core uninstall-core clean-core unit unit-programs fuzz-programs
.SECONDARY: $(CORE_OBJ)
FORCE:

endif
