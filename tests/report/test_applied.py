"""The summary of a run names each failure, and calls nothing done that was not read back."""

from __future__ import annotations

import io

from provisioner.contract import (
    Accepted,
    AlreadySo,
    Done,
    Failed,
    Outcome,
    ProviderError,
    Refused,
    StillHas,
    Trouble,
    Unknown,
    Waiting,
)
from provisioner.diagnostics import Diagnostic
from provisioner.model.change import Change
from provisioner.model.way import Way
from provisioner.report.applied import text
from provisioner.report.progress import ProgressLine, is_live
from tests.builders import at, change, day

THROTTLED = ProviderError(
    Trouble.BUSY, "Rate exceeded", call="RemoveUserFromGroup", request_id="1f2e3d", code="Throttling"
)


def revoke(group: str, target: str = "aws") -> Change:
    return change(
        "revoke",
        f"{target}:membership/{group}/ada",
        f"remove ada from group {group}",
        source="access/people/ada.yaml:2:3",
    )


def told(outcome: Outcome, *, failed: bool = True) -> str:
    """What is said about one change that came to `outcome`."""
    one = revoke("Dev")
    return text([one], {one.id: outcome}, failed=[one.id] if failed else [])


def test_all_done_is_said_in_a_line_and_listed() -> None:
    some = [revoke("Dev"), revoke("Ops", "corp-ldap")]
    assert text(some, {c.id: Done("read back") for c in some}, failed=[], converged=["aws", "corp-ldap"]) == (
        "Done: 2 changes on 2 targets, each read back from the live system.\n"
        "  - remove ada from group Dev (aws)\n"
        "  - remove ada from group Ops (corp-ldap)\n"
        "\n"
        "In order now: aws, corp-ldap.\n"
    )


def test_who_has_to_accept_is_named_also_where_changes_are_too_many_to_be_listed() -> None:
    many = [revoke(f"g{n}") for n in range(50)]
    outcomes: dict[str, Outcome] = {c.id: Done("read back") for c in many}
    outcomes[many[0].id] = outcomes[many[1].id] = Waiting("ada", day("2026-12-08"))
    outcomes[many[2].id] = Waiting("bob", day("2026-12-07"))
    told = text(many, outcomes, failed=[])
    assert "  aws waits for ada, bob to accept; the first lapses 2026-12-07" in told and "g0" not in told


def test_nothing_to_do_is_said_calmly() -> None:
    assert text([], {}, failed=[], converged=["aws"]) == "Nothing to do.\n\nIn order now: aws.\n"


def test_nothing_done_is_not_nothing_to_do() -> None:
    assert text([], {}, failed=[], held_back=168).startswith("Nothing was done.\n\n168 changes were held back;")
    assert text([], {}, failed=[], why_not={"aws": "unreachable"}).startswith("Nothing was done.\n")


def test_a_failure_names_target_call_request_and_access_line() -> None:
    some = [revoke("Dev"), revoke("Ops")]
    outcomes: dict[str, Outcome] = {some[0].id: Failed(THROTTLED), some[1].id: Done()}
    assert text(some, outcomes, failed=[some[0].id], why_not={"aws": "some changes were not done"}) == (
        "1 of 2 changes on 1 target done, 1 failed.\n"
        "  - remove ada from group Ops (aws)\n"
        "\n"
        "1 failed\n"
        "  - remove ada from group Dev (aws)\n"
        "      Rate exceeded (RemoveUserFromGroup, busy, code Throttling, request 1f2e3d); asked for at\n"
        "      access/people/ada.yaml:2:3\n"
        "\n"
        "Not in order yet: aws: some changes were not done.\n"
        "What is left: `provision status` lists it, and the next apply begins with it.\n"
    )


