"""The labels of ESC-50 and of the AudioSet ontology as FSD50K and FSDKaggle2018 write it, as fine labels of ours."""

from collections.abc import Sequence

from tocsin.data.labels import class_of

ESC50 = {
    **dict.fromkeys(("rooster", "pig", "cow", "frog", "cat", "hen", "sheep"), "animal"),
    **dict.fromkeys(("sea_waves", "water_drops", "pouring_water", "toilet_flush"), "water"),
    **dict.fromkeys(("crying_baby", "sneezing", "breathing", "coughing", "laughing", "snoring"), "voices"),
    **dict.fromkeys(("brushing_teeth", "drinking_sipping", "washing_machine", "vacuum_cleaner"), "household"),
    **{name: name for name in ("rain", "crackling_fire", "crickets", "wind", "footsteps", "mouse_click")},
    **{name: name for name in ("keyboard_typing", "can_opening", "clock_tick", "helicopter", "chainsaw", "siren")},
    **{name: name for name in ("car_horn", "engine", "train", "church_bells", "airplane", "fireworks", "hand_saw")},
    "dog": "dog_bark",
    "crow": "bird",
    "chirping_birds": "bird",
    "insects": "insects",
    "thunderstorm": "thunder",
    "clapping": "clap",
    "clock_alarm": "household",
    "door_wood_knock": "door_knock",
    "door_wood_creaks": "door_creak",
    "glass_breaking": "glass_break",
}
"""The 50 categories of ESC-50."""

_FSD_OF_OURS = {
    "gunshot": "Gunshot_and_gunfire Gunshot_or_gunfire",
    "fireworks": "Fireworks",
    "explosion": "Explosion",
    "boom": "Boom",
    "thump": "Thump_and_thud",
    "slam": "Slam",
    "thunder": "Thunder Thunderstorm",
    "door_knock": "Knock",
    "door": "Door Sliding_door Cupboard_open_or_close",
    "drawer": "Drawer_open_or_close",
    "hammer": "Hammer",
    "drilling": "Drill",
    "power_tool": "Power_tool",
    "glass_break": "Shatter",
    "clap": "Clapping",
    "applause": "Applause",
    "finger_snap": "Finger_snapping",
    "dog_bark": "Bark",
    "drum": "Bass_drum Snare_drum Drum Cowbell",
    "dishes": "Dishes_and_pots_and_pans Cutlery_and_silverware",
    "keys": "Keys_jangling",
    "dropped_object": "Coin_(dropping)",
    "crackling_fire": "Crackle",
    "footsteps": "Walk_and_footsteps Run",
    "keyboard_typing": "Computer_keyboard Typewriter Typing",
    "clock_tick": "Tick-tock Tick",
    "rain": "Rain Raindrop",
    "wind": "Wind",
    "water": "Ocean Waves_and_surf Stream Pour Water_tap_and_faucet Sink_(filling_or_washing)",
    "bird": "Bird Bird_vocalization_and_bird_call_and_bird_song Chirp_and_tweet Crow Gull_and_seagull",
    "crickets": "Cricket",
    "insects": "Insect Buzz",
    "animal": "Meow Purr Frog Chicken_and_rooster Livestock_and_farm_animals_and_working_animals",
    "car_horn": "Vehicle_horn_and_car_horn_and_honking",
    "siren": "Siren",
    "traffic": "Traffic_noise_and_roadway_noise Car_passing_by",
    "vehicle": "Car Bus Truck Motorcycle Race_car_and_auto_racing",
    "engine": "Engine Idling Engine_starting Accelerating_and_revving_and_vroom",
    "train": "Train Rail_transport Subway_and_metro_and_underground",
    "airplane": "Aircraft Fixed-wing_aircraft_and_airplane",
    "church_bells": "Church_bell",
    "hand_saw": "Sawing",
    "household": "Microwave_oven Telephone Mechanical_fan Toilet_flush Scissors Writing Tearing Zipper_(clothing)",
    "voices": "Speech Human_voice Conversation Chatter Crowd Cheering Shout Screaming Laughter Cough Sneeze Singing",
    "music": (
        "Music Musical_instrument Acoustic_guitar Guitar Piano Electric_piano Cello Double_bass Violin_or_fiddle Flute "
        "Clarinet Oboe Saxophone Trumpet Harmonica Organ"
    ),
}
FSD = {theirs: ours for ours, names in _FSD_OF_OURS.items() for theirs in names.split()}
"""AudioSet names as FSD writes them to fine labels; what is not here belongs to no class of ours."""

# Parents that say nothing of a clip, since the labels were propagated upwards to them.
_PARENTS = {"Explosion", "Door", "Thunderstorm", "Power_tool", "Engine", "Drum", "Music", "Musical_instrument", "Bird"}


def fsd_label(names: Sequence[str]) -> str | None:
    """The one fine label of a clip with several AudioSet names, or None where it has none that is ours.

    A gunshot or fireworks decides, both together contradict each other; else an impulse, the most specific; else a
    background, the first that is named. FSD50K's development part is labelled rightly but not always completely, so a
    background of it may hold a bang that nobody named.
    """
    known = [name for name in names if name in FSD]
    specific = [name for name in known if name not in _PARENTS] or known
    labels = [FSD[name] for name in specific]
    sharp = {label for label in labels if label in ("gunshot", "fireworks")}
    if len(sharp) > 1:
        return None
    if sharp:
        return sharp.pop()
    if "Explosion" in names:
        return "explosion"
    return next((label for label in labels if class_of(label) == "impulse"), labels[0] if labels else None)
