"""What every library's backbone must do, whichever library it is: a contract, held by an example of each kind."""

import random

import keras
import numpy as np
import pytest
import torch

from retina.errors import WeightsError
from retina.models import classifier
from retina.models.backbones import catalogue, library, measure, registry
from retina.models.backbones.interface import digest, preprocessed

pytestmark = pytest.mark.extra

EXAMPLES = (
    "keras:MobileNetV3Small",  # squeezes, operations that are no layers
    "keras:EfficientNetB0",  # preprocessing of its own, random depth
    "keras:VGG16",  # BGR, and nothing with weights after the last downsampling
    "keras_cv:resnet18",
    "keras_cv:efficientnetv2_b0",  # blocks that are layers of layers
    "keras_hub:resnet_18",
)
RANDOM_DEPTH = ("keras:EfficientNetB0", "keras_cv:efficientnetv2_b0")


def available(name):
    """The name, where its library is installed; else the test is skipped."""
    pytest.importorskip(catalogue.facts_of(name).package)
    return name


@pytest.fixture(scope="module", params=EXAMPLES)
def built(request):
    """A backbone's name and a classifier on it, which no test may train."""
    return available(request.param), classifier.build(request.param, seed=1)


def step(model, eyes):
    """One step of Adam, which moves whatever has a gradient."""
    optimizer = torch.optim.Adam([variable.value for variable in model.trainable_weights])
    torch.nn.functional.binary_cross_entropy_with_logits(model(eyes, training=True), torch.ones(2, 1)).backward()
    optimizer.step()


def values(layers):
    return [variable.numpy().copy() for layer in layers for variable in layer.weights]


def same(first, second):
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_bytes_and_floats_become_the_same_float32_logits(built, eyes):
    _, model = built
    with torch.no_grad():
        logits = model(eyes)
        assert torch.equal(model(eyes.float()), logits)
    assert logits.shape == (2, 1)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_the_graph_is_flat_and_any_feature_map_can_be_tapped(built, eyes):
    name, model = built
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    own = library.own_layers(model)
    tapped = keras.Model(model.input, [own[0].output, own[-1].output])
    with torch.no_grad():
        _, features = tapped(eyes)
    assert features.shape == (2, 2, 3, registry.get(name).channels)


def test_the_figures_are_those_of_the_catalogue(built):
    name, _ = built
    assert measure.measure(name) == catalogue.figures()[name]


def test_weights_and_dropout_follow_from_the_seed_alone(built, eyes):
    name, model = built
    keras.utils.set_random_seed(9)
    torch.rand(3)
    before = random.getstate()
    again, other = classifier.build(name, seed=1), classifier.build(name, seed=2)
    assert random.getstate() == before
    assert digest(again.layers) == digest(model.layers) != digest(other.layers)
    first = classifier.build(name, seed=1)
    assert torch.equal(first(eyes, training=True), again(eyes, training=True))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_only_what_is_fine_tuned_changes_and_parameters_are_counted_frozen_or_not(built, eyes):
    name, _ = built
    backbone, trainable = registry.get(name), []
    for fine_tune in classifier.FINE_TUNE:
        model = classifier.build(name, fine_tune=fine_tune, seed=1)
        stages = backbone.stages_of(model)
        parts = {
            stage: [layer for layer in model.layers if stages.get(layer.name) == stage and layer.weights]
            for stage in backbone.stages
        }
        before = {stage: values(layers) for stage, layers in parts.items()}
        head = values([model.get_layer("logit")])
        step(model, eyes)
        changed = {stage for stage, layers in parts.items() if not same(before[stage], values(layers))}
        assert changed == {"head": set(), "last": {"last"}, "full": {"earlier", "last"}}[fine_tune]
        assert all(parts.values())
        counted = classifier.describe(model)
        trainable.append(counted["trainable_parameters"])
        assert counted["parameters"] == backbone.parameters + backbone.channels + 1
        assert not same(head, values([model.get_layer("logit")]))
    assert trainable[0] == backbone.channels + 1 < trainable[1] < trainable[2] == counted["parameters"]


def test_the_last_stage_comes_after_the_last_downsampling():
    stages = {name: registry.get(name).stages_of(classifier.build(name)) for name in ("keras:VGG16", "keras:ResNet50")}
    found = {name: {layer for layer, stage in of.items() if stage == "last"} for name, of in stages.items()}
    assert found["keras:VGG16"] == {"block5_conv1", "block5_conv2", "block5_conv3", "block5_pool"}
    assert {layer.split("_")[0] for layer in found["keras:ResNet50"]} == {"conv5"}
    assert {layer for layer in stages["keras:ResNet50"] if layer.startswith("conv5")} == found["keras:ResNet50"]


def test_a_frozen_backbone_gives_in_training_what_it_gives_in_inference(built, eyes):
    """Where it has no random depth, which its library keeps up while it is frozen."""
    name, _ = built
    if name in RANDOM_DEPTH:
        return
    model = classifier.build(name, fine_tune="head", dropout=0.0)
    assert torch.equal(model(eyes, training=True), model(eyes, training=False))


