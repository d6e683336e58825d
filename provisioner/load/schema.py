"""The shape of access files as models: what `validate` holds files against, and what `provision schema` prints.

Shapes only. Whether a name exists, a time has passed or a login is taken is judged elsewhere. Every model forbids keys
that it does not know and coerces nothing. No field takes null: files that hold one are refused before they come here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from provisioner.contract.fields import Strict
from provisioner.load.fields import (
    MERGE,
    OWNER,
    Attribute,
    Duration,
    Email,
    Filter,
    Id,
    Labels,
    NativeId,
    Percent,
    Start,
    Text,
    Time,
    TimeOrDay,
)
from provisioner.model.source import FEW, PERCENT

# A key that may be left out has no null: its default is never checked, and files hold none.
_LEFT_OUT: Any = Field(default=None)
_NONE: Any = Field(default=())


class Shape(Strict):
    """Built when it is first used: most runs need few of these, and most of these only as parts of others."""

    model_config = ConfigDict(defer_build=True)


class AccountModel(Shape):
    """The login where it is not the id, and the system's own immutable id."""

    login: Text = _LEFT_OUT
    id: NativeId = _LEFT_OUT


class SuspendedModel(Shape):
    """Locked until this key is taken out: sessions are cut, memberships kept."""

    since: Time
    reason: Text


class AssignmentModel(Shape):
    """A role that somebody holds, with its limits."""

    role: Text
    environments: list[Text] = _LEFT_OUT
    starts: Annotated[Start, Field(alias="from")] = _LEFT_OUT
    until: Time = _LEFT_OUT
    length: Annotated[Duration, Field(alias="for")] = _LEFT_OUT
    reason: Text = _LEFT_OUT
    source: Id = _LEFT_OUT

    @model_validator(mode="after")
    def _of_one_kind(self) -> AssignmentModel:
        said = self.model_fields_set
        merge, lasts = "starts" in said and self.starts == MERGE, "length" in said
        if merge is not lasts or (lasts and "until" in said):
            raise PydanticCustomError(
                "bad-start",
                "`from: merge` and `for` belong together, without `until`",
            )
        return self


class HolderModel(Shape):
    """What people and services have in common."""

    name: Text = _LEFT_OUT
    email: Email = _LEFT_OUT
    was: list[Id] = _NONE
    starts: Annotated[Time, Field(alias="from")] = _LEFT_OUT
    until: Time = _LEFT_OUT
    suspended: SuspendedModel | None = _LEFT_OUT
    accounts: dict[Text, AccountModel] = _LEFT_OUT
    roles: list[Text | AssignmentModel] = _NONE


class PersonModel(HolderModel):
    """A person, under a stable id that is never given to someone else."""

    sources: list[Id] = _NONE


class DeliveryModel(Shape):
    """Where a secret goes: a store, or a part of a target, and under which names."""

    to: Text
    named: Annotated[Text | dict[Text, Text], Field(union_mode="left_to_right", alias="as")] = _LEFT_OUT


class CredentialModel(Shape):
    """A key that the service has on a target, and when it is made anew."""

    rotate_after: Duration = _LEFT_OUT
    overlap: Duration = _LEFT_OUT
    deliver_to: list[DeliveryModel] = Field(default_factory=list)


class KeylessModel(Shape):
    """What the target trusts instead of a key: a role, for the signed token of a pipeline."""

    role: Text = _LEFT_OUT
    trust: dict[Text, dict[Text, Any]] = Field(default_factory=dict)


class ServiceModel(HolderModel):
    """A machine identity: bot, runner, deployer."""

    owners: Annotated[list[Text], Field(min_length=1)]
    identity: dict[Text, KeylessModel] = Field(default_factory=dict)
    credentials: dict[Text, dict[Text, CredentialModel]] = Field(default_factory=dict)


class RoleModel(Shape):
    """What its holders get, by target."""

    owners: list[Text] = Field(default_factory=list)
    includes: list[Text] = Field(default_factory=list)
    environments: list[Text] = Field(default_factory=list)
    grants: dict[Text, dict[Text, Any]] = Field(default_factory=dict)


class EnvironmentModel(Shape):
    """A label on things, and the rules for holding a role in it."""

    protected: bool = False
    max_duration: Duration = _LEFT_OUT
    needs_reason: bool = False
    standing: list[Text] = Field(default_factory=list)
    newcomers: Annotated[int, Field(ge=0)] = _LEFT_OUT
    owners: list[Text] = Field(default_factory=list)


class IgnoreModel(Shape):
    """A stray that is known and meant, until somebody looks again."""

    # Earlier revisions have entries without an end, and are still read: that it is missing is told elsewhere.
    model_config = ConfigDict(json_schema_extra={"required": ["address", "owner", "reason", "until"]})

    address: Text
    owner: Text
    reason: Text
    until: TimeOrDay | None = _LEFT_OUT


class InstanceModel(Shape):
    """The keys that every target and every instance of one has."""

    mode: Literal["report", "add", "full"] = "add"
    accounts: Literal["create", "existing"] = "create"
    retention: Duration = timedelta(days=30)
    environment: Text = _LEFT_OUT
    labels: Labels = Field(default_factory=dict)
    owners: list[Text] = Field(default_factory=list)
    ignore: list[IgnoreModel] = Field(default_factory=list)


class TargetModel(InstanceModel):
    """One configured system, or many of one kind under `instances`."""

    provider: Text
    instances: dict[Text, dict[Text, Any]] = _LEFT_OUT


class StoreModel(Shape, extra="allow"):
    """A place that secrets are delivered to."""

    provider: Text


