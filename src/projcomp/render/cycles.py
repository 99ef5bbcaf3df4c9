# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""Cycles' settings: CLEVR's light paths and filter, our samples, denoiser and device."""

import os

import bpy

from projcomp.errors import DeviceError
from projcomp.scenes.camera import View


def set_up(
    scene: bpy.types.Scene,
    width: int,
    height: int,
    samples: int,
    denoise: bool,
    filter_width: float,
    threads: int,
    view: View,
) -> None:
    """Size, samples and everything of CLEVR's render settings that shows in the pixels."""
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    # Blender takes aspects of at least 1; the view stays as it is whatever the pixels' number
    aspect = view[0] / view[1] * height / width
    render.pixel_aspect_x, render.pixel_aspect_y = max(aspect, 1.0), max(1.0 / aspect, 1.0)
    render.threads_mode, render.threads = "FIXED", threads
    render.use_compositing = render.use_sequencer = False
    render.dither_intensity = 0.0
    render.film_transparent = False
    render.use_file_extension = False  # the file has its name already
    # linear colours and the objects' layer in one uncompressed file; exr.py reads them
    output = render.image_settings
    output.file_format, output.exr_codec = "OPEN_EXR_MULTILAYER", "NONE"
    output.color_mode, output.color_depth = "RGB", "32"
    layer = scene.view_layers[0]
    layer.use_pass_cryptomatte_object, layer.pass_cryptomatte_depth = True, 2
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.sampling_pattern = "AUTOMATIC"  # Blender opens CLEVR's files with an older one
    cycles.use_auto_tile = False
    cycles.use_denoising = denoise
    if denoise:
        cycles.denoiser = "OPENIMAGEDENOISE"
        # measured at 32 x 32 and 128 x 128, 8 samples: normals add time and error; ACCURATE and
        # HIGH add time and hardly take any error away
        cycles.denoising_input_passes = "RGB_ALBEDO"
        cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "BALANCED"
    # four lamps need no tree to choose among; without it the same picture takes less time
    cycles.use_light_tree = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 12, 4, 4
    cycles.transmission_bounces, cycles.transparent_max_bounces = 12, 8
    cycles.caustics_reflective = cycles.caustics_refractive = True
    cycles.blur_glossy = 2.0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0.0
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", filter_width


def choose_device(scene: bpy.types.Scene, device: str) -> None:
    """Render on the processor, or on the first graphics device of the named kind.

    The first of those that the driver shows: schedulers hide a machine's other devices by
    CUDA_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES, and a job asks for one.

    Raises:
        DeviceError: Blender finds no device of that kind.
    """
    if device == "cpu":
        scene.cycles.device = "CPU"
        return
    preferences = bpy.context.preferences.addons["cycles"].preferences
    kind = device.upper()
    try:
        preferences.compute_device_type = kind
        preferences.get_devices()
        found = [d for d in preferences.devices if d.type == kind]
    except TypeError:  # this build of Blender does not know the kind
        found = []
    if not found:
        raise DeviceError(
            f"a {device} device for render.device={device} expected, got none{_hidden()}: "
            "set render.device to cpu or run where there is one"
        )
    for entry in preferences.devices:
        entry.use = entry == found[0]
    scene.cycles.device = "GPU"


def _hidden() -> str:
    names = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
    set_ones = [f"{name}={os.environ[name]!r}" for name in names if name in os.environ]
    return f" with {', '.join(set_ones)}" if set_ones else ""
