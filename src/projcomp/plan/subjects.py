"""What an experiment is about: scenes, pictures from files, or prompts.

Scenes are rendered: what is composed of them is counted, and its truth is rendered too. Pictures
from files have labels at most. Prompts are told to pipelines, of whose data nothing is here.
"""

from typing import Literal

from projcomp.config.experiments import RequestConfig
from projcomp.config.root import Config
from projcomp.settings.stages import model_names

Subject = Literal["scenes", "files", "prompts"]


def subject_of(config: Config, entry: RequestConfig) -> Subject:
    """What the models of an experiment, or of a sweep, know."""
    names = model_names(entry)
    if any(name in config.pipelines for name in names):
        return "prompts"
    known = [config.of_data[name].sources for name in names if name in config.of_data]
    filed = any(dataset in config.filed for sources in known for dataset in sources)
    return "files" if filed else "scenes"
