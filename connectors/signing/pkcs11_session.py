"""A session with a PKCS#11 token that is kept open, and opened anew when the token was lost.

Everybody in a process takes turns: python-pkcs11 calls C_Initialize without CKF_OS_LOCKING_OK, which promises the
module that threads never call it at the same time (PKCS#11 v2.40, 5.4; SoftHSM crashes otherwise). More at once takes
more worker processes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, ObjectClass, PKCS11Error, Session, SignMixin, Token, TokenFlag

from connectors.signing.pkcs11_uri import Pkcs11Uri

T = TypeVar("T")
_LAST_TRY: Final = TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED
_PIN_FAULTS: Final = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.PinExpired,
)


class KeyUnusable(Exception):
    """The sealing key can't be used just now; the message says why."""


class PinRefused(KeyUnusable):
    """The token refused the PIN: it is not tried again, because a few wrong tries lock a token for good."""


class _Module:
    """A module as this process loaded it, once."""

    def __init__(self, so: str) -> None:
        self.library = pkcs11.lib(so)
        self.turn = threading.RLock()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="pkcs11")
        self.refused_pins: set[bytes] = set()


_modules: dict[str, _Module] = {}
_loading = threading.Lock()


class KeptSession:
    """The session of one key.

    Args:
        uri: Which key.
        pin: The token's user PIN; `None` for a token that needs none.

    Attributes:
        thread: Where to call what waits for its turn.

    Raises:
        KeyUnusable: The module can't be loaded.
    """

    def __init__(self, uri: Pkcs11Uri, pin: str | None) -> None:
        self._uri, self._pin = uri, pin
        self._opened: tuple[Session, SignMixin] | None = None
        try:
            with _loading:
                if uri.module not in _modules:
                    _modules[uri.module] = _Module(uri.module)
                self._module = _modules[uri.module]
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise KeyUnusable(f"the PKCS#11 module {uri.module} can't be loaded: {error}") from error
        self.thread = self._module.thread

    def use(self, do: Callable[[Session, SignMixin], T]) -> T:
        """Call `do(session, key)`; if the token was lost meanwhile, log in again and call it anew.

        Raises:
            KeyUnusable: The token or the key isn't there, or fails.
            PinRefused: The PIN isn't right.
        """
        with self._module.turn:
            # Session handle invalid, token not present, device removed, user not logged in, ...: what remains of the
            # old session is worth nothing, and a signature that nobody received does no harm.
            for mend in (self.forget, self._start_over):
                try:
                    return do(*self._open())
                except PinRefused:
                    raise
                except (PKCS11Error, KeyUnusable):
                    mend()
            try:
                return do(*self._open())
            except PKCS11Error as error:
                self.forget()
                said = f": {error}" if str(error) else ""
                raise KeyUnusable(f"the token failed: {type(error).__name__}{said}") from error

    def forget(self) -> None:
        """Close the session; `use` opens another."""
        with self._module.turn:
            opened, self._opened = self._opened, None
            if opened:
                with suppress(PKCS11Error):
                    opened[0].close()

    def _start_over(self) -> None:
        self.forget()
        self._module.library.reinitialize()  # with many modules, a token that was put back shows up only then

    def _open(self) -> tuple[Session, SignMixin]:
        if self._opened is None:
            session = self._log_in(self._token())
            found = list(session.get_objects(query(self._uri, ObjectClass.PRIVATE_KEY)))
            if len(found) != 1 or not isinstance(found[0], SignMixin):
                number = "no" if not found else "more than one"
                raise KeyUnusable(f"{number} private key on the token matches the PKCS#11 URI")
            self._opened = session, found[0]
        return self._opened

    def _log_in(self, token: Token) -> Session:
        if self._pin is None:
            return token.open()
        mark = hashlib.sha256(f"{token.serial!r}\0{self._pin}".encode()).digest()
        if mark in self._module.refused_pins:
            raise PinRefused("the token refused this PIN before: it is not tried again in this process")
        if token.flags & _LAST_TRY:
            raise PinRefused("the token's PIN is locked or has one try left, which a person must spend, not we")
        try:
            return token.open(user_pin=self._pin)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open()  # another key of this process: a login counts for all its sessions (5.6)
        except _PIN_FAULTS as error:
            self._module.refused_pins.add(mark)
            raise PinRefused(f"the token refused the PIN ({type(error).__name__})") from None

    def _token(self) -> Token:
        found = [token for token in self._module.library.get_tokens(token_label=self._uri.token) if self._is(token)]
        if len(found) != 1:
            raise KeyUnusable(f"{'no' if not found else 'more than one'} token matches the PKCS#11 URI")
        return found[0]

    def _is(self, token: Token) -> bool:
        serial = token.serial.decode(errors="replace").strip()
        has = (serial, token.manufacturer_id.strip(), token.model.strip())
        wanted = (self._uri.serial, self._uri.manufacturer, self._uri.model)
        return all(want is None or want == value for want, value in zip(wanted, has, strict=True))


def query(uri: Pkcs11Uri, kind: ObjectClass) -> dict[Attribute, Any]:
    """The template that finds the URI's objects of one class."""
    named = {Attribute.CLASS: kind, Attribute.LABEL: uri.label, Attribute.ID: uri.id}
    return {attribute: value for attribute, value in named.items() if value is not None}
