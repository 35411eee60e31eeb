"""A comparison that mixes pretraining recipes says so, in both languages, and one that does not says nothing."""

import pytest
from made_runs import make_run, rewrite

from retina.analysis.comparing import comparison
from retina.analysis.gathering import collection, design
from retina.errors import RunError
from retina.reporting import report
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.terminal import comparison as terminal
from retina.reporting.writers import markdown

WARNING = {
    "en": "Warning: these runs do not share one pretraining recipe",
    "zh-TW": "這些訓練的預訓練方法並不相同",
}


def compared(folder, recipes):
    """A comparison of runs with ImageNet weights, by folder and recipe; `""` is a record older than recipes."""
    for number, (name, recipe) in enumerate(recipes.items()):
        run = make_run(folder, name, digest=f"{number:08d}")
        known = {"recipe": recipe, "source": "https://weights", "preprocessing": "RGB, x / 255"} if recipe else {}
        rewrite(run, weights={"origin": "imagenet", "sha256": "ab" * 32} | known)
    return comparison.compare(comparison.select(folder, []))


@pytest.mark.parametrize("language", LANGUAGES)
def test_mixed_recipes_are_a_warning_that_names_them(language, tmp_path):
    found = compared(tmp_path, {"vgg16": "torchvision IMAGENET1K_V1", "keras.VGG16": "Keras Applications VGG"})
    page = markdown.render(report.compose(found, Language(language)))
    both = "Keras Applications VGG; torchvision IMAGENET1K_V1"
    assert page.count(both) == 2
    assert WARNING[language] in page
    assert both in terminal.render(found, Language(language))
    assert page.count("RGB, x / 255") == 2


@pytest.mark.parametrize("recipe", ["torchvision IMAGENET1K_V1", ""])
def test_one_recipe_is_none_also_where_a_record_is_older_than_recipes(recipe, tmp_path):
    found = compared(tmp_path, {"vgg16": "torchvision IMAGENET1K_V1", "resnet18": recipe})
    assert design.recipes(found.entries) == ["torchvision IMAGENET1K_V1"]
    assert set(found.scores["recipe"]) == {"torchvision IMAGENET1K_V1"}
    assert "pretraining recipe (" not in markdown.render(report.compose(found, Language("en")))


def test_random_weights_have_no_recipe(tmp_path):
    make_run(tmp_path)
    found = comparison.compare(comparison.select(tmp_path, []))
    assert design.recipes(found.entries) == []
    assert found.scores["recipe"].isna().all()
    assert found.scores["preprocessing"].isna().all()


def test_a_recipe_that_is_no_text_is_a_damaged_record(tmp_path):
    run = make_run(tmp_path)
    rewrite(run, weights={"recipe": 5})
    with pytest.raises(RunError, match=r"weights.recipe: str or null"):
        collection.read(run)
