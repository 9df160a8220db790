import { CellEdits, describeEdit, normaliseEdit } from "./cell_edits.js"
import { CellLayer } from "./cell_layer.js"
import { CellToolbar } from "./cell_toolbar.js"
import { CellTools } from "./cell_tools.js"
import { store } from "../image_store.js"
import { formatCellCount, formatCounts, selectCounted } from "./region.js"
import { countTypes } from "./type_counts.js"

// A field of view: the cells of each model, their selection, their corrections, and what counts. Python is sent the whole
// list of corrections and answers with the cells.

const MAX_WAIT = 60000
const TAP_SLACK = { mouse: 4, pen: 8, touch: 14 }

export class Field {
  constructor(viewer) {
    this.viewer = viewer
    this.activeKey = null
    this.layers = new Map()
    this.lastEdit = null
    // A cell that the address names, until it is there.
    this.linkedCell = null
    this.problem = ""
    this.tools = new CellTools(this)
    this.toolbar = new CellToolbar(this)
  }

  // The props of the panels that have cells; none where the image is a crop of one cell.
  get cellPanels() {
    return this.viewer.props?.panels.filter(panel => panel.cells) ?? []
  }

  get isShown() {
    return this.cellPanels.length > 0
  }

  // The panel that the tools work on: the one used last.
  get panel() {
    const panels = this.viewer.panels.filter(panel => panel.cellLayer)
    return panels.find(panel => panel.key === this.activeKey) ?? panels[0] ?? null
  }

  get layer() {
    return this.panel?.cellLayer ?? null
  }

  get edits() {
    return this.panel ? this.getEdits(this.panel.key) : null
  }

  get selection() {
    return this.layer?.selection ?? new Set()
  }

  getEdits(key) {
    return getOrCreate(this.viewer.state.corrections, `${this.viewer.props.image_id}\n${key}`, () => new CellEdits())
  }

  // Returns what counts in a panel: the region, the edge rule, and which of them were sent and not yet answered.
  getCounting(key) {
    return getOrCreate(this.viewer.state.counting, `${this.viewer.props.image_id}\n${key}`, () => ({ region: null, edgeRule: "all", sent: null }))
  }

  // Returns what draws the cells of a panel; null for a panel without.
  getLayer(key) {
    if (!this.cellPanels.some(panel => panel.key === key)) return null
    return getOrCreate(this.layers, key, () => new CellLayer())
  }

  // Takes the cells and corrections that Python sent.
  update() {
    const { image_id: imageId } = this.viewer.props
    if (imageId !== this.imageId) this.reset(imageId)
    for (const props of this.cellPanels) {
      const outcome = this.getEdits(props.key).receive(props.edits, props.cells, props.problem)
      const isAnswer = this.lastEdit?.key === props.key && outcome !== "waiting"
      if (isAnswer) this.finish(props, outcome)
      else if (props.problem && outcome === "rejected") this.warn(props.problem)
      this.receiveCounting(props)
    }
    this.refresh()
  }

  reset(imageId) {
    if (this.imageId !== undefined) this.linkedCell = null
    Object.assign(this, { imageId, lastEdit: null, problem: "" })
    this.layers.clear()
    this.tools.select("select")
  }

  // Says what has become of the last edit.
  finish({ problem, cells }, outcome) {
    clearTimeout(this.waitTimer)
    const { done } = this.lastEdit
    this.lastEdit = null
    if (problem || outcome === "rejected") this.warn(problem || "The change could not be made.")
    else this.viewer.announce(`${done}. ${formatCellCount(cells.length)}.`)
  }

  receiveCounting({ key, region }) {
    const counting = this.getCounting(key), { edge_rule: edgeRule } = this.viewer.props
    if (counting.sent === null || counting.sent === JSON.stringify([region, edgeRule])) Object.assign(counting, { region, edgeRule, sent: null })
  }

  // Brings the panels, the toolbar and the captions up to date.
  refresh() {
    if (this.isShown) {
      for (const panel of [...this.viewer.panels, ...(this.viewer.swipe.pair ?? [])]) if (panel.cellLayer) this.refreshPanel(panel)
    }
    this.toolbar.update()
    this.selectLinkedCell()
    this.emitSelection()
    this.viewer.draw()
  }

