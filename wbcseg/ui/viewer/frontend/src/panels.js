import { DOUBT, ERROR_COLOURS, ERROR_WORDS, agreement, agreementOverlay, dice, doubtOverlay, errorOverlay, errors, fillOverlay, visible } from "./overlays.js"
import { el, share } from "./dom.js"
import { Outlines } from "./outlines.js"
import { faded, mapOf, probability } from "./image_store.js"

// The grid of panels: made, kept and put in order, and what each one shows on its picture.

// What the colours of the panels mean that show no classes; they lie fully opaque on a faded picture.
const LEGENDS = {
  errors: [1, 2, 3].map(kind => [ERROR_COLOURS[kind], ERROR_WORDS[kind]]),
  agreement: [[DOUBT[2], "some disagree"], [DOUBT[3], "most disagree"]],
  confidence: [[DOUBT[1], "a little unsure"], [DOUBT[3], "very unsure"]],
}

const NARROWEST = 132, GAP = 10, CAPTION = 62

// How many columns make the panels largest without making the grid taller than the screen.
export function columnsFor(count, width, height, aspect) {
  let best = 1, largest = 0
  for (let columns = 1; columns <= count; columns++) {
    const side = (width - GAP * (columns - 1)) / columns
    if (side < NARROWEST && columns > 1) break
    const rows = Math.ceil(count / columns), tall = rows * (side / aspect + CAPTION)
    // What one has to scroll for counts less than what is large, and a row with gaps a little less than a full one.
    const seen = side * Math.min(1, height / tall) ** 2 * (count / (rows * columns)) ** 0.25
    if (seen > largest + 1) {
      largest = seen
      best = columns
    }
  }
  // Two beside each other on a phone.
  return count > 1 && width >= 2 * NARROWEST + GAP ? Math.max(2, best) : best
}

export class Panel {
  constructor(key) {
    this.key = key
    this.canvas = el("canvas", { tabindex: 0, role: "img" })
    this.context = this.canvas.getContext("2d")
    this.title = el("span", { class: "name" })
    this.scores = el("span", { class: "scores" })
    this.spot = el("span", { class: "spot", "aria-hidden": "true" })
    this.node = el("figure", { "data-panel": key }, el("figcaption", {}, this.title, this.scores), this.canvas, this.spot)
  }

  // Takes what Python says of the panel and the maps of a picture.
  async fill(data, pack, picture, parts, edits) {
    this.data = data
    this.picture = LEGENDS[data.kind] ? await faded(pack) : picture
    this.map = data.part ? edits.get(data.part) ?? (await mapOf(pack, data.part)) : null
    this.mask = pack.parts.mask ? await mapOf(pack, "mask") : null
    this.models = data.kind === "agreement" ? await Promise.all(parts.map(part => edits.get(part) ?? mapOf(pack, part))) : null
    this.signature = null
    this.title.textContent = data.title
    this.title.title = data.help ?? ""
    this.canvas.setAttribute("aria-label", data.alt)
    this.score()
  }

  score() {
    const marks = []
    if (this.data.kind === "model" && this.mask) {
      const of = dice(this.map, this.mask)
      this.dice = of
      for (const [name, value] of Object.entries(of)) marks.push(el("span", {}, `${name} ${share(value)}`))
    }
    for (const [colour, text] of LEGENDS[this.data.kind] ?? []) {
      marks.push(el("span", {}, el("i", { style: `--colour: ${colour}` }), text))
    }
    this.scores.replaceChildren(...marks)
    if (this.data.mark) this.scores.append(el("span", { class: "mark", title: this.data.mark.help }, this.data.mark.text))
  }

  // Makes the layers anew where a setting or the map has changed.
  compose(settings) {
    const { classes, cutoff, colours, hatch, style } = settings
    const signature = JSON.stringify([classes, cutoff, colours, hatch, style])
    if (signature === this.signature) return
    this.signature = signature
    const { kind } = this.data
    if (kind === "picture") this.layers = []
    if (kind === "model" || kind === "mask") {
      const shown = visible(this.map, kind === "mask" ? { classes, cutoff: 0 } : settings)
      this.layers = [
        {
          fill: style === "contour" ? null : fillOverlay(this.map, shown, settings),
          lines: style === "fill" ? null : new Outlines(this.map.width, this.map.height, shown),
        },
      ]
    }
    if (kind === "errors") {
      const { width, height } = this.map
      this.layers = [{ fill: errorOverlay(width, height, errors(this.map, this.mask, classes), hatch), opacity: 1 }]
    }
    if (kind === "agreement") {
      const { width, height } = this.models[0]
      this.votes = agreement(this.models)
      this.layers = [{ fill: agreementOverlay(width, height, this.votes, this.models.length), opacity: 1 }]
    }
    if (kind === "confidence") this.layers = [{ fill: doubtOverlay(this.map), opacity: 1 }]
  }

  // What this panel says of a pixel, in a few words.
  says(x, y, names) {
    if (x < 0 || y < 0 || x >= this.picture.width || y >= this.picture.height) return ""
    const i = y * this.picture.width + x, { kind } = this.data
    if (kind === "mask") return names[this.map.ids[i]]
    if (kind === "agreement") return this.votes ? `${this.votes[i]} of ${this.models.length} agree` : ""
    if (!this.map) return ""
    const id = this.map.ids[i], sure = probability(this.map, id, i)
    if (kind === "errors") {
      const truth = this.mask.ids[i]
      return id === truth ? "right" : `${names[id]}, expert: ${names[truth]}`
    }
    return `${names[id]} ${share(sure, 2)}`
  }
}
