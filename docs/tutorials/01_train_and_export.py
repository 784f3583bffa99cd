"""
1. Train a model on a small folder
==================================

You have recordings, sorted into a folder for each kind of sound. This lesson trains a model on
them, writes it as one file that a sensor can run, and asks that file about a sound it never heard.

The recordings are computed here, so that the lesson needs no download, and few, so that it takes
seconds. A model for real use is trained on real recordings; what that takes, and what it reaches,
is told in :doc:`hearing </hearing>`. You need ``pip install "tocsin[train,analysis]"``.
"""

# %%
# A folder a class
# ----------------
#
# The folder of a file says what it is. A folder in between is a *session*: recordings made
# together, which resemble each other. Tocsin never trains on one part of a session and tests on
# another, for that would measure how well it knows the session.

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from matplotlib import pyplot as plt

import tocsin

folder = Path(tempfile.mkdtemp())
generator = np.random.default_rng(1)
for label in ("gunshot", "background"):
    for session in range(8):
        place = folder / "clips" / label / f"day_{session}"
        place.mkdir(parents=True)
        for take in range(3):
            samples = tocsin.acoustics.synthesize(label, generator, 12000, duration_s=2.0)
            soundfile.write(place / f"{take}.wav", samples, 12000)

rows = tocsin.data.read_folder(folder / "clips")
print(len(rows), "recordings")
print("the first:", rows[0].path.relative_to(folder), "is", rows[0].label)

# %%
# This is how a recording of each class looks: time to the right, frequency upwards, darker where it
# is louder.

figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
for axes, label in zip(panels, ("gunshot", "background"), strict=True):
    audio = tocsin.read_audio(folder / "clips" / label / "day_0" / "0.wav")
    axes.specgram(audio.samples + 1e-7, NFFT=256, Fs=audio.sample_rate, cmap="Greys")
    axes.set(title=label, xlabel="seconds")
panels[0].set_ylabel("hertz")
plt.show()

# %%
# Train
# -----
#
# The lesson types its commands as you would type them in a terminal. The words after
# ``tocsin train`` replace settings of ``configs/train.yaml``: the folder above instead of the
# project's own recordings, the small model, two short rounds, and no help from a larger network.


def tocsin_command(*words: str) -> str:
    """Run a command of Tocsin and give what it prints."""
    command = [sys.executable, "-m", "tocsin", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.replace(str(folder), "…").strip()


trained = tocsin_command(
    "train",
    "name=lesson",
    f"hydra.run.dir={folder}/lesson",
    f"data.sources=[{{kind: folder, path: '{folder}/clips'}}]",
    "data.synthetic={backfire: 0, gunshot: 0, fireworks: 0, impulse: 0, background: 0}",
    "data.folds=4",
    "data.test_fold=0",
    "data.validation_folds=3",
    "data.teacher=null",
    "module.taught=0",
    "data.workers=0",
    "data.examples_per_epoch=640",
    "trainer.max_epochs=2",
    "trainer.enable_progress_bar=false",
)
print(json.dumps(json.loads(trained), indent=2, ensure_ascii=False))

# %%
# What is printed, on one line in a terminal, are the figures of the sessions that were kept out of
# training. Those of ``test`` were not looked at before. ``gunshot_auc`` is the chance that a gunshot gets a higher
# score than another sound (:doc:`glossary </glossary>`).
#
# Export
# ------
#
# The trained model becomes one ``.onnx`` file. It is written only where it gives the same numbers
# as the model that was trained, to a ten-thousandth.

checkpoint, exported = f"{folder}/lesson/final.ckpt", f"{folder}/lesson.onnx"
print(tocsin_command("export", checkpoint, "--out", exported))

# %%
# Use it
# ------
#
# The file carries a *weight card*: what it takes, what it was trained on, where its threshold
# lies. A sensor needs this file and the base install, without the training library.

model = tocsin.load_model(exported)
print(model.card.classes)
trained_on = sum(sum(source["rows"].values()) for source in model.card.training_data)
print("trained on", trained_on, "recordings")

generator = np.random.default_rng(99)
unheard = tocsin.acoustics.synthesize("gunshot", generator, 12000, duration_s=2.0)
print("this lesson's model:", model.classify((unheard, 12000)))
print("the shipped model:  ", tocsin.load_model().classify((unheard, 12000)))

# %%
# Fifty recordings and some seconds teach little, and the figures above say so: so few sessions can
# neither train nor test a model. What real training needs stands in :doc:`how-tos </howto>`.
