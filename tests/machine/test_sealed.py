"""What is sealed comes back as it was, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.machine import sealed


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)),
    st.data(),
)
def test_sealed_content_comes_back_and_any_other_text_is_refused(content, data):
    text = sealed.seal(content)
    assert sealed.unseal(text) == content
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters().filter(lambda drawn: drawn != text[place]))
    with pytest.raises(ValueError, match=r"was altered|is not a manifest"):
        sealed.unseal(text[:place] + letter + text[place + 1 :])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "a.json: No such file or directory"),
        (b"\xff\xfe", "a.json is not a manifest"),
        (b"[]", "a.json is not a manifest"),
        (sealed.seal({"a": 1}).replace("1", "2").encode(), "a.json was altered"),
    ],
)
def test_a_file_that_is_not_as_it_was_sealed_is_refused_by_its_name(tmp_path, content, words):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{words}$"):
        sealed.read_sealed(path)


def test_a_sealed_file_is_read(tmp_path):
    (tmp_path / "a.json").write_text(sealed.seal({"a": [1, None, "ü"]}))
    assert sealed.read_sealed(tmp_path / "a.json") == {"a": [1, None, "ü"]}
