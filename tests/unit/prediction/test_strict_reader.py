"""The reader says what was put into a picture: superpositions, singles, mixtures, and too much."""

import torch

from projcomp.diffusion.pixels import encode
from projcomp.prediction.strict_reader import LEFTOVER, OUTCOMES, Shown, StrictReader, apart

GROUND = 100
COLORS = {
    "red": (220, 20, 20),
    "blue": (20, 20, 220),
    "dark": (20, 20, 20),
    "rose": (160, 80, 80),
    "sky": (80, 80, 160),
}
SIDE, SQUARE, STEP = 12, 4, 2


def ground(count: int = 1) -> torch.Tensor:
    return torch.full((count, SIDE, SIDE, 3), GROUND, dtype=torch.uint8)


def renders(color: str, size: int = SQUARE, width: int | None = None) -> torch.Tensor:
    """A square at every second place; the first lies at the top left, the last at the bottom."""
    places = range(0, SIDE - size + 1, STEP)
    images = ground(len(places) ** 2)
    for image, (top, left) in zip(images, [(y, x) for y in places for x in places], strict=True):
        image[top : top + size, left : left + (width or size)] = torch.tensor(COLORS[color])
    return images


def learned(**classes: torch.Tensor) -> tuple[StrictReader, dict[str, Shown]]:
    reader = StrictReader(ground(2))
    return reader, {name: reader.learn(images) for name, images in classes.items()}


def read(reader: StrictReader, x: torch.Tensor, first: Shown, second: Shown) -> list[str]:
    return [OUTCOMES[number] for number in reader.read(x, first, second).tolist()]


def test_all_superpositions_of_renders_that_lie_apart_succeed_and_no_others() -> None:
    red, blue = renders("red"), renders("blue")
    reader, shown = learned(red=red, blue=blue)
    for number, image in enumerate(encode(red)):
        x = image + encode(blue) - encode(ground())
        outcomes = read(reader, x, shown["red"], shown["blue"])
        lie_apart = apart(shown["red"], shown["blue"])[number]
        # of masks that touch each other nothing is hidden; of others up to a quarter is
        disjoint = (shown["red"].masks[number] * shown["blue"].masks).sum(1) == 0
        succeeded = torch.tensor([outcome == "success" for outcome in outcomes])
        assert succeeded[disjoint].all()
        assert not succeeded[~lie_apart].any()


def test_a_single_render_is_its_condition_and_none_the_background() -> None:
    red, blue = renders("red"), renders("blue")
    reader, shown = learned(red=red, blue=blue)
    assert set(read(reader, encode(red), shown["red"], shown["blue"])) == {"first_only"}
    assert set(read(reader, encode(blue), shown["red"], shown["blue"])) == {"second_only"}
    assert read(reader, encode(ground()), shown["red"], shown["blue"]) == ["neither"]


def test_averages_and_mixed_colours_show_neither() -> None:
    red, blue = renders("red"), renders("blue")
    reader, shown = learned(red=red, blue=blue)
    for turned in (blue, blue.flip(0)):  # at the same place, and far apart
        average = (encode(red) + encode(turned)) / 2
        assert "success" not in read(reader, average, shown["red"], shown["blue"])
        assert "first_only" not in read(reader, average, shown["red"], shown["blue"])
    mixed = encode(red) + encode(blue) - encode(ground())  # purple, at the same place
    assert set(read(reader, mixed, shown["red"], shown["blue"])) == {"neither"}


def test_a_third_object_is_something_else() -> None:
    red, blue, dark = renders("red"), renders("blue"), renders("dark")
    reader, shown = learned(red=red, blue=blue)
    two = encode(red[:1]) + encode(blue[-1:]) - encode(ground())
    three = two + encode(dark[4:5]) - encode(ground())
    four_reds = two + encode(red[4:5]) - encode(ground())
    assert read(reader, two, shown["red"], shown["blue"]) == ["success"]
    assert read(reader, three, shown["red"], shown["blue"]) == ["extra"]
    assert read(reader, four_reds, shown["red"], shown["blue"]) == ["extra"]


def test_one_object_is_not_two_halves_of_itself() -> None:
    """Conditions that look alike: the left and the right half of a square explain a picture too."""
    halves, whole = renders("dark", width=SQUARE // 2), renders("dark")
    both = torch.cat([halves, whole])
    reader, shown = learned(first=both, second=both)
    assert set(read(reader, encode(whole), shown["first"], shown["second"])) == {"together"}
    two = encode(whole[:1]) + encode(whole[-1:]) - encode(ground())
    assert read(reader, two, shown["first"], shown["second"]) == ["success"]


def test_conditions_of_the_same_look_in_one_place_are_together() -> None:
    dark = renders("dark")
    reader, shown = learned(first=dark, second=dark)
    assert set(read(reader, encode(dark), shown["first"], shown["second"])) == {"together"}


def test_a_render_that_is_the_background_is_no_render() -> None:
    _, shown = learned(some=torch.cat([ground(3), renders("red")]), none=ground(2))
    assert len(shown["some"].energy) == len(renders("red"))
    assert len(shown["none"].energy) == 0


def test_a_random_background_is_taken_at_its_nearest() -> None:
    """Two backgrounds, far apart; objects lie on either."""
    light = ground() + 80
    reader = StrictReader(torch.cat([ground(), light]))
    red = torch.cat([renders("red"), renders("red").where(renders("red") != GROUND, 180)])
    blue = torch.cat([renders("blue"), renders("blue").where(renders("blue") != GROUND, 180)])
    shown = [reader.learn(red), reader.learn(blue)]
    assert all(set(some.masks.sum(1).tolist()) == {SQUARE**2} for some in shown)
    many = len(red) // 2
    for start, back in ((0, ground()), (many, light)):
        x = encode(red[start : start + 1]) + encode(blue[start + many - 1 :][:1]) - encode(back)
        assert read(reader, x, *shown) == ["success"]


def test_shades_of_the_renders_are_no_object_and_a_small_third_one_is() -> None:
    """All the ground's shades are more than a quarter of a small object's contrast."""
    rng = torch.Generator().manual_seed(0)

    def shaded(images: torch.Tensor) -> torch.Tensor:  # slow light, of up to 10 of 255 steps
        slope = torch.rand(len(images), 2, 1, 1, generator=rng) * 10 - 5
        across = torch.linspace(-1, 1, SIDE)
        light = slope[:, 0] * across + slope[:, 1] * across[:, None]
        return (images + light[..., None]).round().to(torch.uint8)

    rose, sky, third = shaded(renders("rose", 2)), shaded(renders("sky", 2)), renders("dark", 2)
    reader = StrictReader(shaded(ground(3)))
    shown = [reader.learn(rose), reader.learn(sky)]
    fainter = min(float(one.energy.min()) for one in shown)
    assert float(shown[0].shade.mean() + shown[1].shade.mean()) > LEFTOVER * fainter
    for number in range(6):
        two = encode(rose[number : number + 1]) + encode(sky[-1 - number :][:1]) - encode(ground())
        three = two + encode(third[14:15]) - encode(ground())
        assert read(reader, two, *shown) == ["success"]
        assert read(reader, three, *shown) == ["extra"]
