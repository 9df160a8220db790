import { createElement, formatScore, setPressed } from "./dom.js"
import { computeDice } from "./overlays.js"
import { copyMap, deleteDraft, saveDraft } from "./local_drafts.js"
import { setViewTransform } from "./render.js"
import { History, encodeRle, floodFill, rasterizePolygon, rasterizeStroke } from "./paint.js"
import { loadMap } from "./image_store.js"

// Editing a model's mask: brush, polygon, fill and erase, with undo and redo. The Dice follows every change.

const TOOLS = {
  brush: ["Brush", "b"],
  polygon: ["Polygon", "l"],
  fill: ["Fill", "f"],
  erase: ["Erase", "q"],
  move: ["Move", "m"],
}
const MAX_BRUSH_SIZE = 60
const CLOSING_DISTANCE = 8

export class Editor {
  constructor(viewer, panel) {
    this.viewer = viewer
    this.panel = panel
    this.part = panel.props.part
    this.digest = viewer.payload.digest
    this.tool = "brush"
    this.classId = 2
    this.brushSize = Math.max(3, Math.round(panel.image.width / 24))
    this.polygon = []
    this.lastPoint = null
    const edits = viewer.getEdits(viewer.payload.digest)
    if (!edits.has(this.part)) edits.set(this.part, copyMap(panel.map))
    panel.map = edits.get(this.part)
    this.history = new History(panel.map)
    this.createControls()
    panel.isEditing = true
    panel.node.classList.add("editing")
    this.refreshPanels()
    viewer.toolbar.node.after(this.node)
    panel.canvas.focus()
  }

  createControls() {
    const button = (text, tooltip, onclick, more = {}) =>
      createElement("button", { type: "button", title: tooltip, onclick, ...more }, text)
    const segments = (label, ...buttons) => createElement("div", { class: "segments", role: "group", "aria-label": label }, ...buttons)
    const { title } = this.panel.props
    this.tools = segments(
      "Tool",
      ...Object.entries(TOOLS).map(([tool, [text, key]]) =>
        button(text, `${text} (${key.toUpperCase()})`, () => this.selectTool(tool), { "data-tool": tool }),
      ),
    )
    this.classes = segments(
      "Class to paint",
      ...[...this.viewer.props.classes].reverse().map(({ id, title: name }) =>
        button(name, `Paint ${name.toLowerCase()} (${id + 1})`, () => this.selectClass(id), { "data-class": id }),
      ),
    )
    this.brushSlider = createElement("input", {
      type: "range", min: 1, max: MAX_BRUSH_SIZE, "aria-label": "Brush size in pixels", title: "Brush size ([ and ])",
    })
    this.brushSlider.value = this.brushSize
    this.brushSlider.addEventListener("input", () => (this.brushSize = Number(this.brushSlider.value)))
    this.undoButton = button("Undo", "Undo (Z)", () => this.undo())
    this.redoButton = button("Redo", "Redo (Y)", () => this.redo())
    this.scores = createElement("span", { class: "scores", role: "status" })
    this.node = createElement(
      "div",
      { class: "bar edit", role: "toolbar", "aria-label": this.isRequired ? title : `Edit the mask of ${title}` },
      createElement("strong", {}, this.isRequired ? this.task : `Editing ${title}`), this.tools, this.classes, this.brushSlider,
      createElement(
        "div", { class: "group" }, this.undoButton, this.redoButton,
        button("Reset", "Discard all edits of this mask", () => this.reset()),
      ),
      createElement(
        "div", { class: "group" },
        ...this.createFinalButtons(button),
      ),
      this.scores,
    )
    this.updateControls()
  }

  // Whether the page asks for the drawing, so that the editor stays open.
  get isRequired() {
    return Boolean(this.viewer.props.starts_editing)
  }

  get task() {
    const names = this.viewer.props.classes.filter(({ id }) => id > 0).map(({ title }) => title.toLowerCase())
    return `Paint ${names.reverse().join(" and ")}`
  }

  createFinalButtons(button) {
    const { text, help } = this.viewer.props.mask_button
    if (this.isRequired) return [button(text, help, () => this.sendMask(), { class: "primary" })]
    return [
      button("Save mask", "PNG with grey values 0, 128 and 255", () => this.viewer.save("mask", this.part)),
      button(text, help, () => this.sendMask()),
      button("Done", "Stop editing (Esc)", () => this.viewer.edit(null)),
    ]
  }

