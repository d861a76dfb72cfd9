# SPDX-License-Identifier: Apache-2.0
# make demo   one connection's life, from a fresh machine, no question asked
# make test   all tests; says how many were skipped
# make bench  the measured figures, each beside its C floor
# make lint   the house style

.PHONY: deps demo test bench lint build

build: deps
	swift build

deps:
	@scripts/install-dependencies

lint:
	swift format lint --strict --recursive Package.swift Sources Tests
