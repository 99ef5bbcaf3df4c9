# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# (bpy comes without type stubs)
"""Cycles' settings: CLEVR's light paths and filter, our samples, denoiser and device."""

import bpy

from projcomp.errors import DeviceError

_VIEW_ASPECT = 4.0 / 3.0


def set_up(
    scene: bpy.types.Scene, width: int, height: int, samples: int, denoise: bool, threads: int
) -> None:
    """Size, samples and everything of CLEVR's render settings that shows in the pixels."""
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    # Blender takes aspects of at least 1; the view stays CLEVR's 4:3 whatever the pixels' number
    aspect = _VIEW_ASPECT * height / width
    render.pixel_aspect_x, render.pixel_aspect_y = max(aspect, 1.0), max(1.0 / aspect, 1.0)
    render.threads_mode, render.threads = "FIXED", threads
    render.use_persistent_data = True
    render.use_compositing = render.use_sequencer = False
    render.dither_intensity = 0.0
    render.film_transparent = False
    render.image_settings.file_format = "BMP"
    render.image_settings.color_mode = "RGB"
    scene.display_settings.display_device = "sRGB"
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.use_auto_tile = False
    cycles.use_denoising = denoise
    if denoise:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        # measured at 32 x 32, 8 samples: the error of ACCURATE and HIGH at a third of their time
        cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "BALANCED"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 12, 4, 4
    cycles.transmission_bounces, cycles.transparent_max_bounces = 12, 8
    cycles.caustics_reflective = cycles.caustics_refractive = True
    cycles.blur_glossy = 2.0
    cycles.sample_clamp_direct = cycles.sample_clamp_indirect = 0.0
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5


def choose_device(scene: bpy.types.Scene, device: str) -> None:
    """Render on the processor, or on every graphics device of the named kind.

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
            f"a {device} device for render.device={device} expected, got none: "
            "set render.device to cpu or run where there is one"
        )
    for entry in preferences.devices:
        entry.use = entry.type == kind
    scene.cycles.device = "GPU"
