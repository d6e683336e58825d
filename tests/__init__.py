"""Tests, mirroring the rooms of `provisioner`."""
