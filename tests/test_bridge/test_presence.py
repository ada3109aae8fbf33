"""The confidence lane on the wire: from the engine's summary, coarser where a clip is long."""

import pytest

from bridge.job_files import presence_lane
from bridge.protocol.fields import FieldError, from_wire, to_wire
from bridge.protocol.values import MAX_PRESENCE, JobResult, PresenceLane
from engine.data import Presence


def test_a_lane_is_sent_in_percent_with_its_times() -> None:
    lane = presence_lane(Presence(0.2, (0.0, 0.034, 0.966, 1.0), 1.5).as_json())
    assert lane == PresenceLane(0.2, 1.5, (0, 3, 97, 100))
    assert lane.end_s == pytest.approx(2.3)
    assert [lane.at(time_s) for time_s in (1.4, 1.5, 1.95, 2.29, 2.31)] == [None, 0, 97, 100, None]


def test_no_lane_stays_none() -> None:
    assert presence_lane(None) is None
    assert presence_lane(Presence(0.2, ()).as_json()) is None
    assert PresenceLane(0.0, 0.0, (50,)).at(0.0) is None


def test_a_long_lane_keeps_its_short_sounds_and_its_length() -> None:
    values = [0.0] * 18_000
    values[7_777] = 0.9
    lane = presence_lane(Presence(0.2, tuple(values)).as_json())
    assert lane is not None
    assert len(lane.percent) <= MAX_PRESENCE
    assert lane.end_s == pytest.approx(3600.0)
    assert lane.at(7_777 * 0.2) == 90
    assert sum(lane.percent) == 90


def test_a_result_without_a_lane_is_sent_without_the_field() -> None:
    assert "presence" not in to_wire(JobResult())
    with_lane = JobResult(presence=PresenceLane(0.2, 0.0, (50,)))
    assert from_wire(JobResult, to_wire(with_lane)) == with_lane
    assert from_wire(JobResult, {"presence": None}) == JobResult()


@pytest.mark.parametrize("percent", [[-1], [101], [0.5], [True], ["50"], [0] * 1025, 50, None])
def test_values_that_are_no_percent_are_refused(percent: object) -> None:
    with pytest.raises(FieldError, match=r"^percent"):
        from_wire(PresenceLane, {"period_s": 0.2, "percent": percent})
