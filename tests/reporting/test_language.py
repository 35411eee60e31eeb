"""Both languages say the same numbers in the same form."""

import re
from string import Formatter

import pytest

from retina.errors import RetinaError
from retina.reporting.language import LANGUAGES, Language, sentences
from retina.reporting.wording import CLASS_WORDS

OTHERS = [name for name in LANGUAGES if name != "en"]


def fields(template: str) -> list[tuple[str, str]]:
    """The fields of a sentence, with their formats; the words for a class, which are no numbers, once each."""
    every = [(name, form or "") for _, name, form, _ in Formatter().parse(template) if name is not None]
    words = {item for item in every if item[0] in CLASS_WORDS}
    return sorted([item for item in every if item not in words] + [*words])


def digits(template: str) -> list[str]:
    """The numbers that stand in the text itself, outside its fields."""
    text = " ".join(part for part, _, _, _ in Formatter().parse(template))
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", text))


def test_english_and_traditional_chinese_are_there():
    assert {"en", "zh-TW"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys(language):
    assert set(sentences(language)) == set(sentences("en"))


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("key", sorted(sentences("en")))
def test_a_sentence_carries_the_same_numbers_in_every_language(key, language):
    assert fields(sentences(language)[key]) == fields(sentences("en")[key])
    assert digits(sentences(language)[key]) == digits(sentences("en")[key])


def test_an_unknown_language_is_one_line_that_names_the_known():
    with pytest.raises(RetinaError, match=r"Expected: en or zh-TW .* Found: xx"):
        Language("xx")
