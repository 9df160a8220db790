import { el, pressed, share } from "./dom.js"
import { dice } from "./overlays.js"
import { corrected, dropDraft, keepDraft } from "./local_drafts.js"
import { place } from "./render.js"
import { History, disc, flood, polygon, runLengths } from "./paint.js"
import { mapOf } from "./image_store.js"

// Correcting a model's mask: brush, polygon, fill and erase, with undo and redo, scored at once.

const TOOLS = { brush: ["Brush", "b"], polygon: ["Polygon", "l"], fill: ["Fill", "f"], erase: ["Erase", "q"], move: ["Move", "m"] }

export class Editor {
  constructor(viewer, panel) {
    this.viewer = viewer
    this.panel = panel
    this.part = panel.data.part
    this.tool = "brush"
    this.id = 2
    this.size = Math.max(3, Math.round(panel.picture.width / 24))
    this.points = []
    const edits = viewer.editsOf(viewer.pack.digest)
    if (!edits.has(this.part)) edits.set(this.part, corrected(panel.map))
    panel.map = edits.get(this.part)
    this.history = new History(panel.map)
    this.build()
    panel.node.classList.add("edited")
    viewer.grid.before(this.node)
    panel.canvas.focus()
  }

  build() {
    const tool = (text, hint, act) => el("button", { type: "button", title: hint, onclick: act }, text)
    this.tools = el("div", { class: "segments", role: "group", "aria-label": "Tool" })
    for (const [name, [title, key]] of Object.entries(TOOLS)) {
      const button = tool(title, `${title} (${key.toUpperCase()})`, () => this.choose(name))
      button.dataset.tool = name
      this.tools.append(button)
    }
    this.classes = el("div", { class: "segments", role: "group", "aria-label": "Class to paint" })
    for (const { id, title } of [...this.viewer.data.classes].reverse()) {
      const button = tool(title, `Paint ${title.toLowerCase()} (${id + 1})`, () => this.paintWith(id))
      button.dataset.class = id
      this.classes.append(button)
    }
    this.range = el("input", { type: "range", min: 1, max: 60, "aria-label": "Size of the brush in pixels", title: "Size of the brush ([ and ])" })
    this.range.value = this.size
    this.range.addEventListener("input", () => (this.size = Number(this.range.value)))
    this.undo = tool("Undo", "Undo (Z)", () => this.step("back"))
    this.redo = tool("Redo", "Redo (Y)", () => this.step("again"))
    this.save = tool("Save mask", "A PNG in the grey codes 0, 128 and 255", () => this.viewer.save(`mask ${this.part}`))
    this.collect = tool("Use for training", "Keep picture and mask for a training", () => this.sendMask())
    this.discard = tool("Start over", "Back to what the model said", () => this.startOver())
    this.scores = el("span", { class: "scores", role: "status" })
    this.node = el(
      "div",
      { class: "bar edit", role: "toolbar", "aria-label": `Correct the mask of ${this.panel.data.title}` },
      el("strong", {}, `Correcting ${this.panel.data.title}`), this.tools, this.classes, this.range,
      el("div", { class: "group" }, this.undo, this.redo, this.discard),
      el("div", { class: "group" }, this.save, this.collect, tool("Done", "Leave (Esc)", () => this.viewer.edit(null))), this.scores,
    )
    this.show()
  }

  show() {
    for (const button of this.tools.children) pressed(button, button.dataset.tool === this.tool)
    for (const button of this.classes.children) pressed(button, Number(button.dataset.class) === this.id)
    this.undo.disabled = !this.history.done.length
    this.redo.disabled = !this.history.undone.length
    if (this.panel.mask) {
      const of = dice(this.panel.map, this.panel.mask)
      this.scores.textContent = `Dice: nucleus ${share(of.nucleus)}, cytoplasm ${share(of.cytoplasm)}, cell ${share(of.cell)}`
    }
  }

  choose(tool) {
    this.tool = tool
    this.points = []
    this.show()
    this.viewer.draw()
  }

  paintWith(id) {
    this.id = id
    if (this.tool === "erase" || this.tool === "move") this.tool = "brush"
    this.show()
  }

  get painted() {
    return this.tool === "erase" ? 0 : this.id
  }

  down(event, spot) {
    if (spot.panel !== this.panel || this.tool === "move" || event.button > 0) return false
    if (this.tool === "polygon") {
      const first = this.points[0]
      if (first && Math.hypot(first.x - spot.x, first.y - spot.y) * spot.s < 8) this.closePolygon()
      else this.points.push({ x: spot.x, y: spot.y })
      this.viewer.draw()
      return true
    }
    if (this.tool === "fill") {
      this.fill(spot.x, spot.y)
      return true
    }
    this.panel.canvas.setPointerCapture(event.pointerId)
    this.history.begin()
    this.last = { x: spot.x, y: spot.y }
    this.stroke(spot)
    return true
  }

  move(event, spot) {
    if (spot.panel === this.panel) this.viewer.point(spot)
    if (!this.last) return false
    const coalesced = event.getCoalescedEvents?.() ?? []
    for (const one of coalesced.length ? coalesced : [event]) {
      const at = this.viewer.panelAt(one, this.panel)
      if (at) this.stroke(at)
    }
    return true
  }

