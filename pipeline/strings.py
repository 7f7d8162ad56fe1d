"""Dictionary encoding of strings: a batch works on ``int32`` codes, rows get the strings back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Texts


class Strings(dict[str | None, int]):
    """Interner: ``strings[text]`` is its code, made on first use; code 0 is the empty string, and None reads as it.

    Codes live as long as the interner and mean nothing outside it; stored state brings its own strings.

    >>> strings = Strings()
    >>> strings["web"], strings["phone"], strings["web"], strings[""]
    (1, 2, 1, 0)
    >>> strings.take(np.array([2, 0, 1], np.int32)).tolist()
    ['phone', '', 'web']
    """

    def __init__(self) -> None:
        super().__init__({"": 0, None: 0})
        self._texts: list[str] = [""]
        self._array: NDArray[np.object_] = np.array([""], dtype=object)

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self._texts)

    def __missing__(self, text: str) -> int:
        code = len(self._texts)
        self[text] = code
        self._texts.append(text)
        return code

    def codes(self, texts: Iterable[str]) -> NDArray[np.int32]:
        """Codes of ``texts``, in order."""
        return np.fromiter(map(self.__getitem__, texts), dtype=np.int32)

    def take(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.object_]:
        """Strings of ``codes``: an object array of the same shape."""
        texts: NDArray[np.object_] = self._dictionary()[codes]
        return texts

    def texts(self, codes: NDArray[np.int32]) -> Texts:
        """The column of strings that ``codes`` (one dimension) stand for."""
        return Texts(codes, self._dictionary())

    def _dictionary(self) -> NDArray[np.object_]:
        if len(self._array) < len(self._texts):
            grown = np.empty(len(self._texts), dtype=object)
            grown[:] = self._texts
            self._array = grown
        return self._array

    def text(self, code: int) -> str:
        """The string of one code."""
        return self._texts[code]
