"""A sound to write, and a file read in every way there is."""

import io

import numpy as np
import pytest
import soundfile

from tocsin.data.audio import file_duration_s, read_audio, read_blocks

RATE = 16000


@pytest.fixture
def noise(rng):
    """Two seconds at ``RATE``, loud enough that hardly a sample is small."""
    return (0.2 * rng.standard_normal(2 * RATE)).astype(np.float32)


@pytest.fixture
def encoded():
    """A function that writes samples ``(n,)`` or ``(n, channels)`` into the bytes of a file."""

    def encode(samples, format, subtype="PCM_16", sample_rate=RATE, **options) -> bytes:
        file = io.BytesIO()
        soundfile.write(file, samples, sample_rate, format=format, subtype=subtype, **options)
        return file.getvalue()

    return encode


@pytest.fixture
def heard(tmp_path):
    """A function that reads bytes as a file: its samples, on which all ways of reading must agree."""

    def hear(data: bytes, ending: str):
        path = tmp_path / f"heard.{ending}"
        path.write_bytes(data)
        whole = read_audio(path)
        count, rate = len(whole.samples), whole.sample_rate
        assert round(file_duration_s(path) * rate) == count
        # Decoders of what is not stored sample by sample round by where they start.
        rounding = 1e-6 if ending in ("mp3", "ogg", "opus") else 0.0
        for block_s, new_rate, expected in (
            (0.13, None, whole),
            (9.0, None, whole),
            (0.7, 12000, read_audio(path, 12000)),
        ):
            blocks = np.concatenate([block.samples for block in read_blocks(path, block_s, new_rate)])
            assert len(blocks) == len(expected.samples) == round(count / rate * expected.sample_rate)
            assert np.abs(blocks - expected.samples).max() <= rounding
        part = read_audio(path, start_s=count // 3 / rate, duration_s=count // 2 / rate).samples
        assert np.abs(part - whole.samples[count // 3 : count // 3 + count // 2]).max() <= rounding
        return whole.samples

    return hear
