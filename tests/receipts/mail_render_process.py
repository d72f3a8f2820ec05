"""Renders mails in a process that the kernel kills if it so much as tries to open a file or a socket (Linux only)."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from pathlib import Path

from PIL import Image

from receipts.pdfa import media, typeset
from receipts.pdfa.mail import choose
from receipts.pdfa.mail.opening import Opening
from receipts.policy import Limits
from tests.receipts.mails import multipart, part, photo, text

# architecture, (open, openat, openat2, socket, connect, execve, execveat, fork, vfork), by number
FORBIDDEN = {
    "x86_64": (0xC000003E, (2, 257, 437, 41, 42, 59, 322, 57, 58)),
    "aarch64": (0xC00000B7, (56, 437, 198, 203, 221, 281)),
}
URL = "http://127.0.0.1:9"
HTML = f"""<html><head><base href="{URL}/"><link rel=stylesheet href={URL}/a.css><link rel=icon href=//host/i.png>
<meta http-equiv=refresh content="0;url={URL}/"><style>@import url({URL}/b.css); @import "file:///etc/passwd";
@font-face {{ font-family: f; src: url({URL}/f.ttf), url(file:///usr/share/f.ttf), local(Arial) }}
body {{ font-family: f, sans-serif; background: url(//host/c.png) }} li {{ list-style-image: url(file:///etc/hosts) }}
p::before {{ content: url({URL}/x.png) }} @page {{ background: url({URL}/p.png) }}</style></head><body>
<p>words <b>bold</b> <i>italic</i> <tt>mono</tt> <span style="font-family: serif">serif</span></p><ul><li>x</ul>
<img src={URL}/d.png><img src=e.png><img src=file:///etc/passwd><img src=//host/f.png><img src="\\\\host\\share\\g.png">
<img src=/etc/passwd><img src="C:/windows/win.ini"><img src="ftp://h/x"><img src="data:image/png;base64,AAAA">
<img src="data:text/html,<script>"><img srcset="{URL}/2.png 2x" src="jar:file:///x!/y"><img src="cid:nobody">
<picture><source srcset={URL}/s.png><img src=q.png></picture><input type=image src={URL}/n.png>
<iframe src={URL}/g srcdoc="<img src={URL}/z>"></iframe><object data=file:///etc/passwd></object><embed src={URL}/i>
<svg width=9 height=9><image href={URL}/j.png width=9 height=9 /><use href="file:///k.svg#x"/>
<style>@import "{URL}/l.css"</style>
<foreignObject><img src={URL}/m.png></foreignObject></svg><math><mtext><img src={URL}/t></mtext></math>
<script>fetch('{URL}/u')</script><video poster={URL}/v src={URL}/w></video><audio src=file:///dev/zero></audio>
<table background={URL}/y><tr><td background=file:///etc/passwd>z</table></body></html>"""
SVG = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{URL}/s"/><image href="file:///etc/passwd"/></svg>'
ATTACK = multipart(
    text(HTML + '<img src="cid:svg"><img src="cid:photo">', "html"),
    part(SVG.encode(), "image/svg+xml", "Content-ID: <svg>"),
    part(photo(60, 60), "image/jpeg", "Content-ID: <photo>"),
    kind="related",
)


def forbid() -> None:
    """From here on the kernel kills this process at the first forbidden call (seccomp(2), SECCOMP_MODE_FILTER)."""
    architecture, numbers = FORBIDDEN[platform.machine()]
    kill, allow = 0x80000000, 0x7FFF0000
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    rules = [(load, 0, 0, 4), (jump_if_equal, 1, 0, architecture), (answer, 0, 0, kill), (load, 0, 0, 0)]
    for number in numbers:
        rules += [(jump_if_equal, 0, 1, number), (answer, 0, 0, kill)]
    rules.append((answer, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *rule) for rule in rules))
    program = struct.pack("@HP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, filter_mode, program, 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp here")


def show(message: bytes) -> int:
    """Read and render a message; how many things outside of it it asked for."""
    opened = Opening(Limits()).message(message, media.detect(message))
    body = "".join(one.content for one in opened.texts)
    inline = {f"cid:{leaf.content_id}": (leaf.sniffed, leaf.content) for leaf in opened.leaves}
    choose.receipts(opened, Limits())
    return typeset.pages("<p>head", body, inline, 100).blocked


def main() -> None:
    """Warm up on words alone, so that fonts and modules are there; then attack."""
    fonts = "<p>words <b>bold</b> <i>italic <b>both</b></i> <tt>mono <b>b</b></tt> <font face=serif>s</font><ul><li>x"
    show(multipart(text(fonts, "html"), part(photo(60, 60), "image/jpeg"), part(SVG.encode(), "image/svg+xml")))
    Image.init()
    forbid()
    if "--prove" in sys.argv:
        Path("/etc/hostname").read_bytes()
    sys.stdout.write(str(show(ATTACK)))


if __name__ == "__main__":
    main()
