import { createElement } from "./dom.js"
import { drawPanel } from "./render.js"
import { Panel } from "./panels.js"
import { getPayload, loadImage } from "./image_store.js"

// Two panels on top of each other, with a divider between them that is dragged or moved with the arrow keys.

export class Swipe {
  constructor(viewer) {
    this.viewer = viewer
    this.canvas = createElement("canvas", { role: "img", tabindex: 0 })
    this.context = this.canvas.getContext("2d")
    this.leftCanvas = document.createElement("canvas")
    this.divider = createElement("div", {
      class: "divider", role: "slider", tabindex: 0, "aria-label": "Divider", "aria-valuemin": 0, "aria-valuemax": 100,
    })
    this.left = createElement("select", { "aria-label": "Left of the divider" })
    this.right = createElement("select", { "aria-label": "Right of the divider" })
    this.stage = createElement("div", { class: "stage" }, this.canvas, this.divider)
    this.node = createElement("div", { class: "swipe", hidden: true }, createElement("div", { class: "sides" }, this.left, this.right), this.stage)
    for (const [side, select] of this.sides) {
      select.addEventListener("change", () => viewer.setState({ swipe: { ...viewer.state.swipe, [side]: select.value } }))
    }
    this.divider.addEventListener("pointerdown", event => this.divider.setPointerCapture(event.pointerId))
    this.divider.addEventListener("pointermove", event => this.divider.hasPointerCapture(event.pointerId) && this.drag(event))
    this.divider.addEventListener("keydown", event => this.handleKey(event))
  }

  get sides() {
    return [["left", this.left], ["right", this.right]]
  }

  // Returns what lies under the pointer on the stage, for zooming and panning: both sides show the same image.
  getPanelOf(target) {
    return target === this.canvas && this.pair ? { canvas: this.canvas, image: this.pair[0].image, props: {} } : null
  }

  toggle() {
    const { viewer } = this
    if (viewer.state.swipe) return viewer.setState({ swipe: null })
    const keys = viewer.selectedKeys.filter(key => key !== "image")
    const left = keys[0] ?? viewer.panelKeys[0], right = keys[1] ?? viewer.panelKeys.find(key => key !== left) ?? left
    viewer.setState({ swipe: { left, right, position: 0.5 } })
    this.divider.focus()
  }

  async update() {
    const { viewer } = this, { swipe } = viewer.state
    this.node.hidden = !swipe
    viewer.node.classList.toggle("swiping", Boolean(swipe))
    if (!swipe) return
    for (const [side, select] of this.sides) {
      if (select.options.length !== viewer.panelKeys.length) {
        select.replaceChildren(...viewer.props.panels.map(panel => new Option(panel.title, panel.key)))
      }
      select.value = swipe[side]
    }
    const payload = getPayload(viewer.props.digest)
    if (!payload) return
    const image = await loadImage(payload), edits = viewer.getEdits(payload.digest)
    this.pair = await Promise.all([swipe.left, swipe.right].map(key => this.loadPanel(key, payload, image, edits)))
    this.canvas.setAttribute("aria-label", this.pair.map(panel => panel.props.title).join(" and "))
    this.resize()
    this.draw(viewer.settings)
  }

  async loadPanel(key, payload, image, edits) {
    const { viewer } = this, panelProps = viewer.props.panels.find(panel => panel.key === key) ?? viewer.props.panels[0]
    const panel = new Panel(panelProps.key, viewer.badges)
    Object.assign(panel, { cellLayer: viewer.field.getLayer(panelProps.key), types: viewer.props.types })
    await panel.load(panelProps, payload, image, viewer.models, edits)
    panel.renderLayers(viewer.settings)
    return panel
  }

  resize() {
    if (this.node.hidden || !this.pair) return
    const { image } = this.pair[0], ratio = Math.min(2, window.devicePixelRatio || 1)
    this.stage.style.aspectRatio = this.viewer.isFilling ? "auto" : `${Math.min(1.8, Math.max(0.6, image.width / image.height))}`
    const width = Math.round(this.canvas.clientWidth * ratio), height = Math.round(this.canvas.clientHeight * ratio)
    if (width && (this.canvas.width !== width || this.canvas.height !== height)) Object.assign(this.canvas, { width, height })
  }

  draw(settings) {
    const { swipe, view } = this.viewer.state
    if (!swipe || !this.pair || this.node.hidden) return
    const [left, right] = this.pair, { width, height } = this.canvas, cut = Math.round(width * swipe.position)
    drawPanel(this.context, this.canvas, right, view, settings)
    Object.assign(this.leftCanvas, { width, height })
    drawPanel(this.leftCanvas.getContext("2d"), this.leftCanvas, left, view, settings)
    this.context.setTransform(1, 0, 0, 1, 0, 0)
    if (cut > 0) {
      this.context.clearRect(0, 0, cut, height)
      this.context.drawImage(this.leftCanvas, 0, 0, cut, height, 0, 0, cut, height)
    }
    this.divider.style.left = `${100 * swipe.position}%`
    this.updateAria()
  }

  // Updates the slider's value at once, not with the next frame: screen readers read it when a key is pressed.
  updateAria() {
    const percent = Math.round(100 * this.viewer.state.swipe.position)
    this.divider.setAttribute("aria-valuenow", percent)
    if (this.pair) this.divider.setAttribute("aria-valuetext", `${this.pair[0].props.title} ${percent}%`)
  }

  drag(event) {
    const box = this.stage.getBoundingClientRect()
    this.moveTo((event.clientX - box.left) / box.width)
  }

  handleKey(event) {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 }[event.key]
    const position = { Home: 0, End: 1 }[event.key] ?? (step && this.viewer.state.swipe.position + step)
    if (position === undefined) return
    event.preventDefault()
    event.stopPropagation()
    this.moveTo(position)
  }

  moveTo(position) {
    this.viewer.state.swipe.position = Math.min(1, Math.max(0, position))
    this.updateAria()
    this.viewer.onViewChanged()
  }
}
