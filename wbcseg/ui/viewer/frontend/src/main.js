import { readUrl, writeUrl } from "./url_state.js"
import { createElement, setPressed } from "./dom.js"
import { drawCrosshair, drawPanel } from "./render.js"
import { Gestures, zoomView } from "./gestures.js"
import { Panel } from "./panels.js"
import { computeColumns, computeFillColumns, computeFreeHeight } from "./layout.js"
import { Badges } from "./badges.js"
import { Marks } from "./marks.js"
import { getPayload, loadImage, loadPanelMap, releaseLargeImage, store } from "./image_store.js"
import { hasDraft, loadDraft } from "./local_drafts.js"
import { Toolbar } from "./toolbar.js"
import { Help, SHORTCUTS } from "./help.js"
import { Swipe } from "./swipe.js"
import { Strip } from "./strip.js"
import { Editor } from "./edit.js"
import { saveFigure, saveMask, saveView } from "./export.js"
import { createState } from "./state.js"
import { Field } from "./cells/field.js"
import { ImageSteps } from "./image_steps.js"

const URL_DELAY = 300
const MAX_PIXEL_RATIO = 2, MAX_PIXEL_RATIO_MANY_PANELS = 1.5, MANY_PANELS = 8
const NARROW_WIDTH = 640

class Viewer {
  constructor(root) {
    this.root = root
    this.state = store.state ??= createState()
    this.panelsByKey = new Map()
    this.panels = []
    this.isHidden = false
    this.crosshair = null
    this.path = location.pathname
    this.abort = new AbortController()
    this.badges = new Badges(this.abort.signal)
    this.marks = new Marks(this)
    this.field = new Field(this)
    this.steps = new ImageSteps(this)
    this.toolbar = new Toolbar(this)
    this.grid = createElement("div", { class: "panels" })
    this.readout = createElement("p", { class: "readout", "aria-live": "off" })
    this.announcement = createElement("p", { class: "visually-hidden", role: "status" })
    this.error = createElement("p", { class: "error", role: "alert", hidden: true })
    this.help = new Help(this)
    this.swipe = new Swipe(this)
    this.strip = new Strip(this)
    this.statusLine = createElement("div", { class: "status-line" }, this.marks.node, this.readout)
    this.node = createElement(
      "section",
      { class: "viewer", "aria-label": "Viewer" },
      this.toolbar.node, this.error, createElement("div", { class: "middle" }, this.field.toolbar.node, this.swipe.node, this.grid), this.statusLine, this.strip.node, this.help.node, this.announcement,
    )
    root.append(this.node)
    root.host.dataset.viewer = ""
    this.gestures = new Gestures(this, this.abort.signal)
    this.addListeners()
  }

  addListeners() {
    const on = (target, type, handle) => target.addEventListener(type, handle, { signal: this.abort.signal })
    on(store.events, "payload", () => this.load())
    on(store.events, "tile", () => this.draw())
    on(store.events, "select-cell", event => this.field.selectFromList(event.detail))
    on(this.node, "keydown", event => this.handleKey(event))
    on(this.grid, "focusin", event => this.field.setActive(this.panels.find(({ canvas }) => canvas === event.target)))
    on(this.node, "keyup", event => event.key.toLowerCase() === "h" && this.setHidden(false))
    on(window, "blur", () => this.setHidden(false))
    // Streamlit writes the URL as it knew it at its last run; then write ours again.
    if (globalThis.navigation) on(globalThis.navigation, "currententrychange", () => this.isOnPage() && this.scheduleUrlUpdate())
    this.resizeObserver = new ResizeObserver(() => this.resize())
    this.resizeObserver.observe(this.grid)
  }

  // Called after every run of the page: takes the new props and keeps the user's choices.
  update({ data: [props], setTriggerValue }) {
    this.setTriggerValue = setTriggerValue
    this.props = props
    this.steps.receive(props.image_id)
    this.panelKeys = props.panels.map(panel => panel.key)
    if (!this.state.isUrlRead) readUrl(this.state, this.panelKeys, props.palettes.map(palette => palette.key))
    this.state.isUrlRead = true
    this.node.classList.toggle("filling", this.isFilling)
    this.field.toolbar.arrange(this.isFilling ? this.statusLine : null)
    if (!this.isUpdated) this.field.linkedCell = this.state.cell
    this.isUpdated = true
    this.field.update()
    this.toolbar.update()
    this.marks.update()
    this.strip.update()
    this.load()
    this.scheduleUrlUpdate()
  }