def test_autocast_to_bfloat16_is_nearly_the_same(built, eyes):
    name, _ = built
    model = classifier.build(name, seed=1)
    with torch.no_grad():
        expected = model(eyes)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(eyes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.1, atol=0.05)


def test_a_saved_model_gives_the_same_logits_loaded_whole_and_by_its_weights(built, eyes, tmp_path):
    name, model = built
    model.save(tmp_path / "model.keras")
    again = classifier.build(name, seed=5)
    again.load_weights(tmp_path / "model.keras")
    whole = keras.saving.load_model(tmp_path / "model.keras")
    with torch.no_grad():
        assert torch.equal(again(eyes), model(eyes))
        torch.testing.assert_close(whole(eyes), model(eyes), rtol=0, atol=1e-6)


def test_a_backbone_is_transferred_without_its_head(built):
    name, source = built
    target = classifier.build(name, seed=2)
    head = values([target.get_layer("logit")])
    classifier.transfer_backbone(source, target)
    assert same(values(library.own_layers(target)), values(library.own_layers(source)))
    assert same(values([target.get_layer("logit")]), head)


MODULES = {
    "VGG16": "vgg16",
    "ResNet50": "resnet",
    "ResNet50V2": "resnet_v2",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "EfficientNetV2B0": "efficientnet_v2",
    "EfficientNetV2S": "efficientnet_v2",
    "ConvNeXtTiny": "convnext",
    "DenseNet121": "densenet",
}
INSIDE = ("MobileNetV3Small", "EfficientNetV2B0", "EfficientNetV2S", "ConvNeXtTiny")


@pytest.mark.parametrize("function", MODULES)
def test_preprocessing_is_the_librarys_own(function, eyes):
    """Keras either has a function for it or puts it inside the network, in layers before the first convolution."""
    images = keras.Input((None, None, 3))
    preprocessing = catalogue.facts_of(f"keras:{function}").preprocessing
    x = preprocessed(images, preprocessing)
    module = getattr(keras.applications, MODULES[function])
    if function in INSIDE:
        network = getattr(keras.applications, function)(include_top=False, weights=None, input_shape=(64, 96, 3))
        kinds = (keras.layers.Rescaling, keras.layers.Normalization)
        last = [layer for layer in network.layers[:4] if isinstance(layer, kinds)][-1]
        expected = keras.Model(network.input, last.output)(eyes.float())
    else:
        expected = torch.tensor(module.preprocess_input(eyes.float().numpy()).copy())
    torch.testing.assert_close(keras.Model(images, x)(eyes), expected, rtol=1e-5, atol=1e-4)


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Keras' server, as it were: gives a function that publishes weights of a network, and the network itself."""

    def publish(name):
        with library.seeded(3):
            network = registry.get(name).network("random")
        draw = np.random.default_rng(1).uniform
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([draw(0.5, 1.5, weight.shape).astype("float32") for weight in layer.weights])
        if name == "keras:EfficientNetB0":
            normalization = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
            mean, variance = normalization.weights[:2]
            mean.assign([0.485, 0.456, 0.406])
            variance.assign([0.229, 0.224, 0.225])  # of Keras' own file: the deviation, where the variance belongs
            normalization.finalize_state()
        path = tmp_path / "published.weights.h5"
        network.save_weights(path)
        monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(path))
        return network

    return publish


@pytest.mark.parametrize("name", ["keras:MobileNetV3Small", "keras:EfficientNetB0", "keras:VGG16"])
def test_imagenet_weights_reach_the_classifier(name, published, eyes):
    network, backbone = published(name), registry.get(name)
    model = classifier.build(name, weights="imagenet", seed=1)
    ours, theirs = (values(layers) for layers in (library.own_layers(model), library.replaced_out(network)))
    assert same(ours, theirs)
    path, sha256 = backbone.pretrained(quiet=True)
    assert (path, len(sha256)) == (None, 64)
    assert backbone.pretrained(quiet=True)[1] == sha256


def test_the_features_of_imagenet_weights_are_those_of_keras_own_network(published, eyes):
    """EfficientNet preprocesses inside, in three layers; retina's preprocessing takes their place."""
    published("keras:EfficientNetB0")
    theirs = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(64, 96, 3))
    ours = registry.build("keras:EfficientNetB0", "imagenet")
    with torch.no_grad():
        torch.testing.assert_close(ours(eyes), theirs(eyes.float()), rtol=1e-3, atol=1e-4)


def test_a_server_that_gives_nothing_is_one_line(monkeypatch):
    def unreachable(*_, **__):
        raise Exception("URL fetch failure on https://somewhere: None -- no network\nmore")  # noqa: TRY002 - as Keras does

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", unreachable)
    with pytest.raises(WeightsError, match=r"cannot be fetched \| Found: URL fetch failure .* no network \| Where"):
        registry.build("keras:MobileNetV3Small", "imagenet")


