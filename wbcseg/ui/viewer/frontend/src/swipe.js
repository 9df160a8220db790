import { el } from "./dom.js"
import { drawPanel } from "./render.js"
import { Panel } from "./panels.js"
import { mapOf, photograph, store } from "./image_store.js"

// Two panels, one over the other, with a divider between them that can be dragged or moved by the arrow keys.

export class Swipe {
  constructor(viewer) {
    this.viewer = viewer
    this.canvas = el("canvas", { role: "img", tabindex: 0 })
    this.context = this.canvas.getContext("2d")
    this.divider = el("div", { class: "divider", role: "slider", tabindex: 0, "aria-label": "Divider", "aria-valuemin": 0, "aria-valuemax": 100 })
    this.left = el("select", { "aria-label": "Left of the divider" })
    this.right = el("select", { "aria-label": "Right of the divider" })
    this.node = el(
      "div",
      { class: "swipe", hidden: true },
      el("div", { class: "sides" }, this.left, this.right),
      (this.stage = el("div", { class: "stage" }, this.canvas, this.divider)),
    )
    for (const [select, side] of [[this.left, "left"], [this.right, "right"]]) {
      select.addEventListener("change", () => viewer.set({ swipe: { ...viewer.kept.swipe, [side]: select.value } }))
    }
    this.divider.addEventListener("pointerdown", event => this.divider.setPointerCapture(event.pointerId))
    this.divider.addEventListener("pointermove", event => this.divider.hasPointerCapture(event.pointerId) && this.drag(event))
    this.divider.addEventListener("keydown", event => this.key(event))
  }

  // What lies under the pointer on the stage, for zooming and panning: the same picture on both sides.
  panelOf(target) {
    return target === this.canvas && this.pair ? { canvas: this.canvas, picture: this.pair[0].picture, data: {} } : null
  }

  toggle() {
    const { viewer } = this
    if (viewer.kept.swipe) return viewer.set({ swipe: null })
    const models = viewer.chosen.filter(key => key !== "picture")
    const left = models[0] ?? viewer.known[0], right = models[1] ?? viewer.known.find(key => key !== left) ?? left
    viewer.set({ swipe: { left, right, at: 0.5 } })
    this.divider.focus()
  }

  async update() {
    const { viewer } = this, chosen = viewer.kept.swipe
    this.node.hidden = !chosen
    if (!chosen) return
    for (const [select, side] of [[this.left, "left"], [this.right, "right"]]) {
      if (select.options.length !== viewer.known.length) {
        select.replaceChildren(...viewer.data.panels.map(panel => new Option(panel.title, panel.key)))
      }
      select.value = chosen[side]
    }
    const pack = store.packs.get(viewer.data.pack)
    if (!pack) return
    const picture = await photograph(pack), edits = viewer.editsOf(pack.digest)
    const parts = viewer.modelParts()
    this.pair = await Promise.all(
      [chosen.left, chosen.right].map(async key => {
        const told = viewer.data.panels.find(panel => panel.key === key) ?? viewer.data.panels[0]
        const panel = new Panel(told.key)
        await panel.fill(told, pack, picture, parts, edits)
        panel.compose(viewer.settings)
        return panel
      }),
    )
    this.canvas.setAttribute("aria-label", this.pair.map(panel => panel.data.title).join(" and "))
    this.measure()
    this.draw(viewer.settings)
  }

  measure() {
    if (this.node.hidden || !this.pair) return
    const { picture } = this.pair[0], ratio = Math.min(2, window.devicePixelRatio || 1)
    this.stage.style.aspectRatio = `${Math.min(1.8, Math.max(0.6, picture.width / picture.height))}`
    const w = Math.round(this.canvas.clientWidth * ratio), h = Math.round(this.canvas.clientHeight * ratio)
    if (w && (this.canvas.width !== w || this.canvas.height !== h)) Object.assign(this.canvas, { width: w, height: h })
  }

  draw(settings) {
    const { viewer } = this, chosen = viewer.kept.swipe
    if (!chosen || !this.pair || this.node.hidden) return
    const [left, right] = this.pair, { width, height } = this.canvas, cut = Math.round(width * chosen.at)
    drawPanel(this.context, this.canvas, right, viewer.kept.view, settings)
    const other = (this.other ??= document.createElement("canvas"))
    Object.assign(other, { width, height })
    drawPanel(other.getContext("2d"), other, left, viewer.kept.view, settings)
    this.context.setTransform(1, 0, 0, 1, 0, 0)
    if (cut > 0) {
      this.context.clearRect(0, 0, cut, height)
      this.context.drawImage(other, 0, 0, cut, height, 0, 0, cut, height)
    }
    this.divider.style.left = `${100 * chosen.at}%`
    this.tell()
  }

  // Says where the divider is, at once and not with the next frame: screen readers read it when a key was pressed.
  tell() {
    const share = Math.round(100 * this.viewer.kept.swipe.at)
    this.divider.setAttribute("aria-valuenow", share)
    if (this.pair) this.divider.setAttribute("aria-valuetext", `${this.pair[0].data.title} ${share} %`)
  }

  drag(event) {
    const box = this.stage.getBoundingClientRect()
    this.move((event.clientX - box.left) / box.width)
  }

  key(event) {
    const by = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 }[event.key]
    const to = { Home: 0, End: 1 }[event.key] ?? (by && this.viewer.kept.swipe.at + by)
    if (to === undefined) return
    event.preventDefault()
    event.stopPropagation()
    this.move(to)
  }

  move(at) {
    this.viewer.kept.swipe.at = Math.min(1, Math.max(0, at))
    this.tell()
    this.viewer.changed()
  }
}
