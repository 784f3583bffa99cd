"""Every model of the registry, by properties that any of them must have."""

import pytest
import torch

from tocsin import TocsinError
from tocsin.models import registry
from tocsin.models.registry import create, list_models


@pytest.fixture(params=list_models())
def model(request):
    torch.manual_seed(3)
    return create(request.param, n_classes=5, sample_rate=12000)


def test_every_parameter_that_learns_receives_a_gradient(model):
    windows = torch.randn(4, 12000, generator=torch.Generator().manual_seed(0))
    (model(windows) ** 2).sum().backward()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:  # what stays of a trunk
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_logits_do_not_depend_on_the_rest_of_the_batch(model):
    windows = 0.1 * torch.randn(5, 12000, generator=torch.Generator().manual_seed(0))
    model.eval()
    with torch.no_grad():
        together, apart = model(windows), torch.cat([model(row[None]) for row in windows])
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-5)


def test_logits_do_not_depend_on_gain(model):
    windows = 0.1 * torch.randn(2, 12000, generator=torch.Generator().manual_seed(0))
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model(windows), model(0.05 * windows), rtol=0, atol=1e-3)


def test_silence_gives_finite_logits(model):
    with torch.no_grad():
        assert torch.isfinite(model.eval()(torch.zeros(1, 12000))).all()


@pytest.mark.parametrize("name", ["tocsin_s", "tocsin_m"])
def test_models_that_ship_are_small(name):
    assert sum(p.numel() for p in create(name, 5, 12000).parameters()) <= 300_000


def test_unknown_model_names_the_known_ones():
    with pytest.raises(TocsinError, match="tocsin_s"):
        create("resnet", 5, 12000)


def test_a_model_keeps_the_name_of_its_function():
    assert all(factory.__name__ == name for name, factory in registry._FACTORIES.items())
