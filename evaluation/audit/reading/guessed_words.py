"""What a city's words of outcomes and severities probably mean, by what is written in them."""

import re
from collections.abc import Iterable

# In this order: what is said to be shown false, then what is said not to be found, then what is said to be found.
_OUTCOMES = {
    "unfounded": r"unfound|false|firework|back ?fire|not (a )?gun|non.?gun|construction",
    "unconfirmed": r"unconfirm|un.?verified|no (evidence|report|victim|scene|merit|action|police)|not found|unable|"
    r"nothing|\bnone\b|gone|\bgoa\b|\butl\b|undetermined|inconclusive|negative|^no$|^n$|^false$|miscellaneous|19-?p",
    "confirmed": r"confirm|verified|found|casing|evidence|victim|damage|report|arrest|recover|valid|positive|true|"
    r"^yes$|^y$",
}
_SEVERITIES = {
    "fatal": r"fatal|homicid|murder|dead|death|kill|deceased",
    "injury": r"injur|wound|victim|assault|battery|robbery|non.?fatal|\bshot\b|\bhit\b",
    "damage": r"damage|property|vehicle|dwelling|building",
    "casings": r"casing|shell|ballistic",
}


def outcome_words(words: Iterable[str]) -> dict[str, list[str]]:
    """The city's words for each of the audit's; those that say nothing are ``not_known``."""
    return _sorted_out(words, _OUTCOMES, ("unfounded", "unconfirmed", "confirmed"))


def severity_words(words: Iterable[str]) -> dict[str, list[str]]:
    """The same of severities; a ``non-fatal`` one is an injury."""
    return _sorted_out(words, _SEVERITIES, tuple(_SEVERITIES), not_fatal=r"non.?fatal")


def _sorted_out(
    words: Iterable[str], patterns: dict[str, str], order: tuple[str, ...], not_fatal: str = r"(?!)"
) -> dict[str, list[str]]:
    meaning: dict[str, list[str]] = {name: [] for name in (*order[::-1], "not_known")}
    for word in sorted(word for word in words if word):
        plain = word.lower()
        if re.search(not_fatal, plain):
            meaning["injury"].append(word)
            continue
        meaning[next((name for name in order if re.search(patterns[name], plain)), "not_known")].append(word)
    return meaning
