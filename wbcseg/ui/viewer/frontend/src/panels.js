import {
  ERROR_COLOURS, ERROR_LABELS, UNCERTAINTY_COLOURS, classifyErrors, computeDice, countMajorityVotes, renderAgreement, renderErrors,
  renderFill, renderUncertainty, selectVisible,
} from "./overlays.js"
import { createElement, formatScore } from "./dom.js"
import { Outlines } from "./outlines.js"
import { STATUS_STYLES, getStatusStyle } from "./cells/cell_layer.js"
import { getProbability, loadFadedImage, loadPanelMap, loadMap } from "./image_store.js"

// A panel: the image with one kind of overlay, its caption and its readout.

// Legends of the panels that do not show classes; their overlays are opaque, on a faded image.
const LEGENDS = {
  errors: [1, 2, 3].map(kind => [ERROR_COLOURS[kind], ERROR_LABELS[kind]]),
  agreement: [[UNCERTAINTY_COLOURS[2], "some disagree"], [UNCERTAINTY_COLOURS[3], "most disagree"]],
  uncertainty: [[UNCERTAINTY_COLOURS[1], "slightly uncertain"], [UNCERTAINTY_COLOURS[3], "very uncertain"]],
}

const MIN_PANEL_WIDTH = 132, GAP = 10, CAPTION_HEIGHT = 62

// Returns the number of columns that makes the panels largest without making the grid taller than the screen.
export function computeColumns(count, width, height, aspect) {
  let best = 1, bestScore = 0
  for (let columns = 1; columns <= count; columns++) {
    const side = (width - GAP * (columns - 1)) / columns
    if (side < MIN_PANEL_WIDTH && columns > 1) break
    const rows = Math.ceil(count / columns), gridHeight = rows * (side / aspect + CAPTION_HEIGHT)
    // Large panels count less if the user has to scroll, and slightly less if a row is not full.
    const score = side * Math.min(1, height / gridHeight) ** 2 * (count / (rows * columns)) ** 0.25
    if (score > bestScore + 1) {
      bestScore = score
      best = columns
    }
  }
  // Two side by side on a phone.
  return count > 1 && width >= 2 * MIN_PANEL_WIDTH + GAP ? Math.max(2, best) : best
}

export class Panel {
  constructor(key) {
    this.key = key
    this.canvas = createElement("canvas", { tabindex: 0, role: "img" })
    this.context = this.canvas.getContext("2d")
    this.title = createElement("span", { class: "name" })
    this.scores = createElement("span", { class: "scores" })
    this.readout = createElement("span", { class: "panel-readout", "aria-hidden": "true" })
    const caption = createElement("figcaption", {}, this.title, this.scores)
    this.node = createElement("figure", { "data-panel": key }, caption, this.canvas, this.readout)
  }

  // Loads what the panel shows of an image: its maps, with the user's edits in place of a model's result.
  async load(props, payload, image, models, edits) {
    const load = ({ part }) => edits.get(part) ?? loadPanelMap(payload, models.find(model => model.part === part) ?? { part })
    this.props = props
    this.image = LEGENDS[props.kind] ? await loadFadedImage(payload) : image
    this.mask = payload.parts.mask ? await loadMap(payload, "mask") : null
    this.loadMap = () => load(props)
    // Cells are drawn as outlines: the map, which is large in a field of view, is decoded only if something needs it.
    this.map = props.part && !(this.cellLayer && !this.mask) ? await this.loadMap() : null
    this.models = props.kind === "agreement" ? await Promise.all(models.map(load)) : null
    this.layersKey = null
    this.title.textContent = props.title
    this.title.title = props.help ?? ""
    this.canvas.setAttribute("aria-label", props.alt)
    // Screen readers pass the keys on to an application only.
    this.canvas.setAttribute("role", this.cellLayer ? "application" : "img")
    this.showCaption()
  }

  // What draws the cells; while the mask is edited, its pixels are shown instead.
  get shownCells() {
    return this.isEditing ? null : this.cellLayer
  }

  async ensureMap() {
    this.map ??= await this.loadMap()
  }

