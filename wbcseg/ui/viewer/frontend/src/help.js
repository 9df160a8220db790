import { createElement } from "./dom.js"

// All keyboard shortcuts in one list: the key, what it does, and what the help says about it.

const isPlain = key => event => event.key === key && !event.shiftKey
const isShifted = key => event => event.key === key && event.shiftKey
const isLetter = letter => event => event.key.toLowerCase() === letter && !event.shiftKey
const isAnyCase = letter => event => event.key.toLowerCase() === letter
const STYLES = ["fill", "outline", "both"]

function moveCrosshair(dx, dy) {
  return (viewer, event) => {
    const { image } = viewer.panels[0], step = event.shiftKey ? 10 : 1
    const from = viewer.crosshair ?? viewer.state.view
    const clamp = (n, size) => Math.min(size - 0.5, Math.max(0.5, Math.floor(n) + 0.5))
    viewer.setCrosshair({ x: clamp(from.x + dx * step, image.width), y: clamp(from.y + dy * step, image.height) }, true)
  }
}

function pan(dx, dy) {
  return viewer => viewer.pan((dx * 24) / viewer.state.view.scale, (dy * 24) / viewer.state.view.scale)
}

function changeOpacity(step) {
  return viewer => viewer.setState({ opacity: Math.min(1, Math.max(0, Math.round(20 * (viewer.state.opacity + step)) / 20)) })
}

function nextStyle(viewer) {
  viewer.setState({ style: STYLES[(STYLES.indexOf(viewer.style) + 1) % STYLES.length] })
}

export const SHORTCUTS = [
  { keys: "← →", help: "Previous or next image", matches: isPlain("ArrowLeft"), run: viewer => viewer.step(-1) },
  { matches: isPlain("ArrowRight"), run: viewer => viewer.step(1) },
  { keys: "+ −", help: "Zoom (also wheel or pinch)", matches: event => ["+", "="].includes(event.key), run: viewer => viewer.zoom(1.25) },
  { matches: event => ["-", "_"].includes(event.key), run: viewer => viewer.zoom(0.8) },
  { keys: "0", help: "Fit to panel (also double click)", matches: isPlain("0"), run: viewer => viewer.fit() },
  { keys: "Shift + arrows", help: "Move the image (also drag)", matches: isShifted("ArrowLeft"), run: pan(1, 0) },
  { matches: isShifted("ArrowRight"), run: pan(-1, 0) },
  { matches: isShifted("ArrowUp"), run: pan(0, 1) },
  { matches: isShifted("ArrowDown"), run: pan(0, -1) },
  { keys: "W A S D", help: "Move the crosshair and read out the pixel; with Shift by ten pixels", matches: isAnyCase("w"), run: moveCrosshair(0, -1) },
  { matches: isAnyCase("a"), run: moveCrosshair(-1, 0) },
  { matches: isAnyCase("s"), run: moveCrosshair(0, 1) },
  { matches: isAnyCase("d"), run: moveCrosshair(1, 0) },
  { keys: "H", help: "Hold to hide overlay", matches: isLetter("h"), run: viewer => viewer.setHidden(true) },
  { keys: "O", help: "Fill, outline, or both", matches: isLetter("o"), run: nextStyle },
  { keys: "[ ]", help: "Decrease or increase opacity", matches: event => event.key === "[", run: changeOpacity(-0.1) },
  { matches: event => event.key === "]", run: changeOpacity(0.1) },
  { keys: "1 2 3", help: "Show or hide background, cytoplasm, nucleus", matches: isPlain("1"), run: viewer => viewer.toggleClass(0) },
  { matches: isPlain("2"), run: viewer => viewer.toggleClass(1) },
  { matches: isPlain("3"), run: viewer => viewer.toggleClass(2) },
  { keys: "G", help: "Hatching", matches: isLetter("g"), run: viewer => viewer.setState({ hatching: !viewer.state.hatching }) },
  { keys: "P", help: "Panels", matches: isLetter("p"), run: viewer => viewer.toolbar.toggleMenu(viewer.toolbar.panelsMenu) },
  { keys: "V", help: "Display", matches: isLetter("v"), run: viewer => viewer.toolbar.toggleMenu(viewer.toolbar.displayMenu) },
  { keys: "X", help: "Compare two panels with a divider", matches: isLetter("x"), run: viewer => viewer.swipe.toggle() },
  { keys: "E", help: "Edit a mask", matches: isLetter("e"), run: viewer => viewer.toolbar.toggleEditing() },
  { keys: "?", help: "This list", matches: event => event.key === "?", run: viewer => viewer.help.toggle() },
]

// What else there is in a field of view; see cells/cell_tools.js.
const FIELD_HELP = [
  ["Arrows, Tab", "Go from cell to cell; Shift + click or a long press selects several"],
  ["A", "Add a cell: click it, drag a box around it, or move the crosshair with the arrows and press A; + and − size a box"],
  ["Delete", "Delete the selected cells, or those clicked next"],
  ["S", "Split: draw a line across, or set its ends with Enter"],
  ["M", "Merge: click the parts of one cell, then Enter"],
  ["R", "Count in a region: click its corners, then Enter, or draw around it"],
  ["Ctrl + Z", "Undo; with Shift, redo"],
  ["N", "Show or hide numbers and types"],
  ["Esc", "Leave the tool, then the selection"],
]
// Keys that do something else in a field of view.
const REPLACED_IN_FIELD = ["← →", "W A S D"]

export class Help {
  constructor(viewer) {
    this.viewer = viewer
    this.list = createElement("dl")
    this.closeButton = createElement("button", { type: "button", onclick: () => this.toggle() }, "Close")
    this.node = createElement(
      "div", { class: "help", role: "group", "aria-label": "Keyboard shortcuts and gestures", hidden: true },
      this.list, this.closeButton,
    )
    this.node.addEventListener("keydown", event => event.key === "Escape" && this.toggle())
  }

  listKeys() {
    const always = SHORTCUTS.filter(shortcut => shortcut.keys).map(({ keys, help }) => [keys, help])
    if (!this.viewer.field.isShown) return always
    return [...FIELD_HELP, ...always.filter(([keys]) => !REPLACED_IN_FIELD.includes(keys))]
  }

  toggle() {
    this.node.hidden = !this.node.hidden
    const rows = this.listKeys().map(([keys, help]) =>
      createElement("div", {}, createElement("dt", {}, createElement("kbd", {}, keys)), createElement("dd", {}, help)),
    )
    this.list.replaceChildren(...rows)
    const { helpButton } = this.viewer.toolbar
    helpButton.setAttribute("aria-expanded", String(!this.node.hidden))
    ;(this.node.hidden ? helpButton : this.closeButton).focus()
  }
}
