import { el, share } from "./dom.js"
import { store } from "./store.js"

// The pictures around the present one, each with the Dice of the model that does worst on it.

export class Strip {
  constructor(viewer) {
    this.viewer = viewer
    this.node = el("div", { class: "strip", role: "group", "aria-label": "Other pictures" })
    this.buttons = new Map()
    store.arrived.addEventListener("pack", () => this.show(), { signal: viewer.end.signal })
  }

  update() {
    const items = this.viewer.data.strip ?? []
    const focused = this.viewer.root.activeElement?.dataset?.picture
    this.node.replaceChildren(
      ...items.map(item => {
        const now = item.id === this.viewer.data.id
        const dice = item.dice === null || item.dice === undefined ? "" : share(item.dice, 2)
        const label = `Picture ${item.title}${dice ? `, worst Dice ${dice}` : ""}`
        const canvas = el("canvas", { width: 1, height: 1, "aria-hidden": "true" })
        const button = el(
          "button",
          { type: "button", "aria-label": label, "aria-current": now ? "true" : null, "data-picture": item.id, title: label },
          canvas, el("span", {}, item.title), el("span", { class: "worst" }, dice || "–"),
        )
        button.addEventListener("click", () => !now && this.viewer.goTo(item.id))
        return button
      }),
    )
    if (focused) this.node.querySelector(`[data-picture="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
    this.show()
    const current = this.node.querySelector("[aria-current]")
    if (current) this.node.scrollLeft = current.offsetLeft - (this.node.clientWidth - current.clientWidth) / 2
  }

  // Draws the small pictures from the sheet that brought them.
  async show() {
    const pack = store.packs.get(this.viewer.data?.sheet)
    if (!pack) return
    pack.photograph ??= createImageBitmap(new Blob([pack.parts.picture], { type: "image/png" }))
    const sheet = await pack.photograph
    for (const button of this.node.children) {
      const place = pack.places[button.dataset.picture]
      if (!place) continue
      const [x, y, width, height] = place, canvas = button.querySelector("canvas")
      Object.assign(canvas, { width, height })
      canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height)
    }
  }
}
