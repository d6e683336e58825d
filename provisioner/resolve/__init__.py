"""DeclaredAccess -> desired State, one per target. No I/O, no clock but the one passed in."""
