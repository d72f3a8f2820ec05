"""PDFium with our own faces for fonts that a PDF names and does not carry, whatever fonts the machine has.

What it draws then is the same everywhere, and in every script (docs/adr/0018). Importing this sets it up, for good.
"""

from __future__ import annotations

import ctypes
from importlib.resources import files
from typing import Final

import pypdfium2
from pypdfium2 import raw

_FOLDERS: Final = tuple(
    str(files(package) / folder).encode()
    for package, folder in (("receipts.pdfa", "fonts"), ("manimgx_fonts", ""), ("manimgx_fonts_cjk", ""))
)
_PATHS: Final = (ctypes.POINTER(ctypes.c_char) * (len(_FOLDERS) + 1))(
    *(ctypes.cast(ctypes.c_char_p(folder), ctypes.POINTER(ctypes.c_char)) for folder in _FOLDERS)
)  # ends with a null pointer; PDFium goes on reading it
NAME: Final = f"pypdfium2 {pypdfium2.version.PYPDFIUM_INFO}, PDFium {pypdfium2.version.PDFIUM_INFO}"

raw.FPDF_DestroyLibrary()  # pypdfium2 has set it up with the machine's fonts
raw.FPDF_InitLibraryWithConfig(
    raw.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=_PATHS, m_pIsolate=None, m_v8EmbedderSlot=0)
)
