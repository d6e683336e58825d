"""Reading an account: everything that is there, what was not seen, and in how many calls."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Kind
from provisioner.model.coverage import EVERYTHING, Scope, Verdict
from provisioner.model.mark import Mark
from provisioner.model.principal import PrincipalKind
from provisioner.model.way import Phase
from tests.providers.aws_iam.rig import (
    ACCOUNT,
    ALLOW,
    DENY_ALL,
    EVERYTHING_ALLOWED,
    NAME,
    OTHER,
    OURS,
    Cloud,
    account,
    aws_target,
    credential,
    grant,
    group,
    mark,
    membership,
    person,
)

BULK = (Kind.ACCOUNT, Kind.GROUP, Kind.MEMBERSHIP, Kind.GRANT)


def test_bulk_read_has_users_groups_memberships_and_every_kind_of_grant(cloud: Cloud) -> None:
    native = cloud.make_user("ada", groups=["Developers"], email="ada@example.com", name="Ada Byron")
    cloud.make_everything("ada")
    cloud.iam.attach_group_policy(GroupName="Developers", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cloud.iam.put_group_policy(GroupName="Developers", PolicyName="extra", PolicyDocument=_text(ALLOW))
    reading = cloud.reader().read(EVERYTHING)
    state = reading.state
    ada = state.resources[account("ada")]
    assert ada.attributes == {"enabled": True, "email": "ada@example.com"}
    assert ada.mark == Mark("ada", OURS)
    assert ada.facts is not None
    assert (ada.facts.native_id, ada.facts.email, ada.facts.name) == (native, "ada@example.com", "Ada Byron")
    assert {str(a) for a in state.resources if a.kind not in (Kind.ACCOUNT, Kind.CONTROL)} == {
        f"{NAME}:group/Developers",
        f"{NAME}:group/handmade",
        f"{NAME}:membership/Developers/ada",
        f"{NAME}:membership/handmade/ada",
        f"{NAME}:grant/ReadOnlyAccess/ada",
        f"{NAME}:grant/arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fjob-function%2FBilling/ada",
        f"{NAME}:grant/inline.by-hand/ada",
        f"{NAME}:grant/ReadOnlyAccess/group:Developers",
        f"{NAME}:grant/inline.extra/group:Developers",
    }
    assert all(reading.coverage.is_complete(kind) for kind in BULK)
    assert reading.coverage.complete
    assert reading.server_time is not None
    assert "IsTruncated false after 1 pages" in reading.coverage.of(Kind.ACCOUNT).proof


def test_bulk_read_of_an_account_is_its_pages_and_two_calls_of_sts(cloud: Cloud) -> None:
    backend = cloud.server.backend(ACCOUNT)
    for number in range(2500):
        backend.create_user("us-east-1", f"user-{number:04d}", "/", [])
    cloud.server.changed(ACCOUNT)
    cloud.server.reset_calls()
    reader = cloud.reader()
    reader.system()
    reader.me()
    reading = reader.read(EVERYTHING)
    assert reading.state.counts()["account"] == 2500
    assert cloud.server.calls == Counter({
        (cloud.server.hub_account, "sts.AssumeRole"): 1,
        (ACCOUNT, "sts.GetCallerIdentity"): 1,
        (ACCOUNT, "iam.GetAccountAuthorizationDetails"): 3,
    })  # fmt: skip
    assert reading.calls == 3


def test_short_pages_are_followed_to_the_end(cloud: Cloud) -> None:
    for number in range(25):
        cloud.make_user(f"user-{number}", groups=["all"])
    cloud.server.page_limit = 7
    reading = cloud.reader().read(EVERYTHING)
    assert reading.coverage.complete
    assert len(reading.state.of_kind(Kind.MEMBERSHIP)) == 25


def test_bulk_read_speaks_of_no_credentials(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_everything("ada")
    reading = cloud.reader().read(EVERYTHING)
    assert reading.state.of_kind(Kind.CREDENTIAL) == []
    assert reading.coverage.of(Kind.CREDENTIAL, "ada").verdict is Verdict.UNREAD


def test_every_credential_of_a_named_login_is_read(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_user("eve", marked=False)
    ids = cloud.make_everything("ada")
    cloud.make_everything("eve")
    reading = cloud.reader().read(frozenset({Scope(Kind.CREDENTIAL, "ada")}))
    phases = {r.address: r.ways[0].phase for r in reading.state}
    assert phases == {
        credential(f"access-key.{ids['key']}", "ada"): Phase.ACTIVE,
        credential(f"access-key.{ids['old-key']}", "ada"): Phase.SUSPENDED,
        credential("password", "ada"): Phase.ACTIVE,
        credential(f"mfa.{ids['mfa']}", "ada"): Phase.ACTIVE,
        credential(f"ssh-key.{ids['ssh']}", "ada"): Phase.ACTIVE,
        credential(f"service.{ids['service']}", "ada"): Phase.ACTIVE,
        credential(f"certificate.{ids['certificate']}", "ada"): Phase.ACTIVE,
    }
    assert reading.coverage.is_complete(Kind.CREDENTIAL, "ada")
    assert reading.coverage.of(Kind.CREDENTIAL, "eve").verdict is Verdict.UNREAD


def test_a_login_without_user_has_no_credentials_and_that_is_known(cloud: Cloud) -> None:
    reading = cloud.reader().read(frozenset({Scope(Kind.CREDENTIAL, "nobody")}))
    assert len(reading.state) == 0
    assert reading.coverage.of(Kind.CREDENTIAL, "nobody").proof == "no such user"


def test_a_refused_list_of_credentials_is_not_an_empty_one(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_everything("ada")
    cloud.server.fail("ListSSHPublicKeys", "AccessDenied", 403, None)
    reading = cloud.reader().read(frozenset({Scope(Kind.CREDENTIAL, "ada")}))
    assert reading.coverage.of(Kind.CREDENTIAL, "ada").verdict is Verdict.DENIED
    assert "ListSSHPublicKeys" in reading.coverage.of(Kind.CREDENTIAL, "ada").proof


def test_our_deny_policy_says_disabled_and_is_no_grant(cloud: Cloud) -> None:
    cloud.make_user("ada", marked=False, provision=mark("ada") + " d=2026-11-01T00:00:00Z")
    cloud.put("ada", "provision-deny", DENY_ALL)
    state = cloud.reader().read(EVERYTHING).state
    ada = state.resources[account("ada")]
    assert ada.attributes["enabled"] is False
    assert ada.mark is not None
    assert ada.mark.disabled_since is not None
    assert ada.facts is not None
    assert ada.facts.disabled_since == ada.mark.disabled_since
    assert state.of_kind(Kind.GRANT) == []


def test_a_policy_that_only_borrows_the_name_of_our_deny_is_shown(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.put("ada", "provision-deny", EVERYTHING_ALLOWED)
    state = cloud.reader().read(EVERYTHING).state
    assert state.resources[account("ada")].attributes["enabled"] is True
    assert grant("inline.provision-deny", "ada") in state


def test_somebody_elses_text_under_our_tag_is_a_foreign_mark(cloud: Cloud) -> None:
    cloud.make_user("ada", marked=False, provision="terraform")
    cloud.make_user("bob", marked=False, provision="provision/2 z=new")
    state = cloud.reader().read(EVERYTHING).state
    for login in ("ada", "bob"):
        found = state.resources[account(login)]
        assert found.mark is None
        assert found.facts is not None
        assert found.facts.foreign_mark


def test_a_policy_of_the_account_takes_the_bare_name_from_that_of_aws(cloud: Cloud) -> None:
    cloud.make_user("ada")
    arn = cloud.iam.create_policy(PolicyName="ReadOnlyAccess", Path="/team/", PolicyDocument=_text(ALLOW))["Policy"][
        "Arn"
    ]
    cloud.iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cloud.iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    state = cloud.reader().read(EVERYTHING).state
    assert state.resources[grant("ReadOnlyAccess", "ada")].attributes == {"arn": arn}
    assert grant("arn:aws:iam::aws:policy/ReadOnlyAccess", "ada") in state


def test_strong_policies_and_roles_are_told_also_where_nobody_holds_them(cloud: Cloud) -> None:
    cloud.iam.create_policy(PolicyName="Reports", PolicyDocument=_text(EVERYTHING_ALLOWED))
    cloud.iam.create_policy(PolicyName="Stop", PolicyDocument=_text(DENY_ALL))
    cloud.iam.create_policy(PolicyName="Weak", PolicyDocument=_text(ALLOW))
    cloud.make_role("Deploy")
    cloud.iam.put_role_policy(RoleName="Deploy", PolicyName="all", PolicyDocument=_text(EVERYTHING_ALLOWED))
    controls = cloud.reader().read(EVERYTHING).state.of_kind(Kind.CONTROL)
    found = {r.address.object: r.facts.more["strength"] for r in controls if r.facts}
    assert {name: found.get(name) for name in ("policy.Reports", "policy.Stop", "policy.Weak", "role.Deploy")} == {
        "policy.Reports": "admin",
        "policy.Stop": "denies",
        "policy.Weak": None,
        "role.Deploy": "admin",
    }
    assert not any(resource.gives_access for resource in controls)


def test_a_role_may_be_assumed_by_our_policy_and_by_its_own_trust(cloud: Cloud) -> None:
    native = cloud.make_user("ada")
    cloud.make_user("bob")
    cloud.make_role("Deploy", f"arn:aws:iam::{ACCOUNT}:user/ada", native, f"arn:aws:iam::{OTHER}:user/eve", path="/ci/")
    cloud.put("ada", "provision-assume-Deploy", _assume("role/ci/Deploy"))
    cloud.put("bob", "provision-assume-Deploy", _assume("role/*"))
    state = cloud.reader().read(EVERYTHING).state
    ada, bob = state.resources[grant("role.Deploy", "ada")], state.resources[grant("role.Deploy", "bob")]
    assert {w.native_id for w in ada.ways} == {
        "inline:provision-assume-Deploy",
        f"trust:arn:aws:iam::{ACCOUNT}:user/ada",
        f"trust:{native}",
    }
    assert (ada.attributes, ada.mark) == ({"intact": True, "ends": None}, Mark("ada", OURS))
    assert bob.attributes == {"intact": False, "ends": None}
    stranger = next(
        r for r in state.of_kind(Kind.GRANT) if r.address.principal and r.address.principal.id.endswith("eve")
    )
    assert stranger.address.principal is not None
    assert stranger.address.principal.kind is PrincipalKind.UNKNOWN


def test_a_list_that_breaks_off_is_partial(cloud: Cloud) -> None:
    for number in range(20):
        cloud.make_user(f"user-{number:02d}")
    cloud.server.page_limit = 10
    cloud.server.fail("GetAccountAuthorizationDetails", "AccessDenied", 403, None, after=1)
    reading = cloud.reader().read(EVERYTHING)
    assert 0 < reading.state.counts()["account"] < 20
    assert {reading.coverage.of(kind).verdict for kind in BULK} == {Verdict.PARTIAL}
    assert "after 1 pages" in reading.coverage.of(Kind.GROUP).proof


def test_a_list_that_promises_more_and_gives_no_marker_is_partial(cloud: Cloud) -> None:
    cloud.make_user("ada")
    reader = cloud.reader()
    client = reader._calls._iam
    client.meta.events.register("after-call.iam.GetAccountAuthorizationDetails", _promise_more)
    reading = reader.read(EVERYTHING)
    assert account("ada") in reading.state
    assert {reading.coverage.of(kind).verdict for kind in BULK} == {Verdict.PARTIAL}


def test_a_refused_bulk_read_is_denied_and_not_empty(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.server.fail("GetAccountAuthorizationDetails", "AccessDenied", 403, None)
    reading = cloud.reader().read(EVERYTHING)
    assert {reading.coverage.of(kind).verdict for kind in BULK} == {Verdict.DENIED}
    assert not reading.coverage.complete


def test_throttling_is_sat_out(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.server.throttle("GetAccountAuthorizationDetails", 2)
    reading = cloud.reader().read(EVERYTHING)
    assert reading.coverage.complete
    assert reading.calls == 3


def test_throttling_without_end_is_told_as_busy(cloud: Cloud) -> None:
    cloud.server.throttle("GetAccountAuthorizationDetails", None)
    with pytest.raises(ProviderError) as caught:
        cloud.reader(AWS_MAX_ATTEMPTS="2").read(EVERYTHING)
    assert caught.value.trouble is Trouble.BUSY
    assert caught.value.code == "Throttling"


def test_throttling_half_way_leaves_a_partial_reading(cloud: Cloud) -> None:
    for number in range(20):
        cloud.make_user(f"user-{number:02d}")
    cloud.server.page_limit = 10
    cloud.server.fail("GetAccountAuthorizationDetails", "Throttling", 400, None, after=1)
    reading = cloud.reader(AWS_MAX_ATTEMPTS="1").read(EVERYTHING)
    assert reading.coverage.of(Kind.MEMBERSHIP).verdict is Verdict.PARTIAL


def test_an_unreachable_aws_is_an_error_and_not_an_empty_one(cloud: Cloud) -> None:
    cloud.server.down = True
    with pytest.raises(ProviderError) as caught:
        cloud.reader(AWS_MAX_ATTEMPTS="1").read(EVERYTHING)
    assert caught.value.trouble is Trouble.UNREACHABLE


def test_the_wrong_account_is_a_hard_stop_that_names_both(cloud: Cloud) -> None:
    cloud.server.create_account(OTHER)
    wrong = aws_target(account=OTHER, assume_role={"plan": f"arn:aws:iam::{ACCOUNT}:role/provision-read"})
    reader = cloud.reader(wrong)
    for act in (reader.system, reader.me, lambda: reader.read(EVERYTHING), lambda: reader.look([account("ada")])):
        with pytest.raises(ProviderError, match=f"account {OTHER}.*account {ACCOUNT}") as caught:
            act()
        assert caught.value.trouble is Trouble.CREDENTIAL
    assert not [call for _, call in cloud.server.calls if call.startswith("iam.")]


def test_a_role_that_may_not_be_assumed_is_named(cloud: Cloud) -> None:
    target = aws_target(assume_role={"plan": "arn:aws:iam::{account}:role/no-such-role"})
    with pytest.raises(ProviderError, match=f"arn:aws:iam::{ACCOUNT}:role/no-such-role") as caught:
        cloud.reader(target).system()
    assert (caught.value.trouble, caught.value.call) == (Trouble.CREDENTIAL, "sts:AssumeRole")


def test_a_reader_asked_to_write_raises_and_sends_nothing(cloud: Cloud) -> None:
    cloud.make_user("ada")
    before = cloud.server.truth(ACCOUNT)
    reader = cloud.reader()
    reader.system()
    cloud.server.reset_calls()
    client = reader._calls._iam
    reads = ("Get", "List", "Simulate", "GenerateCredentialReport")
    for name in client.meta.service_model.operation_names:
        model = client.meta.service_model.operation_model(name)
        call = partial(client.meta.events.emit, f"before-call.iam.{name}", model=model, params={}, context={})
        if name.startswith(reads):
            call()
        else:
            with pytest.raises(ProviderError, match=f"a reader may not call {name}"):
                call()
    assert not cloud.server.calls
    assert cloud.server.truth(ACCOUNT) == before
    with pytest.raises(ProviderError, match="a reader may not call CreateUser"):
        client.create_user(UserName="mallory")


def test_looking_finds_the_very_same_things_as_reading_in_bulk(cloud: Cloud) -> None:
    native = cloud.make_user("ada", groups=["Developers"], email="ada@example.com")
    cloud.make_everything("ada")
    cloud.make_role("Deploy", native)
    cloud.put("ada", "provision-assume-Deploy", _assume("role/Deploy"))
    cloud.iam.attach_group_policy(GroupName="Developers", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cloud.iam.put_group_policy(GroupName="Developers", PolicyName="extra", PolicyDocument=_text(ALLOW))
    reader = cloud.reader()
    bulk = reader.read(EVERYTHING | {Scope(Kind.CREDENTIAL, "ada")}).state
    every = {a: r for a, r in bulk.resources.items() if a.kind is not Kind.CONTROL}
    found = cloud.reader().look(list(every))
    assert found.looked == set(every)
    assert {a: (r.attributes, r.ways, r.mark) for a, r in found.state.resources.items()} == {
        a: (r.attributes, r.ways, r.mark) for a, r in every.items()
    }


def test_looking_proves_absence(cloud: Cloud) -> None:
    cloud.make_user("ada")
    absent = [
        account("bob"),
        membership("Developers", "ada"),
        membership("Developers", "bob"),
        grant("ReadOnlyAccess", "ada"),
        grant("inline.x", "ada"),
        grant("inline.provision-deny", "ada"),
        grant("ReadOnlyAccess", group("nothing")),
        grant("role.None", "ada"),
        credential("password", "ada"),
        credential("access-key.AKIAX", "bob"),
    ]
    found = cloud.look(*absent)
    assert found.looked == set(absent)
    assert len(found.state) == 0


def test_what_could_not_be_looked_at_is_not_settled(cloud: Cloud) -> None:
    cloud.make_user("ada", groups=["Developers"])
    cloud.server.fail("ListGroupsForUser", "AccessDenied", 403, None)
    found = cloud.look(account("ada"), membership("Developers", "ada"))
    assert found.looked == {account("ada")}
    assert found.coverage.at(membership("Developers", "ada")).verdict is Verdict.DENIED


def test_a_service_is_found_under_the_address_that_it_was_asked_by(cloud: Cloud) -> None:
    cloud.make_user("bot", groups=["Developers"])
    asked = membership("Developers", "bot")._replace(principal=person("bot")._replace(kind=PrincipalKind.SERVICE))
    found = cloud.look(asked)
    assert list(found.state.resources) == [asked]
    assert found.state.resources[asked].address == asked


def test_a_fresh_credential_report_spares_lists_and_an_old_one_is_not_believed(cloud: Cloud) -> None:
    logins = [f"user-{number:02d}" for number in range(60)]
    for login in logins:
        cloud.make_user(login)
    cloud.iam.create_access_key(UserName="user-07")
    scopes = frozenset(Scope(Kind.CREDENTIAL, login) for login in logins)
    fresh = cloud.reader().read(scopes)
    assert [r.address.principal and r.address.principal.id for r in fresh.state] == ["user-07"]
    assert cloud.server.calls[ACCOUNT, "iam.ListAccessKeys"] == 1

    cloud.server.stale_report = True
    cloud.server.reports[ACCOUNT].generated = cloud.server.reports[ACCOUNT].generated.replace(year=2020)
    cloud.iam.create_access_key(UserName="user-31")
    cloud.server.reset_calls()
    old = cloud.reader().read(scopes)
    assert {r.address.principal.id for r in old.state if r.address.principal} == {"user-07", "user-31"}
    assert all(old.coverage.is_complete(Kind.CREDENTIAL, login) for login in logins)


def _promise_more(parsed: dict[str, object], **_: object) -> None:
    parsed["IsTruncated"] = True


def _text(document: object) -> str:
    return json.dumps(document)


def _assume(resource: str) -> dict[str, object]:
    statement = {
        "Sid": "provision" + OURS,
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": f"arn:aws:iam::{ACCOUNT}:{resource}",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
