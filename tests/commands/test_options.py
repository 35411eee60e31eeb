"""Options follow from the settings of an experiment, and say what was typed and nothing else."""

import json

import click
import pytest
from click.testing import CliRunner

from retina.commands import options
from retina.experiments.experiment import SETTINGS
from retina.experiments.settings import Setting
from retina.models.backbones import catalogue


def typed(*words, option):
    """What a command with one option gets, as JSON, or how it refuses."""
    command = click.command()(option(lambda **values: click.echo(json.dumps(values))))
    return CliRunner().invoke(command, words)


@pytest.mark.parametrize(
    ("rule", "words", "value"),
    [
        (Setting("", int), ("--a-setting", "3"), 3),
        (Setting("", float), ("--a-setting", "1e-3"), 1e-3),
        (Setting("", str), ("--a-setting", "none"), "none"),
        (Setting("", float, optional=True), ("--a-setting", "none"), "none"),
        (Setting("", float, optional=True), ("--a-setting", "0.25"), 0.25),
        (Setting("", bool), ("--a-setting",), True),
        (Setting("", bool), ("--no-a-setting",), False),
        *((Setting("", kind), (), None) for kind in (int, float, str, bool)),
    ],
)
def test_an_option_has_the_type_of_its_setting_and_is_none_where_it_was_not_typed(rule, words, value):
    done = typed(*words, option=options.option_of("a_setting", rule))
    assert json.loads(done.stdout) == {"a_setting": value}


@pytest.mark.parametrize("rule", [Setting("", int), Setting("", float), Setting("", float, optional=True)])
def test_what_is_no_number_is_refused(rule):
    done = typed("--a-setting", "much", option=options.option_of("a_setting", rule))
    assert done.exit_code == 2
    assert "'much' is not a valid" in done.stderr


def test_help_names_the_choices():
    chosen = typed("--help", option=options.option_of("loss", Setting("the loss", str, choices=("ce", "focal")))).stdout
    assert "--loss NAME" in chosen
    assert "the loss (ce, focal)" in chosen
    assert (
        "--target COLUMN" in typed("--help", option=options.option_of("target", Setting("", str, column=True))).stdout
    )


def names_of(command):
    return [parameter.name for parameter in command.params]


def test_a_command_has_an_option_for_every_setting_of_a_file_in_their_order_but_those_it_searches():
    in_file = [name for name, rule in SETTINGS.items() if rule.in_file]
    assert names_of(click.command()(options.experiment_options(lambda: None))) == in_file
    fewer = click.command()(options.experiment_options_but("learning_rate", "batch_size")(lambda: None))
    assert names_of(fewer) == [name for name in in_file if name not in ("learning_rate", "batch_size")]


def test_a_command_that_trains_takes_one_backbone_its_settings_data_and_results():
    names = names_of(click.command()(options.experiment_command("epochs")(lambda: None)))
    assert names[:4] == ["backbone", "params", "loss", "seed"]
    assert names[-4:] == ["results", "skip_bad", "quiet", "as_json"]
    assert "epochs" not in names
    assert len(names) == len(set(names))


def test_only_what_was_typed_is_a_setting_and_none_is_one_where_it_is_allowed():
    optional = next(name for name, rule in SETTINGS.items() if rule.optional)
    assert options.settings_of({"epochs": None, "seed": 0, "early_stopping": False}) == {
        "seed": 0,
        "early_stopping": False,
    }
    assert options.settings_of({optional: "none", "weights": "none"}) == {optional: None, "weights": "none"}


def test_the_shell_completes_names_of_backbones():
    assert options.complete_backbone(None, None, "resnet1") == ["resnet18"]
    assert options.complete_backbone(None, None, "") == list(catalogue.every())
