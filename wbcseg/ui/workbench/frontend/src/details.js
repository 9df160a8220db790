import { createElement } from "../../../viewer/frontend/src/dom.js"
import { getPayload } from "./cell_store.js"
import { NO_TYPE, getConfidence, summarise } from "./cell_list.js"
import { formatValue } from "./cell_table.js"
import { drawTile } from "./tile.js"

const SIDE = 300, TOP_TYPES = 3
// Among fewer cells, the least and the greatest are always outside of 95 %.
const MIN_UNUSUAL = 40

// The active cell: large, with its probabilities, its measurements among those of its type, and the reasons of its status.
export class Details {
  constructor(workbench) {
    this.workbench = workbench
    this.canvas = createElement("canvas", { role: "img" })
    this.title = createElement("h3")
    this.status = createElement("p", { class: "status" })
    this.reasons = createElement("ul", { class: "reasons" })
    this.probabilities = createElement("div", { class: "probabilities" })
    this.measurements = createElement("div", { class: "measurements" })
    this.openButton = createElement("button", { onclick: () => workbench.open() }, "Correct its mask")
    const step = (direction, label, text) => createElement("button", { "aria-label": label, title: label, onclick: () => workbench.step(direction) }, text)
    this.body = createElement("div", {},
      createElement("div", { class: "large" }, this.canvas),
      createElement("div", { class: "detail-head" }, this.title, step(-1, "Previous cell", "↑"), step(1, "Next cell", "↓")),
      this.status, this.reasons, this.probabilities, this.openButton, this.measurements,
    )
    this.hint = createElement("p", { class: "hint" }, "Select a cell to see it large, with its measurements.")
    this.node = createElement("aside", { class: "details", "aria-label": "Details of the cell", "aria-live": "off", tabindex: -1 }, this.hint, this.body)
  }

  update() {
    const { workbench } = this, cell = workbench.getCell(workbench.active)
    this.body.hidden = !cell
    this.hint.hidden = Boolean(cell)
    if (!cell) return
    const { info } = workbench, status = info.statuses[cell.status]
    this.draw()
    this.canvas.setAttribute("aria-label", `${cell.imageName}, enlarged`)
    this.title.textContent = `${cell.imageName}${cell.number ? `, cell ${cell.number}` : ""}`
    this.title.title = cell.imageName
    const notes = [cell.corrected ? "Outline corrected by a person" : "", cell.counted ? "" : "Does not count by the edge rule"].filter(Boolean)
    this.status.textContent = [status?.label ?? "Quality not assessed", ...notes].join(" · ")
    this.status.dataset.status = status?.name ?? "none"
    this.reasons.replaceChildren(...cell.reasons.map(text => createElement("li", {}, text)))
    this.openButton.hidden = !info.canOpen
    this.updateProbabilities(cell)
    this.updateMeasurements(cell)
  }

  draw() {
    const { workbench } = this, cell = workbench.getCell(workbench.active)
    if (!cell) return
    const side = Math.round(SIDE * Math.min(2, window.devicePixelRatio || 1)), { large } = workbench
    drawTile(this.canvas, cell, workbench.sheets, { side, square: cell.square, outlines: workbench.state.outlines, large: large?.key === cell.key ? getPayload(large.digest) : null })
  }

  updateProbabilities(cell) {
    const { types } = this.workbench.info, title = types[cell.type]?.title ?? NO_TYPE
    const parts = [createElement("p", { class: "filed" }, createElement("i", { style: `background: ${types[cell.type]?.colour ?? "transparent"}` }), createElement("b", {}, title), cell.isAssigned ? " · filed by a person" : "")]
    if (cell.probabilities) {
      const order = cell.probabilities.map((value, i) => [value, i]).sort((a, b) => b[0] - a[0]).slice(0, TOP_TYPES)
      for (const [value, i] of order) {
        parts.push(createElement("div", { class: "bar-row" },
          createElement("span", {}, types[i]?.title ?? ""),
          createElement("span", { class: "bar-track" }, createElement("i", { style: `width: ${Math.round(100 * value)}%; background: ${types[i]?.colour}` })),
          createElement("span", { class: "number" }, `${Math.round(100 * value)} %`),
        ))
      }
      if (cell.isAssigned && cell.predicted !== cell.type) parts.push(createElement("p", { class: "hint" }, `Type model: ${types[cell.predicted]?.title ?? NO_TYPE}`))
    } else if (getConfidence(cell) === null && cell.predicted < 0) {
      parts.push(createElement("p", { class: "hint" }, "No type model: press 1 to 9 to file the cell."))
    }
    this.probabilities.replaceChildren(...parts)
  }

  updateMeasurements(cell) {
    const { workbench } = this, { features } = workbench.info
    const rows = features.map((feature, i) => {
      const value = cell.values[i], summary = workbench.summarise(cell.type, i, () => summarise(workbench.cells, cell.type, i))
      const isUnusual = summary?.count >= MIN_UNUSUAL && value !== null && (value < summary.low || value > summary.high)
      return createElement("div", { class: `measurement${isUnusual ? " is-unusual" : ""}` },
        createElement("span", {}, feature.label),
        summary && value !== null ? drawStrip(value, summary) : createElement("span"),
        createElement("span", { class: "number" }, formatValue(value, feature)),
      )
    })
    const type = workbench.info.types[cell.type]?.title ?? NO_TYPE
    const count = workbench.counts.get(cell.type) ?? 0
    const about = `Measurements among ${count} filed under ${type}: middle half, 95 %, this cell`
    this.measurements.replaceChildren(createElement("p", { class: "hint" }, about), ...rows)
  }
}

// Draws where a value lies among those of its type: a line for 95 %, a box for the middle half, a mark for the value.
function drawStrip(value, { low, q1, q3, high }) {
  const margin = 0.35 * (high - low || 1), from = low - margin, to = high + margin
  const at = number => `${Math.min(98, Math.max(2, (100 * (number - from)) / (to - from)))}%`
  const span = (name, a, b) => createElement("i", { class: name, style: `left: ${at(a)}; right: calc(100% - ${at(b)})` })
  return createElement("span", { class: "strip", "aria-hidden": "true" }, span("range", low, high), span("box", q1, q3), createElement("i", { class: "mark", style: `left: ${at(value)}` }))
}
