"""What the viewer is told of a picture: which panels there are, what they are called, and which pictures are beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from wbcseg import images
from wbcseg.cards import NOTICE
from wbcseg.classes import CLASSES, PALETTES
from wbcseg.drawing import class_shares
from wbcseg.errors import WbcsegError
from wbcseg.prediction import Catalog, ModelEntry
from wbcseg.ui import store
from wbcseg.ui.store import Found
from wbcseg.ui.viewer.pack import MASK, PICTURE, mask_png, packed
from wbcseg.ui.words import GLOSSARY, as_text, mask_name, percent, short_title, stem


def find(
    picture: store.Shown, entries: Sequence[ModelEntry], models: Catalog, *, careful: bool
) -> dict[str, Found]:
    """Segment a picture with every chosen model, and say of those that cannot why.

    Returns:
        What each makes of it, by the model's name, in order.
    """
    results = {}
    for entry in entries:
        try:
            with st.spinner(f"{as_text(entry.title)} is looking…"):
                results[entry.name] = store.found(picture, entry.name, models, careful=careful)
        except WbcsegError as problem:
            st.warning(f"**{as_text(entry.title)}**: {as_text(str(problem))}", icon=":material/error:")
    return results


def pack_of(picture: store.Shown, results: Mapping[str, Found]) -> tuple[str, bytes]:
    """Return what the browser gets of a picture, and the digest that names it."""
    parts = {PICTURE: store.picture_png(picture)}
    if picture.sample.mask is not None:
        parts[MASK] = mask_png(picture.sample.mask)
    parts |= {name: found.map for name, found in results.items()}
    digest = hashlib.sha256(b"".join([picture.digest.encode(), *(f"{n}\0".encode() + p for n, p in parts.items())]))
    name = digest.hexdigest()[:24]
    return name, packed({"digest": name}, parts)


def told(
    picture: store.Shown,
    digest: str,
    entries: Sequence[ModelEntry],
    results: Mapping[str, Found],
    *,
    previous: str | None = None,
    following: str | None = None,
) -> dict[str, Any]:
    """Return the viewer's data for a picture that was sent.

    Args:
        picture: The picture.
        digest: Of its pack.
        entries: The chosen models.
        results: What each of them that could be used makes of it, by name.
        previous: Id of the picture before it.
        following: Id of the picture after it.
    """
    used = [entry for entry in entries if entry.name in results]
    panels = [_panel(PICTURE, "picture", "Picture", alt="The picture as it was photographed")]
    mask = picture.sample.mask
    if mask is not None:
        name = mask_name(picture.sample.id)
        panels.append(_panel(MASK, "mask", name, part=MASK, alt=_alt(name, mask), help=GLOSSARY[name]))
    for entry in used:
        panel = _panel(entry.name, "model", entry.title, part=entry.name, alt=_alt(entry.title, results[entry.name].labels))
        if not picture.own and entry.card is not None and entry.card.saw(picture.sample.id):
            text = "Trained on this cell"
            panel["mark"] = {"text": text, "help": GLOSSARY["Trained on"], "flatters": True}
        panels.append(panel)
    shown = [panel["key"] for panel in panels]
    if len(used) > 1:
        panels.append(_panel("agreement", "agreement", "Agreement", alt="Where the models disagree: the darker, the more"))
    for entry in used:
        if mask is not None:
            title = f"Errors of {entry.title}"
            alt = f"{title}: missed blue, invented orange, confused pink"
            panels.append(_panel(f"errors.{entry.name}", "errors", title, part=entry.name, alt=alt))
        title = f"Doubt of {entry.title}"
        panels.append(_panel(f"doubt.{entry.name}", "confidence", title, part=entry.name, alt=f"{title}: the darker, the less sure"))
    return {
        "pack": digest,
        "id": picture.sample.id,
        "name": _name(picture),
        "file": images.safe_stem(picture.name if picture.own else stem(picture.sample.id), set()),
        "notice": NOTICE,
        "classes": [{"id": kind.id, "title": kind.name.capitalize()} for kind in CLASSES],
        "palettes": [
            {"key": palette.name, "title": palette.title, "colours": [palette.hex(kind.id) for kind in CLASSES]}
            for palette in PALETTES.values()
        ],
        "panels": panels,
        "shown": shown,
        "previous": previous,
        "next": following,
    }


def _panel(key: str, kind: str, title: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "title": title, **more}


def _name(picture: store.Shown) -> str:
    if picture.own:
        return images.shown(picture.name)
    name = picture.sample.id.partition("/")[0]
    return f"{short_title(name)}, {stem(picture.sample.id)}"


def _alt(heading: str, labels: Any) -> str:
    shares = class_shares(labels)
    return f"{heading}: nucleus {percent(shares['nucleus'])}, cytoplasm {percent(shares['cytoplasm'])} of the picture"
