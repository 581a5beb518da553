# Shared by the build rules of functions and layers. SAM passes nothing but ARTIFACTS_DIR, so what is built for comes
# by environment. Both defaults are those of the template's parameters Runtime and Architecture.
CRATEKEEPER_PYTHON ?= 3.13
CRATEKEEPER_ARCHITECTURE ?= arm64

machine := $(patsubst arm64,aarch64,$(filter arm64 x86_64,$(CRATEKEEPER_ARCHITECTURE)))
ifeq ($(machine),)
$(error CRATEKEEPER_ARCHITECTURE is arm64 or x86_64, not '$(CRATEKEEPER_ARCHITECTURE)')
endif

# Lambda cannot write next to its code, so bytecode that is not shipped is compiled anew at each cold start. Unchecked,
# because unpacking changes the times; under the place of unpacking ($1), which tracebacks then name.
compiler = python$(CRATEKEEPER_PYTHON)
define compile
	@if $(compiler) -c '' 2>/dev/null; then \
	  $(compiler) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p $1 "$(ARTIFACTS_DIR)"; \
	fi
endef
