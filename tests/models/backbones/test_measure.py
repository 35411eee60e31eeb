"""The figures of a backbone are counted on the network itself."""

from retina.models.backbones import catalogue, measure


def test_the_figures_of_the_catalogue_are_those_counted_on_the_network():
    assert measure.measure("resnet18") == catalogue.figures()["resnet18"]