  // The selected cell as the address names it; null unless it is exactly one.
  get addressedCell() {
    return this.linkedCell ?? (this.selection.size === 1 ? { id: [...this.selection][0], key: this.panel.key } : null)
  }

  selectLinkedCell() {
    const { linkedCell } = this, panel = this.viewer.panels.find(({ key, cellLayer }) => key === linkedCell?.key && cellLayer)
    if (!panel?.cellLayer.cells.length) return
    this.linkedCell = null
    const cell = panel.cellLayer.get(linkedCell.id)
    if (!cell) return
    this.setActive(panel)
    this.selectCell(cell)
  }

  // Tells the list of cells beside the viewer what is selected, in which panel, and which cells it shows by which number.
  emitSelection() {
    if (!this.panel) return
    const numbers = new Map(this.layer.cells.map(({ id, number }) => [id, number]))
    store.selection = { imageId: this.viewer.props.image_id, key: this.panel.key, ids: [...this.selection], numbers }
    store.events.dispatchEvent(new Event("selection"))
  }

  // Selects a cell that was chosen in the list, and moves it into view; null selects none.
  selectFromList({ key, id }) {
    const panel = this.viewer.panels.find(candidate => candidate.key === key && candidate.cellLayer)
    if (!panel) return
    this.setActive(panel)
    const cell = this.layer.get(id)
    this.selectCell(cell)
    if (cell) this.reveal(...cell.centroid)
  }

  refreshPanel(panel) {
    const { cells, pending, isSettled } = this.getEdits(panel.key).getShown(), { region, edgeRule, sent } = this.getCounting(panel.key)
    const { count_text: countText } = this.cellPanels.find(props => props.key === panel.key)
    const rule = this.viewer.props.edge_rules.find(({ key }) => key === edgeRule)
    const counted = selectCounted(cells, region, rule, panel.image)
    const { types = [] } = this.viewer.props
    panel.cellLayer.setCells(cells)
    Object.assign(panel.cellLayer, { types, pending, region, countedIds: counted.length < cells.length ? new Set(counted.map(cell => cell.id)) : null })
    panel.showCells(isSettled && sent === null ? countText : formatCounts(cells, region, rule, panel.image), countTypes(counted, types))
  }

  // Makes a correction: shows it at once and sends the list to Python.
  apply(edit) {
    const normalised = normaliseEdit(edit)
    this.edits.add(normalised)
    this.onEdited(this.describe(normalised))
  }

  undo() {
    const edit = this.edits?.undo()
    if (edit) this.onEdited({ doing: "Undone", done: "Undone" })
  }

  redo() {
    const edit = this.edits?.redo()
    if (edit) this.onEdited(this.describe(edit))
  }

  describe(edit) {
    return describeEdit(edit, new Map(this.layer.cells.map(cell => [cell.id, cell.number])))
  }

  onEdited({ doing, done }) {
    this.problem = ""
    this.lastEdit = { key: this.panel.key, done }
    this.refresh()
    this.viewer.announce(doing)
    this.send()
  }

  send() {
    const { region, edgeRule } = this.getCounting(this.panel.key)
    const value = { digest: this.viewer.props.digest, model: this.panel.key, list: this.edits.list, region, edge_rule: edgeRule }
    this.viewer.setTriggerValue("edits", value)
    clearTimeout(this.waitTimer)
    this.waitTimer = setTimeout(() => this.giveUp(), MAX_WAIT)
  }

  // Returns to what Python sent last, where it has not answered.
  giveUp() {
    const isWaiting = this.cellPanels.some(({ key }) => this.getEdits(key).isPending)
    this.lastEdit = null
    for (const props of this.cellPanels) {
      this.getEdits(props.key).adopt(props.edits)
      this.getCounting(props.key).sent = null
    }
    this.refresh()
    if (isWaiting) this.warn("The change could not be made: there was no answer. Try again.")
  }

  // Counts in a region (null: everywhere) of the active panel.
  setRegion(region) {
    this.setCounting([this.panel.key], { region })
  }

  setEdgeRule(edgeRule) {
    this.setCounting(this.cellPanels.map(({ key }) => key), { edgeRule })
  }

