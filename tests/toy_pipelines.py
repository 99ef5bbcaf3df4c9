"""Tiny random pipelines of diffusers, one of each family, as ``save_pretrained`` writes them."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
)

WIDTH = 16
"""Numbers of a token."""

SD_SCHEDULE = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "steps_offset": 1,
}
"""As Stable Diffusion's schedulers are set."""


def save_pipelines(folder: Path) -> None:
    """Write ``sd``, ``sdxl``, ``dit``, ``sd3``, and ``dog``, an adapter of SDXL's."""
    torch.manual_seed(1)
    made = {"sd": _sd(), "sdxl": _sdxl(), "dit": _dit(), "sd3": _sd3()}
    for name, pipe in made.items():
        pipe.save_pretrained(folder / name)
    unet = made["sdxl"].unet
    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    StableDiffusionXLPipeline.save_lora_weights(folder / "dog", unet_lora_layers=state)


def save_clip(folder: Path) -> None:
    """Write a tiny random CLIP model with its tokenizer."""
    torch.manual_seed(2)
    text = _text(CLIPTextModel)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=8,
        patch_size=4,
    )
    config = CLIPConfig(
        text_config={**text["text_encoder"].config.to_dict(), "max_position_embeddings": 77},
        vision_config=vision.to_dict(),
        projection_dim=WIDTH,
    )
    CLIPModel(config).save_pretrained(folder)
    text["tokenizer"].save_pretrained(folder)


def _sd() -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        **_text(CLIPTextModel),
        unet=_unet(cross_attention_dim=WIDTH),
        vae=_decoder(),
        scheduler=DDIMScheduler(set_alpha_to_one=False, clip_sample=False, **SD_SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> StableDiffusionXLPipeline:
    unet = _unet(
        cross_attention_dim=2 * WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
    )
    return StableDiffusionXLPipeline(
        **_text(CLIPTextModel),
        **_text(CLIPTextModelWithProjection, "_2"),
        unet=unet,
        vae=_decoder(),
        scheduler=DDPMScheduler(clip_sample=False, **SD_SCHEDULE),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def _dit() -> DiTPipeline:
    transformer = DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        sample_size=8,
        patch_size=2,
        norm_num_groups=4,
    )
    return DiTPipeline(
        transformer,
        _decoder(),
        DDIMScheduler(clip_sample=False),
        id2label={207: "golden retriever", 360: "otter, sea otter"},
    )


def _sd3() -> StableDiffusion3Pipeline:
    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=2 * WIDTH,
        caption_projection_dim=16,
        pooled_projection_dim=2 * WIDTH,
        out_channels=4,
    )
    return StableDiffusion3Pipeline(
        **_text(CLIPTextModelWithProjection),
        **_text(CLIPTextModelWithProjection, "_2"),
        tokenizer_3=None,
        text_encoder_3=None,
        transformer=transformer,
        vae=_decoder(shift_factor=0.06),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _unet(**settings) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        attention_head_dim=4,
        norm_num_groups=4,
        **settings,
    )


def _decoder(**settings) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=16,
        **settings,
    )


def _text(kind, suffix: str = "") -> dict:
    """A tokenizer of letters and its text encoder."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{c}</w>" for c in letters)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)
    config = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return {f"tokenizer{suffix}": tokenizer, f"text_encoder{suffix}": kind(config)}
