"""Every single-bit edit of a 64 KiB plan file: `python -m tests.plan.flips` runs all 524,288, in about two minutes.

Each edited file goes to `is_whole`, which `parse` asks before anything else and whose no is final; every 101st, and
each that `is_whole` let pass, goes to `parse` itself, for the words. `--every N` runs a slice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from provisioner.diagnostics import ProvisionError
from provisioner.plan.plan import Plan
from provisioner.plan.planfile import dump, is_whole, parse
from tests.builders import change, plan

SIZE = 64 * 1024
REFUSALS = frozenset({"plan-file-edited", "plan-file-unreadable", "plan-file-version"})
_PARSED = 101


def large() -> Plan:
    """A plan whose file has 64 KiB to the byte."""
    made = [
        change(
            "revoke",
            f"corp-ldap:membership/developers/person-{n:04d}",
            cause="leaver",
            evidence="subject",
            why=f"person-{n:04d} is no longer declared (last in 1f7c9e2a4b6d)",
            source=f"access/people/person-{n:04d}.yaml:2:3",
        )
        for n in range(200)
    ]
    while len(dump(plan(*made))) > SIZE:
        made.pop()
    missing = SIZE - len(dump(plan(*made)))
    last = made[-1]
    made[-1] = change("revoke", str(last.address), cause="leaver", evidence="subject", why=last.why + "." * missing,
                      source=f"access/people/person-{len(made) - 1:04d}.yaml:2:3")  # fmt: skip
    return plan(*made)


def flipped(content: bytes, bits: Iterable[int]) -> Iterator[bytes]:
    """`content` with one bit turned, once for each of `bits`."""
    broken = bytearray(content)
    for bit in bits:
        broken[bit >> 3] ^= 1 << (bit & 7)
        yield bytes(broken)
        broken[bit >> 3] ^= 1 << (bit & 7)


def accepted(content: bytes, bits: range) -> list[int]:
    """The bits whose turning was not noticed."""
    found = []
    for bit, broken in zip(bits, flipped(content, bits), strict=True):
        if (is_whole(broken) or bit % _PARSED == 0) and not _refused(broken):
            found.append(bit)
    return found


def _refused(content: bytes) -> bool:
    try:
        parse(content)
    except ProvisionError as error:
        return error.diagnostics[0].code in REFUSALS
    return False


def _main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth bit")
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args()
    content = dump(large())
    parse(content)
    bits = range(0, len(content) * 8, chosen.every)
    start = time.monotonic()
    parts = [bits[at : at + 8192] for at in range(0, len(bits), 8192)]
    with ProcessPoolExecutor(chosen.processes) as pool:
        found = [bit for part in pool.map(accepted, [content] * len(parts), parts) for bit in part]
    sys.stdout.write(
        f"{len(content)} bytes, {len(bits)} single-bit edits, {len(found)} not refused, "
        f"{time.monotonic() - start:.0f} s\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main())
