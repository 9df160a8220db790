import { createElement, setPressed } from "./dom.js"
import { setViewTransform } from "./render.js"
import { createIcon } from "./cells/icons.js"

// Where models disagree: a line of text, and dashed marks on every panel.

const LINES = [["rgba(10, 6, 24, 0.8)", 4.5, []], ["#ff5ce1", 2.2, [6, 4]]]

export class Marks {
  constructor(viewer) {
    this.viewer = viewer
    this.isShown = true
    this.text = createElement("span", {})
    this.node = createElement(
      "button", { type: "button", class: "disagreement", title: "Show or hide the marks", "aria-pressed": "true", hidden: true, onclick: () => this.toggle() },
      createIcon("differ"), this.text,
    )
  }

  update() {
    const { disagreement } = this.viewer.props
    this.node.hidden = !disagreement
    this.text.textContent = disagreement?.text ?? ""
    this.outlines = disagreement?.outlines ?? []
    setPressed(this.node, this.isShown)
  }

  toggle() {
    this.isShown = !this.isShown
    setPressed(this.node, this.isShown)
    this.viewer.announce(this.isShown ? "Marks shown" : "Marks hidden")
    this.viewer.draw()
  }

  draw(panel, lineWidth) {
    if (!this.isShown || !this.outlines?.length) return
    const { context, canvas, image } = panel, scale = setViewTransform(context, canvas, image, this.viewer.state.view)
    const unit = lineWidth / 2 / scale
    context.save()
    context.lineJoin = "round"
    for (const [colour, width, dash] of LINES) {
      context.strokeStyle = colour
      context.lineWidth = width * unit
      context.setLineDash(dash.map(length => length * unit))
      context.beginPath()
      for (const outline of this.outlines) {
        outline.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)))
        context.closePath()
      }
      context.stroke()
    }
    context.restore()
  }
}
