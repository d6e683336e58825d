"""Tests of `apply`, and the systems that they write to."""
