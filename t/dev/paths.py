# SPDX-License-Identifier: ISC
"""paths.py - lets the commands behind ./dev import the harness of the behaviour tests."""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "t", "behave"))
