"""How big access files may be. Each limit refuses quickly, and names itself and what was found.

They keep a hostile or accidental file from taking the time or memory of the machine that plans.
"""

from __future__ import annotations

FILE_BYTES = 1 << 20
TREE_BYTES = 50 << 20
TREE_FILES = 200_000
DEPTH = 64
NODES = 200_000
"""Keys, values and list entries of one file, as written."""
EXPANSION = 10
"""How many times as many nodes a file may have once its aliases are followed."""
EXPANDED_FLOOR = 10_000
"""Files that expand to fewer nodes than this are never refused for their aliases."""
SCALAR_BYTES = 8 << 10
