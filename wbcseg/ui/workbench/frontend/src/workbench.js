import { createElement } from "../../../viewer/frontend/src/dom.js"
import { getPayload, store } from "./cell_store.js"
import { getCommonSquare, groupByType, passes, readCells, selectRange, sortCells } from "./cell_list.js"
import { Operations } from "./operations.js"
import { Gallery } from "./gallery.js"
import { CellTable } from "./cell_table.js"
import { Details } from "./details.js"
import { WorkbenchBar } from "./workbench_bar.js"

const REPORT_DELAY = 180, DETAILS_DELAY = 40, SEND_DELAY = 60, VIEWER_DELAY = 20_000

function createSession() {
  return {
    operations: new Operations(),
    state: { view: "gallery", sort: "order", descending: false, filter: {}, size: 80, outlines: false, oneScale: true, columns: [] },
    selection: new Set(),
    active: null,
    anchor: null,
    selectionVersion: 0,
  }
}

class Workbench {
  constructor(root) {
    this.root = root
    this.session = store.sessions.get("workbench") ?? createSession()
    store.sessions.set("workbench", this.session)
    this.cells = []
    this.counts = new Map()
    this.groups = []
    this.ordered = []
    this.sheets = []
    this.byKey = new Map()
    this.summaries = new Map()
    this.abort = new AbortController()
    const { signal } = this.abort
    this.bar = new WorkbenchBar(this)
    this.gallery = new Gallery(this, signal)
    this.table = new CellTable(this, signal)
    this.details = new Details(this)
    this.announcement = createElement("p", { class: "visually-hidden", role: "status" })
    this.loading = createElement("p", { class: "hint" }, "Loading the cells…")
    this.main = createElement("div", { class: "main" }, this.loading, this.gallery.node, this.table.node)
    this.node = createElement("section", { class: "workbench", "aria-label": "Workbench" }, this.bar.node, createElement("div", { class: "body" }, this.main, this.details.node), this.gallery.ghost, this.announcement)
    root.append(this.node)
    root.host.dataset.workbench = ""
    const on = (target, type, handle) => target.addEventListener(type, handle, { signal })
    on(store.events, "payload", () => this.schedule(() => this.receive()))
    on(this.node, "keydown", event => this.handleKey(event))
    on(this.node, "pointerdown", event => this.closeMenusUnless(event))
    this.resizeObserver = new ResizeObserver(() => this.schedule(() => this.layOut()))
    this.resizeObserver.observe(this.main)
  }

  get state() {
    return this.session.state
  }
  get operations() {
    return this.session.operations
  }
  get selection() {
    return this.session.selection
  }
  get active() {
    return this.session.active
  }
  get view() {
    return this.state.view === "table" ? this.table : this.gallery
  }
  // The cells that a type is given to: those selected, else the active one.
  get targets() {
    return this.selection.size ? [...this.selection].filter(key => this.byKey.has(key)) : this.active && this.byKey.has(this.active) ? [this.active] : []
  }
  get large() {
    return this.props?.large
  }

  getCell(key) {
    return this.byKey.get(key) ?? null
  }

  // Called after every run of the page: takes the new props and keeps the user's choices.
  update({ data: [props], setTriggerValue, setStateValue }) {
    Object.assign(this, { props, setTriggerValue, setStateValue })
    this.operations.receive(props.operations)
    this.receive()
  }