def test_weights_that_nobody_published_and_files_are_refused_in_one_line(tmp_path):
    with pytest.raises(WeightsError, match="publishes no ImageNet weights of keras_cv:resnet18"):
        registry.get("keras_cv:resnet18").pretrained()
    with pytest.raises(WeightsError, match=r"keras:VGG16 reads no weights file .*imagenet, random, or an earlier run"):
        registry.build("keras:VGG16", tmp_path / "weights.pth")


ROUNDED = {"keras_cv:mobilenet_v3_small": 5618, "keras_cv:mobilenet_v3_large": 1834}
"""What KerasCV tells of its MobileNetV3 is from before it rounded the channels of a squeeze to multiples of 8.

A squeeze of f channels to b has (2 f + 1) b + f parameters. Rounding adds, in the small one, 4 to b = 4 (f = 16), 4 to
b = 60 (240) twice, 2 to b = 30 (120), 4 to b = 36 (144); in the large one, 6 to b = 18 (72), 2 to b = 30 (120) twice.
"""


def presets(library, layout):
    """What KerasCV or KerasHub tells of the presets of a class without asking a server."""
    return getattr(library.models, layout).presets


@pytest.mark.parametrize("provider", ["keras_cv", "keras_hub"])
def test_the_arguments_give_as_many_parameters_as_the_library_tells_of_its_presets(provider):
    """Both count moving statistics too, and KerasHub, in its ResNet-vd, ImageNet's 1,000 classes."""
    module = pytest.importorskip(provider)
    looked_at = 0
    for facts in catalogue.of_provider(provider).values():
        known = presets(module, facts.layout)
        told = known.get(facts.preset or facts.plain_name, {}).get("metadata", {}).get("params")
        if told is None or facts.parameters > 13_000_000:  # those need time and memory, and differ in depth alone
            continue
        network = registry.get(facts.name).network("random")
        counted = sum(variable.value.numel() for variable in network.weights)
        classes = 1000 * (facts.channels + 1) if "vd" in facts.name else 0
        assert counted + classes - ROUNDED.get(facts.name, 0) == told, facts.name
        looked_at += 1
    assert looked_at > 5


def test_the_arguments_are_those_with_which_keras_hub_converts_the_same_networks():
    pytest.importorskip("keras_hub")
    from keras_hub.src.utils.timm import convert_densenet, convert_resnet, convert_vgg

    converters = {"resnet": convert_resnet, "vgg": convert_vgg, "densenet": convert_densenet}
    compared = 0
    for facts in catalogue.of_provider("keras_hub").values():
        family, _, size = facts.plain_name.partition("_")
        if not size.isdecimal():
            continue
        told = converters[family].convert_backbone_config({"architecture": f"{family}{size}"})
        assert {"use_pre_activation": False} | told == {"use_pre_activation": False} | dict(facts.arguments), facts.name
        compared += 1
    assert compared == 11


@pytest.fixture
def preset(monkeypatch):
    """Let a library's class give a network of its own for any preset, as from a server."""

    def publish(name, **arguments):
        facts = catalogue.facts_of(name)
        module = pytest.importorskip(facts.package)
        layout = getattr(module.models, facts.layout)
        with library.seeded(7):
            network = layout(**facts.arguments, **arguments)
        monkeypatch.setattr(layout, "from_preset", lambda wanted: {facts.preset: network}[wanted])
        return module, network

    return publish


def test_the_weights_of_a_preset_of_keras_cv_reach_the_classifier(preset):
    """A preset of KerasCV rescales inside, in a layer that retina's preprocessing replaces."""
    _, network = preset("keras_cv:mobilenet_v3_small", include_rescaling=True)
    model = classifier.build("keras_cv:mobilenet_v3_small", weights="imagenet", seed=1)
    assert same(values(library.own_layers(model)), values(library.replaced_out(network)))


def test_the_weights_of_a_preset_of_keras_hub_reach_the_classifier_where_its_preprocessing_is_ours(preset, monkeypatch):
    module, network = preset("keras_hub:resnet_18")
    deviation = np.array([0.229, 0.224, 0.225])
    given = {"scale": 1 / (255 * deviation), "offset": -np.array([0.485, 0.456, 0.406]) / deviation}
    converter = module.layers.ImageConverter(**{key: value.tolist() for key, value in given.items()})
    monkeypatch.setattr(module.layers.ImageConverter, "from_preset", lambda wanted: converter)
    model = classifier.build("keras_hub:resnet_18", weights="imagenet", seed=1)
    assert same(values(library.own_layers(model)), values(library.replaced_out(network)))
    other = module.layers.ImageConverter(scale=1 / 255)
    monkeypatch.setattr(module.layers.ImageConverter, "from_preset", lambda wanted: other)
    with pytest.raises(
        WeightsError, match=r"the weights of keras_hub:resnet_18 expect another preprocessing \| Expected"
    ):
        registry.get("keras_hub:resnet_18").pretrained(quiet=True)
