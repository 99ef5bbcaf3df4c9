"""The checker of signatures in tests: beartype, which takes an integer where a float is asked."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
