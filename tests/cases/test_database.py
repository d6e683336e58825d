"""One person's file opens and shuts a database, by the commands that people type; the server itself is asked."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from tests.cases.company import Company
from tests.rigs.postgres import Postgres

TARGETS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: {journal}}}
environments:
  production: {{protected: true}}
targets:
  warehouse:
    provider: postgresql
    dsn: "host=127.0.0.1 port={port} user=engine"
    password: {{env: PG_PASSWORD}}
    databases: [app]
    creators: [app_owner]
    reassign_to: app_owner
    roles:
      analysts: {{datasets: {{"sales.*": [select]}}}}
    datasets:
      "hr.salaries": {{environment: production}}
"""
ROLES = """\
roles:
  analyst: {grants: {warehouse: {roles: [analysts]}}}
  clerk: {grants: {warehouse: {datasets: {"sales.orders": [select, insert]}}}}
  payroll:
    environments: [production]
    grants: {warehouse: {datasets: {"hr.salaries": [select]}}}
"""
READ = "select count(*) from sales.orders"


class Warehouse(Company):
    """A repository with one database."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.folder, self.server = folder, server
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PG_PASSWORD": "engine-secret",
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("access/targets.yaml", TARGETS.format(journal=folder.parent / "journal", port=server.port))
        self.write("access/roles.yaml", ROLES)

    def can(self, who: str, statement: str = READ) -> bool:
        try:
            self.server.run(statement, user=who)
        except (psycopg.errors.InsufficientPrivilege, psycopg.OperationalError):
            return False
        return True


@pytest.fixture
def warehouse(postgres: Postgres, tmp_path: Path) -> Warehouse:
    postgres.run(
        "create role engine login superuser password 'engine-secret'",
        "create role app_owner",
        "create schema sales authorization app_owner",
        "create schema hr authorization app_owner",
        "set role app_owner",
        "create table sales.orders (id int)",
        "create table hr.salaries (id int)",
    )
    made = Warehouse(tmp_path / "repository", postgres)
    for who, role in (("ada", "clerk"), ("bob", "analyst")):
        made.person(who, role)
    made.commit("two people")
    return made


def test_a_file_opens_and_its_removal_shuts_and_the_receipt_says_so(warehouse: Warehouse) -> None:
    plan = warehouse.provision("plan")
    assert plan.code == 0, plan.err
    assert "give role analysts select on sales.*, and on tables to come that app_owner makes" in plan.out
    assert warehouse.provision("apply").code == 0
    assert warehouse.can("ada", "insert into sales.orders values (1)") and warehouse.can("bob")
    assert not warehouse.can("bob", "insert into sales.orders values (1)")
    assert warehouse.provision("plan", "--detailed-exitcode").code == 0

    told = warehouse.provision("explain", "ada")
    assert told.code == 0 and "sales.orders" in told.out and "access/people/ada.yaml" in told.out
    who = warehouse.provision("who", "warehouse", "sales.orders")
    assert who.code == 0 and "ada" in who.out

    warehouse.remove("access/people/ada.yaml")
    warehouse.commit("ada leaves")
    with warehouse.server.session("ada") as hers:
        applied = warehouse.provision("apply")
        assert applied.code == 0, applied.err
        with pytest.raises(psycopg.OperationalError):
            hers.execute("select 1")
    assert not warehouse.can("ada", "select 1") and warehouse.can("bob")
    receipt = warehouse.provision("receipt", "ada")
    assert receipt.code == 0 and "nothing" in receipt.out.lower(), receipt.out
    assert warehouse.provision("plan", "--detailed-exitcode").code == 0
    assert "engine-secret" not in plan.out + plan.err + applied.out + applied.err + receipt.out + receipt.err


def test_what_the_files_cannot_mean_is_told_with_its_line(warehouse: Warehouse) -> None:
    warehouse.write(
        "access/wrong.yaml",
        "roles:\n  odd:\n    grants:\n      warehouse:\n"
        '        datasets: {"hr.*": [select], "sales": [select], "a.b.c.d": [select]}\n',
    )
    said = warehouse.provision("validate", "--format", "json")
    found = {(d["code"], d["line"]) for d in said.json["diagnostics"]}
    assert said.code == 1
    assert {("postgresql-privilege", 5), ("postgresql-dataset", 5)} <= found
    warehouse.write(
        "access/wrong.yaml", 'roles:\n  odd:\n    grants:\n      warehouse: {datasets: {"hr.*": [select]}}\n'
    )
    said = warehouse.provision("validate", "--format", "json")
    assert "outside-environment" in {d["code"] for d in said.json["diagnostics"]}, "the label is not walked round"


def test_adopted_as_it_is_and_planned_empty(warehouse: Warehouse) -> None:
    for name in ("access/people/ada.yaml", "access/people/bob.yaml", "access/roles.yaml"):
        warehouse.remove(name)
    text = (warehouse.folder / "access/targets.yaml").read_text()
    declared = '    roles:\n      analysts: {datasets: {"sales.*": [select]}}\n'
    warehouse.write("access/targets.yaml", text.replace(declared, ""))
    warehouse.commit("nobody")
    warehouse.server.run(
        "create role staff", "create role eve login in role staff", "create role dan login",
        "grant usage on schema sales to staff, dan", "grant select on sales.orders to staff",
        "grant insert (id) on sales.orders to dan",
    )  # fmt: skip
    assert warehouse.provision("adopt", "warehouse").code == 0
    plan = warehouse.provision("plan", "--format", "json")
    assert {line.partition(" ")[0] for line in plan.changes} == {"adopt"}, plan.changes
    warehouse.commit("as it is")
    assert warehouse.provision("apply").code == 0
    assert warehouse.provision("plan", "--detailed-exitcode").code == 0
    warehouse.remove("access/people/dan.yaml")
    warehouse.commit("dan leaves")
    assert warehouse.provision("apply").code == 0
    assert not warehouse.can("dan", "select 1") and warehouse.can("eve")
