"""The budgets of the embedded GitHub: an hour's, a minute's, and how many invitations a day.

The hour's (primary) budget is per caller and per resource, `core` and `graphql`; the minute's (secondary) is per
caller and resource too, and is told to nobody before it is spent. So is how many calls may be under way at once. The
figures are GitHub's published ones and can be changed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provisioner.sandbox.github.answers import Refused
from provisioner.sandbox.github.things import Org
from provisioner.sandbox.github.world import World
from provisioner.sandbox.wire import Headers

LIMIT_DOCS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to "
    "GitHub Support for help, please include the request ID."
)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@dataclass(slots=True)
class Window:
    """What of an hour's budget is used, and when the hour ends."""

    used: int = 0
    ends: datetime | None = None


@dataclass
class Limits:
    """The budgets and what is used of them. `per_minute` and `content_per_minute` None switch those limits off."""

    world: World
    per_hour: dict[str, int] = field(default_factory=lambda: {"core": 5000, "graphql": 5000, "anonymous": 60})
    per_minute: dict[str, int] | None = field(default_factory=lambda: {"core": 900, "graphql": 2000})
    content_per_minute: int | None = 80
    concurrent: int | None = 100
    invitations_per_day: tuple[int, int] = (50, 500)
    retry_after: int | None = 60
    status: int = 403
    _windows: dict[tuple[str, str], Window] = field(default_factory=lambda: defaultdict(Window))
    _points: dict[tuple[str, str], deque[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(deque))

    def window(self, who: str, resource: str) -> Window:
        found = self._windows[who, resource]
        now = self.world.now()
        if found.ends is None or found.ends <= now:
            found.used, found.ends = 0, now + HOUR
        return found

    def limit(self, who: str, resource: str) -> int:
        return self.per_hour["anonymous" if who == "nobody" else resource]

    def left(self, who: str, resource: str) -> int:
        return max(0, self.limit(who, resource) - self.window(who, resource).used)

    def spend(self, who: str, resource: str, cost: int = 1) -> None:
        self.window(who, resource).used += cost

    def headers(self, who: str, resource: str) -> Headers:
        window = self.window(who, resource)
        limit = self.limit(who, resource)
        ends = int(window.ends.timestamp()) if window.ends else 0
        values = {"limit": limit, "remaining": max(0, limit - window.used), "reset": ends, "used": window.used}
        return [
            *((f"X-RateLimit-{name.capitalize()}", str(value)) for name, value in values.items()),
            ("X-RateLimit-Resource", resource),
        ]

    def overview(self, who: str, resource: str) -> dict[str, int]:
        window = self.window(who, resource)
        ends = int(window.ends.timestamp()) if window.ends else 0
        limit = self.limit(who, resource)
        return {"limit": limit, "used": window.used, "remaining": max(0, limit - window.used), "reset": ends}

    def crowded(self, under_way: int) -> None:
        """Refuse the call if too many others were under way when it came."""
        if self.concurrent is not None and under_way > self.concurrent:
            raise self._secondary()

    def check(self, who: str, resource: str, points: int) -> None:
        """Refuse the call if a budget is spent; count its points of the minute."""
        if self.per_minute is not None:
            self._in_a_minute((who, resource), points, self.per_minute[resource])
        if resource == "core" and self.left(who, resource) <= 0:
            raise Refused(self.status, f"API rate limit exceeded for {who}.", docs=LIMIT_DOCS)

    def content(self, who: str) -> None:
        """Count a call that makes something others are told of: an invitation."""
        if self.content_per_minute is not None:
            self._in_a_minute((who, "content"), 1, self.content_per_minute)

    def _in_a_minute(self, key: tuple[str, str], points: int, most: int) -> None:
        now, spent = self.world.now(), self._points[key]
        while spent and spent[0][0] <= now - MINUTE:
            spent.popleft()
        if sum(count for _, count in spent) + points > most:
            raise self._secondary()
        spent.append((now, points))

    def _secondary(self) -> Refused:
        after = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return Refused(self.status, SECONDARY, headers=after, docs=LIMIT_DOCS)

    def invitation(self, org: Org) -> None:
        """Refuse one invitation more than a day allows: few where the organisation is young and pays nothing."""
        now = self.world.now()
        old = org.plan != "free" or org.created < now - timedelta(days=30)
        most = self.invitations_per_day[1 if old else 0]
        if sum(1 for at in org.invited_at if at > now - DAY) >= most:
            text = "You have exceeded the number of organization invitations allowed in 24 hours. Try again later."
            raise Refused(
                422,
                "Validation Failed",
                [{"resource": "OrganizationInvitation", "code": "custom", "field": "base", "message": text}],
            )
