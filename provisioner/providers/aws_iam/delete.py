"""Deleting a user, a group or a role, with all that AWS wants gone first.

The order is that of the IAM API reference for DeleteUser: password, keys, certificates, SSH keys, service-specific
credentials, MFA devices, inline policies, attached policies, memberships. What appears meanwhile (DeleteConflict) is
looked for again, a few times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.aws_iam.calls import WriteCalls

_ROUNDS = 3


def delete_user(calls: WriteCalls, login: str) -> str:
    """What was done, in words. Raises ProviderError; `gone` where the user is not there."""
    return _rounds(lambda: _empty_user(calls, login), lambda: calls.delete_user(login), f"user {login}")


def delete_group(calls: WriteCalls, name: str) -> str:
    """Likewise for a group: its members leave, its policies go."""
    return _rounds(lambda: _empty_group(calls, name), lambda: calls.delete_group(name), f"group {name}")


def delete_role(calls: WriteCalls, name: str) -> str:
    """Likewise for a role: its policies go."""
    return _rounds(lambda: _empty_role(calls, name), lambda: calls.delete_role(name), f"role {name}")


def _rounds(empty: Callable[[], int], delete: Callable[[], None], what: str) -> str:
    removed = 0
    for last in (False,) * (_ROUNDS - 1) + (True,):
        removed += empty()
        try:
            delete()
        except ProviderError as error:
            if error.code != "DeleteConflict" or last:
                raise
        else:
            break
    return f"{what} is deleted, with {removed} things that hung on it"


def _empty_user(calls: WriteCalls, login: str) -> int:
    removed = int(_went(calls.delete_password, login))
    for key in calls.keys(login):
        removed += _went(calls.delete_key, login, key["AccessKeyId"])
    for certificate in calls.certificates(login):
        removed += _went(calls.delete_certificate, login, certificate["CertificateId"])
    for ssh_key in calls.ssh_keys(login):
        removed += _went(calls.delete_ssh_key, login, ssh_key["SSHPublicKeyId"])
    for credential in calls.service_credentials(login):
        removed += _went(calls.delete_service_credential, login, credential["ServiceSpecificCredentialId"])
    for device in calls.mfa_devices(login):
        serial = device["SerialNumber"]
        removed += _went(calls.deactivate_mfa, login, serial)
        if ":mfa/" in serial:
            _went(calls.delete_virtual_mfa, serial)
    for policy in calls.inline_of_user(login):
        removed += _went(calls.delete_user_policy, login, policy)
    for arn in calls.attached_to_user(login):
        removed += _went(calls.detach_from_user, login, arn)
    for group in calls.groups_of(login):
        removed += _went(calls.remove_from_group, group, login)
    return removed


def _empty_group(calls: WriteCalls, name: str) -> int:
    removed = 0
    for login in calls.members(name):
        removed += _went(calls.remove_from_group, name, login)
    for arn in calls.attached_to_group(name):
        removed += _went(calls.detach_from_group, name, arn)
    for policy in calls.inline_of_group(name):
        removed += _went(calls.delete_group_policy, name, policy)
    return removed


def _empty_role(calls: WriteCalls, name: str) -> int:
    removed = 0
    for policy in calls.inline_of_role(name):
        removed += _went(calls.delete_role_policy, name, policy)
    for arn in calls.attached_to_role(name):
        removed += _went(calls.detach_from_role, name, arn)
    return removed


def _went(act: Callable[..., Any], *arguments: str) -> bool:
    """Whether it was there; somebody else may be quicker."""
    try:
        act(*arguments)
    except ProviderError as error:
        if error.trouble is Trouble.GONE:
            return False
        raise
    return True
