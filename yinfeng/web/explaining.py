"""Who is counted, by the rules of the pure core, for those who may not import it."""

from __future__ import annotations

from typing import Final

from schemas.counted import Explaining
from streams.domain.explaining import added, counted, held, persons

EXPLAINING: Final = Explaining(person=counted, fairs=held, journey=added, persons=persons)
