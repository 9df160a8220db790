import { readAddress, writeAddress } from "./url_state.js"
import { el, pressed } from "./dom.js"
import { drawCross, drawPanel } from "./render.js"
import { Gestures, clampScale } from "./gestures.js"
import { Panel, columnsFor } from "./panels.js"
import { mapOf, photograph, store } from "./image_store.js"
import { draftOf } from "./local_drafts.js"
import { Toolbar } from "./toolbar.js"
import { KEYS, Help } from "./help.js"
import { Swipe } from "./swipe.js"
import { Strip } from "./strip.js"
import { Editor } from "./edit.js"
import { saveFigure, saveMask, saveView } from "./export.js"

const WRITE_AFTER = 300

// What the reader chose; it outlives the mount, and the address repeats it.
function fresh() {
  return {
    view: { scale: 1, x: 0, y: 0, moved: false },
    chosen: null,
    style: "fill",
    opacity: 0.4,
    classes: [false, true, true],
    palette: "thesis",
    own: ["#d55e00", "#f0e442", "#0072b2"],
    hatch: false,
    cutoff: 0,
    swipe: null,
    edits: new Map(),
    read: false,
  }
}

class Viewer {
  constructor(root) {
    this.root = root
    this.kept = store.kept ??= fresh()
    this.panels = new Map()
    this.order = []
    this.hidden = false
    this.cross = null
    this.path = location.pathname
    this.end = new AbortController()
    this.toolbar = new Toolbar(this)
    this.grid = el("div", { class: "panels" })
    this.readout = el("p", { class: "readout", "aria-live": "off" })
    this.said = el("p", { class: "unseen", role: "status" })
    this.problem = el("p", { class: "problem", role: "alert", hidden: true })
    this.help = new Help(this)
    this.swipe = new Swipe(this)
    this.strip = new Strip(this)
    this.box = el(
      "section",
      { class: "viewer", "aria-label": "Viewer" },
      this.toolbar.node, this.problem, this.swipe.node, this.grid, this.readout, this.strip.node, this.help.node, this.said,
    )
    root.append(this.box)
    root.host.dataset.viewer = ""
    this.gestures = new Gestures(this, this.end.signal)
    this.listen()
  }

  listen() {
    const on = (node, type, act) => node.addEventListener(type, act, { signal: this.end.signal })
    on(store.arrived, "pack", () => this.load())
    on(this.box, "keydown", event => this.keyDown(event))
    on(this.box, "keyup", event => event.key.toLowerCase() === "h" && this.hide(false))
    on(window, "blur", () => this.hide(false))
    // Where Streamlit writes the address from what it knew at its last run, write ours again.
    if (globalThis.navigation) on(globalThis.navigation, "currententrychange", () => this.here() && this.later())
    this.resized = new ResizeObserver(() => this.measure())
    this.resized.observe(this.grid)
  }

  // Every run of the component ends here: keep what the reader did, take what Python says.
  update({ data: [data], setTriggerValue }) {
    this.send = setTriggerValue
    this.data = data
    this.known = data.panels.map(panel => panel.key)
    if (!this.kept.read) readAddress(this.kept, this.known, data.palettes.map(palette => palette.key))
    this.kept.read = true
    this.toolbar.update()
    this.strip.update()
    this.load()
    this.later()
  }

  get settings() {
    const { classes, cutoff, hatch, style, opacity, palette, own } = this.kept
    const colours = palette === "own" ? own : this.data.palettes.find(one => one.key === palette)?.colours
    return { classes, cutoff, hatch, style, opacity, hidden: this.hidden, colours: colours ?? this.data.palettes[0].colours }
  }

  // The keys of the panels that are shown, in order: those chosen that there are, or the standard ones.
  get chosen() {
    const found = (this.kept.chosen ?? []).filter(key => this.known.includes(key))
    return found.length ? found : this.data.shown
  }

  modelParts() {
    return this.data.panels.filter(panel => panel.kind === "model").map(panel => panel.part)
  }

  get names() {
    return this.data.classes.map(one => one.title.toLowerCase())
  }