  schedule(run) {
    this.scheduled ??= new Set()
    this.scheduled.add(run)
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      const runs = [...this.scheduled]
      this.scheduled.clear()
      for (const each of runs) each()
    })
  }

  // Takes over the cells once they have arrived.
  receive() {
    const { props } = this, payload = getPayload(props?.digest)
    this.loading.hidden = Boolean(payload)
    if (!payload) return
    this.sheets = props.sheets
    if (this.info?.digest !== payload.digest) {
      const isOther = this.info && this.info.source !== payload.source
      this.info = { ...payload, canOpen: props.can_open }
      this.cells = readCells(payload)
      this.byKey = new Map(this.cells.map(cell => [cell.key, cell]))
      this.square = getCommonSquare(this.cells)
      if (!this.state.columns.length || isOther) this.state.columns = payload.default_columns.slice()
      if (isOther) this.state.filter = {}
      for (const key of [...this.selection]) if (!this.byKey.has(key)) this.selection.delete(key)
      if (!this.byKey.has(this.active)) this.session.active = this.cells[0]?.key ?? null
      this.bar.fill()
    }
    if (props.selection.version > this.session.selectionVersion) {
      this.session.selectionVersion = props.selection.version
      this.session.selection = new Set(props.selection.keys.filter(key => this.byKey.has(key)))
      const [first] = this.selection
      if (first) this.session.active = first
      this.mustReveal = true
    }
    this.refresh()
  }

  // Computes what is shown from the cells, their types and the user's choices.
  refresh() {
    if (!this.info) return
    const { types, assigned } = this.props, { expected } = this.operations
    for (const cell of this.cells) {
      const { type, isAssigned } = expected.get(cell.key) ?? { type: types[cell.index] ?? -1, isAssigned: assigned[cell.index] === 1 }
      Object.assign(cell, { type, isAssigned })
    }
    this.summaries.clear()
    this.counts = new Map()
    for (const { type } of this.cells) this.counts.set(type, (this.counts.get(type) ?? 0) + 1)
    const { filter, sort, descending } = this.state
    const shown = sortCells(this.cells.filter(cell => passes(cell, filter)), sort, descending)
    this.groups = groupByType(shown, this.info.types)
    this.ordered = this.state.view === "table" ? shown : this.groups.flatMap(group => group.cells)
    // Nobody files what a filter hides.
    const visible = new Set(shown.map(({ key }) => key))
    for (const key of [...this.selection]) if (!visible.has(key)) this.selection.delete(key)
    this.show()
  }

  show() {
    this.gallery.node.hidden = this.state.view === "table"
    this.table.node.hidden = this.state.view !== "table"
    this.bar.update()
    this.layOut()
    if (this.mustReveal) this.view.reveal(this.active)
    this.mustReveal = false
    this.updateDetails()
    // For tests, and for anyone who wants to know what is shown.
    this.node.dataset.shown = this.ordered.length
    this.node.dataset.selected = this.selection.size
    this.node.dataset.pending = this.operations.pending.length
  }

  // After the cells have been painted: the distributions take longer.
  updateDetails() {
    clearTimeout(this.detailsTimer)
    this.detailsTimer = setTimeout(() => this.details.update(), DETAILS_DELAY)
  }

  layOut() {
    if (this.info) this.view.layOut()
  }

  summarise(type, feature, compute) {
    const key = `${type} ${feature}`
    if (!this.summaries.has(key)) this.summaries.set(key, compute())
    return this.summaries.get(key)
  }

  setState(changes) {
    Object.assign(this.state, changes)
    this.mustReveal = "view" in changes
    this.refresh()
  }

  setFilter(filter) {
    this.setState({ filter })
  }

  sortBy(key) {
    this.setState({ sort: key, descending: this.state.sort === key ? !this.state.descending : false })
  }

  select(keys, active, isReporting = true) {
    this.session.selection = new Set(keys)
    this.setActive(active, isReporting)
    this.session.anchor = active
  }

  toggle(key) {
    if (!this.selection.delete(key)) this.selection.add(key)
    this.session.anchor = key
    this.setActive(key)
  }

  selectTo(key) {
    const anchor = this.session.anchor ?? this.active
    this.session.selection = new Set(selectRange(this.ordered, anchor, key))
    this.setActive(key)
  }

  setActive(key) {
    this.session.active = key
    this.bar.update()
    this.view.draw()
    this.updateDetails()
    this.node.dataset.selected = this.selection.size
    clearTimeout(this.reportTimer)
    this.reportTimer = setTimeout(() => this.report(), REPORT_DELAY)
  }

  // Tells Python which cell to send large and, where plots are shown, which cells are selected.
  report() {
    if (!this.props || !this.node.isConnected) return
    const selection = this.props.reports_selection ? [...this.selection] : []
    const value = { digest: this.props.digest, focus: this.active, selection }
    const text = JSON.stringify(value)
    if (text === this.reported) return
    this.reported = text
    this.setStateValue("look", value)
  }

  step(direction) {
    const index = this.ordered.findIndex(({ key }) => key === this.active), cell = this.ordered[Math.min(this.ordered.length - 1, Math.max(0, index + direction))]
    if (cell) this.goTo(cell.key)
  }

  goTo(key, isExtending = false) {
    if (isExtending) this.selectTo(key)
    else this.select([key], key)
    this.view.reveal(key)
    this.view.draw()
  }

  // Files the selected cells under a type: they move at once, and Python follows.
  fileUnder(type) {
    const keys = this.targets
    if (!keys.length || !this.info) return
    const index = this.ordered.findIndex(({ key }) => key === this.active), moved = new Set(keys)
    const next = this.ordered.slice(index + 1).find(({ key }) => !moved.has(key)) ?? this.ordered.slice(0, Math.max(0, index)).findLast(({ key }) => !moved.has(key))
    const before = new Map(keys.map(key => this.getCell(key)).map(({ key, type: oldType, isAssigned }) => [key, { type: oldType, isAssigned }]))
    this.operations.file(keys, type, before)
    this.session.selection = new Set()
    this.session.active = this.session.anchor = next?.key ?? this.active
    this.mustReveal = true
    this.send()
    this.announce(`${keys.length} ${keys.length === 1 ? "cell" : "cells"} filed under ${this.info.types[type].title}`)
  }

  undo() {
    if (this.operations.undoDepth <= 0) return
    this.operations.undo()
    this.send()
    this.announce("Undone")
  }

  redo() {
    if (this.operations.redoDepth <= 0) return
    this.operations.redo()
    this.send()
    this.announce("Redone")
  }

  // Shows what was done, and sends it once it has been painted: a run of the page takes the browser's time, too.
  send() {
    this.refresh()
    this.sendTimer ??= setTimeout(() => {
      this.sendTimer = null
      this.setTriggerValue("operations", { digest: this.props.digest, ...this.operations.message })
    }, SEND_DELAY)
  }

  open() {
    if (!this.active || !this.info?.canOpen) return
    this.setTriggerValue("open", { digest: this.props.digest, key: this.active })
    this.scrollToViewer(Date.now() + VIEWER_DELAY)
  }

  // Scrolls to the viewer below the workbench as soon as it is there.
  scrollToViewer(until) {
    const { host } = this.root, isBelow = node => host.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING
    const viewer = this.props.is_open && [...document.querySelectorAll("[data-viewer]")].find(isBelow)
    if (viewer) viewer.scrollIntoView({ block: "center" })
    else if (Date.now() < until && this.node.isConnected) setTimeout(() => this.scrollToViewer(until), 200)
  }

  announce(text) {
    this.announcement.textContent = this.announcement.textContent === text ? `${text}\u00a0` : text
  }

  closeMenusUnless(event) {
    if (!event.composedPath().some(node => node.classList?.contains("menu-anchor"))) this.bar.closeMenus()
  }

  handleKey(event) {
    const target = event.composedPath()[0]
    if (target.matches?.("input:not([type=range]):not([type=checkbox]), select, textarea")) return
    const isCommand = event.ctrlKey || event.metaKey, key = event.key.toLowerCase()
    const isHandled = isCommand ? this.handleCommand(key, event) : !event.altKey && this.handlePlainKey(key, event, target)
    if (!isHandled) return
    event.preventDefault()
    event.stopPropagation()
  }

  handleCommand(key, event) {
    if (key === "z") event.shiftKey ? this.redo() : this.undo()
    else if (key === "y") this.redo()
    else if (key === "a") this.select(this.ordered.map(cell => cell.key), this.active)
    else return false
    return true
  }

  handlePlainKey(key, event, target) {
    if (key === "escape") return this.bar.closeMenus() || (this.select([], this.active), true)
    if (/^[1-9]$/.test(key) && this.info?.types[Number(key) - 1]) return this.fileUnder(Number(key) - 1), true
    if (key === "o") return this.setState({ outlines: !this.state.outlines }), true
    if (key === "t") return this.setState({ view: this.state.view === "table" ? "gallery" : "table" }), this.view.node.focus(), true
    const isInDetails = event.composedPath().includes(this.details.node)
    if (isInDetails && (key === "arrowup" || key === "arrowdown")) return this.step(key === "arrowup" ? -1 : 1), true
    if (target !== this.view.node) return false
    if (key === " ") return this.active && this.toggle(this.active), true
    if (key === "enter") return this.open(), true
    const next = this.findNext(key)
    if (!next) return false
    this.goTo(next.key, event.shiftKey)
    return true
  }

  findNext(key) {
    const { ordered } = this, index = ordered.findIndex(cell => cell.key === this.active)
    if (key.startsWith("arrow")) return this.view.move(key.slice(5))
    if (key === "home") return ordered[0]
    if (key === "end") return ordered.at(-1)
    if (key === "pagedown") return ordered[Math.min(ordered.length - 1, index + this.view.pageSize)]
    if (key === "pageup") return ordered[Math.max(0, index - this.view.pageSize)]
    return null
  }

  destroy() {
    this.abort.abort()
    this.resizeObserver.disconnect()
    clearTimeout(this.reportTimer)
    clearTimeout(this.detailsTimer)
    this.node.remove()
  }
}

export default function (component) {
  const root = component.parentElement
  let workbench = store.instances.get(root)
  // One of an older module: the source was changed while the page was open.
  if (workbench && !(workbench instanceof Workbench)) workbench = workbench.destroy()
  if (!workbench) store.instances.set(root, (workbench = new Workbench(root)))
  const runCount = (workbench.runCount = ++store.runCount)
  workbench.update(component)
  return () => {
    // Streamlit may clean up after a run that a newer one has overtaken; the workbench then stays.
    if (runCount !== workbench.runCount) return
    workbench.destroy()
    store.instances.delete(root)
  }
}