  // Shows the Dice or the legend, and the badge.
  showCaption() {
    const items = this.cellLayer ? this.createCellItems() : []
    if (this.props.kind === "model" && this.mask) {
      this.dice = computeDice(this.map, this.mask)
      for (const [region, value] of Object.entries(this.dice)) items.push(createElement("span", {}, `${region} ${formatScore(value)}`))
    }
    for (const [colour, text] of LEGENDS[this.props.kind] ?? []) {
      items.push(createElement("span", {}, createElement("i", { style: `--colour: ${colour}` }), text))
    }
    const { badge } = this.props
    if (badge) items.push(createElement("span", { class: "badge", title: badge.help }, badge.text))
    this.scores.replaceChildren(...items)
  }

  // Shows how many cells there are, how many of them count, and how many have which status.
  showCells(text) {
    this.canvas.setAttribute("aria-label", `${this.props.alt}. ${text}. Arrow keys go from cell to cell, the question mark lists all keys.`)
    this.cellCount = text
    this.showCaption()
  }

  createCellItems() {
    const counts = new Map(), labels = new Map()
    for (const { status, status_label: label } of this.cellLayer.cells) {
      counts.set(status, (counts.get(status) ?? 0) + 1)
      labels.set(status, label)
    }
    const statuses = Object.keys(STATUS_STYLES).filter(status => labels.get(status))
    const items = statuses.map(status => {
      const { colour, dash } = getStatusStyle(status)
      const swatch = this.hasClassOutlines ? "" : createElement("i", { class: dash.length ? "line dashed" : "line", style: `--colour: ${colour}` })
      return createElement("span", {}, swatch, `${labels.get(status)}: ${counts.get(status)}`)
    })
    return [createElement("span", { class: "cell-count" }, this.cellCount ?? ""), ...items]
  }

  // Renders the layers again if a setting or the map has changed.
  renderLayers(settings) {
    const { classes, threshold, colours, hatching, style, classOutlines } = settings
    if (this.cellLayer && this.hasClassOutlines !== classOutlines) {
      this.hasClassOutlines = classOutlines
      this.showCaption()
    }
    const layersKey = JSON.stringify([classes, threshold, colours, hatching, style, Boolean(this.shownCells)])
    if (layersKey === this.layersKey) return
    this.layersKey = layersKey
    const { kind } = this.props
    if (kind === "image" || this.shownCells) this.layers = []
    else if (kind === "model" || kind === "mask") {
      const visibleIds = selectVisible(this.map, kind === "mask" ? { classes, threshold: 0 } : settings)
      this.layers = [
        {
          fill: style === "outline" ? null : renderFill(this.map, visibleIds, settings),
          outlines: style === "fill" ? null : new Outlines(this.map.width, this.map.height, visibleIds),
        },
      ]
    }
    if (kind === "errors") {
      const { width, height } = this.map, errorKinds = classifyErrors(this.map, this.mask, classes)
      this.layers = [{ fill: renderErrors(width, height, errorKinds, hatching), opacity: 1 }]
    }
    if (kind === "agreement") {
      const { width, height } = this.models[0]
      this.votes = countMajorityVotes(this.models)
      this.layers = [{ fill: renderAgreement(width, height, this.votes, this.models.length), opacity: 1 }]
    }
    if (kind === "uncertainty") this.layers = [{ fill: renderUncertainty(this.map), opacity: 1 }]
  }

  // Describes a pixel in a few words.
  describePixel(x, y, classNames) {
    if (x < 0 || y < 0 || x >= this.image.width || y >= this.image.height) return ""
    const i = y * this.image.width + x, { kind } = this.props, cell = this.cellLayer?.findAt(x + 0.5, y + 0.5)
    if (cell) return `cell ${cell.number}${cell.status_label ? `, ${cell.status_label.toLowerCase()}` : ""}`
    if (kind === "mask") return classNames[this.map.ids[i]]
    if (kind === "agreement") return this.votes ? `${this.votes[i]} of ${this.models.length} agree` : ""
    if (!this.map) return ""
    const id = this.map.ids[i]
    if (kind === "errors") {
      const truth = this.mask.ids[i]
      return id === truth ? "correct" : `${classNames[id]}, mask: ${classNames[truth]}`
    }
    return `${classNames[id]} ${formatScore(getProbability(this.map, id, i), 2)}`
  }
}
