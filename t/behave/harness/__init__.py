# SPDX-License-Identifier: ISC
"""harness - what the behaviour tests, ./dev up and the benchmarks stand on: servers, clients, peers, a Stoa."""
