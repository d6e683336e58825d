"""Owners as far as paths can say them: which file is for whom, as lines of a CODEOWNERS file. Pure.

A path says who owns a file, not who owns a line: files of people are for whoever owns any role, and which of them is
meant is left to `approvals`. Logins and teams are those of one GitHub target.
https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.ask.approvers import ROLE, Approvers
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.contents import Entry
from provisioner.load.display import several
from provisioner.model.access import DeclaredAccess
from provisioner.model.instant import Instant
from provisioner.model.target import Target

_HOLDERS = frozenset({"people", "services"})
WORKFLOWS = ("/.circleci/", "/.github/")


@dataclass(frozen=True)
class Codeowners:
    """`lines` are pattern and owners. `notes` are told beside them."""

    lines: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[Diagnostic, ...] = ()

    def text(self) -> str:
        column = max((len(pattern) for pattern, _ in self.lines), default=0) + 2
        return "".join(f"{pattern.ljust(column)}{' '.join(owners)}\n" for pattern, owners in self.lines)


def codeowners(
    declared: DeclaredAccess, entries: Mapping[tuple[str, str], Entry], folder: str, target: Target, now: Instant
) -> Codeowners:
    """Lines for the access folder, and for the workflows beside it. The last one that fits a path counts."""
    owning = _Owning(declared, target, now)
    files: dict[str, list[Entry]] = {}
    for entry in entries.values():
        files.setdefault(entry.source.file, []).append(entry)
    last = owning.handles(declared.rules.owners)
    any_role = owning.handles(o for role in declared.roles.values() for o in role.owners) or last
    lines = [(f"/{_pattern(folder)}/" if folder != "." else "/", last)]
    folders = _of_people_alone(files, folder)
    lines += [(f"/{_pattern(path)}/", any_role) for path in folders]
    for file, inside in sorted(files.items()):
        if all(e.section in _HOLDERS for e in inside):
            owners = () if any(file.startswith(f"{path}/") for path in folders) else any_role
        else:
            owners = owning.file(inside)
            if any(e.section in _HOLDERS for e in inside):
                owners = tuple(dict.fromkeys((*owners, *any_role)))
        if owners != last:
            lines.append((f"/{_pattern(file)}", owners))
    workflows = owning.handles(o for p in declared.pipelines.data.values() for o in p.get("owners", ())) or last
    lines += [(path, workflows) for path in WORKFLOWS]
    lines.append(("/.github/CODEOWNERS", last))
    return Codeowners(tuple(line for line in lines if line[1]), tuple(owning.notes))


class _Owning:
    def __init__(self, declared: DeclaredAccess, target: Target, now: Instant) -> None:
        self.declared = declared
        self.target = target
        self.notes: list[Diagnostic] = []
        self._approvers = Approvers(declared, now)
        self._organization = str(target.settings.data.get("organization", ""))

    def file(self, inside: Iterable[Entry]) -> tuple[str, ...]:
        """Everybody who owns something in a file: any of them may approve all of it."""
        owners: dict[tuple[str, ...], Entry] = {}
        for entry in inside:
            if entry.section not in _HOLDERS and (handles := self._of(entry)):
                owners.setdefault(handles, entry)
        if len(owners) > 1:
            self._share(owners)
        return tuple(dict.fromkeys(h for handles in owners for h in handles))

    def _of(self, entry: Entry) -> tuple[str, ...]:
        said = entry.value("owners")
        own = said if isinstance(said, list) and entry.section != "records" else ()
        instances = entry.value("instances")
        if isinstance(instances, dict):
            own = [*own, *(o for i in instances.values() if isinstance(i, dict) for o in i.get("owners", ()))]
        return self.handles(map(str, own)) or self.handles(self.declared.rules.owners)

    def handles(self, owners: Iterable[str]) -> tuple[str, ...]:
        """Owners as GitHub writes them: a team where one stands for a role, else the people."""
        found: list[str] = []
        for owner in owners:
            team = self._team(owner.removeprefix(ROLE)) if owner.startswith(ROLE) else None
            if team is not None:
                found.append(f"@{self._organization}/{team}")
            else:
                found += [f"@{self._login(p)}" for p in sorted(self._approvers.people([owner]))]
        return tuple(dict.fromkeys(found))

    def _login(self, person: str) -> str:
        return self.declared.identities[person].login_on(self.target.name)

    def _team(self, role: str) -> str | None:
        """The team that all holders of the role are in, and nobody else by the files."""
        by_team: dict[str, list[str]] = {}
        for known in self.declared.roles.values():
            for grant in known.grants:
                if grant.target == self.target.family:
                    for team in grant.block.data.get("teams", ()):
                        by_team.setdefault(str(team), []).append(known.id)
        return next((team for team, roles in by_team.items() if roles == [role] and "{" not in team), None)

    def _share(self, owners: Mapping[tuple[str, ...], Entry]) -> None:
        names = [e.name or e.section for e in owners.values()]
        self.notes.append(
            Diagnostic(
                "owners-share-a-file",
                f"{several(names)} have different owners and stand in one file",
                Severity.WARNING,
                list(owners.values())[1].place(),
                why="a path has one set of owners: any of them may approve all of the file",
                fix="put them into files of their own; `provision approvals` knows them apart either way",
            )
        )


def _of_people_alone(files: Mapping[str, list[Entry]], folder: str) -> list[str]:
    """Folders in which nothing but people and services is declared: new files in them are people's too."""
    by_folder: dict[str, bool] = {}
    for file, inside in files.items():
        above = file.rpartition("/")[0]
        only = all(e.section in _HOLDERS for e in inside)
        while above and above != folder:
            by_folder[above] = by_folder.get(above, True) and only
            above = above.rpartition("/")[0]
    found = sorted(path for path, only in by_folder.items() if only)
    return [path for path in found if not any(path.startswith(f"{other}/") for other in found)]


def _pattern(path: str) -> str:
    """A path as a pattern for itself: CODEOWNERS knows no brackets, and a space ends it."""
    return "".join("?" if c in "[]*?\\" else f"\\{c}" if c in " #" else c for c in path)
