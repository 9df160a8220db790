import {
  ERROR_COLOURS, ERROR_LABELS, UNCERTAINTY_COLOURS, classifyErrors, computeDice, countMajorityVotes, renderAgreement, renderErrors,
  renderFill, renderUncertainty, selectVisible,
} from "./overlays.js"
import { createElement, formatScore } from "./dom.js"
import { Outlines } from "./outlines.js"
import { createTypeCounts, formatTypeCounts } from "./cells/type_counts.js"
import { STATUS_STYLES, getStatusStyle } from "./cells/cell_layer.js"
import { getProbability, loadFadedImage, loadPanelMap, loadMap } from "./image_store.js"

// A panel: the image with one kind of overlay, its caption and its readout.

// Legends of the panels that do not show classes; their overlays are opaque, on a faded image.
const LEGENDS = {
  errors: [1, 2, 3].map(kind => [ERROR_COLOURS[kind], ERROR_LABELS[kind]]),
  agreement: [[UNCERTAINTY_COLOURS[2], "some disagree"], [UNCERTAINTY_COLOURS[3], "most disagree"]],
  uncertainty: [[UNCERTAINTY_COLOURS[1], "slightly uncertain"], [UNCERTAINTY_COLOURS[3], "very uncertain"]],
}

export class Panel {
  constructor(key, badges) {
    this.key = key
    this.badges = badges
    this.canvas = createElement("canvas", { tabindex: 0, role: "img" })
    this.context = this.canvas.getContext("2d")
    this.title = createElement("span", { class: "name" })
    this.scores = createElement("span", { class: "scores" })
    this.readout = createElement("span", { class: "panel-readout", "aria-hidden": "true" })
    this.badgeSlot = createElement("span", { class: "badges" })
    this.types = []
    this.typeSlot = createElement("span", { class: "types" })
    const caption = createElement("figcaption", {}, this.title, this.badgeSlot, this.scores, this.typeSlot)
    this.node = createElement("figure", { "data-panel": key }, caption, createElement("div", { class: "frame" }, this.canvas, this.readout))
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

  // Shows the badges, and the Dice or the legend.
  showCaption() {
    const items = this.cellLayer ? [createElement("span", { class: "cell-count" }, this.cellCount ?? "")] : []
    const counts = this.cellLayer ? (this.typeCounts ?? []) : this.types[this.props.type] ? [[this.types[this.props.type], null]] : []
    this.typeSlot.replaceChildren(...(counts.length ? [createTypeCounts(counts)] : []))
    if (this.props.kind === "model" && this.mask) {
      this.dice = computeDice(this.map, this.mask)
      for (const [region, value] of Object.entries(this.dice)) items.push(createElement("span", {}, `${region} ${formatScore(value)}`))
    }
    for (const [colour, text] of LEGENDS[this.props.kind] ?? []) {
      items.push(createElement("span", {}, createElement("i", { style: `--colour: ${colour}` }), text))
    }
    this.scores.replaceChildren(...items)
    this.showBadges()
  }

  showBadges() {
    const { quality, badge } = this.props, badges = this.cellLayer ? this.listCellBadges() : quality ? [quality] : []
    if (badge) badges.push({ kind: "note", text: badge.text, help: [badge.help] })
    const shownKey = JSON.stringify(badges)
    // Badges that have not changed stay, with their explanation open.
    if (shownKey === this.shownBadges) return
    this.shownBadges = shownKey
    this.badgeSlot.replaceChildren(...badges.map(item => this.badges.create({ ...item, swatch: this.createSwatch(item.kind) })))
  }

  // Shows how many cells there are, how many of them count and are of which type, and how many have which status.
  showCells(text, typeCounts) {
    this.typeCounts = typeCounts
    const types = typeCounts.length ? ` ${formatTypeCounts(typeCounts)}.` : ""
    this.canvas.setAttribute("aria-label", `${this.props.alt}. ${text}.${types} Arrow keys go from cell to cell, the question mark lists all keys.`)
    this.cellCount = text
    this.showCaption()
  }

  // Lists a badge for each status of the cells, with how many have it.
  listCellBadges() {
    const counts = new Map()
    for (const { status } of this.cellLayer.cells) counts.set(status, (counts.get(status) ?? 0) + 1)
    const { status_badges: statuses = [] } = this.props
    return statuses.filter(({ kind }) => counts.get(kind)).map(({ kind, text, help }) => ({ kind, text: `${text}: ${counts.get(kind)}`, title: text, help }))
  }

  // The line in which the outlines of a status are drawn.
  createSwatch(status) {
    if (!this.cellLayer || this.hasClassOutlines || !(status in STATUS_STYLES)) return null
    const { colour, dash } = getStatusStyle(status)
    return createElement("i", { class: dash.length ? "line dashed" : "line", style: `--colour: ${colour}` })
  }

  // Renders the layers again if a setting or the map has changed.
  renderLayers(settings) {
    const { classes, threshold, colours, hatching, style, classOutlines } = settings
    if (this.cellLayer && this.hasClassOutlines !== classOutlines) {
      this.hasClassOutlines = classOutlines
      this.shownBadges = null
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
    if (cell) return [`cell ${cell.number}`, this.types[cell.type]?.title, cell.status_label].filter(Boolean).join(", ").toLowerCase()
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
