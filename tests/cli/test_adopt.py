"""`provision adopt` against the embedded directory: what it writes, what it leaves, and that nothing changes there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest

from tests.cli.conftest import COMMON, Repository

BARE = COMMON.replace("roles:\n  developer: {owners: [grace], grants: {corp-ldap: {groups: [developers]}}}\n", "")


class Directory:
    """Writes to the embedded directory as an administrator would."""

    def __init__(self, repository: Repository) -> None:
        self.server = repository.server
        self.suffix = repository.server.suffix
        self.link: Any = ldap3.Connection(
            ldap3.Server(repository.server.url, get_info=ldap3.NONE),
            repository.server.service_dn,
            repository.server.service_password,
            auto_bind=True,
            check_names=False,
        )

    def dn(self, login: str) -> str:
        return f"uid={login},ou=people,{self.suffix}"

    def person(self, login: str, name: str = "", mail: str | None = "", **more: str) -> None:
        values = {"cn": name or login.title() + " Example", "sn": login, "uid": login}
        if mail is not None:
            values["mail"] = mail or f"{login}@example.com"
        assert self.link.add(self.dn(login), ["inetOrgPerson"], {**values, **more}), self.link.result

    def group(self, name: str, members: Iterable[str], **more: str) -> None:
        values = {"member": [m if "=" in m else self.dn(m) for m in members], **more}
        assert self.link.add(f"cn={name},ou=groups,{self.suffix}", ["groupOfNames"], values), self.link.result


@pytest.fixture
def directory(repository: Repository) -> Iterator[Directory]:
    """A repository without people and roles, and a directory with a life of its own."""
    repository.write("access/common.yaml", BARE)
    repository.leave("ada")
    repository.leave("grace")
    repository.commit()
    made = Directory(repository)
    yield made
    made.link.unbind()


def writes(directory: Directory) -> dict[str, dict[str, list[bytes]]]:
    """Everything that the directory holds."""
    return {dn: dict(entry) for dn, entry in directory.server.entries().items()}


def changes(repository: Repository) -> list[str]:
    """The plan, a line for each change."""
    ran = repository.run("plan", "--format", "json")
    assert ran.status == 0, ran.err + ran.out
    return [f"{c['action']} {c['address']}" for c in json.loads(ran.out)["changes"]]


def actions(repository: Repository) -> set[str]:
    return {line.partition(" ")[0] for line in changes(repository)}


def text(file: str) -> str:
    return Path(file).read_text(encoding="utf-8")


def test_a_live_directory_becomes_files_whose_plan_only_adopts(repository: Repository, directory: Directory) -> None:
    for name in ("ann", "ben", "cem", "dee"):
        directory.person(name)
    directory.group("developers", ["ann", "ben", "cem"], description="who writes it")
    directory.group("vpn", ["ann", "ben", "cem", "dee"])
    before = writes(directory)
    ran = repository.run("adopt", "corp-ldap")
    assert ran.status == 0, ran.err
    assert "4 new people, 0 merged" in ran.out
    assert "2 new roles: developers-and-vpn, vpn" in ran.out
    assert writes(directory) == before  # nothing is written there
    assert text("access/people/ann.yaml") == (
        "people:\n  ann:\n    name: Ann Example\n    email: ann@example.com\n    roles: [developers-and-vpn]\n"
    )
    assert "      developers: {description: who writes it}\n" in text("access/common.yaml")
    checked = repository.run("validate")
    assert checked.status == 0 and "no problems" in checked.err
    assert changes(repository) == [f"adopt corp-ldap:account/{n}" for n in ("ann", "ben", "cem", "dee")]
    repository.commit()
    assert repository.run("apply").status == 0
    assert changes(repository) == []
    repository.leave("dee")
    repository.commit()
    assert set(changes(repository)) == {"revoke corp-ldap:membership/vpn/dee", "disable corp-ldap:account/dee"}


def test_adopting_again_finds_nothing_and_a_newcomer_gets_the_roles_there_are(
    repository: Repository, directory: Directory
) -> None:
    for name in ("ann", "ben"):
        directory.person(name)
    directory.group("developers", ["ann", "ben"])
    directory.group("vpn", ["ann", "ben"])
    repository.run("adopt", "corp-ldap")
    again = repository.run("adopt", "corp-ldap")
    assert again.status == 0 and again.out.startswith("Nothing to adopt on corp-ldap")
    directory.person("eve")
    for group in ("developers", "vpn"):
        member = {"member": [(ldap3.MODIFY_ADD, [directory.dn("eve")])]}
        directory.link.modify(f"cn={group},ou=groups,{directory.suffix}", member)
    ran = repository.run("adopt", "corp-ldap")
    assert "1 new person, 0 merged" in ran.out and "0 new roles: none" in ran.out
    assert "    roles: [developers-and-vpn]\n" in text("access/people/eve.yaml")
    assert actions(repository) == {"adopt"}


def test_whoever_is_declared_is_merged_and_their_file_keeps_its_words(
    repository: Repository, directory: Directory
) -> None:
    repository.write(
        "access/people/ann.yaml",
        "# her own file\npeople:\n  ann:   # since 2019\n    name: Ann Example\n    email: Ann@Example.com\n"
        "    roles:\n      - local   # by hand\n",
    )
    repository.write("access/roles/local.yaml", "roles:\n  local: {}\n")
    directory.person("aexample", name="Ann Example", mail="ann@example.com")
    directory.group("developers", ["aexample"])
    ran = repository.run("adopt", "corp-ldap")
    assert "0 new people, 1 merged" in ran.out and "merged by e-mail: ann" in ran.out
    assert text("access/people/ann.yaml") == (
        "# her own file\npeople:\n  ann:   # since 2019\n    name: Ann Example\n    email: Ann@Example.com\n"
        "    roles:\n      - local   # by hand\n      - developers\n    accounts:\n      corp-ldap: {login: aexample}\n"
    )
    # The directory has another spelling of the e-mail: said, and no access.
    assert "set email of account aexample" in ran.out
    assert set(changes(repository)) == {"adopt corp-ldap:account/aexample", "update corp-ldap:account/aexample"}


def test_without_an_e_mail_the_immutable_id_is_pinned(repository: Repository, directory: Directory) -> None:
    directory.person("ann", mail=None)
    directory.group("developers", ["ann"])
    repository.run("adopt", "corp-ldap")
    uuid = directory.server.entries()[directory.dn("ann")]["entryUUID"][0].decode()
    assert f"corp-ldap: {{id: {uuid}}}" in text("access/people/ann.yaml").replace('"', "")
    assert changes(repository) == ["adopt corp-ldap:account/ann"]
    repository.run("apply")
    assert changes(repository) == []


def test_what_an_account_tells_nothing_of_is_written_with_its_mark(
    repository: Repository, directory: Directory
) -> None:
    repository.person("ann", "[]")
    directory.person("ann", mail=None)
    directory.group("developers", ["ann"])
    ran = repository.run("adopt", "corp-ldap")
    assert "merged by login: ann" in ran.out, ran.out
    plan = repository.run("plan")
    assert "adopt account ann as ann's, and set its email" in plan.out
    assert changes(repository) == ["adopt corp-ldap:account/ann"]
    assert repository.run("apply").status == 0
    assert directory.server.entries()[directory.dn("ann")]["mail"] == [b"ann@example.com"]
    assert changes(repository) == []


DOUBTS = {
    "ben": "its login is ben's, its e-mail other@example.com is not",
    "cexample": "its name, Cem Example, is that of `cem`",
    "twin1": "its e-mail both@example.com is that of `twin2`, too",
    "twin2": "its e-mail both@example.com is that of `twin1`, too",
    "ann-admin": "second account of `ann`'s",
    "svc-backup": "looks like a machine's",
    "double": "`other-double` has the same name",
    "other-double": "`double` has the same name",
}


def doubtful(repository: Repository, directory: Directory) -> None:
    """Accounts of which nobody can tell whose they are, all of them developers."""
    for name in ("ben", "cem"):
        repository.person(name, "[]")
    directory.person("ann")
    directory.person("ben", mail="other@example.com")
    directory.person("cexample", name="Cem Example", mail="c@example.org")
    directory.person("twin1", mail="both@example.com")
    directory.person("twin2", mail="both@example.com")
    directory.person("ann-admin", name="Admin", mail=None)
    directory.person("svc-backup", mail=None)
    directory.person("double", name="Same Name", mail=None)
    directory.person("other-double", name="Same Name", mail="x@example.com")
    directory.group("developers", ["ann", *DOUBTS])


def test_what_is_doubtful_is_listed_and_never_guessed(repository: Repository, directory: Directory) -> None:
    doubtful(repository, directory)
    ran = repository.run("adopt", "corp-ldap")
    assert ran.status == 0
    assert f"{len(DOUBTS)} accounts are doubtful" in ran.out
    for login, why in DOUBTS.items():
        line = next(x for x in ran.out.splitlines() if x.startswith(f"  {login}: "))
        assert why in line
    assert sorted(p.stem for p in Path("access/people").glob("*.yaml")) == ["ann", "ben", "cem"]
    assert text("access/people/ben.yaml").endswith("roles: []\n")  # as it was
    # Nothing is planned for those: ben's login is taken, which a plan says only where a role reaches.
    assert changes(repository) == ["adopt corp-ldap:account/ann"]


def test_the_map_settles_what_is_doubtful(repository: Repository, directory: Directory) -> None:
    doubtful(repository, directory)
    assert repository.run("adopt", "corp-ldap", "--write-map", "people.csv").status == 0
    template = Path("people.csv").read_text(encoding="utf-8").splitlines()
    assert template[0] == "target,login,person,owners,name,email,candidates,why"
    assert len(template) == 1 + len(DOUBTS)
    rows = {
        "ben": "ben,",
        "cexample": "cem,",
        "twin1": "twin,",
        "twin2": "-,",
        "ann-admin": "-,",
        "svc-backup": "service:backup,ann",
        "double": "",
        "other-double": "same-name,",
    }
    lines = [f"corp-ldap,{login},{said}" for login, said in rows.items() if said]
    table = "\ufefftarget,login,person,owners\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    Path("people.csv").write_bytes(table.encode())
    ran = repository.run("adopt", "corp-ldap", "--map", "people.csv")
    assert ran.status == 0, ran.err
    assert "1 account is doubtful" in ran.out  # `double`, of which the map says nothing
    assert "the map says to leave it alone" in ran.out
    assert "owners: [ann]" in text("access/services/backup.yaml")
    assert "login: cexample" in text("access/people/cem.yaml")
    assert repository.run("validate").status == 0
    wanted = {"ann", "ben", "cexample", "svc-backup", "twin1", "other-double"}
    found = {line for line in changes(repository) if line.startswith("adopt ")}
    logins = {line.rpartition("/")[2] for line in found}
    # A login that is not the id is written down, so nobody is renamed.
    assert logins == wanted
    updates = [line for line in changes(repository) if not line.startswith("adopt ")]
    assert updates == ["update corp-ldap:account/ben", "update corp-ldap:account/cexample"]  # their e-mails differ
    before = {g: repository.members(g) for g in ("developers",)}
    assert repository.run("apply").status == 0
    assert {g: repository.members(g) for g in ("developers",)} == before
    assert changes(repository) == []


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        (b"target,login\ncorp-ldap,ann\n", 1, "no column `person`"),
        (b"target,login,person\ncorp-ldap,ann,Ann Example\n", 2, "cannot be an id"),
        (b"target,login,person\n\ncorp-ldap,nobody,ann\n", 3, "has no account `nobody`"),
        (b"target,login,person\ncorp-ldap,ann,ann\ncorp-ldap,ann,bob\n", 3, "twice (first in line 2)"),
        (b"target,login,person\ncorp-ldap,ann\n", 2, "2 cells, the header 3"),
        (b"target,login,person\ncorp-ldap,ann,team:x\n", 2, "neither an id nor `service:ID`"),
        (b"target,login,person\ncorp-ldap,ann,service:bot\n", 2, "nobody owns it"),
        (b"target,login,person,owners\ncorp-ldap,ann,service:bot,cme\n", 2, "`cme` under `owners` is nobody"),
        (b"target,login,person,owners\ncorp-ldap,ann,service:bot,cem role:lead\n", 2, "`role:lead` under `owners`"),
        (b"target,login,person\ncorp-ldap,\xff,ann\n", 2, "not UTF-8"),
        (b'target,login,person\ncorp-ldap,"ann,ann\n', 2, "cannot be read"),
        (b"target,login,person\ncorp-ldap,ann,x\ncorp-ldap,ben,x\n", 3, "cannot have both `ann` and `ben`"),
        (b"target,login,person\ncorp-ldap,theirs,x\n", 2, "the mark of another owner"),
        (b"target,login,person\ncorp-ldap,cem,ann\n", 2, "known to be cem's already, by login and e-mail"),
        (b"target,login,person\ncorp-ldap,ann,cem\n", 2, "`cem` has the account `cem`"),
    ],
)
def test_a_bad_map_is_told_with_its_line_and_nothing_is_written(
    repository: Repository, directory: Directory, table: bytes, line: int, told: str
) -> None:
    for name in ("ann", "ben", "cem"):
        directory.person(name)
    directory.person("theirs", description="provision/1 o=ffffffff k=theirs")
    repository.person("cem", "[]")
    repository.commit()
    Path("people.csv").write_bytes(table)
    ran = repository.run("adopt", "corp-ldap", "--map", "people.csv")
    assert ran.status == 1
    assert f"people.csv:{line}:" in ran.err and told in ran.err, ran.err
    assert "[adopt-map]" in ran.err
    assert repository.git("status", "--porcelain", "access") == ""


def test_a_map_that_is_written_holds_no_formula(repository: Repository, directory: Directory) -> None:
    directory.person("ann-admin", name='=HYPERLINK("http://evil.test")', mail=None)
    directory.person("ann")
    directory.person("@sum-bot", name="+1+2", mail=None)
    repository.run("adopt", "corp-ldap", "--write-map", "people.csv")
    written = Path("people.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK" in written and "'+1+2" in written and ",'@sum-bot," in written
    refused = repository.run("adopt", "corp-ldap", "--write-map", "people.csv")
    assert refused.status == 64  # it is not overwritten
    filled = written.replace(",'@sum-bot,,", ",'@sum-bot,service:sum,ann,").replace(",,'+1", ",'+1")
    Path("filled.csv").write_text(filled, encoding="utf-8")
    ran = repository.run("adopt", "corp-ldap", "--map", "filled.csv")
    assert ran.status == 0, ran.err
    assert "@sum-bot" in text("access/services/sum.yaml")


def test_what_the_files_cannot_say_is_kept_and_listed(repository: Repository, directory: Directory) -> None:
    directory.person("ann")
    directory.person("ben")
    directory.person("theirs", description="provision/1 o=ffffffff k=theirs")
    directory.group("inner", ["ann"])
    directory.group("outer", [f"cn=inner,ou=groups,{directory.suffix}", "uid=ghost,ou=people,dc=elsewhere"])
    directory.group("theirs", ["ann"], description="provision/1 o=ffffffff k=theirs")
    directory.group("mixed", ["theirs", "ann"])
    ran = repository.run("adopt", "corp-ldap")
    assert ran.status == 0, ran.err
    for told in ("a nested group", "its holder is unknown", "it carries the mark of another owner (`records.owner`)"):
        assert told in ran.out, ran.out
    assert "corp-ldap:account/theirs" in ran.out
    assert not Path("access/people/theirs.yaml").exists()
    assert "1 account holds nothing" in ran.out and "  ben" in ran.out
    assert actions(repository) == {"adopt"}
    assert changes(repository) == ["adopt corp-ldap:account/ann"]


def test_a_diff_is_shown_and_nothing_written(repository: Repository, directory: Directory) -> None:
    directory.person("ann")
    directory.group("developers", ["ann"])
    ran = repository.run("adopt", "corp-ldap", "--diff")
    assert ran.status == 0
    assert "+++ b/access/people/ann.yaml" in ran.out and "+    roles: [developers]" in ran.out
    assert "nothing was written" in ran.out
    assert repository.git("status", "--porcelain", "access") == ""


def test_nothing_is_overwritten_and_nothing_written_half(repository: Repository, directory: Directory) -> None:
    for name in ("ann", "ben"):
        directory.person(name)
    directory.group("developers", ["ann", "ben"])
    repository.write("access/people/ben.yaml", "people: {}  # mine\n")
    ran = repository.run("adopt", "corp-ldap")
    assert ran.status == 1 and "file-exists" in ran.err
    assert text("access/people/ben.yaml") == "people: {}  # mine\n"
    assert not Path("access/people/ann.yaml").exists() and not Path("access/roles").exists()


def test_an_incomplete_read_writes_nothing(repository: Repository, directory: Directory) -> None:
    directory.person("ann")
    directory.group("developers", ["ann"])
    repository.write("access/common.yaml", BARE.replace("ou=groups", "ou=nowhere"))
    ran = repository.run("adopt", "corp-ldap")
    assert ran.status == 5, ran.err
    assert "adopt-incomplete" in ran.err
    assert not Path("access/people/ann.yaml").exists()


def test_somebody_who_left_is_not_taken_back(repository: Repository, directory: Directory) -> None:
    directory.person("ann")
    directory.person("ben")
    directory.group("developers", ["ann", "ben"])
    repository.run("adopt", "corp-ldap")
    repository.commit()
    repository.run("apply")
    repository.leave("ben")
    repository.commit()
    ran = repository.run("adopt", "corp-ldap")
    assert "it is that of ben, who has left" in ran.out
    assert not Path("access/people/ben.yaml").exists()
    assert set(changes(repository)) == {"revoke corp-ldap:membership/developers/ben", "disable corp-ldap:account/ben"}
    assert repository.run("apply").status == 0
    assert "it is that of ben, who has left" in repository.run("adopt", "corp-ldap").out
