"""Policies that lie ready for runs which need more than fits into a session: told, made, and taken away again.

They lie under a path of their own, attached to nobody. The name of each is the digest of our owner and of its text: so
one with another text is not ours and is used for nothing. It refuses to take away one that is not as we made it, that
somebody has attached, or of which the journal does not say that it was made from these files.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provisioner.contract import Piece, Prepared, ProviderError, Trouble, Usual
from provisioner.model.mark import owner8
from provisioner.providers.aws_iam import documents, names
from provisioner.providers.aws_iam.calls import ReadCalls, WriteCalls
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.held import Given, Held, given_by, read_held, session_for
from provisioner.providers.aws_iam.identify import Identified

_ATTACHED = ("AttachmentCount", "PermissionsBoundaryUsageCount")
_ANY_END = datetime(2000, 1, 1, tzinfo=UTC)
"""Every end is written in as many characters, and no piece has one in it."""


def is_ready(held: Held, arn: str, piece: str) -> bool:
    """Whether that policy is there, and says that."""
    return arn in held.ready and _exactly(held.texts.get(arn)) == _exactly(json.loads(piece))


def _exactly(document: documents.Document | None) -> str:
    """To tell documents apart as AWS does: Python takes `0` and `false` for the same."""
    return json.dumps(document, sort_keys=True)


Session = tuple[Clients, Identified]
"""Clients in an account, and who they turn out to be."""


class Policies:
    """Those of one account. `writing` is None where it is only looked."""

    def __init__(self, account: str, reading: Session, writing: Session | None, owner: str | None) -> None:
        self._account, self._owner = account, owner8(owner)
        self._reads, self._identified = ReadCalls(reading[0]), reading[1]
        self._writing = writing

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    def look(self, usual: Sequence[Usual], known: Collection[str]) -> Prepared:
        self._identified.check(self._reads)
        held = read_held(self._reads, self._identified.partition, {one.login for one in usual})
        pieces: dict[str, str] = {}
        whose: dict[str, dict[str, None]] = {}
        for one, texts in self._needed(usual, held):
            for piece in texts:
                name = names.run_policy(piece, self._owner)
                pieces[name] = piece
                whose.setdefault(name, {})[f"{one.person} in {one.pipeline}"] = None
        lacking = [
            Piece(name, piece, tuple(whose[name]))
            for name, piece in pieces.items()
            if self._arn(name) not in held.ready
        ]
        strange = dict(self._strange(held, pieces, known))
        needless = sorted(name for name in known if name not in pieces and name not in strange)
        return Prepared(tuple(lacking), tuple(needless), tuple(strange.values()))

    def _strange(self, held: Held, needed: Collection[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
        """By name, in words, those that are left alone; not those of other files."""
        for arn, row in sorted(held.ready.items()):
            name = row["PolicyName"]
            if arn != self._arn(name):
                if name in known:
                    yield name, f"{arn} was made when `records.owner` was another, and no run is given it any more"
                continue
            why = self._not_ours(name, row, held.texts.get(arn, {}))
            if why is None and name not in needed and name not in known:
                why = "is needed by no run of these files, and the journal does not say that it was made from them"
            if why is not None:
                yield name, f"{arn} {why}"

    def make(self, piece: Piece, deadline: float) -> None:
        """One that is there already is fine: whether it says what it should, `look` tells."""
        try:
            self._calls(deadline).create_policy(piece.name, names.run_path(self._owner), piece.content)
        except ProviderError as error:
            if error.code != "EntityAlreadyExists":
                raise

    def drop(self, name: str, deadline: float) -> None:
        """Fine where it is gone. Raises ProviderError (`conflict`) where it is not as we made it any more."""
        calls, arn = self._calls(deadline), self._arn(name)
        try:
            row = self._reads.policy(arn)
            why = self._not_ours(name, row, self._reads.managed_policy(arn))
            if why is not None:
                raise ProviderError(Trouble.CONFLICT, f"{arn} {why}", call="iam:GetPolicy")
            calls.delete_policy(arn)
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise

    def _needed(self, usual: Sequence[Usual], held: Held) -> Iterator[tuple[Usual, tuple[str, ...]]]:
        """What each takes; worked out once for all who are given and denied the same."""
        given: dict[int, Given] = {}
        same: dict[Given, Given] = {}
        live: dict[str, frozenset[str]] = {}
        known: dict[object, tuple[str, ...]] = {}
        for one in usual:
            if id(one.things) not in given:
                given[id(one.things)] = same.setdefault(first := given_by(one.things, held), first)
            theirs = given[id(one.things)]
            if theirs.cannot or held.boundary(one.login) or names.role_of(one.login) is not None:
                continue  # no run is given anything then, and the run says why
            if one.login not in live:
                inline = (_exactly(text) for text in held.inline.get(one.login, {}).values())
                live[one.login] = frozenset([*held.attached.get(one.login, ()), *inline])
            key = (id(theirs), live[one.login])
            if key not in known:
                found = session_for(theirs, held, (one.login,), _ANY_END, self._account, self._owner)
                known[key] = () if found.cannot else found.pieces
            yield one, known[key]

    def _not_ours(self, name: str, row: Mapping[str, Any], document: documents.Document) -> str | None:
        """Why it is left alone, in words."""
        text = documents.compact(documents.statements(document))
        if name != names.run_policy(text, self._owner):
            return "is not as this tool made it"
        if len(row.get("PolicyVersionList") or ()) > 1:
            return "has another version, which somebody made"
        if any(row.get(count) for count in _ATTACHED):
            return "is attached to somebody: it is there for sessions alone"
        return None

    def _arn(self, name: str) -> str:
        return names.run_policy_arn(name, self._owner, self._identified.partition, self._account)

    def _calls(self, deadline: float) -> WriteCalls:
        if self._writing is None:
            raise ProviderError(Trouble.DENIED, "opened to look only", call="iam:CreatePolicy")
        clients, identified = self._writing
        calls = WriteCalls(clients, deadline)
        identified.check(calls)
        return calls
