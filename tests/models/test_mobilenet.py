"""The trunk equals EfficientAT's published network, computed a second way, also on real clips."""

import numpy as np
import pytest
import torch
import torchaudio
from torch.nn import functional

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.models.audioset_front_end import AudioSetFrontEnd
from tocsin.models.mobilenet import MobileNet

# Clips of which the published chain, at their own rate, is sure; the tags (AudioSet's index), and their log-odds by
# :func:`published_tags` of :func:`published_spectrogram` of their first two seconds at 32 kHz.
CLIPS = {
    "fireworks/esc50__4-119647-A-48.flac": {432: 1.7309, 433: -0.7117, 465: -2.8030},
    "gunshot/astra_sdr_gunshots__luger9.flac": {432: -1.0043, 504: -1.9043, 433: -1.9531},
    "thunder/ambie__thunder.ogg": {287: 1.5224, 286: 1.3684, 289: 0.7945},
    "rain/atmoify__moderate_rain.ogg": {290: -0.0941, 289: -0.2389, 291: -0.4803},
}


def published_tags(state, spectrogram):
    """EfficientAT's network, written as functions of its state dict: tag logits ``(batch, 527)``."""

    def norm(maps, name):
        statistics = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(maps, *statistics, eps=1e-3)

    def convolve(maps, name, stride=1):
        weight = state[f"{name}.0.weight"]
        groups = maps.shape[1] // weight.shape[1]
        return norm(functional.conv2d(maps, weight, None, stride, weight.shape[-1] // 2, 1, groups), f"{name}.1")

    maps = functional.hardswish(convolve(spectrogram[:, None], "features.0", 2))
    for number in range(1, 16):
        name = f"features.{number}.block"
        activation = functional.hardswish if number >= 7 else functional.relu
        inner, place = maps, 0
        if f"{name}.2.1.weight" in state or f"{name}.3.1.weight" in state:
            inner, place = activation(convolve(inner, f"{name}.0")), 1
        inner = activation(convolve(inner, f"{name}.{place}", 2 if number in (2, 4, 7, 13) else 1))
        if f"{name}.{place + 1}.conc_se_layers.0.fc1.weight" in state:
            place += 1
            gate, layer = inner.mean((2, 3)), f"{name}.{place}.conc_se_layers.0"
            gate = torch.relu(functional.linear(gate, state[f"{layer}.fc1.weight"], state[f"{layer}.fc1.bias"]))
            gate = functional.linear(gate, state[f"{layer}.fc2.weight"], state[f"{layer}.fc2.bias"]).sigmoid()
            inner = inner * gate[:, :, None, None]
        inner = convolve(inner, f"{name}.{place + 1}")
        maps = inner + maps if inner.shape == maps.shape else inner
    pooled = functional.hardswish(convolve(maps, "features.16")).mean((2, 3))
    hidden = functional.hardswish(functional.linear(pooled, state["classifier.2.weight"], state["classifier.2.bias"]))
    return functional.linear(hidden, state["classifier.5.weight"], state["classifier.5.bias"])


def published_spectrogram(waveform, center=True):
    """EfficientAT's log-mel of ``(batch, samples)`` at 32 kHz: ``(batch, 128, frames)``."""
    emphasized = waveform[:, 1:] - 0.97 * waveform[:, :-1]
    window = torch.hann_window(800, periodic=False)
    spectrum = torch.stft(emphasized, 1024, 320, 800, window, center=center, return_complex=True)
    bank, _ = torchaudio.compliance.kaldi.get_mel_banks(128, 1024, 32000.0, 0.0, 15000.0, 100.0, -500.0, 1.0)
    mel = functional.pad(bank, (0, 1)) @ spectrum.abs().square()
    return (torch.log(mel + 1e-5) + 4.5) / 5


def as_published(trunk):
    """A trunk's weights under the published names and shapes."""
    state = {}
    for name, value in trunk.state_dict().items():
        name = name.replace(".fc", ".conc_se_layers.0.fc").replace("tagger.0", "classifier.2")
        name = name.replace("tagger.2", "classifier.5")
        state[name] = value[..., 0, 0] if ".fc" in name and name.endswith("weight") else value
    return state


@pytest.fixture(scope="session")
def published(trunk_file):
    return torch.load(trunk_file, map_location="cpu", weights_only=True)


def with_statistics(seed):
    """A trunk whose norms do something."""
    generator = torch.Generator().manual_seed(seed)
    trunk = MobileNet().eval()
    for name, value in trunk.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif name.endswith("running_mean"):
            value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return trunk


def test_the_trunk_equals_the_published_network_written_as_functions_of_its_weights():
    trunk = with_statistics(0)
    spectrogram = torch.randn(2, 128, 100, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(trunk(spectrogram), published_tags(as_published(trunk), spectrogram))


def test_published_weights_load_whole_and_those_of_another_width_are_refused():
    state = as_published(with_statistics(2))
    trunk = MobileNet()
    trunk.load_published(state)
    assert all(torch.equal(value, state[name]) for name, value in as_published(trunk).items())
    with pytest.raises(TocsinError, match="not the weights of an EfficientAT network of this width"):
        MobileNet(width=1.0).load_published(state)
    with pytest.raises(TocsinError, match="not the weights"):
        trunk.load_published({name: value for name, value in state.items() if "fc1" not in name})


def test_tags_of_real_clips_are_those_that_were_stored_of_the_published_network(recordings, published):
    trunk = MobileNet().eval()
    trunk.load_published(published)
    for name, expected in CLIPS.items():
        spectrogram = published_spectrogram(first_seconds(recordings / "clips/audio" / name, 32_000))
        with torch.no_grad():
            tags = trunk(spectrogram)
            torch.testing.assert_close(tags, published_tags(published, spectrogram), rtol=0, atol=1e-4)
        stored = torch.tensor(list(expected.values()))
        torch.testing.assert_close(tags[0, list(expected)], stored, rtol=0, atol=1e-3)


def test_audio_of_12_khz_gives_the_published_spectrogram_of_the_same_audio_at_32_khz(recordings):
    for name in CLIPS:
        narrow = first_seconds(recordings / "clips/audio" / name, 12_000)
        wide = torchaudio.functional.resample(0.5 * narrow / narrow.abs().max(), 12_000, 32_000)
        ours, theirs = AudioSetFrontEnd()(narrow), published_spectrogram(wide, center=False)
        # Up to 5.4 kHz, where the resampler's filter begins. Frames lie a fraction of a sample apart.
        difference = (ours - theirs)[:, :87].abs()
        assert difference.mean() < 0.03, (name, difference.mean())


def first_seconds(path, rate):
    """The first two seconds of a file, ``(1, samples)``, its peak at one half."""
    samples = np.zeros(2 * rate, np.float32)
    read = read_audio(path, rate).samples[: 2 * rate]
    samples[: len(read)] = 0.5 * read / np.abs(read).max()
    return torch.from_numpy(samples[None])