  get settings() {
    const { classes, threshold, hatching, opacity, palette, customColours, numbers, classOutlines } = this.state, { style } = this
    const { palettes } = this.props
    const colours = palette === "custom" ? customColours : (palettes.find(({ key }) => key === palette) ?? palettes[0]).colours
    return { classes, threshold, hatching, style, opacity, hidden: this.isHidden, colours, numbers, classOutlines }
  }

  get style() {
    return this.state.style ?? (this.field.isShown ? "outline" : "fill")
  }

  // Keys of the panels to show, in order: those that the user selected and that exist, or the default ones.
  get selectedKeys() {
    const existing = (this.state.panels ?? []).filter(key => this.panelKeys.includes(key))
    return existing.length ? existing : this.props.default_panels
  }

  // Whether the viewer has a height of its own, given by the page; else it grows with its panels.
  get isFilling() {
    return !["", "auto"].includes(getComputedStyle(this.root.host).getPropertyValue("--viewer-height").trim())
  }

  // Whether the whole image is in view and nothing is being drawn, so that a finger need not move the image.
  get isResting() {
    return this.isFilling && this.state.view.scale <= 1 && !this.editor && !this.field.tools.isActive
  }

  get models() {
    return this.props.panels.filter(panel => panel.kind === "model")
  }

  get classNames() {
    return this.props.classes.map(({ title }) => title.toLowerCase())
  }

  async load() {
    const payload = this.props && getPayload(this.steps.digest)
    if (!payload) return
    const loadCount = (this.loadCount = (this.loadCount ?? 0) + 1)
    try {
      const image = await loadImage(payload), { models } = this, edits = await this.loadEdits(payload, models)
      const panels = this.selectedKeys.map(key => this.panelsByKey.get(key) ?? new Panel(key, this.badges))
      const findProps = key => this.props.panels.find(panel => panel.key === key)
      for (const panel of panels) Object.assign(panel, { cellLayer: this.field.getLayer(panel.key), types: this.props.types })
      await Promise.all(panels.map(panel => panel.load(findProps(panel.key), payload, image, models, edits)))
      if (loadCount !== this.loadCount) return
      this.arrange(panels)
      if (this.payload?.digest !== payload.digest && !this.state.view.isMoved) this.centre(image)
      if (this.payload !== payload) releaseLargeImage(this.payload)
      this.payload = payload
      this.error.hidden = true
      this.field.refresh()
      this.renderLayers()
      this.resize()
      await this.swipe.update()
      await this.updateEditor()
    } catch (error) {
      this.showError(`This image could not be shown: ${error.message}. Reload the page to try again.`)
    }
  }

  // Lets the editor follow the image: it opens where the page asks for a drawing, and closes with its panel.
  async updateEditor() {
    const { editor, payload, panels } = this
    const isStale = editor && (editor.digest !== payload.digest || !panels.includes(editor.panel))
    const key = isStale ? editor.panel.key : this.props.starts_editing && !editor ? this.models[0]?.key : null
    if (key) await this.edit(panels.find(panel => panel.key === key) ?? null)
  }

  getEdits(digest) {
    if (!this.state.edits.has(digest)) this.state.edits.set(digest, new Map())
    return this.state.edits.get(digest)
  }

  // Returns the edited masks of an image: those of this page, and those from before a reload.
  async loadEdits(payload, models) {
    const edits = this.getEdits(payload.digest)
    for (const model of models) {
      const { part } = model
      if (edits.has(part) || !hasDraft(payload.digest, part)) continue
      const map = loadDraft(payload.digest, part, await loadPanelMap(payload, model))
      if (map) edits.set(part, map)
    }
    return edits
  }

  // Puts the panels into the grid. Panels that stay in place are not moved, because a moved one would lose the focus.
  arrange(panels) {
    for (const [key, panel] of this.panelsByKey) if (!panels.includes(panel)) (panel.node.remove(), this.panelsByKey.delete(key))
    panels.forEach((panel, i) => {
      this.panelsByKey.set(panel.key, panel)
      if (this.grid.children[i] !== panel.node) this.grid.insertBefore(panel.node, this.grid.children[i] ?? null)
    })
    this.panels = panels
  }

