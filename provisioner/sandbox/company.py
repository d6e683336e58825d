"""The systems of the sample company as they are before the first plan: its servers, with people and groups that nobody
declares, and what somebody does by hand while the story goes on.

What is foreign here is what `provision demo` proves to be untouched at its end.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.forge import Forge
from provisioner.sandbox.ldap import LdapServer
from provisioner.sandbox.sample import sample_tree
from provisioner.sandbox.schemes import SAMPLE, Scheme

SUFFIX = "dc=example,dc=com"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
ACCOUNTS = {
    "payments-production": "111111111111",
    "payments-staging": "222222222222",
    "tools-development": "333333333333",
}
FOREIGN_PEOPLE = ("erik", "sana", "olga", "printer-2")
FOREIGN_GROUPS = ("alumni", "workshop", "printers")
FOREIGN_USERS = {"payments-production": ("terraform",), "payments-staging": ("terraform", "load-test")}

Truth = dict[str, Any]


class Company:
    """Its servers. `start` seeds them; `exports` is what a client needs to reach them."""

    def __init__(
        self,
        scheme: Scheme = SAMPLE,
        *,
        ldap_port: int = 0,
        aws_port: int = 0,
        github_port: int = 0,
        circleci_port: int = 0,
    ) -> None:
        self.ldap = LdapServer(
            suffix=SUFFIX,
            service_dn=f"cn=provision,{SUFFIX}",
            service_password="provision-demo",
            port=ldap_port,
        )
        self.aws = AwsServer(port=aws_port)
        self.forge = Forge(scheme, github_port=github_port, circleci_port=circleci_port)
        self._seed_directory()

    def start(self) -> Company:
        self.aws.start()
        try:
            self._seed_accounts()
            self.forge.start()
            self.ldap.start()
        except BaseException:  # no server may outlive a start that failed
            self.forge.stop()
            self.aws.stop()
            raise
        return self

    def stop(self) -> None:
        self.ldap.stop()
        self.forge.stop()
        self.aws.stop()

    def __enter__(self) -> Company:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def exports(self) -> dict[str, str]:
        """The environment variables that the sample access files and the AWS client read."""
        return {
            "LDAP_URL": self.ldap.url,
            "LDAP_BIND_DN": self.ldap.service_dn,
            "LDAP_PASSWORD": self.ldap.service_password,
            **self.forge.exports(),
            **self.aws.exports(),
        }

    # Before the first plan

    def _seed_directory(self) -> None:
        for login, name in (("erik", "Erik Sand"), ("sana", "Sana Qureshi"), ("olga", "Olga Marin")):
            self._person(login, name, f"{login}@example.org")
        self._person("printer-2", "Printer, second floor", None)
        self._person("mia", "Mia L.", "mia@example.com")  # has been here longer than the files
        self._group("alumni", "erik", "olga")
        self._group("workshop", "sana", "mia")
        self._group("printers", "printer-2")
        self._group("vpn", "sana")  # a group that a role names, and that somebody else is in

    def _person(self, login: str, name: str, mail: str | None) -> None:
        entry: dict[str, Any] = {
            "objectClass": "inetOrgPerson",
            "uid": login,
            "cn": name,
            "sn": name.split()[-1],
            "userPassword": f"{login}-password",
        }
        self.ldap.add(f"uid={login},{PEOPLE}", entry | ({"mail": mail} if mail else {}))

    def _group(self, name: str, *members: str) -> None:
        entry = {"objectClass": "groupOfNames", "cn": name, "member": [f"uid={m},{PEOPLE}" for m in members]}
        self.ldap.add(f"cn={name},{GROUPS}", entry)

    def _seed_accounts(self) -> None:
        for number in ACCOUNTS.values():
            self.aws.create_account(number)
        for name, users in FOREIGN_USERS.items():
            iam = self.aws.client("iam", ACCOUNTS[name])
            iam.create_group(GroupName="Automation")
            for user in users:
                iam.create_user(UserName=user)
                iam.add_user_to_group(GroupName="Automation", UserName=user)
                iam.create_access_key(UserName=user)
                iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")

    # By hand, in the middle of the story

    def by_hand(self, login: str) -> None:
        """What nobody wrote into a file: a group for `login` and a colleague, and on AWS a console password, an MFA
        device and an access key."""
        self._group("night-shift", login, "sana")
        iam = self.aws.client("iam", ACCOUNTS["payments-staging"])
        iam.create_login_profile(UserName=login, Password="Correct-horse-42-battery", PasswordResetRequired=False)
        iam.create_access_key(UserName=login)
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=login)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=login, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )

    # What is really there

    def foreign(self) -> Truth:
        """Everything that is nobody's of ours, down to the last attribute, as the servers themselves hold it."""
        entries = self.ldap.entries()
        names = [f"uid={p},{PEOPLE}" for p in FOREIGN_PEOPLE] + [f"cn={g},{GROUPS}" for g in FOREIGN_GROUPS]
        truth: Truth = {name: _without_references(entries.get(name, {})) for name in names}
        for name, users in FOREIGN_USERS.items():
            account = self.aws.truth(ACCOUNTS[name])
            truth |= {f"{name}/{user}": account["users"].get(user) for user in users}
            truth[f"{name}/Automation"] = account["groups"].get("Automation")
        return truth | {f"forge: {what}": held for what, held in self.forge.foreign().items()}

    def members(self, group: str) -> list[str]:
        """The logins in a directory group."""
        found = self.ldap.entries().get(f"cn={group},{GROUPS}", {}).get("member", [])
        return sorted(m.decode().split(",")[0].partition("=")[2] for m in found)

    def left_in_directory(self, login: str) -> list[str]:
        """What the directory still gives to `login`: groups that they are in, and whether they are not locked."""
        entries = self.ldap.entries()
        dn = f"uid={login},{PEOPLE}".encode()
        left = [f"a member of {name}" for name, entry in entries.items() if dn in entry.get("member", [])]
        own = entries.get(dn.decode())
        return left if own is None or "pwdAccountLockedTime" in own else [*left, "not locked"]

    def left_in_aws(self, login: str) -> list[str]:
        """What AWS still gives to `login`, account by account."""
        left: list[str] = []
        for name, number in ACCOUNTS.items():
            user = self.aws.truth(number)["users"].get(login)
            if user is None:
                continue
            left += [f"{name}: key {key}" for key, status in user["keys"].items() if status == "Active"]
            left += [f"{name}: {what}" for what in ("password", "mfa", "groups", "attached") if user[what]]
            left += [f"{name}: {policy}" for policy in user["inline"] if policy != "provision-deny"]
        return left


def copy_sample(to: Path) -> None:
    """A copy of the sample access files that may be changed, as `to`."""
    shutil.copytree(sample_tree(), to)


def _without_references(entry: Truth) -> Truth:
    """An entry but for the groups that name it, which the directory works out when it is read."""
    return {name: values for name, values in entry.items() if name != "memberOf"}
