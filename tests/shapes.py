"""How annotations are checked while tests run; an int will do for a float, as Python has it."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