  centre(image) {
    Object.assign(this.state.view, { scale: 1, x: image.width / 2, y: image.height / 2, isMoved: false })
  }

  renderLayers() {
    const { settings } = this
    for (const panel of this.panels) panel.renderLayers(settings)
    this.draw()
  }

  resize() {
    const count = this.panels.length
    this.swipe.resize()
    if (!count || !this.grid.clientWidth) return
    this.toolbar.arrange(this.field.isShown, this.grid.clientWidth < NARROW_WIDTH, this.isFilling)
    const { width, height } = this.panels[0].image, aspect = Math.min(1.8, Math.max(0.6, width / height))
    const columns = this.computeColumns(count, width / height, aspect)
    this.grid.style.setProperty("--columns", columns)
    this.grid.style.setProperty("--rows", Math.ceil(count / columns))
    this.grid.style.setProperty("--aspect", aspect)
    const maxRatio = count > MANY_PANELS ? MAX_PIXEL_RATIO_MANY_PANELS : MAX_PIXEL_RATIO
    this.pixelRatio = Math.min(maxRatio, window.devicePixelRatio || 1)
    for (const { canvas } of this.panels) {
      const w = Math.round(canvas.clientWidth * this.pixelRatio), h = Math.round(canvas.clientHeight * this.pixelRatio)
      if (w && (canvas.width !== w || canvas.height !== h)) Object.assign(canvas, { width: w, height: h })
    }
    this.draw()
  }

