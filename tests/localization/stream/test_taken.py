"""What was taken stays taken: against a set that forgets nothing, within what is kept and beyond it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.inference.detection import Detection
from tocsin.localization.stream.taken import Taken

START = datetime(2026, 1, 1, tzinfo=UTC)


def heard(sensor, second):
    onset = START + timedelta(seconds=second)
    return Detection(sensor_id=f"s{sensor}", x_m=0.0, y_m=0.0, onset_time_utc=onset)


heards = st.builds(heard, st.integers(0, 3), st.integers(0, 40))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(heards, max_size=8), max_size=20))
def test_each_is_taken_once_as_a_set_has_it(batches):
    taken, known = Taken.in_memory(), set()
    for batch in batches:
        expected = []
        for item in batch:
            if (item.sensor_id, item.detection_id) not in known:
                known.add((item.sensor_id, item.detection_id))
                expected.append(item)
        assert taken.fresh(batch) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(heards, max_size=8), max_size=40))
def test_nothing_is_taken_twice_though_ids_are_forgotten(batches):
    taken, known = Taken.in_memory(most=10, look_every=1), set()
    for batch in batches:
        for item in taken.fresh(batch):
            assert (item.sensor_id, item.detection_id) not in known
            known.add((item.sensor_id, item.detection_id))
    # What is newer than all before is always taken.
    assert taken.fresh([heard(0, 41)])


def test_so_many_are_kept_as_stated():
    taken = Taken.in_memory(most=1000, look_every=100)
    for second in range(5000):
        taken.fresh([heard(0, second)])
    (count,) = taken._base.execute("SELECT count(*) FROM taken").fetchone()
    assert 900 <= count <= 1100
    assert taken.fresh([heard(1, second) for second in (0, 3800, 4950)]) == [heard(1, 4950)]
