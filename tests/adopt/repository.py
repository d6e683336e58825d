"""A repository that declares two targets and nobody: what `adopt` is run in."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.sandbox.aws import AwsServer
from tests.adopt.town import ACCOUNT, TARGETS
from tests.cases.company import Company
from tests.rigs.slapd import Slapd


class Adopting(Company):
    """Commands run in `folder`; the journal lies beside it."""

    def __init__(self, folder: Path, slapd: Slapd, aws: AwsServer) -> None:
        self.folder, self.slapd, self.aws = folder, slapd, aws
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LDAP_BIND_DN": slapd.service_dn,
            "LDAP_PASSWORD": slapd.service_password,
            **aws.exports(),
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        journal = folder.parent / "journal"
        self.write(
            "access/targets.yaml",
            TARGETS.format(url=slapd.url, suffix=slapd.suffix, account=ACCOUNT, journal=journal),
        )
        self.commit("two targets")

    def people(self) -> set[str]:
        """The ids that have a file."""
        return {p.stem for p in (self.folder / "access/people").glob("*.yaml")}
