"""The one meeting place: checkpoints, a composition and a sampler make images.

Everything is decided by the settings alone: sample ``i`` of a case starts from its own stream
``(seed, "sample", stream, case, i)`` and does not depend on the batch that it is computed in.

- ``requests.py``: what is asked of which model;
- ``operators.py``, ``samplers.py``: the library's parts by the names and settings of the config;
- ``parts.py``: the settings' score field, predictor, corrector and swarms, as one process;
- ``case.py``: samples of a case in batches, and what was measured on the way;
- ``prompts.py``: the same for prompts that pipelines are told;
- ``run.py``: the stage: from the models' folder to the samples file.
"""