  setCounting(keys, changes) {
    for (const key of keys) {
      const counting = Object.assign(this.getCounting(key), changes)
      counting.sent = JSON.stringify([counting.region, counting.edgeRule])
    }
    this.refresh()
    this.viewer.announce(this.panel.cellCount)
    this.send()
  }

  findAt(hit, pointerType = "mouse") {
    return this.layer?.findAt(hit.x, hit.y, (TAP_SLACK[pointerType] ?? TAP_SLACK.mouse) / hit.scale) ?? null
  }

  // Selects a cell alone, or adds it to or removes it from the selection; null clears it.
  selectCell(cell, isExtending = false) {
    const { selection } = this
    const wasSelected = cell && selection.has(cell.id)
    if (!isExtending) selection.clear()
    if (cell && isExtending && wasSelected) selection.delete(cell.id)
    else if (cell) selection.add(cell.id)
    this.lastSelected = cell?.id ?? null
    this.problem = ""
    this.toolbar.update()
    if (cell) this.viewer.announce(this.describeCell(cell, isExtending && wasSelected))
    this.emitSelection()
    this.viewer.onViewChanged()
  }

  describeCell(cell, isRemoved) {
    const parts = [`Cell ${cell.number} of ${this.layer.cells.length}`, this.layer.types[cell.type]?.title, cell.status_label]
    if (cell.cut_off) parts.push("cut off by the image edge")
    if (this.layer.isDimmed(cell)) parts.push("not counted")
    if (cell.origin === "person") parts.push("corrected by a person")
    if (isRemoved) parts.push("no longer selected")
    return parts.filter(Boolean).join(", ")
  }

  deleteSelected() {
    const ids = [...this.selection]
    if (!ids.length) return false
    const next = this.layer.findNext(Math.min(...ids), 1)
    this.apply({ kind: "delete", ids })
    if (next && this.layer.get(next.id)) this.lastSelected = next.id
    return true
  }

  mergeSelected() {
    const ids = [...this.selection]
    if (ids.length < 2) return this.warn("Select two or more cells that are parts of one.")
    this.apply({ kind: "merge", ids })
    this.selection.clear()
    this.refresh()
  }

  // Moves the view so that a point is in it.
  reveal(x, y) {
    const { canvas, image } = this.panel, { view } = this.viewer.state
    const scale = Math.min(canvas.clientWidth / image.width, canvas.clientHeight / image.height) * view.scale
    const reachX = (canvas.clientWidth / 2 - 24) / scale, reachY = (canvas.clientHeight / 2 - 24) / scale
    const excessX = Math.sign(x - view.x) * Math.max(0, Math.abs(x - view.x) - reachX)
    const excessY = Math.sign(y - view.y) * Math.max(0, Math.abs(y - view.y) - reachY)
    if (excessX || excessY) this.viewer.pan(-excessX, -excessY)
  }

  // Shows a problem in a few words.
  warn(text) {
    this.problem = text
    this.toolbar.update()
    this.viewer.announce(text)
  }

  setActive(panel) {
    if (!panel?.cellLayer || panel.key === this.panel?.key) return
    for (const layer of this.layers.values()) layer.selection.clear()
    this.activeKey = panel.key
    this.toolbar.update()
    this.emitSelection()
  }

  // Highlights the cell under the pointer.
  hover(hit) {
    const cell = hit?.panel?.cellLayer ? hit.panel.cellLayer.findAt(hit.x, hit.y, TAP_SLACK.mouse / hit.scale) : null
    for (const layer of this.layers.values()) layer.hovered = layer === hit?.panel?.cellLayer ? (cell?.id ?? null) : null
  }

  // The crosshair shows the same place in the other panels; in a panel with cells, only where a point is to be set.
  showsCrosshair(panel) {
    return !this.isShown || panel !== this.panel || this.tools.isPointTool
  }

  // Handles a key. Returns whether it was one of the tools'.
  handleKey(event, target) {
    if (!this.isShown || !this.panel) return false
    const run = this.tools.findKeyAction(event, target === this.panel.canvas)
    if (!run) return false
    event.preventDefault()
    event.stopPropagation()
    run()
    return true
  }

  destroy() {
    clearTimeout(this.waitTimer)
  }
}

function getOrCreate(map, key, create) {
  if (!map.has(key)) map.set(key, create())
  return map.get(key)
}
