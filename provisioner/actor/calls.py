"""One CI system's API: questions, and the one call that stops a run. Nothing else gets through.

Refuses to guess: whatever is not a whole answer is `ci-unreadable`, and nobody is let in by that. A token is never in a
message, and is sent to no other host than the one that was to be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.actor.found import Aborted
from provisioner.diagnostics import Diagnostic, ProvisionError

if TYPE_CHECKING:
    from provisioner.transport import Answer, Session

_TRIES = 3


@dataclass(frozen=True)
class Api:
    """`system` is the CI's name; `asking` may only ask, and is used for all questions; `stopping` for one call."""

    system: str
    asking: Session
    stopping: Session

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON of an answer that is one. ProvisionError for everything else."""
        return self.ask("GET", path, params=params)

    def ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """A question that a system wants asked in another way."""
        from provisioner.transport import TransportError

        try:
            answer = self.asking.send(method, path, params=params, body=body, reading=True)
            if answer.ok:
                return answer.json()
            told = f"{answer.call}: status {answer.status}, {answer.message()}"
        except TransportError as error:
            told = f"{error.call}: {error.message}"
        raise unreadable(self.system, told)

    def pages(self, path: str, *, size: int = 100) -> list[Any]:
        """Every element of a list with `Link` pages."""
        from provisioner.transport import TransportError

        found: list[Any] = []
        following: str | None = f"{path}?per_page={size}"
        try:
            while following is not None:
                answer = self.asking.get(following)
                page = answer.json() if answer.ok else None
                if not isinstance(page, list):
                    raise unreadable(self.system, f"{answer.call}: status {answer.status}, {answer.message()}")
                found += page
                following = answer.next_url
        except TransportError as error:
            raise unreadable(self.system, f"{error.call}: {error.message}") from None
        return found

    def stop(
        self,
        method: str,
        path: str,
        *,
        over: Callable[[Answer], bool],
        moved: bool = False,
        body: Any = None,
    ) -> Aborted:
        """Stops the run. `over` says of a refusal that it means "it has ended already"; `moved` that a redirect is how
        this system says yes. Sent again where nothing says whether it was done: stopping twice is stopping."""
        from provisioner.transport import TransportError, Why

        told = ""
        for _ in range(_TRIES):
            try:
                answer = self.stopping.send(method, path, body=body)
            except TransportError as error:
                if moved and error.status == 302:
                    return Aborted(True)
                told = f"{error.call}: {error.message}"
                if error.why in (Why.UNANSWERED, Why.UNREACHABLE, Why.BUSY):
                    continue
                break
            if answer.ok or over(answer):
                return Aborted(True)
            told = f"{answer.call}: status {answer.status}, {answer.message()}"
            break
        return Aborted(False, told)


def open_api(
    system: str,
    base: str,
    headers: Mapping[str, str],
    secret: str,
    stop: tuple[str, str],
    question: tuple[str, str] | None = None,
) -> Api:
    """`stop` is method and path of the one call that may change something, `question` those of one that asks although
    it is no GET. Makes no call yet."""
    try:
        from urllib.parse import urlsplit

        from provisioner.transport import Budget, Limits, Pace, Session, read_only
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "requests":
            raise
        raise ProvisionError(
            Diagnostic(
                "missing-extra",
                f"asking {system} needs a further package",
                why="who started a run is asked over HTTP",
                fix="pip install 'provision-access[github]'",
            )
        ) from error

    prefix = urlsplit(base).path.rstrip("/")

    def only_stop(method: str, path: str, _body: Any) -> str | None:
        allowed = (method, path.partition("?")[0]) in (stop, (stop[0], prefix + stop[1]))
        return None if allowed else f"`gate` stops its own run, and sends nothing else: {method}"

    reading = read_only()

    def only_ask(method: str, path: str, body: Any) -> str | None:
        return None if (method, path.partition("?")[0]) == question else reading(method, path, body)

    budget = Budget(Pace(patience=20.0, unsaid=5.0))
    quick = Limits(connect=5, read=10, whole=15, size=8 * 1024 * 1024, tries=3)

    def session(guard: Any) -> Session:
        return Session(
            base, lambda: headers, guard, budget, quick, conditional=False, secrets=lambda: (secret,) if secret else ()
        )

    return Api(system, session(only_ask), session(only_stop))


def unreadable(system: str, told: str) -> ProvisionError:
    """Nothing can be said of the run: nobody is let in, and it is not stopped either, since nobody was refused."""
    return ProvisionError(
        Diagnostic(
            "ci-unreadable",
            f"{system} could not be asked who started this run: {told}",
            why="variables say what the job says: only the CI's API is believed, and nobody is let in without it",
            fix="see that the job's token may read what docs/gate.md has for this CI, and start the run again",
        )
    )


def variable(environ: Mapping[str, str], name: str, what: str) -> str:
    """A variable without which the CI cannot even be asked."""
    value = environ.get(name, "")
    if not value:
        raise ProvisionError(
            Diagnostic(
                "ci-variable",
                f"the variable {name} is not set; it should hold {what}",
                why="it says which run to ask about, or with which token; what it says of people is not believed",
                fix=f"run `gate` inside of a job, and give it {name}",
            )
        )
    return value


def wrong(system: str, told: str) -> ProvisionError:
    """The run that the variables name is not one that the files know, or that can be ours."""
    return ProvisionError(
        Diagnostic(
            "ci-not-ours",
            f"this run of {system} cannot be judged: {told}",
            why="which API is asked, and about which repository or job, is for the applied files to say",
            fix="leave the CI's own variables alone, and declare what is missing: docs/gate.md has what each needs",
        )
    )


def text(found: Any, *path: str) -> str:
    """A text somewhere in an answer; empty where there is none."""
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
