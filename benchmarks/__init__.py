"""Benchmarks: what the mock costs beside a bare Starlette, in ratios of one run (`make bench`, `make soak`)."""
