"""How long clips are kept: scenes of clocks and losses of power, with the age that a bystander with a watch sees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.inference.sensor.privacy.retention import GRACE_S, Clocks, Retention

HOUR, DAY = 3600.0, 86400.0
KEEP_S = 24 * HOUR
T0 = 1_800_000_000.0


class Machine:
    """A machine with a bystander's watch beside it: ``true_s`` goes on whatever its own clocks show."""

    def __init__(self):
        self.true_s, self.wrong_by_s, self.began_s, self.boots = T0, 0.0, T0 - 10 * DAY, 0
        self.clocks = Clocks(lambda: self.true_s + self.wrong_by_s, lambda: self.true_s - self.began_s, self.boot_id)

    def boot_id(self):
        return f"boot {self.boots}"

    def power_off(self, for_s):
        self.true_s += for_s
        self.boots, self.began_s = self.boots + 1, self.true_s

    def runs(self, for_s):
        self.true_s += for_s


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def start(tmp_path, machine):
    """A function that starts the process anew."""

    def begin():
        retention = Retention(tmp_path / "kept.json", KEEP_S, machine.clocks)
        retention.advance()
        return retention

    return begin


def age_s(retention, name="a"):
    retention.advance()
    return retention.age_s(name)


def test_while_it_runs_the_system_clock_may_jump_as_it_likes(machine, start):
    retention = start()
    retention.begin("a")
    for hours, wrong_by_s in enumerate((DAY, -DAY, 56 * 365 * DAY, -T0, 0.0), 1):
        machine.runs(HOUR)
        machine.wrong_by_s = wrong_by_s
        assert age_s(retention) == pytest.approx(hours * HOUR)
        assert not retention.due()
    machine.runs(19 * HOUR - 1)
    retention.advance()
    assert not retention.due()
    machine.runs(1)
    retention.advance()
    assert retention.due() == ["a"]


def test_a_process_started_anew_goes_on_counting_though_the_clock_went_back(machine, start):
    retention = start()
    retention.begin("a")
    retention.save()
    machine.runs(5 * HOUR)
    machine.wrong_by_s = -3 * DAY
    assert age_s(start()) == pytest.approx(5 * HOUR)


@pytest.mark.parametrize("off_s", [60.0, 3 * HOUR, 23 * HOUR, 25 * HOUR, 400 * DAY])
def test_time_without_power_counts(machine, start, off_s):
    retention = start()
    retention.begin("a")
    machine.runs(HOUR / 2)
    retention.advance()
    retention.save()
    machine.power_off(off_s)
    machine.runs(60)
    retention = start()
    assert age_s(retention) == pytest.approx(HOUR / 2 + off_s + 60)
    assert bool(retention.due()) == (HOUR / 2 + off_s + 60 >= KEEP_S)


def test_time_without_power_counts_where_nothing_was_saved_since(machine, start):
    retention = start()
    retention.begin("a")
    retention.save()
    machine.runs(2 * HOUR)  # killed here: what ran since is told by the system's clock
    machine.power_off(3 * HOUR)
    assert age_s(start()) == pytest.approx(5 * HOUR)


def test_a_clock_that_is_set_right_after_the_start_tells_the_gap_then(machine, start):
    """A small machine without a battery: its clock goes on where it stood, until the network tells the time."""
    retention = start()
    retention.begin("a")
    retention.save()
    machine.power_off(3 * DAY)
    machine.wrong_by_s = -3 * DAY
    retention = start()
    retention.begin("b")  # a shot before the time is known
    machine.runs(60)
    assert age_s(retention) == pytest.approx(60)
    machine.wrong_by_s = 0.0
    assert age_s(retention) == pytest.approx(3 * DAY + 60)
    assert retention.age_s("b") == pytest.approx(60)  # of this run, for which no gap counts
    assert retention.due() == ["a"]


def test_a_clock_that_stays_behind_has_some_minutes_and_then_all_is_due(machine, start):
    retention = start()
    retention.begin("a")
    retention.save()
    machine.power_off(HOUR)
    machine.wrong_by_s = -2 * HOUR
    retention = start()
    retention.begin("b")
    machine.runs(GRACE_S - 1)
    retention.advance()
    assert not retention.due()
    machine.runs(1)
    retention.advance()
    assert retention.due() == ["a"]


def test_power_lost_again_and_again_does_not_make_a_clock_behind_believed(machine, start):
    retention = start()
    retention.begin("a")
    retention.save()
    machine.wrong_by_s = -HOUR
    for _ in range(3):
        machine.power_off(DAY)
        machine.wrong_by_s -= DAY
        machine.runs(GRACE_S / 3)
        retention = start()
        retention.save()
        assert not retention.due()
    machine.runs(GRACE_S)
    retention.advance()
    assert retention.due() == ["a"]


