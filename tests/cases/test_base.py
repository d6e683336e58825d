"""In a pull request the base says where a target is: what the change names is never called, and gets no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cases.test_interrupts import Repository
from tests.rigs.proxy import Proxy
from tests.rigs.slapd import Slapd


@pytest.fixture
def elsewhere(new_slapd: Callable[..., Slapd]) -> Iterator[Proxy]:
    """Another directory with the same people's tree and the same service account; it counts who calls."""
    server = new_slapd()
    server.start()
    with Proxy(int(server.url.rpartition(":")[2].rstrip("/"))) as proxy:
        yield proxy


class Merging(Repository):
    """With a git history: what is on `main` is the base of a change in the working folder."""

    def commit(self) -> None:
        self.git("add", "access")
        self.git("commit", "--quiet", "--message", "change")

    def change(self, old: str, new: str) -> None:
        file = self.root / "access" / "all.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture
def repository(tmp_path: Path, slapd: Slapd) -> Merging:
    made = Merging(tmp_path / "repository", slapd)
    made.git("init", "--quiet", "--initial-branch=main")
    made.commit()
    assert made.run("apply")[0] == 0
    return made


def test_a_target_pointed_at_another_server_is_planned_at_the_old_one(repository: Merging, elsewhere: Proxy) -> None:
    repository.change("url: {env: LDAP_URL}", f"url: ldap://127.0.0.1:{elsewhere.port}")
    repository.change("  eve: {email: eve@example.com, roles: [developer]}\n", "")
    status, told = repository.run("plan", "--base", "main")
    assert status == 0, told
    assert "note[connection-of-base]" in told
    assert "remove eve from group developers" in told
    assert elsewhere.requests == 0
    status, told = repository.run("plan")  # without a base, as on one's own machine, the files are what counts
    assert elsewhere.requests > 0


REACHES = (
    ("url: {env: LDAP_URL}", "url: {env: OTHER_URL}"),
    ("password: {env: LDAP_PASSWORD}", "password: {env: CI_TOKEN}"),
    ('bind_dn: "uid=svc,ou=people,dc=example,dc=test"', "bind_dn: {env: CI_TOKEN}"),
    ("    url:", "    ca_file: {env: CI_TOKEN}\n    url:"),
    ("    url:", "    start_tls: true\n    url:"),
    ("ou=groups,dc=example,dc=test", "ou=people,dc=example,dc=test"),
)


def test_a_change_of_any_setting_that_reaches_the_target_waits_for_the_merge(
    repository: Merging, elsewhere: Proxy
) -> None:
    """The variable that the change names holds the address of the other server, or somebody's secret."""
    repository.environ = {"OTHER_URL": f"ldap://127.0.0.1:{elsewhere.port}", "CI_TOKEN": "canary-5b1f"}
    for old, new in REACHES:
        repository.change(old, new)
        status, told = repository.run("plan", "--base", "main", "--detailed-exitcode")
        assert status == 0, told
        assert "note[connection-of-base]" in told, new
        assert "canary" not in told
        repository.change(new, old)
    assert elsewhere.requests == 0


def test_a_new_target_is_validated_and_not_called(repository: Merging, elsewhere: Proxy) -> None:
    text = (repository.root / "access" / "all.yaml").read_text()
    block = text.partition("targets:\n")[2].replace("corp:", "other:")
    new = block.replace("{env: LDAP_URL}", f"ldap://127.0.0.1:{elsewhere.port}")
    (repository.root / "access" / "all.yaml").write_text(
        text.replace("{groups: [developers, vpn]}}", "{groups: [developers, vpn]}, other: {groups: [developers]}}")
        + new
    )
    status, told = repository.run("plan", "--base", "main", "--detailed-exitcode")
    assert status == 0, told
    assert "note[planned-after-merge]: other is new in this change" in told
    assert elsewhere.requests == 0
    repository.commit()
    status, told = repository.run("apply", "--base", "main")  # on the merge the files say where it is
    assert status == 0, told
    assert elsewhere.requests > 0


def test_another_provider_under_the_same_name_is_a_new_target(repository: Merging, elsewhere: Proxy) -> None:
    text = (repository.root / "access" / "all.yaml").read_text()
    head = text.partition("targets:\n")[0].replace("{groups: [developers, vpn]}", '{groups: ["Developers"]}')
    (repository.root / "access" / "all.yaml").write_text(
        head + 'targets:\n  corp: {provider: aws-iam, account: "111111111111"}\n'
    )
    status, told = repository.run("plan", "--base", "main")
    assert status == 0, told
    assert "note[planned-after-merge]: corp is new in this change" in told


def test_the_journal_of_the_base_is_read_not_the_one_that_the_change_names(repository: Merging, tmp_path: Path) -> None:
    repository.change(
        "records: {owner: 5f1c0a9b7e3d4c21}", f'records: {{owner: deadbeef00, journal: "{tmp_path}/mine"}}'
    )
    repository.change("  eve: {email: eve@example.com, roles: [developer]}\n", "")
    status, told = repository.run("plan", "--base", "main")
    assert status == 0, told
    assert "remove eve from group developers" in told  # hers by the mark of the base's owner, and by its journal
    assert not (tmp_path / "mine").exists()
