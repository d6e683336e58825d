"""A job of GitHub Actions as AWS sees it: it shows the token of its CI, and is given a session of a role, or is not."""

from __future__ import annotations

import base64
import json
import re

import requests

ISSUER = "token.actions.githubusercontent.com"


def take_on(url: str, role: str, repository: str, environment: str | None, **claims: str) -> dict[str, str]:
    """What AWS at `url` answers about the role of that ARN: unsigned, as no job has a key."""
    where = f"environment:{environment}" if environment is not None else "ref:refs/heads/main"
    token = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": f"repo:{repository}:{where}", **claims}
    body = base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")
    asked = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": "job",
        "WebIdentityToken": f"e30.{body}.c2ln",
    }
    answer = requests.post(url, data=asked, headers={"Host": "sts.us-east-1.amazonaws.com"}, timeout=30)
    return dict(re.findall(r"<(AccessKeyId|SecretAccessKey|SessionToken|Code)>([^<]+)<", answer.text))
