"""Secrets of GitHub Actions as places for credentials: sealed here, and told by a companion."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.slot import Names
from provisioner.providers.github import Github
from provisioner.providers.github.store import ActionsSecrets
from provisioner.sandbox.github.things import Environment
from tests.providers.github.rig import Hub
from tests.providers.keys import issued, note

WHOLE, PARTS = Names(whole="AWS_KEY"), Names(user="KEY_ID", secret="KEY_SECRET")


@pytest.fixture
def store(hub: Hub) -> Iterator[ActionsSecrets]:
    made = Github().open_store(hub.target(), hub.environ)
    yield made
    made.close()


def soon() -> float:
    return time.monotonic() + 10


def test_a_repositorys_secret_is_what_a_job_opens_and_its_companion_says_which(hub: Hub, store: ActionsSecrets) -> None:
    site, at = hub.repo("site"), "repositories/site"
    assert store.look(at, WHOLE) is None
    store.put(at, WHOLE, issued(1), note(1), None, soon())
    assert site.vault.opened("AWS_KEY") == issued(1).whole.reveal()
    first = store.look(at, WHOLE)
    assert first is not None and first.public_id == issued(1).public_id
    store.put(at, WHOLE, issued(2), note(2), first, soon())
    second = store.look(at, WHOLE)
    assert second is not None and second.public_id == issued(2).public_id
    assert second.versions != first.versions, "whether a write arrived can be told"
    assert site.vault.opened("AWS_KEY") == issued(2).whole.reveal()


def test_a_companion_older_than_the_secret_says_nothing(hub: Hub, store: ActionsSecrets) -> None:
    site, at = hub.repo("site"), "repositories/site"
    store.put(at, WHOLE, issued(1), note(1), None, soon())
    hub.server.clock.advance(seconds=5)
    kept = site.vault.secrets["AWS_KEY"]
    kept.updated = hub.server.world.now()  # somebody writes it by hand
    found = store.look(at, WHOLE)
    assert found is not None and found.public_id is None


def test_an_environment_that_is_not_there_is_not_made(hub: Hub, store: ActionsSecrets) -> None:
    site, at = hub.repo("site"), "repositories/site/environments/production"
    with pytest.raises(ProviderError) as told:
        store.look(at, PARTS)  # and so no key is made for it
    assert told.value.trouble is Trouble.GONE and f"there is no `{at}`" in told.value.message
    with pytest.raises(ProviderError) as told:
        store.put(at, PARTS, issued(1), note(1), None, soon())
    assert told.value.trouble is Trouble.GONE
    assert not site.environments
    now = hub.server.world.now()
    made = site.environments["production"] = Environment(7, site.id, "production", now, now)
    store.put(at, PARTS, issued(1), note(1), None, soon())
    assert (made.vault.opened("KEY_ID"), made.vault.opened("KEY_SECRET")) == (issued(1).user, "made-up-1")


def test_an_organizations_secret_is_for_those_whom_the_place_names(hub: Hub, store: ActionsSecrets) -> None:
    site = hub.repo("site")
    store.put("organization/selected/site", WHOLE, issued(1), note(1), None, soon())
    kept = hub.org.vault.secrets["AWS_KEY"]
    assert (kept.visibility, kept.repositories) == ("selected", [site.id])
    assert hub.org.vault.opened("AWS_KEY") == issued(1).whole.reveal()


def test_a_write_that_stops_halfway_is_not_said_to_be_undone(hub: Hub, store: ActionsSecrets) -> None:
    hub.repo("site")
    hub.server.fail("PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}", 403, after=1)
    with pytest.raises(ProviderError) as told:
        store.put("repositories/site", PARTS, issued(1), note(1), None, soon())
    assert told.value.trouble is Trouble.UNKNOWN
    found = store.look("repositories/site", PARTS)
    assert found is not None and found.versions[1] == ""


@pytest.mark.parametrize(
    "place", ["site", "repositories", "organization", "organization/selected/", "repositories/a/b"]
)
def test_places_that_are_none_are_refused_before_any_call(place: str) -> None:
    assert Github().check_place(place, WHOLE) is not None
