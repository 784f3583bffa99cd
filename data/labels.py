"""The five classes, and which of them each fine label of the public data sets belongs to.

There is no class for speech and none may be added: the toolkit is not able to report on voices. Recordings in which
people talk are ``background``, as rain is.
"""

import difflib

from tocsin import TocsinError

CLASSES: tuple[str, ...] = ("gunshot", "fireworks", "backfire", "impulse", "background")

_IMPULSES = (
    "applause",
    "balloon_pop",
    "banging",
    "basketball",
    "bat_hit",
    "book_slam",
    "boom",
    "can_opening",
    "chop",
    "clap",
    "clock_tick",
    "cork_pop",
    "crackling_fire",
    "dishes",
    "dog_bark",
    "door",
    "door_creak",
    "door_knock",
    "door_slam",
    "drawer",
    "drilling",
    "dropped_object",
    "drum",
    "explosion",
    "finger_snap",
    "footsteps",
    "furniture_drag",
    "glass_break",
    "hammer",
    "jackhammer",
    "keyboard_typing",
    "keys",
    "metal_impact",
    "mouse_click",
    "power_tool",
    "racket_hit",
    "ratchet",
    "room_impulse",
    "slam",
    "stapler",
    "table_tennis",
    "thump",
    "thunder",
    "wood_break",
    "woodpecker",
)
_BACKGROUNDS = (
    "air_conditioner",
    "airplane",
    "animal",
    "bird",
    "car_horn",
    "chainsaw",
    "children_playing",
    "church_bells",
    "compressed_air",
    "construction",
    "crickets",
    "crowd",
    "engine",
    "engine_idling",
    "hand_saw",
    "helicopter",
    "household",
    "indoor_ambience",
    "insects",
    "machine",
    "music",
    "rain",
    "rural_ambience",
    "siren",
    "sparkler",
    "street_music",
    "suburban_ambience",
    "traffic",
    "train",
    "urban_ambience",
    "urban_background",
    "vehicle",
    "voices",
    "water",
    "wind",
)
FINE_LABELS: dict[str, str] = {
    **{name: name for name in CLASSES},
    "gun_shot": "gunshot",
    **dict.fromkeys(_IMPULSES, "impulse"),
    **dict.fromkeys(_BACKGROUNDS, "background"),
}
"""Fine label to class; the classes are labels of their own."""


def class_of(label: str) -> str:
    """Return the class of a class name or fine label. Raises ``TocsinError`` for a label that is unknown."""
    try:
        return FINE_LABELS[label]
    except KeyError:
        near = difflib.get_close_matches(label, FINE_LABELS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of the classes {', '.join(CLASSES)}"
        raise TocsinError(f"the label {label!r} is no class and no known fine label: {hint}") from None
