"""Who calls the embedded CircleCI in these tests, and the organisation that they call about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.circleci.state import Context, Person


@dataclass
class Caller:
    """Calls with one token: `call("GET", "/me", 200)` asserts the status and gives the JSON."""

    url: str
    token: str | None
    last: requests.Response | None = None

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer, whatever it is."""
        headers = {"Circle-Token": self.token} if self.token else {}
        headers |= more.pop("headers", {})
        self.last = requests.request(method, f"{self.url}/api/v2{path}", headers=headers, timeout=60, **more)
        return self.last

    def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.ask(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def pages(self, path: str) -> list[Any]:
        """Every element, page after page."""
        found: list[Any] = []
        token: str | None = None
        while True:
            page = self("GET", path, params={"page-token": token} if token else None)
            found += page["items"]
            token = page["next_page_token"]
            if token is None:
                return found


class Acme:
    """The organisation `acme` of GitHub's kind with an admin, `boss`, and two members, `ada` of the team `leads` and
    `bob` of none; the project `app`."""

    def __init__(self, server: CircleCiServer) -> None:
        self.server, self.state = server, server.state
        self.boss, self.ada, self.bob, self.eve = (self.state.create_person(n) for n in ("boss", "ada", "bob", "eve"))
        self.org = self.state.create_org("acme", self.boss)
        self.org.members.update({self.ada.id: "contributor", self.bob.id: "contributor"})
        self.leads = self.state.create_group(self.org, "leads", [self.ada])
        self.app = self.state.create_project(self.org, "app")
        self.admin = self.caller(self.boss)

    def caller(self, person: Person) -> Caller:
        return Caller(self.server.url, self.server.token(person))

    def context(self, name: str) -> Context:
        made = self.admin("POST", "/context", json={"name": name, "owner": {"id": self.org.id, "type": "organization"}})
        return self.state.contexts[made["id"]]

    def restrictions(self, name: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = self.server.truth(self.org)["contexts"][name]["restrictions"]
        return found
