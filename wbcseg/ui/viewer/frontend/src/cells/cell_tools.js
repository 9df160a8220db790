import { strokeWithHalo } from "./cell_layer.js"
import { measureInside, simplifyLine } from "./geometry.js"
import { setViewTransform } from "../render.js"

// The tools with which cells are selected and corrected, by pointer, finger and keyboard. A tool stays active until Esc.

// Each tool: its name, its key, and what to do with it.
export const TOOLS = {
  select: { title: "Select", key: "Esc", hint: "" },
  add: { title: "Add a cell", key: "A", hint: "Click an overlooked cell, or drag a box around it." },
  delete: { title: "Delete", key: "Del", hint: "Click what is not a white blood cell." },
  split: { title: "Split", key: "S", hint: "Draw a line across the cell, where one ends and the other begins." },
  merge: { title: "Merge", key: "M", hint: "Click the parts of one cell, then press Enter." },
  region: { title: "Count in a region", key: "R", hint: "Click the corners of the region, or draw around it." },
}
const POINT_TOOLS = ["add", "split", "region"]
const CLOSING_DISTANCE = 12, MIN_BOX_SIDE = 6, LINE_TOLERANCE = 1.5, KEY_STEP = 8, LARGE_KEY_STEP = 40, BOX_STEP = 1.15
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export class CellTools {
  constructor(field) {
    this.field = field
    this.tool = "select"
    this.points = []
    this.dragStart = null
    this.boxSize = null
    // Whether the crosshair was moved by key since the last corner: then Enter sets another one.
    this.hasMoved = false
  }

  get isActive() {
    return this.tool !== "select"
  }

  get isPointTool() {
    return POINT_TOOLS.includes(this.tool)
  }

  // Switches to a tool. Chosen again, it is left.
  select(tool) {
    const { field } = this, wasActive = this.tool === tool
    Object.assign(this, { tool: wasActive ? "select" : tool, points: [], dragStart: null, boxSize: null, hasMoved: false })
    if (!field.panel) return
    field.problem = ""
    field.toolbar.update()
    if (this.isActive) field.viewer.announce(`${TOOLS[tool].title}. ${TOOLS[tool].hint}`)
    field.viewer.draw()
  }

  // Handles a click or a tap. Returns whether it was on a panel with cells.
  tap(hit, { pointerType = "mouse", shiftKey = false, ctrlKey = false, metaKey = false } = {}) {
    const { field } = this
    if (!hit.panel.cellLayer) return false
    field.problem = ""
    const cell = field.findAt(hit, pointerType)
    if (this.tool === "select") this.tapCell(cell, shiftKey || ctrlKey || metaKey)
    if (this.tool === "delete" && cell) field.apply({ kind: "delete", ids: [cell.id] })
    if (this.tool === "merge" && cell) field.selectCell(cell, true)
    if (this.tool === "add") this.addAt(hit, cell)
    if (this.tool === "split") this.addLinePoint(hit)
    if (this.tool === "region") this.addCorner(hit)
    field.viewer.draw()
    return true
  }

  tapCell(cell, isExtending) {
    if (cell || !isExtending) this.field.selectCell(cell, isExtending)
  }

  // A long press extends the selection on a cell, and adds a cell elsewhere.
  longPress(hit) {
    const { field } = this
    if (!hit.panel.cellLayer) return false
    const cell = field.findAt(hit, "touch")
    if (cell) field.selectCell(cell, true)
    else this.addAt(hit, null)
    return true
  }

  addAt({ x, y }, cell) {
    const { field, boxSize } = this, half = (boxSize ?? 0) / 2
    if (!this.isInImage(x, y)) return
    if (cell && !boxSize) return field.warn(`This is cell ${cell.number} already. To divide it, use Split.`)
    field.apply(boxSize ? { kind: "add_box", box: [x - half, y - half, x + half, y + half] } : { kind: "add_point", points: [[x, y]] })
  }

  isInImage(x, y) {
    const { width, height } = this.field.panel.image
    return x >= 0 && y >= 0 && x < width && y < height
  }

  addLinePoint({ x, y }) {
    this.points.push([x, y])
    if (this.points.length === 2) this.split(this.points)
  }

  split(line) {
    const { field } = this
    this.points = []
    const lengths = field.layer.cells.map(cell => [measureInside(line, cell.outline), cell]).filter(([length]) => length > 0)
    const [, cell] = lengths.sort((a, b) => b[0] - a[0])[0] ?? []
    if (!cell) return field.warn("The line crosses no cell.")
    field.apply({ kind: "split", ids: [cell.id], points: line })
  }

  addCorner({ x, y, scale }) {
    const [first] = this.points
    if (this.points.length > 2 && Math.hypot(first[0] - x, first[1] - y) * scale < CLOSING_DISTANCE) return this.closeRegion()
    this.points.push([x, y])
    this.hasMoved = false
    this.field.toolbar.update()
  }

  closeRegion() {
    const region = this.points.map(point => point.map(n => Math.round(10 * n) / 10))
    this.points = []
    if (region.length > 2) this.field.setRegion(region)
  }

  // Begins a drag. Returns whether the tool takes it; else it moves the image.
  beginDrag(hit) {
    if (!hit.panel.cellLayer || !this.isPointTool) return false
    this.dragStart = [hit.x, hit.y]
    return true
  }

  drag(hit) {
    const { tool, dragStart } = this
    if (!dragStart) return
    if (tool === "add") this.points = [dragStart, [hit.x, hit.y]]
    else this.points = [...(this.isDragging ? this.points : [dragStart]), [hit.x, hit.y]]
    this.isDragging = true
    this.field.viewer.draw()
  }

  endDrag({ scale }) {
    const { points, tool, field } = this, wasDragging = this.isDragging
    this.dragStart = null
    this.isDragging = false
    if (!wasDragging) return
    this.points = []
    if (tool === "add") this.addBox(points, scale)
    if (tool === "split") this.split(simplifyLine(points, LINE_TOLERANCE / scale))
    if (tool === "region") {
      this.points = simplifyLine(points, LINE_TOLERANCE / scale)
      this.closeRegion()
    }
    field.viewer.draw()
  }

  addBox([[x1, y1], [x2, y2]], scale) {
    const { width, height } = this.field.panel.image, clamp = (n, size) => Math.min(size, Math.max(0, n))
    const box = [clamp(Math.min(x1, x2), width), clamp(Math.min(y1, y2), height), clamp(Math.max(x1, x2), width), clamp(Math.max(y1, y2), height)]
    if (Math.min(box[2] - box[0], box[3] - box[1]) * scale < MIN_BOX_SIDE) return
    this.field.apply({ kind: "add_box", box })
  }

  // A second finger zooms; what the first one began to draw is dropped.
  cancelDrag() {
    if (this.isDragging) this.points = []
    this.dragStart = null
    this.isDragging = false
  }

  // Does what the hint offers: merges, or closes the region.
  confirm() {
    if (this.tool === "merge") this.field.mergeSelected()
    else if (this.tool === "region" && this.points.length > 2) this.closeRegion()
    else return false
    return true
  }

  // Returns what a key does; null where it is not a key of the tools.
  findKeyAction(event, isOnCanvas) {
    const { field } = this, key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") return () => (event.shiftKey ? field.redo() : field.undo())
      return key === "y" ? () => field.redo() : null
    }
    if (event.altKey) return null
    if (key === "Escape") return this.findEscape()
    if (key === "Delete" || key === "Backspace") return () => field.deleteSelected() || this.select("delete")
    if (!event.shiftKey && key === "n") return () => field.toolbar.toggleNumbers()
    if (!event.shiftKey && key === "a") return () => (this.tool === "add" && isOnCanvas ? this.tapCrosshair() : this.start("add"))
    const tool = Object.keys(TOOLS).find(name => TOOLS[name].key.toLowerCase() === key)
    if (tool && !event.shiftKey) return () => this.start(tool)
    return isOnCanvas ? this.findCanvasKeyAction(event, key) : null
  }

  findEscape() {
    if (this.points.length) return () => ((this.points = []), this.field.toolbar.update(), this.field.viewer.draw())
    if (this.isActive) return () => (this.select("select"), this.field.viewer.announce("Select"))
    if (this.field.selection.size) return () => this.field.selectCell(null)
    return null
  }

  // Keys with a meaning of their own elsewhere.
  findCanvasKeyAction(event, key) {
    const { field, isPointTool } = this
    if (ARROWS[key] && (isPointTool || !event.shiftKey)) {
      return () => (isPointTool ? this.moveCrosshair(...ARROWS[key], event.shiftKey) : this.stepTowards(...ARROWS[key]))
    }
    if (key === "Tab" && field.selection.size) {
      const next = field.layer.findNext(field.lastSelected, event.shiftKey ? -1 : 1)
      return next ? () => this.goToCell(next) : null
    }
    if (this.tool === "add" && ["+", "=", "-", "_"].includes(key)) return () => this.resizeBox(["+", "="].includes(key) ? BOX_STEP : 1 / BOX_STEP)
    if (key === "Enter") return () => (!this.hasMoved && this.confirm()) || (isPointTool ? this.tapCrosshair() : this.toggleCurrent())
    if (key === " ") return () => (isPointTool ? this.tapCrosshair() : this.toggleCurrent())
    return null
  }

  // Switches to a tool by key, with the crosshair in place for those that need a point.
  start(tool) {
    const { viewer, panel } = this.field
    if (this.tool !== tool) this.select(tool)
    panel?.canvas.focus({ preventScroll: true })
    if (this.isPointTool && panel && !viewer.crosshair) viewer.setCrosshair(viewer.state.view)
  }

  getScale() {
    const { canvas, image } = this.field.panel
    return Math.min(canvas.clientWidth / image.width, canvas.clientHeight / image.height) * this.field.viewer.state.view.scale
  }

  moveCrosshair(dx, dy, isLarge) {
    const { viewer, panel } = this.field, { x, y } = viewer.crosshair ?? viewer.state.view, { width, height } = panel.image
    const step = Math.max(1, (isLarge ? LARGE_KEY_STEP : KEY_STEP) / this.getScale()), clamp = (n, size) => Math.min(size - 0.5, Math.max(0.5, n))
    const point = { x: clamp(x + dx * step, width), y: clamp(y + dy * step, height) }
    this.hasMoved = true
    this.field.reveal(point.x, point.y)
    viewer.setCrosshair(point, true)
  }

  tapCrosshair() {
    const { viewer, panel } = this.field, { x, y } = viewer.crosshair ?? viewer.state.view
    this.tap({ panel, scale: this.getScale(), x, y })
  }

  resizeBox(factor) {
    const { field } = this
    this.boxSize = this.boxSize ? Math.max(4, Math.round(this.boxSize * factor)) : field.layer.getTypicalSize(field.panel.image)
    field.viewer.announce(`Box ${this.boxSize} pixels`)
    field.viewer.draw()
  }

  stepTowards(dx, dy) {
    const { layer, lastSelected, viewer } = this.field, current = layer.get(lastSelected)
    const next = current ? layer.findInDirection(current.centroid, dx, dy, current.id) : layer.findNext(null, 1)
    if (next) this.goToCell(next)
    else viewer.announce(current ? "No cell in this direction" : "No white blood cells")
  }

  // Goes to a cell: selects it, or with the merge tool only points at it.
  goToCell(cell) {
    const { field } = this
    field.reveal(...cell.centroid)
    if (this.tool !== "merge") return field.selectCell(cell)
    field.lastSelected = cell.id
    field.layer.hovered = cell.id
    field.viewer.announce(field.describeCell(cell))
    field.viewer.draw()
  }

  toggleCurrent() {
    const { field } = this, cell = field.layer.get(field.lastSelected)
    if (!cell) return
    if (this.tool === "delete") field.apply({ kind: "delete", ids: [cell.id] })
    else field.selectCell(cell, true)
  }

  // Draws what the tool is drawing over the active panel.
  draw() {
    const { panel, viewer } = this.field
    if (!panel?.image || !this.isActive) return
    const { context, canvas, image } = panel, unit = (viewer.pixelRatio ?? 1) / setViewTransform(context, canvas, image, viewer.state.view)
    const path = new Path2D(), { crosshair } = viewer, { points, tool, boxSize } = this
    if (tool === "add" && points.length === 2) {
      const [[x1, y1], [x2, y2]] = points
      path.rect(Math.min(x1, x2), Math.min(y1, y2), Math.abs(x2 - x1), Math.abs(y2 - y1))
    } else if (tool === "add" && boxSize && crosshair) path.rect(crosshair.x - boxSize / 2, crosshair.y - boxSize / 2, boxSize, boxSize)
    else {
      points.forEach(([x, y]) => path.lineTo(x, y))
      if (points.length && crosshair && !this.isDragging) path.lineTo(crosshair.x, crosshair.y)
    }
    strokeWithHalo(context, path, unit)
    if (tool !== "region" || this.isDragging) return
    for (const [x, y] of points) {
      const corner = new Path2D()
      corner.arc(x, y, 3 * unit, 0, 2 * Math.PI)
      strokeWithHalo(context, corner, unit)
    }
  }
}