  async load() {
    const pack = store.packs.get(this.data?.pack)
    if (!pack) return
    const turn = (this.loading = (this.loading ?? 0) + 1)
    try {
      const picture = await photograph(pack)
      const parts = this.modelParts(), edits = await this.drafts(pack, parts), wanted = this.chosen
      const panels = wanted.map(key => this.panels.get(key) ?? new Panel(key))
      const told = wanted.map(key => this.data.panels.find(panel => panel.key === key))
      await Promise.all(panels.map((panel, i) => panel.fill(told[i], pack, picture, parts, edits)))
      if (turn !== this.loading) return
      this.arrange(panels)
      if (this.shownPack !== pack.digest && !this.kept.view.moved) this.centre(picture)
      this.shownPack = pack.digest
      this.pack = pack
      this.problem.hidden = true
      this.compose()
      this.measure()
      await this.swipe.update()
    } catch (error) {
      this.complain(`This picture cannot be shown: ${error.message}. Reload the page to try again.`)
    }
  }

  editsOf(digest) {
    if (!this.kept.edits.has(digest)) this.kept.edits.set(digest, new Map())
    return this.kept.edits.get(digest)
  }

  // The corrected masks of a picture: those of this page, and those that a reload left.
  async drafts(pack, parts) {
    const edits = this.editsOf(pack.digest)
    for (const part of parts) {
      const found = edits.get(part) ?? draftOf(pack.digest, part, await mapOf(pack, part))
      if (found) edits.set(part, found)
    }
    return edits
  }

  // Puts the panels into the grid without moving those that are in their place: a moved one would lose its focus.
  arrange(panels) {
    for (const [key, panel] of this.panels) if (!panels.includes(panel)) (panel.node.remove(), this.panels.delete(key))
    panels.forEach((panel, i) => {
      this.panels.set(panel.key, panel)
      if (this.grid.children[i] !== panel.node) this.grid.insertBefore(panel.node, this.grid.children[i] ?? null)
    })
    this.order = panels
  }

  centre(picture) {
    Object.assign(this.kept.view, { scale: 1, x: picture.width / 2, y: picture.height / 2, moved: false })
  }

  compose() {
    const { settings } = this
    for (const panel of this.order) panel.compose(settings)
    this.draw()
  }

