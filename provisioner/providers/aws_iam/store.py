"""AWS Secrets Manager as a place for credentials: `secrets/NAME` of an account, in its region.

A credential is one version of one secret: written as `AWSPENDING`, which nobody reads, and then made `AWSCURRENT` by
one call that compares with what was current. The companion, a tag, has the version's id too, so that which credential
is current is known without reading any secret. The version before stays readable as `AWSPREVIOUS`. It makes a secret
that is not there, and never deletes one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from provisioner.contract import Issued, Note, ProviderError, Stored, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import format_instant
from provisioner.model.slot import Names
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.errors import FAILED, translate
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.limits import until
from provisioner.providers.aws_iam.names import SECRETS

_TAG = "provision-credential"
_SPACE = uuid.UUID("6f0f9a0e-6c6b-5f0e-9a57-0d5f1c0a9b7e")
_GONE = "ResourceNotFoundException"


class SecretsManager:
    """One account and region."""

    def __init__(self, clients: Clients, identified: Identified) -> None:
        self._clients = clients
        self._identified = identified
        assert clients.more is not None
        self._client = clients.more("secretsmanager")

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    def look(self, place: str, names: Names) -> Stored | None:
        self._identified.check(ReadCalls(self._clients))
        found = self._unless_gone("describe_secret", SecretId=_name(place))
        if found is None:
            return None
        if found.get("DeletedDate") is not None:
            raise ProviderError(
                Trouble.CONFLICT,
                f"the secret {_name(place)} is to be deleted; restore it, or name another",
                call="secretsmanager:DescribeSecret",
            )
        stages = found.get("VersionIdsToStages", {})
        current = next((v for v, held in stages.items() if "AWSCURRENT" in held), "")
        noted = next((t["Value"] for t in found.get("Tags", ()) if t["Key"] == _TAG), "").split(" ")
        return Stored(noted[0] if len(noted) > 1 and noted[1] == current else None, (current,))

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        """The companion goes first: it counts only together with the version that it tells of."""
        text = json.dumps(_document(names, issued), separators=(",", ":"))
        version, name = _version(names, issued), _name(place)
        if expect is None:
            self._change(
                deadline,
                "create_secret",
                Name=name,
                SecretString=text,
                ClientRequestToken=version,
                Tags=[_tag(note, version)],
            )
            return
        self._change(deadline, "tag_resource", SecretId=name, Tags=[_tag(note, version)])
        self._change(
            deadline,
            "put_secret_value",
            SecretId=name,
            SecretString=text,
            ClientRequestToken=version,
            VersionStages=["AWSPENDING"],
        )
        before = {"RemoveFromVersionId": expect.versions[0]} if expect.versions[0] else {}
        self._change(
            deadline,
            "update_secret_version_stage",
            SecretId=name,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version,
            **before,
        )

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        """It is written before the credential; there is nothing to add."""

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        """Of the current version, asked for by its stage."""
        found = self._unless_gone("get_secret_value", SecretId=_name(place), VersionStage="AWSCURRENT")
        try:
            data = json.loads((found or {}).get("SecretString", "{}"))
        except ValueError:
            return {}
        parts = {"whole": names.whole, "user": names.user, "secret": names.secret}
        return {part: Secret(str(data[named])) for part, named in parts.items() if named and named in data}

    def _unless_gone(self, method: str, **parameters: Any) -> Any:
        call = _label(self._client, method)
        try:
            return getattr(self._client, method)(**parameters)
        except FAILED as error:
            told = translate(error, call, writing=False)
            if told.code == _GONE:
                return None
            raise told from None

    def _change(self, deadline: float, method: str, **parameters: Any) -> None:
        try:
            with until(deadline):
                getattr(self._client, method)(**parameters)
        except FAILED as error:
            raise translate(error, _label(self._client, method), writing=True) from None


def _document(names: Names, issued: Issued) -> dict[str, str]:
    if names.whole is not None:
        return {names.whole: issued.whole.reveal()}
    found = {names.user: issued.user, names.secret: issued.secret.reveal()}
    return {name: value for name, value in found.items() if name is not None}


def _tag(note: Note, version: str) -> dict[str, str]:
    return {"Key": _TAG, "Value": f"{note.public_id} {version} {format_instant(note.at)} {note.run}"}


def _version(names: Names, issued: Issued) -> str:
    """One version has one text: the same credential under other names, or for a renamed account, is another."""
    return str(uuid.uuid5(_SPACE, " ".join((issued.public_id, issued.user, *names.all))))


def _name(place: str) -> str:
    return place.removeprefix(SECRETS)


def _label(client: Any, method: str) -> str:
    return f"secretsmanager:{client.meta.method_to_api_mapping[method]}"
