"""What every room knows of diffusion: noise levels, score fields, preconditioning, loss, averaging.

No images are made here, nothing is composed and nothing is trained: composition and samplers meet
through the interfaces of ``field.py``.
"""
