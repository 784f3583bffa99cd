"""The worst errors of a log whose errors were put in."""

import numpy as np
import pandas

from tocsin.evaluation.bench.errors import FALSE_ALARM, MISSED, worst_errors
from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.log import make_log


def test_the_worst_come_first_and_what_sounds_there_is_named():
    heard = pandas.DataFrame(
        {"recording": ["a", "b"], "duration_s": 100.0, "path": ["x/a.wav", "x/b.wav"], "label": ["", "traffic"]}
    )
    truth = pandas.DataFrame(
        {
            "recording": ["a", "a", "a", "b"],
            "onset_s": [10.0, 20.0, 30.0, 40.0],
            "offset_s": [np.nan, np.nan, 33.0, np.nan],
            "label": ["gunshot", "gunshot", "fireworks", "gunshot"],
        }
    )
    said = pandas.DataFrame(
        {"recording": ["a", "a", "a", "b"], "onset_s": [10.0, 20.0, 32.0, 70.0], "score": [0.9, 0.3, 0.7, 0.8]}
    )
    evaluation = evaluate(make_log(heard, truth, said), 0.5)
    errors = worst_errors(evaluation)
    assert errors["error"].tolist() == [FALSE_ALARM, FALSE_ALARM, MISSED, MISSED]
    assert errors["sound"].tolist() == ["traffic", "fireworks", "gunshot", "gunshot"]
    assert errors["path"].tolist() == ["x/b.wav", "x/a.wav", "x/b.wav", "x/a.wav"]
    assert errors["onset_s"].tolist() == [70.0, 32.0, 40.0, 20.0]
    np.testing.assert_array_equal(errors["score"], [0.8, 0.7, np.nan, 0.3])
    assert worst_errors(evaluation, 1)["onset_s"].tolist() == [70.0, 40.0]