@pytest.mark.parametrize("wrong_by_s", [DAY, -DAY])
@pytest.mark.parametrize("stays", [False, True])
def test_a_clock_that_jumped_before_the_power_went_shortens_no_gap(machine, start, wrong_by_s, stays):
    retention = start()
    retention.begin("a")
    retention.save()
    machine.runs(60)
    machine.wrong_by_s = wrong_by_s
    retention.advance()
    retention.save_now_and_then()  # which saves what went back
    if wrong_by_s > 0:
        retention.save()
    machine.runs(60)
    machine.power_off(2 * DAY)
    machine.wrong_by_s = wrong_by_s if stays else 0.0
    assert age_s(start()) >= 2 * DAY + 60


def test_a_gap_that_nobody_could_tell_is_told_after_the_next(machine, start):
    retention = start()
    retention.begin("a")
    retention.save()
    for off_s in (3 * HOUR, 4 * HOUR):
        machine.power_off(off_s)
        machine.wrong_by_s -= off_s
        retention = start()
        retention.advance(clock_is_set=False)
        retention.save()
        assert age_s(retention) == pytest.approx(0, abs=1e-3)
    machine.power_off(5 * HOUR)
    machine.wrong_by_s = 0.0
    assert age_s(start()) == pytest.approx(12 * HOUR)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["runs", "off", "set", "jump", "restart"]), st.floats(0, 2 * DAY), st.booleans()),
        max_size=10,
    )
)
def test_no_clock_keeps_a_clip_longer_than_its_hours_and_the_grace(tmp_path_factory, steps):
    """Power is lost, the clock stands still meanwhile or not, is set or never, jumps; the process is killed."""
    machine, path = Machine(), tmp_path_factory.getbasetemp() / "kept.json"
    path.unlink(missing_ok=True)
    retention, is_set = Retention(path, KEEP_S, machine.clocks), True
    retention.begin("a")
    retention.save()
    began_s = machine.true_s

    def is_over():
        retention.advance(is_set)
        retention.save_now_and_then()
        return bool(retention.due())

    for what, by_s, flag in steps:
        if what == "runs":
            machine.runs(by_s)
        elif what == "off":
            machine.power_off(by_s)
            is_set = flag
            machine.wrong_by_s = 0.0 if flag else machine.wrong_by_s - by_s
        elif what == "set":
            machine.wrong_by_s, is_set = 0.0, True
        elif what == "jump" and is_set:
            machine.wrong_by_s += by_s if flag else -by_s
        if what in ("off", "restart"):
            retention = Retention(path, KEEP_S, machine.clocks)
        if is_over():
            return
        in_grace = not is_set and machine.true_s - machine.began_s < GRACE_S
        assert in_grace or machine.true_s - began_s < KEEP_S + 1e-3


def test_what_is_known_by_name_alone_has_the_age_of_its_name(machine, start):
    retention = start()
    retention.adopt("a", T0 - 5 * HOUR)
    retention.adopt("b", T0 - 25 * HOUR)
    retention.adopt("c", T0 + 1)
    assert retention.age_s("a") == pytest.approx(5 * HOUR)
    assert set(retention.due()) == {"b", "c"}


def test_the_oldest_are_first_also_over_a_loss_of_power(machine, start):
    retention = start()
    for name in "cab":
        retention.begin(name)
        machine.runs(60)
        retention.advance()
    retention.save()
    machine.power_off(HOUR)
    retention = start()
    retention.begin("0")
    assert retention.oldest_first(retention.names) == ["c", "a", "b", "0"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff" * 100, b'{"boot_id":1}', b"[" * 100_000])
def test_a_file_that_cannot_be_understood_counts_as_absent(tmp_path, machine, content):
    (tmp_path / "kept.json").write_bytes(content)
    assert Retention(tmp_path / "kept.json", KEEP_S, machine.clocks).names == frozenset()


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_written_into_the_file_keeps_a_clip_longer(tmp_path_factory, since):
    machine, path = Machine(), tmp_path_factory.getbasetemp() / "kept.json"
    path.unlink(missing_ok=True)
    retention = Retention(path, KEEP_S, machine.clocks)
    retention.begin("a")
    retention._state.own["a"] = since
    retention.save()
    retention = Retention(path, KEEP_S, machine.clocks)
    machine.runs(KEEP_S)
    retention.advance()
    assert retention.due() == ["a"] or retention.age_s("a") < KEEP_S


def test_the_file_goes_with_the_last_clip_and_is_saved_now_and_then(tmp_path, machine, start):
    retention = start()
    retention.save_now_and_then()
    assert not (tmp_path / "kept.json").exists()
    retention.begin("a")
    retention.save_now_and_then()
    first = (tmp_path / "kept.json").read_bytes()
    machine.runs(60)
    retention.advance()
    retention.save_now_and_then()
    assert (tmp_path / "kept.json").read_bytes() == first
    machine.runs(600)
    retention.advance()
    retention.save_now_and_then()
    assert (tmp_path / "kept.json").read_bytes() != first
    retention.forget("a")
    retention.save()
    assert not (tmp_path / "kept.json").exists()


def test_the_clocks_of_this_machine():
    clocks = Clocks()
    assert clocks.boot_id() == clocks.boot_id() != ""
    before = clocks.running_s()
    assert clocks.running_s() >= before > 0