  updateControls() {
    for (const button of this.tools.children) setPressed(button, button.dataset.tool === this.tool)
    for (const button of this.classes.children) setPressed(button, Number(button.dataset.class) === this.classId)
    this.undoButton.disabled = !this.history.canUndo
    this.redoButton.disabled = !this.history.canRedo
    if (!this.panel.mask) return
    const dice = computeDice(this.panel.map, this.panel.mask)
    const scores = Object.entries(dice).map(([region, value]) => `${region} ${formatScore(value)}`)
    this.scores.textContent = `Dice: ${scores.join(", ")}`
  }

  selectTool(tool) {
    this.tool = tool
    this.polygon = []
    this.updateControls()
    this.viewer.draw()
  }

  selectClass(id) {
    this.classId = id
    if (this.tool === "erase" || this.tool === "move") this.tool = "brush"
    this.updateControls()
  }

  get paintedClass() {
    return this.tool === "erase" ? 0 : this.classId
  }

  // The pointer handlers return whether the editor has handled the event.
  down(event, hit) {
    if (hit.panel !== this.panel || this.tool === "move" || event.button > 0) return false
    if (this.tool === "polygon") this.addCorner(hit)
    else if (this.tool === "fill") this.fill(hit.x, hit.y)
    else {
      this.panel.canvas.setPointerCapture(event.pointerId)
      this.history.begin()
      this.lastPoint = { x: hit.x, y: hit.y }
      this.stroke(hit)
    }
    return true
  }

  move(event, hit) {
    if (hit.panel === this.panel) this.viewer.setCrosshair(hit)
    if (!this.lastPoint) return false
    const coalesced = event.getCoalescedEvents?.() ?? []
    for (const step of coalesced.length ? coalesced : [event]) {
      const point = this.viewer.locate(step, this.panel)
      if (point) this.stroke(point)
    }
    return true
  }

  up() {
    if (!this.lastPoint) return false
    this.lastPoint = null
    if (this.history.end()) this.onChanged()
    return true
  }

  stroke(point) {
    const { width, height } = this.panel.map
    this.history.set(rasterizeStroke(width, height, this.lastPoint, point, this.brushSize), this.paintedClass)
    this.lastPoint = { x: point.x, y: point.y }
    this.refreshPanels()
  }

  addCorner(hit) {
    const first = this.polygon[0]
    if (first && Math.hypot(first.x - hit.x, first.y - hit.y) * hit.scale < CLOSING_DISTANCE) this.closePolygon()
    else this.polygon.push({ x: hit.x, y: hit.y })
    this.viewer.draw()
  }

  closePolygon() {
    const { width, height } = this.panel.map
    if (this.polygon.length > 2) this.apply(rasterizePolygon(width, height, this.polygon))
    this.polygon = []
    this.viewer.draw()
  }

  fill(x, y) {
    const { width, height, ids } = this.panel.map, column = Math.floor(x), row = Math.floor(y)
    if (column < 0 || row < 0 || column >= width || row >= height) return
    this.apply(floodFill(ids, width, height, column, row))
  }

  // Sets pixels as one change.
  apply(pixels) {
    this.history.begin()
    this.history.set(pixels, this.paintedClass)
    if (this.history.end()) this.onChanged()
  }

  undo() {
    if (this.history.undo()) this.onChanged()
  }

  redo() {
    if (this.history.redo()) this.onChanged()
  }

  onChanged() {
    if (!saveDraft(this.viewer.payload.digest, this.part, this.panel.map)) {
      this.viewer.showError("The browser's storage is full, so this mask would be lost on a reload. Save it as a file.")
    }
    this.refreshPanels()
    this.updateControls()
  }

  // Renders every panel that shows the edited map.
  refreshPanels() {
    const { settings, models } = this.viewer
    for (const panel of this.viewer.panels) {
      if (panel.props.part !== this.part && panel.props.kind !== "agreement") continue
      if (panel.props.part === this.part) panel.map = this.panel.map
      if (panel.models) panel.models = panel.models.map((map, i) => (models[i].part === this.part ? this.panel.map : map))
      panel.layersKey = null
      panel.renderLayers(settings)
      if (!this.lastPoint) panel.showCaption()
    }
    this.viewer.draw()
  }