def test_each_kind_of_outcome_has_its_own_words() -> None:
    still = StillHas((Way(via=at("aws:membership/Parent/ada")), Way("inherited-1")))
    assert "still there through aws:membership/Parent/ada, inherited-1" in told(still)
    assert "not tried: its live value moved" in told(Refused("its live value moved"))
    assert "sent, and not answered" in told(Unknown(day("2026-11-22T10:00:00Z"), THROTTLED))
    assert "must be looked at after 2026-11-22 10:00 UTC" in told(Unknown(day("2026-11-22T10:00:00Z")))
    assert "does not show it yet, which may take until 2026-11-22 10:00 UTC" in told(
        Accepted("r", day("2026-11-22T10:00:00Z")), failed=False
    )
    assert "waits for ada, lapses 2026-11-29 00:00 UTC" in told(Waiting("ada", day("2026-11-29")), failed=False)
    assert "was so already" in told(AlreadySo(), failed=False)


def test_what_is_only_accepted_is_not_called_done() -> None:
    shown = told(Accepted("r"), failed=False)
    assert shown.startswith("0 of 1 change on 1 target done.")
    assert "1 not done" in shown


def test_many_successes_are_counted_and_every_failure_is_listed() -> None:
    some = [revoke(f"g{n}") for n in range(200)]
    outcomes: dict[str, Outcome] = {c.id: Done() if n < 100 else Failed(THROTTLED) for n, c in enumerate(some)}
    shown = text(some, outcomes, failed=[c.id for c in some[100:]])
    assert shown.count("remove ada from group") == 100
    assert "group g199 " in shown


def test_interruption_and_trouble_with_the_journal_are_told() -> None:
    one = revoke("Dev")
    shown = text(
        [one],
        {one.id: Refused("the run was stopped")},
        failed=[],
        interrupted=True,
        diagnostics=[Diagnostic("journal-not-writable", "the journal cannot be written")],
    )
    assert shown.startswith("Interrupted: 0 of 1 change on 1 target done.")
    assert "error[journal-not-writable]" in shown


def test_answers_of_remote_systems_cannot_write_to_the_terminal() -> None:
    shown = told(Failed(ProviderError(Trouble.DENIED, "\x1b[2J\n::error::", call="\x9b", request_id="\u202e")))
    assert shown.replace("\n", "").isprintable()
    assert not any(line.strip().startswith("::") for line in shown.splitlines())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_rewrites_one_line_on_a_terminal_and_wipes_it() -> None:
    out = io.StringIO()
    line = ProgressLine(out.write, live=True, columns=30)
    line("corp-ldap 1/2: add ada to group developers")
    line("short")
    line.close()
    line.close()
    assert out.getvalue() == "\r\x1b[Kcorp-ldap 1/2: add ada to ...\r\x1b[Kshort\r\x1b[K"


def test_progress_is_plain_lines_in_a_pipe() -> None:
    out = io.StringIO()
    line = ProgressLine(out.write, live=False, columns=20)
    line("corp-ldap 1/2: add ada to group developers")
    line("corp-ldap 1/2: add ada to group developers")
    line("::error::\x1b[2J\r\n")
    line.close()
    assert out.getvalue() == "corp-ldap 1/2: add ada to group developers\n:\\x3aerror::\\x1b[2J\\r\\n\n"


def test_in_a_pipe_each_phase_is_told_once_and_its_steps_are_not() -> None:
    out, live = io.StringIO(), io.StringIO()
    line, shown = ProgressLine(out.write, live=False), ProgressLine(live.write, live=True)
    for number in range(3):
        for target in ("corp-ldap", "aws"):
            for each in (line, shown):
                each(f"{target} {number}/3: add", phase=f"{target}: 3 changes to make")
    assert out.getvalue() == "corp-ldap: 3 changes to make\naws: 3 changes to make\n"
    assert live.getvalue().count("add") == 6 and "to make" not in live.getvalue()


def test_only_a_terminal_that_is_no_ci_log_gets_a_live_line() -> None:
    assert is_live(Terminal(), {})
    assert not is_live(Terminal(), {"CI": "true"})
    assert not is_live(Terminal(), {"TERM": "dumb"})
    assert not is_live(io.StringIO(), {})
