"""Records in a bucket of Amazon S3, or of any store that speaks its protocol and honours conditional writes.

`create` is PutObject with `If-None-Match: *`. A call without an answer is never guessed about: the object is read back,
and it counts as created only if its bytes are those that were sent. The SDK is loaded when a store is opened, and tries
nothing a second time by itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from provisioner.diagnostics import Diagnostic, ProvisionError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

SCHEME = "s3"
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?\Z")
_CONNECT = 3.0
_PAUSE = 0.1
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_CREDENTIAL = frozenset({
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
    "RequestTimeTooSkewed", "AuthorizationHeaderMalformed",
})  # fmt: skip


class _NoAnswer(Exception):  # noqa: N818 not an error yet
    """A call that may or may not have been carried out. `sent`: whether it may have been at all."""

    def __init__(self, error: Exception, *, sent: bool) -> None:
        super().__init__(str(error))
        self.error, self.sent = error, sent


class S3Store:
    """`client` is an SDK's; `limit` is how many seconds a call on this store takes at most, tries and all."""

    def __init__(self, client: Any, bucket: str, prefix: str, *, limit: float = 15.0) -> None:
        self._client, self._bucket, self._limit = client, bucket, limit
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""

    def create(self, key: str, data: bytes) -> bool:
        before = _deadline(self._limit)
        while True:
            try:
                self._put(key, data, IfNoneMatch="*")
            except _NoAnswer as lost:
                if lost.sent:
                    found = self._read(key, before)
                    if found is not None:
                        return found == data
                self._again(before, lost.error, key, writing=True)
            except _Conflict:
                # Somebody is writing or deleting this very object: ask again (S3, ConditionalRequestConflict).
                self._again(before, None, key, writing=True)
            except _Taken:
                return self._read(key, before) == data  # an earlier try of ours may have been carried out after all
            else:
                return True

    def replace(self, key: str, data: bytes) -> None:
        self._patiently(key, lambda: self._put(key, data), writing=True)

    def remove(self, key: str) -> None:
        self._patiently(key, lambda: self._call("delete_object", key, writing=True), writing=True)

    def read(self, key: str) -> bytes | None:
        return self._read(key, _deadline(self._limit))

    def names(self, prefix: str) -> list[str]:
        folder = f"{self._prefix}{prefix.rstrip('/')}/" if prefix else self._prefix
        found: list[str] = []
        token: str | None = None
        while True:
            page = self._page(prefix, folder, token)
            found += [row["Key"].removeprefix(folder) for row in page.get("Contents", ())]
            found += [row["Prefix"].removeprefix(folder).rstrip("/") for row in page.get("CommonPrefixes", ())]
            if not page.get("IsTruncated"):
                return sorted(name for name in found if name)
            token = page.get("NextContinuationToken")
            if not token:
                self._failed(prefix, "the list breaks off: more is promised, and there is no way to it", writing=False)

    def set_aside(self, key: str) -> str:
        data = self.read(key)
        new = f"{key}.torn-{secrets.token_hex(3)}"
        if data is not None and not self.create(new, data):
            self._failed(new, "there is such an object already", writing=True)
        self.remove(key)
        return new

    def where(self, key: str = "") -> str:
        return f"{SCHEME}://{self._bucket}/{self._prefix}{key}"

    # One call

    def _put(self, key: str, data: bytes, **condition: str) -> None:
        # A checksum of the oldest kind, which every store of this protocol knows.
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        self._call("put_object", key, writing=True, Body=data, ContentMD5=digest, **condition)

    def _read(self, key: str, before: float) -> bytes | None:
        def once() -> bytes | None:
            try:
                return bytes(self._call("get_object", key, writing=False))
            except _Absent:
                return None

        found: bytes | None = self._patiently(key, once, writing=False, before=before)
        return found

    def _page(self, prefix: str, folder: str, token: str | None) -> Any:
        after = {} if token is None else {"ContinuationToken": token}
        return self._patiently(
            prefix,
            lambda: self._call("list_objects_v2", None, writing=False, Prefix=folder, Delimiter="/", **after),
            writing=False,
        )

    def _patiently(self, key: str, once: Callable[[], Any], *, writing: bool, before: float | None = None) -> Any:
        """What may be done twice: tried again for as long as there is time."""
        before = _deadline(self._limit) if before is None else before
        while True:
            try:
                return once()
            except _NoAnswer as lost:
                self._again(before, lost.error, key, writing=writing)
            except (_Conflict, _Taken):
                self._again(before, None, key, writing=writing)

    def _again(self, before: float, error: Exception | None, key: str, *, writing: bool) -> None:
        """A short wait; ProvisionError where no time is left."""
        if time.monotonic() + _PAUSE >= before:
            told = "other writers kept this object busy" if error is None else f"no answer: {error}"
            self._failed(key, told, writing=writing)
        time.sleep(_PAUSE)

    def _call(self, method: str, key: str | None, *, writing: bool, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        if key is not None:
            parameters["Key"] = self._prefix + key
        try:
            answer = getattr(self._client, method)(Bucket=self._bucket, **parameters)
            return answer["Body"].read() if method == "get_object" else answer
        except ClientError as error:
            self._refused(error, key or str(parameters.get("Prefix", "")), writing=writing)
        except (BotoCoreError, OSError) as error:
            self._unanswered(error, key or "", writing=writing)

    def _refused(self, error: ClientError, key: str, *, writing: bool) -> NoReturn:
        told: Any = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if status == 412 or code == "PreconditionFailed":
            raise _Taken from None
        if code == "ConditionalRequestConflict" or (status == 409 and writing):
            raise _Conflict from None
        if code in _MISSING and error.operation_name == "GetObject":
            raise _Absent from None
        if (status >= 500 and code != "NotImplemented") or status == 429 or code in ("SlowDown", "RequestTimeout"):
            raise _NoAnswer(error, sent=True) from None
        words = f"{error.operation_name}: {code} {told.get('Message', '')}".strip()
        self._failed(key, words, writing=writing, fix=_fix(code, status, self._bucket, writing=writing))

    def _unanswered(self, error: BotoCoreError | OSError, key: str, *, writing: bool) -> NoReturn:
        from botocore.exceptions import ConnectionError as NoConnection
        from botocore.exceptions import (
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
            IncompleteReadError,
            SSLError,
        )

        if isinstance(error, SSLError):
            self._failed(key, f"the connection could not be encrypted: {error}", writing=writing)
        if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
            raise _NoAnswer(error, sent=False) from None
        if isinstance(error, NoConnection | HTTPClientError | IncompleteReadError | OSError):
            raise _NoAnswer(error, sent=True) from None
        self._failed(key, str(error), writing=writing, fix=_CREDENTIALS)

    def _failed(self, key: str, told: str, *, writing: bool, fix: str = "") -> NoReturn:
        raise ProvisionError(
            Diagnostic(
                "journal-not-writable" if writing else "journal-unreadable",
                f"{self.where(key)} could not be {'written' if writing else 'read'}: {told}",
                why="a change is only made when it stands in the journal first; nothing more was changed"
                if writing
                else "what is outstanding cannot be known without the journal",
                fix=fix or "see that the store answers from here, and run again",
            )
        ) from None


class _Taken(Exception):  # noqa: N818 an answer
    """Something is there already."""


class _Conflict(Exception):  # noqa: N818 an answer
    """Another write of the same object is under way."""


class _Absent(Exception):  # noqa: N818 an answer
    """Nothing is there."""


_CREDENTIALS = (
    "give the SDK credentials that work: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in CI a role"
)


def _fix(code: str, status: int, bucket: str, *, writing: bool) -> str:
    if code in _CREDENTIAL:
        return _CREDENTIALS
    if code == "NoSuchBucket":
        return f"make the bucket {bucket}, or correct `records.journal`"
    if status in (301, 307) or code in ("PermanentRedirect", "IllegalLocationConstraintException"):
        return "set AWS_REGION to the region of the bucket"
    if code == "NotImplemented":
        return "keep the journal in a store that honours `If-None-Match: *`, or in a folder"
    if status == 403:
        needs = "s3:ListBucket and s3:GetObject" + (", s3:PutObject and s3:DeleteObject" if writing else "")
        return f"give this identity {needs} on {bucket} (docs/journal.md has the policy)"
    return ""


def _deadline(limit: float) -> float:
    return time.monotonic() + limit


def open_s3(location: str, *, limit: float = 15.0) -> S3Store:
    """The store at `s3://BUCKET/PREFIX`. To be called on the main thread, where SDKs are imported; makes no call."""
    found = _ADDRESS.match(location)
    if found is None:
        raise ProvisionError(
            Diagnostic(
                "journal-store",
                f"`{location}` is not the address of a bucket",
                why="a bucket's name has 3 to 63 of a-z 0-9 . - and is followed by a prefix, or by nothing",
                fix="write `s3://BUCKET/PREFIX`, for example `s3://acme-access/journal`",
            )
        )
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        raise ProvisionError(
            Diagnostic(
                "missing-extra",
                "a journal in S3 needs the AWS SDK, which is not installed",
                why=f"`records.journal` is {location}",
                fix="pip install 'provision-access[aws]'",
            )
        ) from None
    options: dict[str, Any] = {
        "connect_timeout": min(_CONNECT, limit),
        "read_timeout": max(0.5, limit / 3),
        "retries": {"total_max_attempts": 1},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    try:
        session = Session()
        region = session.get_config_variable("region") or "us-east-1"
        client: Any = session.create_client("s3", region_name=region, config=Config(**options))
        if not re.search(r"\.amazonaws\.com(\.cn)?$", client.meta.endpoint_url):
            # Other stores are reached by address, without a name for each bucket.
            options["s3"] = {"addressing_style": "path"}
            client = session.create_client("s3", region_name=region, config=Config(**options))
    except (BotoCoreError, ValueError) as error:
        raise ProvisionError(
            Diagnostic(
                "journal-unreadable",
                f"{location} cannot be reached: {error}",
                why="the settings of the AWS SDK (variables, profile) cannot be read",
                fix=_CREDENTIALS,
            )
        ) from None
    return S3Store(client, found[1], found[2] or "", limit=limit)
