"""Feature maps by the settings that a configuration gives them."""

from projcomp.config import features as settings
from projcomp.features.feature_map import RGB, Features
from projcomp.features.linear import Map, linear_map, luminance_matrix, whitening_matrix
from projcomp.features.own import own_features
from projcomp.features.palette import palette


def make_features(chosen: settings.AnyFeatures | None) -> Features:
    """The feature map of ``chosen``; RGB where there is none.

    Raises:
        UserError: the map of a user's file is not what is expected.
    """
    if chosen is None:
        return RGB
    if isinstance(chosen, settings.FeaturesFromFile):
        return own_features(chosen)
    channels, (encode, decode) = _built_in(chosen)
    return Features(chosen, channels, encode, decode)


def _built_in(
    chosen: settings.Luminance | settings.Whitened | settings.Palette | settings.LinearMap,
) -> tuple[int, tuple[Map, Map]]:
    match chosen:
        case settings.Luminance():
            return 3, linear_map(chosen.gain * luminance_matrix(chosen.scale))
        case settings.Whitened():
            return 3, linear_map(chosen.gain * whitening_matrix())
        case settings.Palette():
            return 11, palette(chosen.rgb, chosen.sharpness, chosen.gain)
        case settings.LinearMap():
            return len(chosen.matrix), linear_map(chosen.matrix)
