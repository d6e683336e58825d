"""An address of an API that comes from the environment: what is wrong with it is told, and never what it holds."""

from __future__ import annotations

import pytest

from provisioner.contract import Provider, ProviderError, Trouble
from provisioner.model.target import Target
from provisioner.providers.circleci import CircleCi
from provisioner.providers.github import Github
from tests.worlds import block

FORGES: list[tuple[Provider, str]] = [(Github(), "acme"), (CircleCi(), "gh/acme")]
SECRET = "hunter2-secret"


@pytest.mark.parametrize(("provider", "organization"), FORGES, ids=["github", "circleci"])
@pytest.mark.parametrize(
    "address",
    [
        f"https://user:{SECRET}@api.example.com",
        f'http://user:{SECRET}-"ü@127.0.0.1:1',
        f"https://{SECRET} .example.com",
        f"ftp://{SECRET}",
        f"https://api.example.com?token={SECRET}",
        f"https://[{SECRET}",
        f"https://example.com:{SECRET}",
        SECRET,
    ],
)
def test_an_address_that_is_none_is_refused_without_being_told(
    provider: Provider, organization: str, address: str
) -> None:
    settings = {"organization": organization, "api_url": {"env": "API_URL"}, "token": {"env": "TOKEN"}}
    target = Target("forge", "forge", provider.name, settings=block(settings, "access/targets.yaml"))
    with pytest.raises(ProviderError) as caught:
        provider.open_reader(target, {"API_URL": address, "TOKEN": "t"})
    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "API_URL does not hold the address of" in str(caught.value) and SECRET not in str(caught.value)
