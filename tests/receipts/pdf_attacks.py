"""PDFs that try to hang, blow up or bring down what reads them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

HEAD: Final = b"%PDF-1.7\n%\xff\xff\xff\xff\n"


def stream(data: bytes, entries: bytes = b"", *, packed: bool = False) -> bytes:
    """A stream object with the right length."""
    if packed:
        data, entries = zlib.compress(data, 9), entries + b"/Filter/FlateDecode"
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


def file_of(objects: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A PDF of these objects; 1 is its catalog."""
    out, places = HEAD, {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(
        b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
        for number in range(max(objects) + 1)
    )
    size = max(objects) + 1
    end = b"trailer\n<</Size %d/Root 1 0 R/ID[<00><00>]%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(out))
    return out + b"xref\n0 %d\n%s%s" % (size, table, end)


def one_page(
    content: bytes = b"1 0 0 rg 10 10 50 50 re f",
    *,
    page: bytes = b"",
    box: bytes = b"/MediaBox[0 0 200 200]",
    resources: bytes = b"",
    catalog: bytes = b"",
    trailer: bytes = b"",
    packed: bool = False,
    others: Mapping[int, bytes] | None = None,
) -> bytes:
    """A PDF of one page; `others` may be numbered from 5."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R%s%s/Resources<<%s>>/Contents 4 0 R>>" % (box, page, resources),
        4: stream(content, packed=packed),
    }
    return file_of({**objects, **(others or {})}, trailer=trailer)


def form(content: bytes, resources: bytes, more: bytes = b"") -> bytes:
    return stream(content, b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<<%s>>%s" % (resources, more))


def font(program: bytes = b"", more: bytes = b"", subtype: bytes = b"TrueType") -> Mapping[int, bytes]:
    """A font as object 5."""
    return {
        5: b"<</Type/Font/Subtype/%s/BaseFont/Own/FirstChar 0/LastChar 255/FontDescriptor 6 0 R%s>>" % (subtype, more),
        6: b"<</Type/FontDescriptor/FontName/Own/Flags 4/FontBBox[0 0 9 9]/ItalicAngle 0/Ascent 9/Descent 0/StemV 9"
        b"/CapHeight 9%s>>" % program,
    }


TEXT: Final = b"BT /F 20 Tf 20 100 Td (Total 120.00) Tj ET"
F: Final = b"/Font<</F 5 0 R>>"
TYPE0: Final = b"/Encoding/Identity-H/DescendantFonts[7 0 R]"


def boxes() -> dict[str, bytes]:
    """Pages of impossible sizes and turns."""
    stated = {
        "huge": b"/MediaBox[0 0 1e9 1e9]", "inverted": b"/MediaBox[200 200 0 0]", "none": b"",
        "empty": b"/MediaBox[0 0 0 0]", "flat": b"/MediaBox[0 0 200 0]", "short": b"/MediaBox[0 0 200]",
        "words": b"/MediaBox[(a)(b)(c)(d)]", "null": b"/MediaBox null", "far": b"/MediaBox[1e38 1e38 2e38 2e38]",
        "long": b"/MediaBox[0 0 1 1e7]", "nested": b"/MediaBox[[0][0][9][9]]", "gone": b"/MediaBox 99 0 R",
        "numbers": b"/MediaBox[0 0 99999999999999999999999999 1]", "itself": b"/MediaBox 3 0 R",
    }  # fmt: skip
    turned = {
        "crop outside": b"/CropBox[900 900 950 950]", "crop inverted": b"/CropBox[90 90 10 10]", "crop": b"/CropBox 7",
        "unit": b"/UserUnit 1e9", "unit 0": b"/UserUnit 0", "unit -1": b"/UserUnit -1", "unit word": b"/UserUnit(x)",
        "turned 45": b"/Rotate 45", "turned far": b"/Rotate 99999999999999999999", "turned word": b"/Rotate/x",
        "turned -90": b"/Rotate -90", "turned 90.0": b"/Rotate 90.0",
    }  # fmt: skip
    return {f"box {name}": one_page(box=box) for name, box in stated.items()} | {
        f"page {name}": one_page(page=more) for name, more in turned.items()
    }


def contents() -> dict[str, bytes]:
    """Content that goes on without end, or into itself."""
    smask = b"/SMask<</Type/Mask/S/Alpha/G 5 0 R>>"
    group = b"/Group<</S/Transparency>>"
    made = {
        "many q": one_page(b"q " * 100_000 + b"0 0 9 9 re f", packed=True),
        "many Q": one_page(b"Q " * 200_000, packed=True),
        "many BT": one_page(b"BT " * 200_000, packed=True),
        "deep arrays": one_page(b"[" * 500_000 + b"]" * 500_000 + b" TJ", packed=True),
        "deep dictionaries": one_page(b"/a " + b"<</b " * 200_000 + b">>" * 200_000 + b" BDC EMC", packed=True),
        "deep parentheses": one_page(b"(" * 500_000 + b")" * 500_000 + b" Tj", packed=True),
        "open string": one_page(b"(" + b"a" * 500_000, packed=True),
        "great numbers": one_page(b"9" * 300 + b" 1e999 -1e999 0 0 0 cm " + b"9" * 5000 + b" w 0 0 9 9 re f"),
        "long dash": one_page(b"[" + b"0.0001 " * 50_000 + b"] 0 d 0 0 m 200 200 l S", packed=True),
        "thin dash": one_page(b"[0.00001] 0 d 3 w 0 0 m 100000 100000 l S"),
        "many curves": one_page(b"0 0 m " + b"1e6 2e6 -3e6 4e6 5e6 -6e6 c " * 20_000 + b"S", packed=True),
        "form in itself": one_page(
            b"/X Do", resources=b"/XObject<</X 5 0 R>>", others={5: form(b"/X Do", b"/XObject<</X 5 0 R>>")}
        ),
        "forms three times each": one_page(
            b"/X Do",
            resources=b"/XObject<</X 5 0 R>>",
            others={n: form(b"/X Do " * 3 + b"0 0 9 9 re f", b"/XObject<</X %d 0 R>>" % (n + 1)) for n in range(5, 25)}
            | {25: form(b"0 0 9 9 re f", b"")},
        ),
        "mask in itself": one_page(
            b"/G gs 0 0 99 99 re f",
            resources=b"/ExtGState<</G<<%s>>>>" % smask,
            others={5: form(b"/G gs 0 0 99 99 re f", b"/ExtGState<</G<<%s>>>>" % smask, group)},
        ),
        "pattern in itself": one_page(
            b"/Pattern cs /P scn 0 0 200 200 re f",
            resources=b"/Pattern<</P 5 0 R>>",
            others={
                5: stream(
                    b"/Pattern cs /P scn 0 0 9 9 re f",
                    b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 9/YStep 9"
                    b"/Resources<</Pattern<</P 5 0 R>>>>",
                )
            },
        ),
        "smallest tiles": one_page(
            b"/Pattern cs /P scn 0 0 200 200 re f",
            resources=b"/Pattern<</P 5 0 R>>",
            others={
                5: stream(
                    b"0 0 9 9 re f",
                    b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 0.001 0.001]/XStep 0.001/YStep 0.001"
                    b"/Resources<<>>",
                )
            },
        ),
        "type 3 in itself": one_page(
            TEXT,
            resources=F,
            others={
                5: b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/FirstChar 84/LastChar 84"
                b"/Widths[9]/Encoding<</Differences[84/T]>>/CharProcs<</T 6 0 R>>/Resources<</Font<</F 5 0 R>>>>>>",
                6: stream(b"9 0 d0 " + TEXT),
            },
        ),
    }
    for kind, entries in {
        "axial": b"/ShadingType 2/Coords[0 0 1e-30 1e-30]/Extend[true true]/Function 6 0 R",
        "radial": b"/ShadingType 3/Coords[0 0 1e9 0 0 1e-9]/Extend[true true]/Function 6 0 R",
        "by function": b"/ShadingType 1/Domain[-1e9 1e9 -1e9 1e9]/Function 6 0 R",
    }.items():
        made[f"shading {kind}"] = one_page(
            b"/S sh",
            resources=b"/Shading<</S<</ColorSpace/DeviceRGB%s>>>>" % entries,
            others={
                6: stream(b"{" + b"dup mul " * 50_000 + b"}", b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]")
            },
        )
    made["deep function"] = one_page(
        b"/C cs 0.5 scn 0 0 99 99 re f",
        resources=b"/ColorSpace<</C[/Separation/Ink/DeviceGray 6 0 R]>>",
        others={
            6: stream(b"{" * 100_000 + b"}" * 100_000, b"/FunctionType 4/Domain[0 1]/Range[0 1]", packed=True),
        },
    )
    made["function of itself"] = one_page(
        b"/C cs 0.5 scn 0 0 99 99 re f",
        resources=b"/ColorSpace<</C[/Separation/Ink/DeviceGray 6 0 R]>>",
        others={6: b"<</FunctionType 3/Domain[0 1]/Functions[6 0 R 6 0 R]/Bounds[0.5]/Encode[0 1 0 1]>>"},
    )
    made["colours of themselves"] = one_page(
        b"/C cs 0.5 scn 0 0 99 99 re f",
        resources=b"/ColorSpace<</C 5 0 R>>",
        others={5: b"[/Indexed 5 0 R 1 <0000>]"},
    )
    return made


def pictures() -> dict[str, bytes]:
    """Pictures of impossible sizes, or with nothing behind them."""
    kinds = {
        "huge": (b"/Width 2000000000/Height 2000000000/BitsPerComponent 1/ColorSpace/DeviceGray", b"x"),
        "negative": (b"/Width -5/Height 5/BitsPerComponent 8/ColorSpace/DeviceGray", b"x"),
        "no size": (b"/BitsPerComponent 8/ColorSpace/DeviceGray", b"x"),
        "many bits": (b"/Width 9/Height 9/BitsPerComponent 99999999/ColorSpace/DeviceGray", b"x" * 99),
        "much of nothing": (b"/Width 10000/Height 10000/BitsPerComponent 1/ColorSpace/DeviceGray", b""),
        "broad columns": (
            b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray"
            b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 2147483647>>",
            b"x" * 99,
        ),
        "mask of itself": (b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/DeviceGray/SMask 5 0 R", b"x" * 81),
        "own colour": (b"/Width 9/Height 9/BitsPerComponent 8/ColorSpace/None", b"x" * 81),
    }
    made = {
        f"picture {name}": one_page(
            b"99 0 0 99 0 0 cm /X Do",
            resources=b"/XObject<</X 5 0 R>>",
            others={5: stream(data, b"/Type/XObject/Subtype/Image" + entries, packed=True)},
        )
        for name, (entries, data) in kinds.items()
    }
    for name, filters in {
        "CCITT": b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 60000/Rows 60000>>",
        "JBIG2": b"/Filter/JBIG2Decode",
        "JPX": b"/Filter/JPXDecode",
        "run length": b"/Filter/RunLengthDecode",
        "many filters": b"/Filter[" + b"/ASCIIHexDecode" * 1000 + b"]",
        "unknown": b"/Filter/Own",
        "number": b"/Filter 9",
    }.items():
        made[f"picture in {name}"] = one_page(
            b"99 0 0 99 0 0 cm /X Do",
            resources=b"/XObject<</X 5 0 R>>",
            others={
                5: stream(
                    b"\x00" * 999,
                    b"/Type/XObject/Subtype/Image/Width 100/Height 100/BitsPerComponent 1/ColorSpace/DeviceGray"
                    + filters,
                )
            },
        )
    made["inline picture"] = one_page(b"q 9 0 0 9 0 0 cm BI /W 100000 /H 100000 /BPC 1 /CS /G ID x EI Q")
    return made


def fonts() -> dict[str, bytes]:
    """Fonts whose tables count to billions, or lead into themselves."""
    wide = b"/W[0 2147483647 500]/DW 1000"
    cid = b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Own/CIDSystemInfo<</Registry(A)/Ordering(I)/Supplement 0>>"
    all_of_it = b"begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange 1 begincidrange"
    all_of_it += b" <00000000> <FFFFFFFF> 0 endcidrange 1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap"
    return {
        "font of billions": one_page(
            TEXT,
            resources=F,
            others={**font(more=TYPE0, subtype=b"Type0"), 7: cid + b"/FontDescriptor 6 0 R%s>>" % wide},
        ),
        "font with every character": one_page(
            TEXT,
            resources=F,
            others={
                **font(more=b"/Encoding 8 0 R/ToUnicode 8 0 R/DescendantFonts[7 0 R]", subtype=b"Type0"),
                7: cid + b"/FontDescriptor 6 0 R>>",
                8: stream(all_of_it, b"/Type/CMap/CMapName/Own/UseCMap 8 0 R"),
            },
        ),
        "font of itself": one_page(
            TEXT,
            resources=F,
            others={5: b"<</Type/Font/Subtype/Type0/BaseFont/Own/Encoding/Identity-H/DescendantFonts[5 0 R]>>"},
        ),
        "font without a program": one_page(
            TEXT, resources=F, others={**font(b"/FontFile2 7 0 R"), 7: stream(b"\0\1\0\0" + b"\xff" * 500)}
        ),
        "font that runs": one_page(
            TEXT,
            resources=F,
            others={
                **font(b"/FontFile 7 0 R", subtype=b"Type1"),
                7: stream(b"%!PS-AdobeFont-1.0: Own\n{ } loop 1 1 99999999 { pop } for /a 1 def eexec" + b"0" * 900),
            },
        ),
        "font of many differences": one_page(
            TEXT,
            resources=F,
            others=font(more=b"/Encoding<</Differences[" + b"2147483647/a -5/b 0/c " * 5000 + b"]>>"),
        ),
        "font with odd widths": one_page(TEXT, resources=F, others=font(more=b"/Widths[(a)/b null 1e99 [1]]")),
    }


def structures() -> dict[str, bytes]:
    """Trees that lead back, references to nowhere, names and texts that are no words."""
    odd = b"/A#FF#FE#80"
    return {
        "outline loop": one_page(
            catalog=b"/Outlines 5 0 R",
            others={5: b"<</First 6 0 R/Last 6 0 R/Count 1>>", 6: b"<</Title(a)/Parent 5 0 R/Next 6 0 R/First 5 0 R>>"},
        ),
        "name tree loop": one_page(
            catalog=b"/Names<</EmbeddedFiles 5 0 R/JavaScript 5 0 R/Dests 5 0 R>>",
            others={5: b"<</Kids[5 0 R 5 0 R]/Names[(a) 5 0 R]>>"},
        ),
        "field loop": one_page(
            page=b"/Annots[5 0 R 5 0 R]",
            catalog=b"/AcroForm<</Fields[5 0 R]/NeedAppearances true>>",
            others={
                5: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(b)/Rect[0 0 90 20]/Kids[5 0 R]/Parent 5 0 R"
                b"/DA(/Helv 9 Tf)/AP<</N 6 0 R>>>>",
                6: form(b"/X Do", b"/XObject<</X 6 0 R>>"),
            },
        ),
        "fields twice each": one_page(
            catalog=b"/AcroForm<</Fields[5 0 R]>>",
            others={n: b"<</T(a)/Kids[%d 0 R %d 0 R]>>" % (n + 1, n + 1) for n in range(5, 35)} | {35: b"<</FT/Tx>>"},
        ),
        "structure loop": one_page(
            catalog=b"/MarkInfo<</Marked true>>/StructTreeRoot 5 0 R",
            others={5: b"<</Type/StructTreeRoot/K 6 0 R/ParentTree 5 0 R>>", 6: b"<</S/P/P 5 0 R/K[6 0 R 5 0 R]>>"},
        ),
        "file of itself": one_page(
            catalog=b"/AF[5 0 R]/Names<</EmbeddedFiles<</Names[(a)5 0 R]>>>>",
            others={5: b"<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/EF<</F 5 0 R>>/RF 5 0 R>>"},
        ),
        "length of itself": one_page(others={4: b"<</Length 4 0 R>>\nstream\n0 0 9 9 re f\nendstream"}),
        "length elsewhere": one_page(others={4: b"<</Length 99 0 R>>\nstream\n0 0 9 9 re f\nendstream"}),
        "length of billions": one_page(others={4: b"<</Length 99999999999>>\nstream\n0 0 9 9 re f\nendstream"}),
        "length below": one_page(others={4: b"<</Length -5>>\nstream\n0 0 9 9 re f\nendstream"}),
        "a file outside": one_page(others={4: b"<</Length 0/F(/etc/passwd)>>\nstream\n\nendstream"}),
        "odd names": one_page(
            odd + b" gs " + odd + b" Do 0 0 9 9 re f",
            catalog=odd + odd + b"/PageMode" + odd + b"/Names<</EmbeddedFiles<</Names[<FFFE> 5 0 R]>>>>",
            page=odd + odd,
            resources=b"/ExtGState<<%s<<%s>>>>/XObject<<%s 6 0 R>>/Properties<<%s<<>>>>" % (odd, odd * 2, odd, odd),
            others={
                5: b"<</Type%s/F<FEFFD800>/UF<FEFFD8>/EF<</F 6 0 R>>/AFRelationship%s/Subtype%s>>" % (odd, odd, odd),
                6: form(b"0 0 9 9 re f", odd + odd, b"/S%s/OC<</Type%s>>" % (odd, odd)),
            },
        ),
        "odd actions": one_page(
            catalog=b"/OpenAction<</S%s/JS<FEFFD800>/Type%s>>" % (odd, odd),
            page=b"/Annots[<</Subtype%s/Rect[0 0 9 9]/A<</S%s>>/FT%s>>]" % (odd, odd, odd),
        ),
        "odd fonts": one_page(
            TEXT,
            resources=b"/Font<<%s 5 0 R/F 5 0 R>>" % odd,
            others=font(more=b"/Encoding%s/Name%s" % (odd, odd), subtype=b"True#FFType"),
        ),
        "odd version": one_page(catalog=b"/Version%s/Lang<FF>" % odd),
        "number for catalog": file_of({1: b"5"}),
        "text for pages": file_of({1: b"<</Type/Catalog/Pages(x)>>"}),
        "pages is catalog": file_of({1: b"<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 1>>"}),
        "kids are numbers": file_of({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[1 2 3]/Count 3>>"}),
        "annotations loop": one_page(page=b"/Annots 5 0 R", others={5: b"[5 0 R 3 0 R 1 0 R [5 0 R]]"}),
        "annotations of billions": one_page(page=b"/Annots[" + b"5 0 R " * 50_000 + b"]", others={5: b"<<>>"}),
        "metadata in itself": one_page(
            catalog=b"/Metadata 5 0 R",
            others={5: stream(b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><a>&d;</a>", b"/Metadata 5 0 R")},
        ),
        "metadata of billions": one_page(
            catalog=b"/Metadata 5 0 R", others={5: stream(b" " * 99_000_000, packed=True)}
        ),
        "encrypted with nothing": one_page(trailer=b"/Encrypt<<>>"),
        "encrypted by no one": one_page(trailer=b"/Encrypt<</Filter/Own/V 99/R 99/O(a)/U(b)/P 1>>"),
        "encrypted by itself": one_page(trailer=b"/Encrypt 1 0 R"),
        "version before": one_page(trailer=b"/Prev 15"),
        "version of itself": one_page(trailer=b"/Prev 99999999999/XRefStm 3"),
    }


def packed_objects() -> dict[str, bytes]:
    """Object streams and cross-reference streams that are bombs, or lead back."""

    def by_stream(entries: bytes, rows: bytes, others: Mapping[int, bytes], *, packed: bool = True) -> bytes:
        out, places = HEAD, {}
        for number, body in others.items():
            places[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        rows = rows or b"".join(
            bytes([number in places]) + places.get(number, 0).to_bytes(4, "big") + b"\0" for number in range(12)
        )
        place = len(out)
        body = stream(rows, b"/Type/XRef/Root 1 0 R/ID[<00><00>]" + entries, packed=packed)
        return out + b"11 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (body, place)

    page = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>",
        4: stream(b"0 0 9 9 re f"),
    }
    usual = b"/Size 12/W[1 4 1]"
    bomb = stream(b"6 0 " + b" " * 60_000_000, b"/Type/ObjStm/N 1/First 4", packed=True)
    return {
        "cross references of billions": by_stream(b"/Size 2147483647/W[1 4 1]", b"", page),
        "cross references without width": by_stream(b"/Size 12/W[0 0 0]", b"", page),
        "cross references too wide": by_stream(b"/Size 12/W[1 2147483647 2147483647]", b"", page),
        "cross references below": by_stream(b"/Size 12/W[-1 4 1]/Index[-5 99999999999]", b"", page),
        "cross reference bomb": by_stream(usual, b"\0" * 60_000_000, page),
        "cross references before themselves": by_stream(usual + b"/Prev 15", b"", page),
        "object stream bomb": by_stream(
            usual,
            b"".join(
                b"\2" + (5).to_bytes(4, "big") + b"\0" if number == 6 else b"\1\0\0\0\x0f\0" for number in range(12)
            ),
            {**page, 5: bomb},
        ),
        "objects of billions": by_stream(
            usual,
            b"",
            {**page, 5: stream(b"6 0 null", b"/Type/ObjStm/N 2147483647/First 2147483647/Extends 5 0 R")},
        ),
    }


def all_of_them() -> dict[str, bytes]:
    """Name -> file."""
    return {
        **boxes(), **contents(), **pictures(), **fonts(), **structures(), **packed_objects(),
        "content bomb": one_page(b" " * 140_000_000, packed=True),
    }  # fmt: skip