  measure() {
    if (!this.order.length || !this.grid.clientWidth) return
    const { width, height } = this.order[0].picture, aspect = Math.min(1.8, Math.max(0.6, width / height))
    const columns = columnsFor(this.order.length, this.grid.clientWidth, 0.66 * window.innerHeight, aspect)
    this.grid.style.setProperty("--columns", columns)
    this.grid.style.setProperty("--aspect", aspect)
    const ratio = Math.min(this.order.length > 8 ? 1.5 : 2, window.devicePixelRatio || 1)
    for (const panel of this.order) {
      const w = Math.round(panel.canvas.clientWidth * ratio), h = Math.round(panel.canvas.clientHeight * ratio)
      if (w && (panel.canvas.width !== w || panel.canvas.height !== h)) Object.assign(panel.canvas, { width: w, height: h })
    }
    this.ratio = ratio
    this.swipe.measure()
    this.draw()
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      const { settings } = this, { view } = this.kept
      settings.line = 2 * (this.ratio ?? 1)
      for (const panel of this.order) {
        if (!panel.picture) continue
        drawPanel(panel.context, panel.canvas, panel, view, settings)
        if (this.cross) drawCross(panel.context, panel.canvas, panel, view, this.cross)
      }
      this.swipe.draw(settings)
      this.editor?.draw()
      // Read by tests, and by whoever wants to know what a panel shows.
      this.grid.dataset.view = [view.scale, view.x, view.y].map(n => n.toFixed(3)).join(" ")
    })
  }

  // Where an event is: the panel, the point of the picture, and screen pixels a picture pixel.
  panelAt(event, captured) {
    const target = event.composedPath()[0]
    const panel = captured ?? this.order.find(one => one.canvas === target) ?? this.swipe.panelOf(target)
    if (!panel?.picture) return null
    const canvas = captured?.canvas ?? target
    const box = canvas.getBoundingClientRect(), { view } = this.kept
    const s = Math.min(box.width / panel.picture.width, box.height / panel.picture.height) * view.scale
    const dx = (event.clientX - box.left - box.width / 2) / s, dy = (event.clientY - box.top - box.height / 2) / s
    return { panel, s, dx, dy, x: view.x + dx, y: view.y + dy }
  }

  zoom(by, spot = { dx: 0, dy: 0 }) {
    const { view } = this.kept, scale = clampScale(view.scale * by), f = 1 - view.scale / scale
    Object.assign(view, { scale, x: view.x + spot.dx * f, y: view.y + spot.dy * f, moved: true })
    this.changed()
  }

  pan(dx, dy) {
    const { view } = this.kept
    Object.assign(view, { x: view.x - dx, y: view.y - dy, moved: true })
    this.changed()
  }

  fit() {
    if (this.order.length) this.centre(this.order[0].picture)
    this.changed()
  }

  // Moves the cross-hair (null takes it away) and says what lies under it.
  point(spot, aloud = false) {
    this.cross = spot && { x: spot.x, y: spot.y }
    const x = spot ? Math.floor(spot.x) : -1, y = spot ? Math.floor(spot.y) : -1
    const said = this.order.map(panel => (panel.spot.textContent = spot ? panel.says(x, y, this.names) : ""))
    const inside = this.order[0]?.picture && x >= 0 && y >= 0 && x < this.order[0].picture.width && y < this.order[0].picture.height
    const text = inside
      ? `${x}, ${y}` + this.order.map((panel, i) => (said[i] ? ` · ${panel.data.title}: ${said[i]}` : "")).join("")
      : ""
    this.readout.textContent = text
    if (aloud) this.said.textContent = text
    this.draw()
  }

  hide(on) {
    if (this.hidden === on) return
    this.hidden = on
    pressed(this.toolbar.hideButton, on)
    this.draw()
  }

  // A choice of the reader's: kept, drawn, and written to the address.
  set(changes) {
    Object.assign(this.kept, changes)
    this.toolbar.update()
    if ("chosen" in changes) this.load()
    else this.compose()
    this.swipe.update()
    this.later()
  }

  changed() {
    this.draw()
    this.later()
  }

  later() {
    clearTimeout(this.soon)
    this.soon = setTimeout(() => this.here() && writeAddress(this.kept, this.data.shown), WRITE_AFTER)
  }

  here() {
    return location.pathname === this.path && this.box.isConnected
  }

  // Asks Python for another picture; nothing else but a handed-over mask does.
  goTo(id) {
    if (id) this.send("picture", id)
  }

  keyDown(event) {
    const typing = event.composedPath()[0].matches?.("input:not([type=range]):not([type=checkbox]), select, textarea")
    if (typing || this.editor?.key(event) || event.ctrlKey || event.metaKey || event.altKey) return
    const act = KEYS.find(one => one.matches(event))
    if (!act || (event.composedPath()[0].type === "range" && event.key.startsWith("Arrow"))) return
    event.preventDefault()
    event.stopPropagation()
    act.act(this, event)
  }

  edit(panel) {
    this.editor?.close()
    this.editor = panel ? new Editor(this, panel) : null
    this.toolbar.update()
    this.draw()
  }

  save(kind) {
    if (kind === "view") return saveView(this)
    return kind.startsWith("mask ") ? saveMask(this, kind.slice(5)) : saveFigure(this, kind)
  }

  complain(text) {
    this.problem.textContent = text
    this.problem.hidden = false
  }

  destroy() {
    this.end.abort()
    this.resized.disconnect()
    clearTimeout(this.soon)
    this.box.remove()
  }
}

export default function (component) {
  const root = component.parentElement
  let viewer = store.live.get(root)
  // A viewer of an older module: its source was changed while the page was open.
  if (viewer && !(viewer instanceof Viewer)) viewer = viewer.destroy()
  if (!viewer) store.live.set(root, (viewer = new Viewer(root)))
  const turn = (viewer.turn = ++store.turn)
  try {
    viewer.update(component)
  } catch (error) {
    viewer.complain(`The viewer failed: ${error.message}. Reload the page.`)
  }
  return () => {
    // Streamlit may clean up after a run that a newer one has overtaken: the viewer then lives on.
    if (turn !== viewer.turn) return
    viewer.destroy()
    store.live.delete(root)
  }
}
