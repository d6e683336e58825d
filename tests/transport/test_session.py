"""Requests to one host: what is repeated, what is refused, what waits, and that no credential gets out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from provisioner.transport import Budget, Limits, Pace, Session, TransportError, Why, anything, read_only
from tests.transport.server import Reply, Told, serving

TOKEN = "canary-0123456789abcdef"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def read(self) -> float:
        return self.now

    def pace(self, **more: float) -> Pace:
        return Pace(sleep=self.sleep, monotonic=self.read, clock=self.read, **more)  # type: ignore[arg-type]


@pytest.fixture
def told() -> Iterator[Told]:
    with serving() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def session(
    told: Told, clock: Clock, *, reading: bool = True, budget: Budget | None = None, **limits: float
) -> Session:
    guard = read_only(query_path="/graphql", queries=["query A { a }"]) if reading else anything
    return Session(
        told.url,
        lambda: {"Authorization": f"Bearer {TOKEN}"},
        guard,
        budget or Budget(clock.pace()),
        Limits(first_wait=0.01, **limits),  # type: ignore[arg-type]
        secrets=lambda: (TOKEN,),
    )


def why(error: pytest.ExceptionInfo[TransportError]) -> Why:
    assert TOKEN not in str(error.value)
    return error.value.why


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
def test_a_reader_sends_nothing_that_could_change_anything(told: Told, clock: Clock, method: str) -> None:
    with pytest.raises(TransportError) as error:
        session(told, clock).send(method, "/teams", body={"name": "x"}, reading=True)
    assert why(error) is Why.GUARDED and told.asked == []


def test_a_reader_sends_listed_queries_and_no_other_text(told: Told, clock: Clock) -> None:
    told.say("/graphql", Reply())
    reader = session(told, clock)
    assert reader.send("POST", "/graphql", body={"query": "query A { a }"}, reading=True).ok
    for text in ("mutation A { a }", "query A { a } mutation B { b }", "query B { b }"):
        with pytest.raises(TransportError) as error:
            reader.send("POST", "/graphql", body={"query": text}, reading=True)
        assert why(error) is Why.GUARDED
    assert len(told.asked) == 1


def test_a_token_is_not_taken_to_another_host(told: Told, clock: Clock) -> None:
    with serving() as other:
        told.say("/a", Reply(302, headers={"Location": f"{other.url}/a"}))
        with pytest.raises(TransportError) as error:
            session(told, clock).get("/a")
        assert why(error) is Why.STRANGE and other.asked == []
        with pytest.raises(TransportError):
            session(told, clock).get(f"{other.url}/a")
        assert other.asked == []


def test_a_redirect_on_the_same_host_is_followed_by_reads_alone(told: Told, clock: Clock) -> None:
    told.say("/old", Reply(301, headers={"Location": "/new"}))
    told.say("/new", Reply(body=b'{"id": 1}'))
    assert session(told, clock).get("/old").json() == {"id": 1}
    with pytest.raises(TransportError) as error:
        session(told, clock, reading=False).send("PUT", "/old", body={})
    assert why(error) is Why.STRANGE and [m for m, _, _ in told.asked] == ["GET", "GET", "PUT"]


def test_netrc_does_not_take_the_place_of_our_token(
    told: Told, clock: Clock, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    told.say("/a", Reply())
    session(told, clock).get("/a")
    assert told.asked[0][2]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_is_repeated_and_a_write_is_not(told: Told, clock: Clock, status: int) -> None:
    told.say("/a", Reply(status, b"<html>"), Reply(body=b'{"id": 2}'))
    assert session(told, clock).get("/a").json() == {"id": 2}
    told.say("/b", Reply(status, b"<html>"))
    with pytest.raises(TransportError) as error:
        session(told, clock, reading=False).send("PUT", "/b", body={})
    assert why(error) is (Why.BUSY if status == 503 else Why.UNANSWERED)
    assert [p for _, p, _ in told.asked] == ["/a", "/a", "/b"]


def test_an_answer_that_breaks_off_is_none(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(body=b"[1,2,3,4]", cut=5))
    with pytest.raises(TransportError) as error:
        session(told, clock).get("/a")
    assert why(error) is Why.UNANSWERED


def test_an_answer_without_end_is_not_read(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(body=b"x" * 100_000))
    with pytest.raises(TransportError) as error:
        session(told, clock, size=50_000).get("/a")
    assert why(error) is Why.STRANGE


def test_a_page_that_wants_somebody_to_sign_in_is_no_answer(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(body=b"<html>sign in</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(TransportError) as error:
        session(told, clock).get("/a").json()
    assert why(error) is Why.STRANGE


def test_nobody_listening_means_not_sent(told: Told, clock: Clock) -> None:
    gone = Session("http://127.0.0.1:9", dict, anything, Budget(clock.pace()), Limits(tries=1))
    with pytest.raises(TransportError) as error:
        gone.send("PUT", "/a", body={})
    assert why(error) is Why.UNREACHABLE
    assert error.value.message == "no connection to 127.0.0.1:9: connection refused"


def test_what_has_not_changed_is_not_sent_again(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(body=b'{"id": 3}', headers={"ETag": '"x"'}), Reply(304, b"", {"ETag": '"x"'}))
    reader = session(told, clock)
    first, second = reader.get("/a"), reader.get("/a")
    assert (first.fresh, second.fresh) == (True, False) and first.json() == second.json() == {"id": 3}
    assert told.asked[1][2]["if-none-match"] == '"x"'


# Limits


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (403, {"Retry-After": "7"}, 7.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000030"}, 30.0),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "12"}, 12.0),
        (429, {}, 60.0),
        (429, {"Retry-After": formatdate(1_800_000_020, usegmt=True)}, 20.0),
        (429, {"Retry-After": formatdate(1_700_000_000, usegmt=True)}, 0.0),
    ],
)
def test_a_limit_is_waited_out_as_told_and_not_a_moment_less(
    told: Told, clock: Clock, status: int, headers: dict[str, str], wait: float
) -> None:
    told.say("/a", Reply(status, b'{"message": "slow down"}', headers), Reply(body=b"[]"))
    assert session(told, clock).get("/a").json() == []
    assert len(clock.slept) == 1 and wait < clock.slept[0] < wait + 1


def test_a_secondary_limit_is_known_by_its_words_and_lack_of_rights_is_none(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(403, b'{"message": "You have exceeded a secondary rate limit."}'), Reply(body=b"[]"))
    assert session(told, clock).get("/a").ok and clock.slept[0] >= 60
    told.say("/b", Reply(403, b'{"message": "Must have admin rights to Repository."}'))
    assert session(told, clock).get("/b").status == 403


def test_limits_without_a_word_wait_longer_each_time(told: Told, clock: Clock) -> None:
    limited = Reply(429, b"{}")
    told.say("/a", limited, limited, limited, Reply(body=b"[]"))
    assert session(told, clock, budget=Budget(clock.pace(patience=600.0))).get("/a").ok
    assert [round(s) // 10 * 10 for s in clock.slept] == [60, 120, 240]


def test_a_long_wait_is_told_and_not_sat_through(told: Told, clock: Clock) -> None:
    told.say("/a", Reply(403, b"{}", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800003000"}))
    with pytest.raises(TransportError) as error:
        session(told, clock).get("/a")
    assert why(error) is Why.BUSY and "3000 seconds" in error.value.message and clock.slept == []


def test_a_write_does_not_wait_past_its_deadline(told: Told, clock: Clock) -> None:
    budget = Budget(clock.pace())
    budget.throttled({"retry-after": "30"})
    with pytest.raises(TransportError) as error:
        session(told, clock, reading=False, budget=budget).send("PUT", "/a", body={}, deadline=clock.now + 15)
    assert why(error) is Why.BUSY and told.asked == [] and clock.slept == []


def test_writes_keep_their_distance_and_reads_need_none(told: Told, clock: Clock) -> None:
    told.say("/a", Reply())
    writer = session(told, clock, reading=False, budget=Budget(clock.pace(between_writes=0.8)))
    for _ in range(3):
        writer.send("PUT", "/a", body={})
        writer.get("/a")
    assert [round(s, 6) for s in clock.slept] == [0.8, 0.8]


def test_the_last_request_of_the_hour_holds_up_the_next_one(told: Told, clock: Clock) -> None:
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000040"}
    told.say("/a", Reply(body=b"[]", headers=spent), Reply(body=b"[]"))
    reader = session(told, clock)
    reader.get("/a")
    reader.get("/a")
    assert len(clock.slept) == 1 and clock.slept[0] >= 40


def test_the_time_of_an_answer_is_bounded(told: Told) -> None:
    slow = Session(told.url, dict, anything, Budget(), Limits(tries=1))
    told.say("/a", Reply())
    with pytest.raises(TransportError) as error:
        slow.get("/a", deadline=time.monotonic() - 1)
    assert error.value.why is Why.BUSY and told.asked == []