  computeColumns(count, imageAspect, aspect) {
    const freeHeight = computeFreeHeight(this.node, this.grid), width = this.grid.clientWidth
    if (!freeHeight) return computeColumns(count, width, 0.66 * window.innerHeight, aspect)
    return computeFillColumns(count, width, freeHeight, imageAspect)
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      if (!this.panels.length) return
      const { settings } = this, { view } = this.state
      settings.lineWidth = 2 * (this.pixelRatio ?? 1)
      for (const panel of this.panels) {
        if (!panel.image) continue
        drawPanel(panel.context, panel.canvas, panel, view, settings)
        this.marks.draw(panel, settings.lineWidth)
        if (this.crosshair && this.field.showsCrosshair(panel)) drawCrosshair(panel.context, panel.canvas, panel, view, this.crosshair)
      }
      this.swipe.draw(settings)
      this.field.tools.draw()
      this.editor?.draw()
      // For tests, and for anyone who wants to know what a panel shows.
      this.grid.classList.toggle("resting", this.isResting)
      this.grid.dataset.view = [view.scale, view.x, view.y].map(n => n.toFixed(3)).join(" ")
    })
  }

  // Locates an event: its panel, its point in the image, its offset from the canvas centre in image pixels, and the scale
  // in screen pixels per image pixel. A captured pointer stays with its panel.
  locate(event, capturedPanel) {
    const target = event.composedPath()[0]
    const panel = capturedPanel ?? this.panels.find(({ canvas }) => canvas === target) ?? this.swipe.getPanelOf(target)
    if (!panel?.image) return null
    const box = panel.canvas.getBoundingClientRect(), { view } = this.state
    const scale = Math.min(box.width / panel.image.width, box.height / panel.image.height) * view.scale
    const dx = (event.clientX - box.left - box.width / 2) / scale, dy = (event.clientY - box.top - box.height / 2) / scale
    return { panel, scale, dx, dy, x: view.x + dx, y: view.y + dy }
  }

  zoom(factor, offset) {
    Object.assign(this.state.view, zoomView(this.state.view, factor, offset))
    this.onViewChanged()
  }

  pan(dx, dy) {
    const { view } = this.state
    Object.assign(view, { x: view.x - dx, y: view.y - dy, isMoved: true })
    this.onViewChanged()
  }

  fit() {
    if (this.panels.length) this.centre(this.panels[0].image)
    this.onViewChanged()
  }

  // Moves the crosshair (null removes it) and shows what lies under it; optionally also for screen readers.
  setCrosshair(point, announce = false) {
    this.crosshair = point && { x: point.x, y: point.y }
    const x = point ? Math.floor(point.x) : -1, y = point ? Math.floor(point.y) : -1
    const descriptions = this.panels.map(panel => (point ? panel.describePixel(x, y, this.classNames) : ""))
    this.panels.forEach((panel, i) => (panel.readout.textContent = descriptions[i]))
    const image = this.panels[0]?.image, isInside = image && x >= 0 && y >= 0 && x < image.width && y < image.height
    const parts = this.panels.map((panel, i) => (descriptions[i] ? ` · ${panel.props.title}: ${descriptions[i]}` : ""))
    const text = isInside ? `${x}, ${y}${parts.join("")}` : ""
    this.readout.textContent = text
    if (announce) this.announce(text)
    this.draw()
  }

  // Has screen readers say something, also if it is the same as before.
  announce(text) {
    this.announcement.textContent = this.announcement.textContent === text ? `${text}\u00a0` : text
  }

  setHidden(isHidden) {
    if (this.isHidden === isHidden) return
    this.isHidden = isHidden
    setPressed(this.toolbar.hideButton, isHidden)
    this.draw()
  }

  // Applies a choice of the user: keeps it, draws it and writes it to the URL.
  setState(changes) {
    Object.assign(this.state, changes)
    this.toolbar.update()
    this.field.toolbar.update()
    if ("panels" in changes) this.load()
    else this.renderLayers()
    this.swipe.update()
    this.scheduleUrlUpdate()
  }

  toggleClass(id) {
    this.setState({ classes: this.state.classes.map((isOn, i) => (i === id ? !isOn : isOn)) })
  }

  onViewChanged() {
    this.draw()
    this.scheduleUrlUpdate()
  }

  scheduleUrlUpdate() {
    clearTimeout(this.urlTimer)
    this.urlTimer = setTimeout(() => this.isOnPage() && this.updateUrl(), URL_DELAY)
  }

  updateUrl() {
    this.state.cell = this.field.isShown ? this.field.addressedCell : null
    writeUrl(this.state, this.props.default_panels)
  }

  isOnPage() {
    return location.pathname === this.path && this.node.isConnected
  }

  goTo(id) {
    this.steps.goTo(id)
  }

  // Goes to the next image (1) or the previous one (-1).
  step(direction) {
    this.steps.step(direction)
  }

  onStep() {
    this.load()
  }

  // Asks Python for another image. Besides this, edited masks and corrections of cells are sent to Python.
  requestImage(id) {
    this.setTriggerValue("image", id)
  }

  handleKey(event) {
    const target = event.composedPath()[0]
    const isTyping = target.matches?.("input:not([type=range]):not([type=checkbox]), select, textarea")
    if (isTyping || this.editor?.handleKey(event) || (!this.editor && this.field.handleKey(event, target)) || event.ctrlKey || event.metaKey || event.altKey) return
    const shortcut = SHORTCUTS.find(({ matches }) => matches(event))
    if (target.type === "range" && event.key.startsWith("Arrow")) return
    // An arrow key that does nothing here must not scroll the page under the viewer.
    if (!shortcut && event.key.startsWith("Arrow")) event.preventDefault()
    if (!shortcut) return
    event.preventDefault()
    event.stopPropagation()
    shortcut.run(this, event)
  }

  // Starts editing the mask of a panel; null stops it.
  async edit(panel) {
    this.editor?.close()
    if (panel) await panel.ensureMap()
    this.editor = panel ? new Editor(this, panel) : null
    this.toolbar.update()
    this.field.toolbar.update()
    this.draw()
  }

  save(kind, part) {
    if (kind === "view") return saveView(this)
    return kind === "mask" ? saveMask(this, part) : saveFigure(this, kind)
  }

  showError(text) {
    this.error.textContent = text
    this.error.hidden = false
  }

  destroy() {
    this.abort.abort()
    this.resizeObserver.disconnect()
    this.field.destroy()
    this.steps.destroy()
    clearTimeout(this.urlTimer)
    this.node.remove()
  }
}

export default function (component) {
  const root = component.parentElement
  let viewer = store.viewers.get(root)
  // A viewer of an older module: the source was changed while the page was open.
  if (viewer && !(viewer instanceof Viewer)) viewer = viewer.destroy()
  if (!viewer) store.viewers.set(root, (viewer = new Viewer(root)))
  const runCount = (viewer.runCount = ++store.runCount)
  try {
    viewer.update(component)
  } catch (error) {
    viewer.showError(`The viewer failed: ${error.message}. Reload the page.`)
  }
  return () => {
    // Streamlit may clean up after a run that a newer one has overtaken; the viewer then stays.
    if (runCount !== viewer.runCount) return
    viewer.destroy()
    store.viewers.delete(root)
  }
}
