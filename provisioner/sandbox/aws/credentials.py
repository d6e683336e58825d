"""What a user proves who they are with: password, access keys, MFA, SSH keys, certificates, service credentials.

moto has no service-specific credentials at all, and takes more than AWS takes of the rest. The credential report is
written here too, because it is about these. It refuses to make anything that another AWS service would accept.
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from provisioner.sandbox.aws.report import credential_report
from provisioner.sandbox.aws.world import Refused, Report, World, extra, now

_LETTERS = string.ascii_uppercase + string.digits
_SERVICES = {"codecommit.amazonaws.com": False, "cassandra.amazonaws.com": False,
             "bedrock.amazonaws.com": True, "logs.amazonaws.com": True}  # fmt: skip # True: long-term API keys
_PER_SERVICE = 2
_SSH_KEYS = 5
_MFA_DEVICES = 8


def _random(prefix: str, letters: int) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(letters))


def _no_entity(message: str) -> Refused:
    return Refused("NoSuchEntity", message, 404)


class Credentials:
    """The operations on credentials; mixed into the IAM answers."""

    backend: Any
    caller: Any
    params: dict[str, Any]
    world: World

    def _user(self) -> Any:
        return self.backend.get_user(self.params["UserName"])

    # Password

    def _check_password(self, password: str) -> None:
        """AWS's default policy, where the account has none of its own: 8 characters of at least three kinds."""
        kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
        if len(password) < 8 or sum(any(kind(c) for c in password) for kind in kinds) < 3:
            raise Refused("PasswordPolicyViolation", "Password does not conform to the account password policy.")

    def create_login_profile(self) -> Any:
        """moto drops PasswordResetRequired and says that the password is as old as the user."""
        user = self._user()
        self._check_password(self.params.get("Password", ""))
        super().create_login_profile()  # type: ignore[misc]
        user.password_reset_required = bool(self.params.get("PasswordResetRequired", False))
        kept = extra(user)
        kept.password_created = kept.password_changed = now()
        return self._login_profile(user)

    def get_login_profile(self) -> Any:
        """NoSuchEntity where the user has no password."""
        return self._login_profile(self.backend.get_login_profile(self.params["UserName"]))

    def _login_profile(self, user: Any) -> Any:
        profile = {
            "UserName": user.name,
            "CreateDate": extra(user).password_created or user.create_date,
            "PasswordResetRequired": user.password_reset_required,
        }
        return ActionResult({"LoginProfile": profile})

    def update_login_profile(self) -> Any:
        """Only what is given changes; moto would remove a password that is not given."""
        user = self.backend.get_login_profile(self.params["UserName"])
        password = self.params.get("Password")
        if password is not None:
            self._check_password(password)
            user.password = password
            extra(user).password_changed = now()
        if "PasswordResetRequired" in self.params:
            user.password_reset_required = bool(self.params["PasswordResetRequired"])
        return EmptyResult()

    # MFA

    def enable_mfa_device(self) -> Any:
        """One device for one user; a virtual device has to exist."""
        user, serial = self._user(), self.params["SerialNumber"]
        if ":mfa/" in serial:
            device = self.backend.virtual_mfa_devices.get(serial)
            if device is None:
                raise _no_entity(f"VirtualMFADevice with serial number {serial} does not exist.")
            if device.user is not None:
                raise Refused("EntityAlreadyExists", f"MFA device {serial} is already in use.", 409)
        if len(user.mfa_devices) >= _MFA_DEVICES:
            raise Refused("LimitExceeded", f"Cannot exceed quota for MFADevicesPerUser: {_MFA_DEVICES}", 409)
        return super().enable_mfa_device()  # type: ignore[misc]

    def delete_virtual_mfa_device(self) -> Any:
        """Refused while somebody uses it."""
        device = self.backend.virtual_mfa_devices.get(self.params["SerialNumber"])
        if device is not None and device.user is not None:
            raise Refused("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409)
        return super().delete_virtual_mfa_device()  # type: ignore[misc]

    def list_mfa_devices(self) -> Any:
        """NoSuchEntity for a user that is not there."""
        self._user()
        return super().list_mfa_devices()  # type: ignore[misc]

    # SSH public keys

    def upload_ssh_public_key(self) -> Any:
        """Five a user, each once, and something that looks like a key."""
        user, body = self._user(), self.params["SSHPublicKeyBody"].strip()
        if not body.startswith(("ssh-rsa ", "-----BEGIN ")):
            raise Refused("InvalidPublicKey", "The public key is invalid.")
        if any(key.ssh_public_key_body.strip() == body for key in user.ssh_public_keys):
            raise Refused("DuplicateSSHPublicKey", "The SSH public key is already associated with the user.")
        if len(user.ssh_public_keys) >= _SSH_KEYS:
            raise Refused("LimitExceeded", f"Cannot exceed quota for SSHPublicKeysPerUser: {_SSH_KEYS}", 409)
        return super().upload_ssh_public_key()  # type: ignore[misc]

    # Service-specific credentials

    def _service(self, name: str) -> bool:
        if name not in _SERVICES:
            raise Refused("NotSupportedService", f"The service {name} is not supported.", 404)
        return _SERVICES[name]

    def create_service_specific_credential(self) -> Any:
        """Two a service. The password, or the secret of an API key, is in this answer only."""
        user, service = self._user(), self.params["ServiceName"]
        api_key, days = self._service(service), self.params.get("CredentialAgeDays")
        if days is not None and not api_key:
            raise Refused("ValidationError", f"CredentialAgeDays is not supported for {service}.")
        kept = extra(user).services
        same = [one for one in kept if one["ServiceName"] == service]
        if len(same) >= _PER_SERVICE:
            quota = f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {_PER_SERVICE}"
            raise Refused("LimitExceeded", quota, 409)
        created = now()
        credential: dict[str, Any] = {
            "CreateDate": created,
            "ServiceName": service,
            "ServiceSpecificCredentialId": _random("ACCA", 17),
            "Status": "Active",
        }
        if api_key:
            credential["ServiceCredentialAlias"] = f"{user.name}-{_random('', 6).lower()}-at-{self.backend.account_id}"
            if days is not None:
                credential["ExpirationDate"] = created + timedelta(days=days)
            credential_secret = {"ServiceCredentialSecret": secrets.token_urlsafe(48)}
        else:
            number = f"+{len(same)}" if same else ""
            credential["ServiceUserName"] = f"{user.name}{number}-at-{self.backend.account_id}"
            credential_secret = {"ServicePassword": secrets.token_urlsafe(32)}
        kept.append(credential)
        return ActionResult({"ServiceSpecificCredential": {**credential, **credential_secret, "UserName": user.name}})

    def list_service_specific_credentials(self) -> Any:
        """Of one user, or with AllUsers of everybody; never a secret."""
        service, users = self.params.get("ServiceName"), []
        if service is not None:
            self._service(service)
        if not self.params.get("AllUsers"):
            users = [self._user()]
        elif self.params.get("UserName"):
            raise Refused("ValidationError", "AllUsers cannot be specified together with UserName.")
        else:
            users = list(self.backend.users.values())
        found = [
            {**credential, "UserName": user.name}
            for user in users
            for credential in extra(user).services
            if service in (None, credential["ServiceName"])
        ]
        return ActionResult({"ServiceSpecificCredentials": found})

    def _credential(self) -> tuple[Any, dict[str, Any]]:
        user, wanted = self._user(), self.params["ServiceSpecificCredentialId"]
        for credential in extra(user).services:
            if credential["ServiceSpecificCredentialId"] == wanted:
                return user, credential
        raise _no_entity(f"No such credential {wanted} exists")

    def update_service_specific_credential(self) -> Any:
        """Active or Inactive."""
        _, credential = self._credential()
        self._settable()
        credential["Status"] = self.params["Status"]
        return EmptyResult()

    def reset_service_specific_credential(self) -> Any:
        """A new password; API keys have none to reset."""
        user, credential = self._credential()
        if "ServiceUserName" not in credential:
            raise Refused("ValidationError", f"{credential['ServiceName']} credentials cannot be reset.")
        answer = {**credential, "ServicePassword": secrets.token_urlsafe(32), "UserName": user.name}
        return ActionResult({"ServiceSpecificCredential": answer})

    def delete_service_specific_credential(self) -> Any:
        """NoSuchEntity when it is not there."""
        user, credential = self._credential()
        extra(user).services.remove(credential)
        return EmptyResult()

    def update_access_key(self) -> Any:
        """Active or Inactive."""
        self._settable()
        return super().update_access_key()  # type: ignore[misc]

    def _settable(self) -> None:
        # The enum of the service model has a third value, `Expired`, that AWS alone sets.
        if self.params["Status"] not in ("Active", "Inactive"):
            raise Refused("ValidationError", f"Status cannot be set to {self.params['Status']}.")

    # Credential report

    def generate_credential_report(self) -> Any:
        """STARTED, then COMPLETE. A finished report is kept while nothing changes, or with `stale_report` for good."""
        account, kept = self.backend.account_id, self.world.reports.get(self.backend.account_id)
        if kept is not None and kept.polls_left > 0:
            kept.polls_left -= 1
            return ActionResult({"State": "COMPLETE" if kept.polls_left == 0 else "INPROGRESS"})
        fresh = kept is not None and (self.world.stale_report or kept.version == self.world.version(account))
        if fresh:
            return ActionResult({"State": "COMPLETE"})
        made: datetime = now()
        report = Report(self.world.version(account), self.world.report_polls, credential_report(self.backend), made)
        self.world.reports[account] = report
        if report.polls_left == 0:
            return ActionResult({"State": "COMPLETE"})
        description = "No report exists. Starting a new report generation task"
        return ActionResult({"State": "STARTED", "Description": description})

    def get_credential_report(self) -> Any:
        """The last finished report; ReportNotPresent and ReportInProgress before there is one."""
        report = self.world.reports.get(self.backend.account_id)
        if report is None:
            raise Refused("ReportNotPresent", "No report exists. Generate a new one.", 410)
        if report.polls_left > 0:
            raise Refused("ReportInProgress", "Report generation is in progress.", 404)
        result = {"Content": report.content, "ReportFormat": "text/csv", "GeneratedTime": report.generated}
        return ActionResult(result)
