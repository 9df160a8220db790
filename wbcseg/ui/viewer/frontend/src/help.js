import { el } from "./dom.js"

// The keys, in one list: what they do and what the help says of them.

const plain = key => event => event.key === key && !event.shiftKey
const letter = key => event => event.key.toLowerCase() === key && !event.shiftKey
const STYLES = ["fill", "contour", "both"]

function cross(dx, dy) {
  return (viewer, event) => {
    const { picture } = viewer.order[0], step = event.shiftKey ? 10 : 1
    const from = viewer.cross ?? { x: viewer.kept.view.x, y: viewer.kept.view.y }
    const limit = (n, most) => Math.min(most - 0.5, Math.max(0.5, Math.floor(n) + 0.5))
    viewer.point({ x: limit(from.x + dx * step, picture.width), y: limit(from.y + dy * step, picture.height) }, true)
  }
}

function pan(dx, dy) {
  return viewer => viewer.pan((dx * 24) / viewer.kept.view.scale, (dy * 24) / viewer.kept.view.scale)
}

function toggleClass(id) {
  return viewer => viewer.set({ classes: viewer.kept.classes.map((on, i) => (i === id ? !on : on)) })
}

function opacity(by) {
  return viewer => viewer.set({ opacity: Math.min(1, Math.max(0, Math.round(20 * (viewer.kept.opacity + by)) / 20)) })
}

const shifted = key => event => event.key === key && event.shiftKey
const any = key => event => event.key.toLowerCase() === key

export const KEYS = [
  { keys: "← →", does: "Previous and next picture", matches: plain("ArrowLeft"), act: viewer => viewer.goTo(viewer.data.previous) },
  { matches: plain("ArrowRight"), act: viewer => viewer.goTo(viewer.data.next) },
  { keys: "+ −", does: "Zoom, also by wheel or pinch", matches: event => event.key === "+" || event.key === "=", act: viewer => viewer.zoom(1.25) },
  { matches: event => event.key === "-" || event.key === "_", act: viewer => viewer.zoom(0.8) },
  { keys: "0", does: "Fit, also by double click", matches: plain("0"), act: viewer => viewer.fit() },
  { keys: "Shift + arrows", does: "Move the picture, also by dragging", matches: shifted("ArrowLeft"), act: pan(1, 0) },
  { matches: shifted("ArrowRight"), act: pan(-1, 0) },
  { matches: shifted("ArrowUp"), act: pan(0, 1) },
  { matches: shifted("ArrowDown"), act: pan(0, -1) },
  { keys: "W A S D", does: "Move the cross-hair and hear what lies there; with Shift by ten pixels", matches: any("w"), act: cross(0, -1) },
  { matches: any("a"), act: cross(-1, 0) },
  { matches: any("s"), act: cross(0, 1) },
  { matches: any("d"), act: cross(1, 0) },
  { keys: "H", does: "Hide the colours while held", matches: letter("h"), act: viewer => viewer.hide(true) },
  { keys: "O", does: "Areas, outlines, both", matches: letter("o"), act: viewer => viewer.set({ style: STYLES[(STYLES.indexOf(viewer.kept.style) + 1) % 3] }) },
  { keys: "[ ]", does: "Weaker and stronger areas", matches: event => event.key === "[", act: opacity(-0.1) },
  { matches: event => event.key === "]", act: opacity(0.1) },
  { keys: "1 2 3", does: "Background, cytoplasm, nucleus on or off", matches: plain("1"), act: toggleClass(0) },
  { matches: plain("2"), act: toggleClass(1) },
  { matches: plain("3"), act: toggleClass(2) },
  { keys: "G", does: "Hatching", matches: letter("g"), act: viewer => viewer.set({ hatch: !viewer.kept.hatch }) },
  { keys: "P", does: "Panels", matches: letter("p"), act: viewer => viewer.toolbar.open(viewer.toolbar.panelMenu) },
  { keys: "V", does: "Colours", matches: letter("v"), act: viewer => viewer.toolbar.open(viewer.toolbar.viewMenu) },
  { keys: "X", does: "Swipe between two panels", matches: letter("x"), act: viewer => viewer.swipe.toggle() },
  { keys: "E", does: "Correct a mask", matches: letter("e"), act: viewer => viewer.toolbar.toggleEdit() },
  { keys: "?", does: "This list", matches: event => event.key === "?", act: viewer => viewer.help.toggle() },
]

export class Help {
  constructor(viewer) {
    this.viewer = viewer
    const rows = KEYS.filter(one => one.keys).map(one => el("div", {}, el("dt", {}, el("kbd", {}, one.keys)), el("dd", {}, one.does)))
    const close = el("button", { type: "button", onclick: () => this.toggle() }, "Close")
    this.node = el("div", { class: "help", role: "group", "aria-label": "Keys and gestures", hidden: true }, el("dl", {}, ...rows), close)
    this.close = close
    this.node.addEventListener("keydown", event => event.key === "Escape" && this.toggle())
  }

  toggle() {
    this.node.hidden = !this.node.hidden
    const button = this.viewer.toolbar.helpButton
    button.setAttribute("aria-expanded", String(!this.node.hidden))
    ;(this.node.hidden ? button : this.close).focus()
  }
}
