"""C identifiers for the names of a kernel.

Names of the IR are Python identifiers (perhaps with dots, perhaps not ASCII); what C would take for something else gets a tail.
Non-goal: remembering anything across kernels. Every kernel's names live in functions and structs of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register restrict
return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof bool true false nullptr
constexpr alignas alignof static_assert thread_local complex imaginary main errno signgam linux unix i386 stdin stdout stderr
environ near far interface small args env ctx failed kept lo hi stop mark scratch operands steps undo fmod fmodf
""".split()  # noqa: SIM905
_RESERVED = frozenset(_KEYWORDS)
_MACRO = re.compile(
    r"M_\w+|NAN|INFINITY|HUGE\w*|FP_\w+|U?INT\w*|SIZE_MAX|PTRDIFF_\w+|DOMAIN|SING|OVERFLOW|UNDERFLOW|PLOSS|TLOSS|NULL|MATH_\w+|"
    r"MATHERR\w*|WCHAR_\w+|WINT_\w+|SIG_\w+|EOF|TRUE|FALSE|I|IN|OUT|MAXFLOAT|POLYOPT\w*|polyopt\w*|LOOP_\w+|numpy_\w+|u?int\d\w*_t|_[A-Z_]\w*|x\d+"
)


def sanitize(name: str) -> str:
    """The name as a C identifier that is no keyword, no macro of the included headers and no name of generated code."""
    text = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter == "_") else f"_u{ord(letter):x}_" if letter != "." else "_"
        for letter in name
    )
    if not text or text[0].isdigit():
        text = f"v{text}"
    return f"{text}_" if text in _RESERVED or _MACRO.fullmatch(text) else text


def comment(text: str) -> str:
    """A C comment with the text, whatever that is: paths come from the project."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text).encode("ascii", "backslashreplace").decode()
    return f"/* {plain.replace('*/', '* /')} */"


class Names:
    """Gives each name of a kernel one identifier, all different."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The identifier of an IR name, the same at every call."""
        if name not in self._known:
            self._known[name] = self.fresh(sanitize(name))
        return self._known[name]

    def define(self, name: str, identifier: str) -> None:
        """Fix the identifier of a name that generated code uses."""
        self._known[name] = identifier
        self._taken.add(identifier)

    def fresh(self, stem: str) -> str:
        """A new identifier that begins with `stem`."""
        name, number = stem, 2
        while name in self._taken:
            name, number = f"{stem}_{number}", number + 1
        self._taken.add(name)
        return name