  up() {
    if (!this.last) return false
    this.last = null
    if (this.history.end()) this.changed()
    return true
  }

  stroke(spot) {
    const { width, height } = this.panel.map
    this.history.set(disc(width, height, this.last, spot, this.size), this.painted)
    this.last = { x: spot.x, y: spot.y }
    this.refresh()
  }

  fill(x, y) {
    const { width, height, ids } = this.panel.map
    const column = Math.floor(x), row = Math.floor(y)
    if (column < 0 || row < 0 || column >= width || row >= height) return
    this.once(flood(ids, width, height, column, row))
  }

  closePolygon() {
    const { width, height } = this.panel.map
    if (this.points.length > 2) this.once(polygon(width, height, this.points))
    this.points = []
    this.viewer.draw()
  }

  once(pixels) {
    this.history.begin()
    this.history.set(pixels, this.painted)
    if (this.history.end()) this.changed()
  }

  step(which) {
    if (this.history[which]()) this.changed()
  }

  changed() {
    if (!keepDraft(this.viewer.pack.digest, this.part, this.panel.map)) {
      this.viewer.complain("The browser has no room to keep this mask over a reload. Save it as a file.")
    }
    this.refresh()
    this.show()
  }

  // Every panel that shows this map is made anew.
  refresh() {
    const { settings } = this.viewer
    for (const panel of this.viewer.order) {
      if (panel.data.part !== this.part && panel.data.kind !== "agreement") continue
      if (panel.data.part === this.part) panel.map = this.panel.map
      if (panel.models) panel.models = panel.models.map((map, i) => (this.viewer.modelParts()[i] === this.part ? this.panel.map : map))
      panel.signature = null
      panel.compose(settings)
      if (!this.last) panel.score()
    }
    this.viewer.draw()
  }

  key(event) {
    const key = event.key.toLowerCase()
    const tool = Object.entries(TOOLS).find(([, [, letter]]) => letter === key)?.[0]
    const act =
      (event.ctrlKey || event.metaKey) && key === "z" ? () => this.step(event.shiftKey ? "again" : "back")
      : event.ctrlKey || event.metaKey || event.altKey ? null
      : tool ? () => this.choose(tool)
      : key === "z" ? () => this.step("back")
      : key === "y" ? () => this.step("again")
      : ["1", "2", "3"].includes(key) ? () => this.paintWith(Number(key) - 1)
      : key === "[" ? () => this.resize(-1)
      : key === "]" ? () => this.resize(1)
      : key === "enter" && this.points.length ? () => this.closePolygon()
      : key === "escape" ? () => (this.points.length ? this.choose(this.tool) : this.viewer.edit(null))
      : key === " " && this.viewer.root.activeElement === this.panel.canvas ? () => this.dab()
      : null
    if (!act) return false
    event.preventDefault()
    event.stopPropagation()
    act()
    return true
  }

  // Paints at the cross-hair: the mask can be corrected without a mouse.
  dab() {
    const at = this.viewer.cross ?? this.viewer.kept.view, { width, height } = this.panel.map
    if (this.tool === "fill") return this.fill(at.x, at.y)
    if (this.tool === "polygon") {
      this.points.push({ x: at.x, y: at.y })
      return this.viewer.draw()
    }
    this.once(disc(width, height, at, at, this.size))
  }

  resize(by) {
    this.size = Math.min(60, Math.max(1, this.size + by))
    this.range.value = this.size
    this.viewer.draw()
  }

  // The brush and the open polygon, over the panel.
  draw() {
    const { context, canvas, picture } = this.panel, s = place(context, canvas, picture, this.viewer.kept.view)
    const at = this.viewer.cross
    for (const [colour, width] of [["#000000", 3], ["#ffffff", 1.3]]) {
      context.strokeStyle = colour
      context.lineWidth = width / s
      if (at && (this.tool === "brush" || this.tool === "erase")) {
        context.beginPath()
        context.arc(at.x, at.y, this.size / 2, 0, 7)
        context.stroke()
      }
      if (this.points.length) {
        context.beginPath()
        this.points.forEach((p, i) => (i ? context.lineTo(p.x, p.y) : context.moveTo(p.x, p.y)))
        if (at) context.lineTo(at.x, at.y)
        context.stroke()
      }
    }
  }

  // To Python: picture and mask join the pairs of this session that a training can learn from.
  sendMask() {
    this.viewer.send("mask", {
      digest: this.viewer.pack.digest,
      part: this.part,
      width: this.panel.map.width,
      height: this.panel.map.height,
      runs: runLengths(this.panel.map.ids),
    })
  }

  async startOver() {
    const said = await mapOf(this.viewer.pack, this.part)
    const byClass = [[], [], []]
    said.ids.forEach((id, i) => this.panel.map.ids[i] !== id && byClass[id].push(i))
    this.history.begin()
    byClass.forEach((pixels, id) => this.history.set(pixels, id))
    if (this.history.end()) this.changed()
    dropDraft(this.viewer.pack.digest, this.part)
  }

  close() {
    this.panel.node.classList.remove("edited")
    this.node.remove()
  }
}
