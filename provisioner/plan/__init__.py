"""Desired + live -> Plan. No I/O, and no clock but the one passed in."""
