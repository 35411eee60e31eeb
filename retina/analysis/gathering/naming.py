"""Short names for runs and their data, unique in a comparison."""

from collections.abc import Sequence
from pathlib import Path

from retina.experiments.experiment import Experiment
from retina.experiments.settings import effective
from retina.experiments.target import DEFAULT
from retina.runs.record import Record


def labels(records: Sequence[Record]) -> list[str]:
    """The shortest label for every run that no other run has.

    Backbone, parameter set, loss, and a target other than the default one; then, among those that still share a label,
    the settings that differ, the name of the data, eight digits of the digest, and, for copies of one run, a number.
    """
    names = [" ".join([*words_of(record.experiment), *target_words(record)]) for record in records]
    for addition in (differing_settings, data_names, digests):
        for name in {name for name in names if names.count(name) > 1}:
            places = [place for place, other in enumerate(names) if other == name]
            for place, words in zip(places, addition([records[place] for place in places]), strict=True):
                names[place] = f"{name} {words}".strip()
    return [
        f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def words_of(experiment: Experiment) -> list[str]:
    """Backbone, parameter set and loss, without the white space that a record of another machine may have there."""
    return f"{experiment.backbone} {experiment.params} {experiment.loss}".split()


def target_words(record: Record) -> list[str]:
    """The name of a run's target, where it is not the default one."""
    return [] if record.target == DEFAULT else [record.target.name]


def differing_settings(records: Sequence[Record]) -> list[str]:
    """For each run, the settings in which these runs differ; a setting that has no effect in a run is no difference.

    Weights are those that training started from: a run that was to start from ImageNet's and started from random ones
    has random weights. Of a file or a run the name alone is told: its folders are those of another machine.
    """
    settings = [effective(record.experiment.to_dict()) for record in records]
    for values, record in zip(settings, records, strict=True):
        values["weights"] = "random" if record.weights.origin == "random" else Path(values["weights"]).name
    every = dict.fromkeys(key for values in settings for key in values)
    keys = [key for key in every if len({str(values[key]) for values in settings if key in values}) > 1]
    return [
        ", ".join(f"{key.replace('_', ' ')} {plain(values[key])}" for key in keys if key in values)
        for values in settings
    ]


def plain(value: object) -> str:
    """A setting as a person writes it: 4 for a whole number of epochs, though its file may have 4.0."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def data_names(records: Sequence[Record]) -> list[str]:
    """For each run, the name of its data, where these runs have different data."""
    names = [data_name(record) for record in records]
    return names if len(set(names)) > 1 else [""] * len(names)


def digests(records: Sequence[Record]) -> list[str]:
    """For each run, eight digits of its digest."""
    return [record.digest[:8] for record in records]


def data_name(record: Record) -> str:
    """The data of a run in a few words: folder, eight digits of the fingerprint, a target that is not the default one.

    It holds no path of the machine that the run was trained on.
    """
    data = record.data
    folder = "built-in" if data.source == "built-in" else Path(data.folder).name
    return " ".join([folder, data.fingerprint[:8], *target_words(record)])
