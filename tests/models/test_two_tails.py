"""Two tails on one trunk: what may move and what may not, and the whole trunk as the oracle of its parts."""

import copy

import pytest
import torch
from torch.nn import functional

from tests.models.test_mobilenet import as_published, with_statistics
from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.models import registry
from tocsin.models.mobilenet import MobileNet
from tocsin.training.module import TocsinModule

RATE, WINDOW = 12_000, 6_000


@pytest.fixture
def trunk():
    return with_statistics(3)


@pytest.fixture
def model(trunk):
    model = registry.create("tocsin_l", len(CLASSES), RATE)
    model.take_trunk(as_published(trunk))
    return model


@pytest.fixture
def windows():
    return 0.1 * torch.randn(4, WINDOW, generator=torch.Generator().manual_seed(4))


def test_both_tails_begin_as_the_whole_trunk(model, trunk, windows):
    spectrogram = model.front_end(windows)
    with torch.no_grad():
        frozen, tuned = model.eval().embed(spectrogram).chunk(2, dim=1)
        rows = trunk.features(spectrogram.unsqueeze(1)).mean(2)
    torch.testing.assert_close(frozen, torch.cat([rows.amax(2), rows.mean(2)], dim=1))
    torch.testing.assert_close(tuned, frozen)


def test_a_step_moves_the_tuned_tail_and_the_heads_alone(model, windows):
    model.train()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    features = model.embed(model.front_end(windows))
    labels = torch.arange(4)
    loss = sum(functional.cross_entropy(answer, labels) for answer in model.answers(features))
    (loss + model.forgotten(features)).backward()
    optimizer.step()
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in moved} == {"tuned", "classifier"}
    assert not any("running" in name for name in moved if name.startswith("tuned"))
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.tuned.parameters())


def test_what_is_remembered_is_least_where_nothing_changed(model, windows):
    features = model.embed(model.front_end(windows)).detach()
    frozen, tuned = features.chunk(2, dim=1)
    least = model.forgotten(features)
    entropy = torch.distributions.Bernoulli(logits=model.tagger(frozen[:, frozen.shape[1] // 2 :])).entropy()
    torch.testing.assert_close(least, entropy.sum(1).mean())
    assert model.forgotten(torch.cat([frozen, 1.5 * tuned], dim=1)) > least


def test_the_answer_is_the_mean_of_the_heads_log_probabilities(model, windows):
    model.eval()
    with torch.no_grad():
        first, second = model.answers(model.embed(model.front_end(windows)))
        torch.testing.assert_close(model(windows), (first + second) / 2)
    for answer in (first, second):
        torch.testing.assert_close(answer.exp().sum(1), torch.ones(4))


def test_what_is_only_tuned_learns_at_its_own_rate_and_the_tagger_is_not_counted(model):
    slow = {id(parameter) for parameter in model.slow_parameters()}
    assert slow == {id(p) for name, p in model.named_parameters() if name.startswith("tuned.")}
    tagger = sum(parameter.numel() for parameter in model.tagger.parameters())
    assert model.n_parameters == sum(parameter.numel() for parameter in model.parameters()) - tagger


def test_a_trunk_of_another_width_and_none_at_all_are_refused(model):
    with pytest.raises(TocsinError, match="not the weights of an EfficientAT network of this width"):
        model.take_trunk(as_published(MobileNet(width=0.2)))
    card = {"name": "x", "version": "0", "sample_rate": RATE, "window_samples": WINDOW, "hop_samples": 3000}
    with pytest.raises(TocsinError, match=r"tocsin_l starts from a pretrained trunk: type module\.pretrained=PATH"):
        TocsinModule("tocsin_l", card, 0.002, 0.02, 0.05, taught=0.0)