  // Handles a key. Returns whether it was one of the editor's.
  handleKey(event) {
    const run = this.findKeyAction(event)
    if (!run) return false
    event.preventDefault()
    event.stopPropagation()
    run()
    return true
  }

  findKeyAction(event) {
    const key = event.key.toLowerCase(), hasModifier = event.ctrlKey || event.metaKey
    if (hasModifier && key === "z") return () => (event.shiftKey ? this.redo() : this.undo())
    if (hasModifier || event.altKey) return null
    const tool = Object.keys(TOOLS).find(name => TOOLS[name][1] === key)
    if (tool) return () => this.selectTool(tool)
    if (key === "z") return () => this.undo()
    if (key === "y") return () => this.redo()
    if (["1", "2", "3"].includes(key)) return () => this.selectClass(Number(key) - 1)
    if (key === "[") return () => this.resizeBrush(-1)
    if (key === "]") return () => this.resizeBrush(1)
    if (key === "enter" && this.polygon.length) return () => this.closePolygon()
    if (key === "escape") return () => this.cancel()
    if (key === " " && this.viewer.root.activeElement === this.panel.canvas) return () => this.paintAtCrosshair()
    return null
  }

  // Discards the open polygon or, if there is none, stops editing.
  cancel() {
    if (this.polygon.length) this.selectTool(this.tool)
    else if (!this.isRequired) this.viewer.edit(null)
  }

  // Paints at the crosshair, so that a mask can be edited without a mouse.
  paintAtCrosshair() {
    const point = this.viewer.crosshair ?? this.viewer.state.view, { width, height } = this.panel.map
    if (this.tool === "fill") return this.fill(point.x, point.y)
    if (this.tool === "polygon") {
      this.polygon.push({ x: point.x, y: point.y })
      return this.viewer.draw()
    }
    this.apply(rasterizeStroke(width, height, point, point, this.brushSize))
  }

  resizeBrush(step) {
    this.brushSize = Math.min(MAX_BRUSH_SIZE, Math.max(1, this.brushSize + step))
    this.brushSlider.value = this.brushSize
    this.viewer.draw()
  }

  // Draws the brush and the open polygon over the panel.
  draw() {
    const { context, canvas, image } = this.panel, scale = setViewTransform(context, canvas, image, this.viewer.state.view)
    const { crosshair } = this.viewer
    for (const [colour, lineWidth] of [["#000000", 3], ["#ffffff", 1.3]]) {
      context.strokeStyle = colour
      context.lineWidth = lineWidth / scale
      if (crosshair && (this.tool === "brush" || this.tool === "erase")) {
        context.beginPath()
        context.arc(crosshair.x, crosshair.y, this.brushSize / 2, 0, 2 * Math.PI)
        context.stroke()
      }
      if (this.polygon.length) {
        context.beginPath()
        this.polygon.forEach((p, i) => (i ? context.lineTo(p.x, p.y) : context.moveTo(p.x, p.y)))
        if (crosshair) context.lineTo(crosshair.x, crosshair.y)
        context.stroke()
      }
    }
  }

  // Sends the mask to Python: to keep it with the image, or to have a drawing checked.
  sendMask() {
    const { width, height, ids } = this.panel.map
    this.viewer.setTriggerValue("mask", { digest: this.viewer.payload.digest, part: this.part, width, height, rle: encodeRle(ids) })
  }

  async reset() {
    const original = await loadMap(this.viewer.payload, this.part), pixelsByClass = [[], [], []]
    original.ids.forEach((id, i) => this.panel.map.ids[i] !== id && pixelsByClass[id].push(i))
    this.history.begin()
    pixelsByClass.forEach((pixels, id) => this.history.set(pixels, id))
    if (this.history.end()) this.onChanged()
    deleteDraft(this.viewer.payload.digest, this.part)
  }

  close() {
    this.panel.isEditing = false
    this.panel.node.classList.remove("editing")
    this.panel.renderLayers(this.viewer.settings)
    this.node.remove()
  }
}
