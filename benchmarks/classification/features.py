"""Hand-made features, and the cuts and re-encodings that make every clip alike."""

import io

import librosa
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import butter, sosfiltfilt, stft

from tocsin.data.audio import Audio

RATE = 12_000
# libsndfile's level of compression L stands for 6 + 250 (1 − L) kbit/s of Opus: this for 20.
OPUS_RATE, OPUS_LEVEL = 16_000, 0.944
_FFT, _HOP, _BANDS, _COEFFICIENTS = 384, 120, 40, 13
_ENVELOPE = 60  # samples of a frame of the envelope: 5 ms
_FLOOR = 1e-10

Wave = NDArray[np.float32]


def at_rate(audio: Audio) -> Wave:
    """The waveform at 12 kHz, shape (n,)."""
    samples: Wave = soxr.resample(audio.samples, audio.sample_rate, RATE, "HQ").astype(np.float32)
    return samples


def loudest_cut(samples: Wave, duration_s: float, before_s: float) -> Wave:
    """``duration_s`` of a waveform at 12 kHz, from ``before_s`` before its highest peak; zeros where it ends."""
    length, before = round(duration_s * RATE), round(before_s * RATE)
    peak = int(np.argmax(np.abs(samples)))
    padded = np.pad(samples, (before, length))
    return padded[peak : peak + length]


def low_passed(samples: Wave, highest_hz: float) -> Wave:
    """Nothing above a frequency (eighth order, forwards and backwards)."""
    filtered: Wave = sosfiltfilt(butter(8, highest_hz, fs=RATE, output="sos"), samples).astype(np.float32)
    return filtered


def levelled(samples: Wave, peak: float = 0.5, floor_dbfs: float = -60.0) -> Wave:
    """One peak for all, over one noise floor for all, which also fills what was padded."""
    noise = np.random.default_rng(0).standard_normal(len(samples)) * 10 ** (floor_dbfs / 20)
    scaled = samples * (peak / max(float(np.abs(samples).max()), 1e-9)) + noise
    return scaled.astype(np.float32)


def in_opus(audio: Audio) -> Audio:
    """Written and read back in Opus as the shared ambience is: 16 kHz, 20 kbit/s."""
    samples = soxr.resample(audio.samples, audio.sample_rate, OPUS_RATE, "HQ").astype(np.float32)
    return Audio(encoded(samples, "OGG", "OPUS", OPUS_RATE, OPUS_LEVEL), OPUS_RATE)


def encoded(samples: Wave, format: str, subtype: str, rate: int = RATE, level: float | None = None) -> Wave:
    """Written and read back in a format of soundfile, such as ``WAV``, ``ULAW`` or ``OGG``, ``VORBIS``.

    ``level`` is the level of compression, 0 … 1, where the code knows one.
    """
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype, compression_level=level)
    file.seek(0)
    read, _ = soundfile.read(file, dtype="float32")
    return np.asarray(read[: len(samples)], dtype=np.float32)


def log_mel(samples: Wave) -> NDArray[np.float64]:
    """Log-mel spectrogram of a waveform at 12 kHz, 80 to 5500 Hz, shape (40, frames)."""
    padded = np.pad(samples, (0, max(0, _FFT - len(samples))))
    spectrum = np.abs(stft(padded, RATE, nperseg=_FFT, noverlap=_FFT - _HOP)[2]) ** 2
    bank = librosa.filters.mel(sr=RATE, n_fft=_FFT, n_mels=_BANDS, fmin=80.0, fmax=5500.0)
    logarithm: NDArray[np.float64] = np.log(bank @ spectrum + _FLOOR)
    return logarithm


def mel_statistics(samples: Wave) -> NDArray[np.float64]:
    """Mean and standard deviation over time of each band of ``log_mel``, shape (80,)."""
    bands = log_mel(samples)
    return np.concatenate([bands.mean(axis=1), bands.std(axis=1)])


def hand_made(samples: Wave) -> NDArray[np.float64]:
    """What an engineer would measure of a bang, shape (36,): none depends on the gain.

    Mean and standard deviation of 13 cepstral coefficients (the mean of the first, the level, left out), crest factor,
    rise time, decay by 10 and by 20 dB, peak over the median of the envelope, spectral centroid, spread, flatness and
    their change, rate of zero crossings.
    """
    samples = samples / max(float(np.abs(samples).max()), 1e-9)
    bands = log_mel(samples)
    cepstrum = dct(bands, axis=0, norm="ortho")[:_COEFFICIENTS]
    wave = samples.astype(np.float64)
    frames = wave[: len(wave) // _ENVELOPE * _ENVELOPE].reshape(-1, _ENVELOPE)
    envelope_db = 10 * np.log10((frames**2).mean(axis=1) + _FLOOR)
    peak = int(envelope_db.argmax())
    frame_s = _ENVELOPE / RATE

    def until_below(values: NDArray[np.float64], drop_db: float) -> float:
        below = np.flatnonzero(values < envelope_db[peak] - drop_db)
        return frame_s * float(below[0] if len(below) else len(values))

    power = np.exp(bands)
    centres = np.linspace(0, 1, _BANDS)
    share = power / power.sum(axis=0)
    centroid = (centres[:, None] * share).sum(axis=0)
    spread = np.sqrt(((centres[:, None] - centroid) ** 2 * share).sum(axis=0))
    flatness = bands.mean(axis=0) - np.log(power.mean(axis=0))
    crossings = np.mean(np.diff(np.signbit(wave)))
    crest_db = 20 * np.log10((np.abs(wave).max() + 1e-9) / (np.sqrt(np.mean(wave**2)) + 1e-9))
    shape = [
        crest_db,
        until_below(envelope_db[peak::-1], 10),
        until_below(envelope_db[peak:], 10),
        until_below(envelope_db[peak:], 20),
        envelope_db[peak] - np.median(envelope_db),
        centroid.mean(),
        centroid.std(),
        spread.mean(),
        flatness.mean(),
        flatness.std(),
        crossings,
    ]
    return np.concatenate([cepstrum[1:].mean(axis=1), cepstrum.std(axis=1), shape])
