"""`provision expire`: ends what has lapsed and finishes what is outstanding, and cuts off who has left a source of
people. It gives nothing to anybody.
"""

from __future__ import annotations

from functools import partial

from provisioner.cli.options import DEFAULT_ACCESS, Access, BaseRevision, TargetName


def expire(
    access: Access = DEFAULT_ACCESS,
    target: TargetName = None,
    base: BaseRevision = None,
) -> int:
    """End what has lapsed, of leavers and by time, and finish what is outstanding. Gives nothing to anybody."""
    from provisioner.cli.applying import Task, carry_out
    from provisioner.cli.choosing import only_due
    from provisioner.cli.exit_codes import Exit, first
    from provisioner.cli.following import hold_all, leavers_of, tell_held, worst
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.sweeping import ended_runs
    from provisioner.cli.wiring import InvalidFilesError, Wanted, check_journal, open_work

    try:
        opened = open_work(Wanted(access, target, base=base, last_valid=True))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    swept = ended_runs(opened)
    if not opened.declared.sources:
        return first(Exit(carry_out(opened, Task("expire", choose=only_due(), rotates=False))), swept)
    check_journal(opened)
    followed = leavers_of(opened)
    begin = partial(hold_all, followed)
    try:
        status = carry_out(opened, Task("expire", choose=only_due(), begin=begin, rotates=False))
    except BaseException:  # however it ended, an interrupt too, who is held must be told
        tell_held(followed, opened)
        raise
    return first(Exit(worst(status, followed)), swept)
