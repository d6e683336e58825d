"""Which organization the embedded GitHub and CircleCI have: the sample company's, or that of a worked example.

Names and logins alone, as they are before the first plan. What the access files want of them, it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scheme:
    """`people` have an account on GitHub each, by login, and are in no organization. `teams` are there already, empty,
    so that CircleCI has copied them before the first plan. `strays` says whether people and things that nobody
    declares stand about; `late` are those who never accept an invitation."""

    organization: str
    people: Mapping[str, tuple[str, str]]
    private: tuple[str, ...]
    public: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    strays: bool = False
    late: frozenset[str] = field(default_factory=frozenset)


_SAMPLE = {
    "ada": "Ada Moreau", "ben": "Ben Adeyemi", "chiara": "Chiara Rossi", "diego": "Diego Álvarez",
    "fatima": "Fatima El Amrani", "grace": "Grace Okafor", "ivan": "Ivan Petrov", "linus": "Linus Berg",
    "mia": "Mia Lindqvist", "noor": "Noor Haddad", "tomas": "Tomás Silva", "yuki": "Yuki Tanaka",
}  # fmt: skip
SAMPLE = Scheme(
    "acme",
    {key: (f"{key}-acme", name) for key, name in _SAMPLE.items()},
    private=("payments", "ledger", "infrastructure"),
    public=("docs",),
    teams=("payments", "release-managers"),
    strays=True,
    late=frozenset({"ivan"}),
)
EXAMPLES = {
    "open-source": Scheme(
        "parser-project",
        {"ines": ("ineskeller", "Ines Keller"), "obi": ("obi", "Obi Nwosu"), "priya": ("priya", "Priya Raman")},
        private=(),
        public=("parser",),
        teams=("outer-core", "inner-core"),
    ),
    "regulated": Scheme(
        "acme",
        {
            "dana": ("dana-okafor", "Dana Okafor"),
            "lee": ("leetran", "Lee Tran"),
            "mara": ("mara", "Mara Silva"),
            "sven": ("sven", "Sven Holm"),
        },
        private=("site",),
        teams=("developers", "development-leads", "delivery-managers", "security"),
    ),
}