class DeployModel(Shape):
    """What of a pipeline deploys to an environment. `jobs` may hold patterns (`deploy-*`)."""

    jobs: list[Text] = Field(default_factory=list)
    contexts: list[Text] = Field(default_factory=list)
    environments: list[Text] = Field(default_factory=list)
    branches: list[Text] = _LEFT_OUT
    tags: list[Text] = _LEFT_OUT


CI_SYSTEMS = ("gitlab", "jenkins", "bamboo", "cloudbees")
"""CI systems that are no targets: where they are is said of each pipeline."""


class CiModel(Shape):
    """Where a CI system runs the pipeline, for `gate`. `people` is the target whose logins the system's users have."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]
    project: Text = _LEFT_OUT
    people: Text = _LEFT_OUT


class PipelineModel(Shape):
    """The CI configuration of one repository, or for `gate` and `run` one workflow of it: whose contexts and
    environments it uses, what in it deploys where, what its schedules run as, and what `provision run` may ever give
    it: `scope` are the roles of the pipeline itself, `assume` its role on targets that have such, `max_duration` the
    longest run."""

    circleci: Text = _LEFT_OUT
    github: Text = _LEFT_OUT
    gitlab: CiModel = _LEFT_OUT
    jenkins: CiModel = _LEFT_OUT
    bamboo: CiModel = _LEFT_OUT
    cloudbees: CiModel = _LEFT_OUT
    repository: Text = _LEFT_OUT
    workflow: Text = _LEFT_OUT
    branches: list[Text] = Field(default_factory=lambda: ["main"])
    tags: list[Text] = Field(default_factory=list)
    forks: Literal["none", "build", "secrets"] = "none"
    schedules: Text = _LEFT_OUT
    scope: list[Text] = _LEFT_OUT
    assume: dict[Text, Text] = _LEFT_OUT
    max_duration: Duration = _LEFT_OUT
    owners: list[Text] = Field(default_factory=list)
    deploys: dict[Text, DeployModel] = Field(default_factory=dict)


class GivenModel(Shape):
    """A role that being in a group gives."""

    role: Text
    environments: list[Text] = _LEFT_OUT
    reason: Text = _LEFT_OUT


class SourceGroupModel(Shape):
    """What a group of the directory means. `pull` writes the `id`."""

    roles: Annotated[list[Text | GivenModel], Field(min_length=1)]
    id: NativeId = _LEFT_OUT


class AccountAttributesModel(Shape):
    """The attributes that hold somebody's login, and immutable id, on a target."""

    login: Attribute = _LEFT_OUT
    id: Attribute = _LEFT_OUT


class AttributesModel(Shape):
    """Which attributes tell what of a person. What is not named here does not follow the directory."""

    name: Attribute = _LEFT_OUT
    email: Attribute = _LEFT_OUT
    accounts: dict[Text, AccountAttributesModel] = Field(default_factory=dict)


class ShrinkModel(Shape):
    """How many of those who are known from a source may be gone there at once: `people`, or `percent` of them."""

    percent: Percent = PERCENT
    people: Annotated[int, Field(ge=0)] = FEW


class SourceModel(Shape):
    """A directory that people come from, and what its groups mean. `pull` writes `system`."""

    target: Text
    base: Text = _LEFT_OUT
    filter: Filter = _LEFT_OUT
    disabled: Filter = _LEFT_OUT
    system: Text = _LEFT_OUT
    attributes: AttributesModel = _LEFT_OUT
    groups: Annotated[dict[Text, SourceGroupModel], Field(min_length=1)]
    shrink: ShrinkModel = Field(default_factory=ShrinkModel)
    owners: list[Text] = Field(default_factory=list)


class RemovalsModel(Shape):
    """How many percent of a group, and of a target's people, one plan may take away."""

    group: Percent = 50
    target: Percent = 10


class AdministratorsModel(Shape):
    """The administrators that a target is never left without."""

    minimum: Annotated[int, Field(ge=0, le=1000)] = 1
    required: list[Text] = Field(default_factory=list)


class SeparateModel(Shape):
    """Two things that nobody may hold both of."""

    name: Text
    not_both: Annotated[list[dict[Text, dict[Text, Any]]], Field(min_length=2, max_length=2)]


class AcknowledgementModel(Shape):
    """The reviewed, expiring way through a guardrail."""

    reason: Text
    until: TimeOrDay
    people: list[Text] = Field(default_factory=list)
    role: Text = _LEFT_OUT
    addresses: list[Text] = Field(default_factory=list)
    target: Text = _LEFT_OUT
    kind: Literal["account", "group", "membership", "grant", "credential", "control"] = _LEFT_OUT
    count: Annotated[int, Field(ge=1)] = _LEFT_OUT
    system: Text = _LEFT_OUT
    journal: Literal["lost"] = _LEFT_OUT
    removals: bool = False


class GuardrailsModel(Shape):
    """What one plan may not do."""

    removals: RemovalsModel = Field(default_factory=RemovalsModel)
    administrators: dict[Text, AdministratorsModel] = Field(default_factory=dict)
    break_glass: list[Text] = Field(default_factory=list)
    separate: list[SeparateModel] = Field(default_factory=list)
    acknowledgements: list[AcknowledgementModel] = Field(default_factory=list)
    owners: list[Text] = Field(default_factory=list)
    approvals: Literal["required"] = _LEFT_OUT


class RecordsModel(Shape):
    """Where journal, lock and published declarations lie, and the id that goes into every mark."""

    owner: Annotated[str, StringConstraints(pattern=OWNER)] = _LEFT_OUT
    journal: Text = _LEFT_OUT
    lease: Duration = timedelta(seconds=60)
    deadline: Duration = timedelta(seconds=15)
    plan_age: Duration = _LEFT_OUT
