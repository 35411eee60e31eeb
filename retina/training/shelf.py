"""What several plans share, so that each data set is read, audited and measured once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Found = TypeVar("Found")


@dataclass
class Shelf:
    """What the plans of one study share, so that each data set is read, audited and measured once."""

    kept: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """What `make` gives, made where nothing stands under the key yet."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]
