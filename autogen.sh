#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes ./configure from configure.ac and Makefile.am.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux/m4
driver=$(ls -d "$(automake --print-libdir)/tap-driver.sh")
cp "$driver" build-aux/tap-driver.sh
exec autoreconf --install --force "$@"
