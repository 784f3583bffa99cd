"""``tocsin train``: Hydra configuration in, a calibrated checkpoint with its weight card out."""

import json
import logging
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import hydra
import lightning
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from omegaconf import DictConfig, OmegaConf
from scipy.special import softmax

from tocsin import TocsinError
from tocsin.data.splits import session_weights
from tocsin.training import calibration
from tocsin.training.datamodule import TocsinData
from tocsin.training.module import GUNSHOT, TocsinModule

LAST, FINAL = "last.ckpt", "final.ckpt"


def main(words: list[str]) -> int:
    """Run ``tocsin train`` with Hydra's words: overrides, ``--multirun``, ``--cfg job``, ``--help``."""
    # Lightning starts further processes by running this file again with the same words.
    sys.argv = [__file__, *words]
    _run()
    return 0


@hydra.main(version_base="1.3", config_path="pkg://tocsin.configs", config_name="train")
def _run(config: DictConfig) -> None:
    try:
        train(config, Path(HydraConfig.get().runtime.output_dir))
    except TocsinError as error:
        # Hydra would print a traceback: our sentence is all there is to say.
        sys.exit(f"tocsin: {error}")


def train(config: DictConfig, folder: Path) -> Path:
    """Fit, calibrate on validation, measure the held-out part, save; returns the final checkpoint.

    Raises:
        TocsinError: the folder holds a run already and ``resume`` is not set, or the configuration does not fit.
    """
    last = folder / "checkpoints" / LAST
    if last.exists() and not config.resume:
        raise TocsinError(f"{folder} holds a run already; type resume=true to go on with it, or name=… for another")
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    # Said once here, and not by Lightning for every loader: small machines train with few workers on purpose.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")  # Lightning's own, for newer torch
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    data: TocsinData = instantiate(config.data, _convert_="all")
    card = OmegaConf.to_container(config.card, resolve=True)
    module: TocsinModule = instantiate(config.module, card=card, _convert_="all")
    trainer: lightning.Trainer = instantiate(
        config.trainer,
        default_root_dir=str(folder),
        callbacks=[
            ModelCheckpoint(last.parent, filename=last.stem, enable_version_counter=False),
            LearningRateMonitor(),
            *(callback for callback in instantiate(config.callbacks).values() if callback is not None),
            *(
                [RichProgressBar(console_kwargs={"stderr": True})]
                if config.trainer.get("enable_progress_bar", True)
                else []
            ),
        ],
        logger=[TensorBoardLogger(folder, name="tensorboard", version=""), CSVLogger(folder, name="csv", version="")],
        _convert_="all",
    )
    trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None)
    if trainer.is_global_zero:
        finish(module, data)
        (folder / "card.json").write_text(module.card.model_dump_json(indent=2) + "\n")
        print(json.dumps({"checkpoint": str(folder / FINAL), **module.card.results}))
    trainer.save_checkpoint(folder / FINAL, weights_only=True)
    return folder / FINAL


def finish(module: TocsinModule, data: TocsinData) -> None:
    """Fill the card: temperature and threshold from validation, figures of both parts, what was held out."""
    logits, labels = _logits(module, data, "validation")
    # A session counts once, however many windows it has: one of hundreds would else decide alone.
    weights = session_weights([row.group for row in data.parts["validation"].rows])
    temperature = calibration.fit_temperature(logits, labels, weights)
    gunshot = softmax(logits / temperature, axis=1)[:, GUNSHOT]
    share = 0.05
    threshold = calibration.choose_threshold(gunshot, labels, weights, share)
    held_out: dict[str, list[str]] = defaultdict(list)
    for part in ("validation", "test"):
        held_out[part] = sorted({row.group for row in data.parts[part].rows})
    results: dict[str, Any] = {"validation": calibration.scores(logits, labels, temperature, threshold)}
    if len(data.parts["test"]):
        results["test"] = calibration.scores(*_logits(module, data, "test"), temperature, threshold)
    module.card = module.card.model_copy(
        update={
            "temperature": round(temperature, 4),
            "threshold": round(threshold, 4),
            "threshold_basis": f"{share:.0%} of validation windows that are no gunshot reach it, "
            f"a session counting once (or it is {calibration.LEAST:g})",
            "training_data": [*data.describe(), *filter(None, [module.model.trunk])],
            "trained_sessions": data.trained_sessions(),
            "held_out": dict(held_out),
            "results": results,
        }
    )


def _logits(module: TocsinModule, data: TocsinData, part: str) -> tuple[np.ndarray, np.ndarray]:
    if not len(data.parts[part]):
        raise TocsinError(f"the {part} part is empty: give data.sources more sessions, or fewer data.folds")
    module.eval()
    with torch.no_grad():
        batches = [(module(windows), labels) for windows, labels, *_ in data.window_loader(part)]
    logits, labels = (torch.cat(column).double().numpy() for column in zip(*batches, strict=True))
    return logits, labels.astype(np.int64)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
