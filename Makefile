# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := help
# Swift brings clang along; no other compiler is needed.
C_COMPILER := $(shell command -v cc || command -v clang)
.PHONY: help deps build release static install package package-test demo docs test simulate races \
	fuzz bench bench-peers bench-results lint clean

help:
	@echo 'make demo           one connection from its beginning to its end, on a practice server'
	@echo 'make test           every test; the last line counts passed, failed and skipped'
	@echo 'make simulate       an hour of simulated days; SIMULATE_MINUTES=, SIMULATE_SEED='
	@echo 'make races          reads, writes and refreshes at once, under the thread sanitizer'
	@echo 'make fuzz           any bytes as an answer for a minute; FUZZ_SECONDS='
	@echo 'make bench          measures, each figure beside its C floor; about half an hour'
	@echo 'make bench-peers    measures beside SQLCipher, Go and Python, which it installs'
	@echo 'make bench-results  both, and writes the table and the plot that are kept in git'
	@echo 'make docs           the documentation as pages, in .build/docs; fails on a warning'
	@echo 'make lint           the house style'
	@echo 'make build          a debug build; make release for the tokenvault executable'
	@echo 'make install        the executable, its manual and what systemd needs; PREFIX=, DESTDIR='
	@echo 'make package        a Debian package; make package-test installs it in an empty Debian'
	@echo 'make deps           the Debian packages that are missing'
	@echo 'make clean          removes what was built'

deps:
	@scripts/install-dependencies

build: deps
	swift build -j 2

release: deps
	swift build -j 2 -c release --product tokenvault

# What is installed: it needs nothing of the toolchain's. A scratch path of its own, since all that
# is linked into it is built anew; JOBS=1 on a machine with little memory.
JOBS ?= 2
static:
	swift build -j $(JOBS) -c release --product tokenvault --static-swift-stdlib \
		--scratch-path .build/package

PREFIX ?= /usr/local
install: static
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) packaging/install

package: static
	@packaging/deb/build

# As root, with a network: two or three minutes, and therefore not part of make test.
package-test: package
	@packaging/deb/test .build/package/tokenvault_*.deb

demo: deps
	swift build -j 2 --product provider-simulator
	swift build -j 2 --product tokenvault
	swift build -j 2 --product tokenvault-demo
	@mkdir -p .build/forensics
	$(C_COMPILER) -O2 -Wall -Wextra -o .build/forensics/residue_scanner \
		Tests/Forensics/residue_scanner.c
	@scripts/demo

test:
	@scripts/install-dependencies --tests
	@scripts/run-tests

# The vault's own parts are not public, and in a release build only visible on demand; a scratch
# path of its own, since everything is built anew for that.
simulate: deps
	swift build -j 2 -c release --product simulate -Xswiftc -enable-testing \
		--scratch-path .build/simulator
	.build/simulator/release/simulate

races: deps
	@scripts/find-races

# What an answer passes through, with libFuzzer and AddressSanitizer.
FUZZ_SECONDS ?= 60
fuzz: deps
	Tests/Fuzz/run $(FUZZ_SECONDS)

bench:
	@scripts/install-dependencies --tests
	benchmarks/run

bench-peers:
	@scripts/install-dependencies --tests
	benchmarks/run --peers

bench-results: bench bench-peers
	benchmarks/publish

docs: deps
	swift package -j 2 --allow-writing-to-directory .build/docs generate-documentation \
		--target TokenVault --warnings-as-errors --output-path .build/docs

lint:
	swift format lint --strict --recursive Package.swift Sources Tests benchmarks

clean:
	rm -rf .build
