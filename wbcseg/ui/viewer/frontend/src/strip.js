import { el, share } from "./dom.js"
import { photograph, store } from "./image_store.js"

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
        const canvas = el("canvas", { width: 1, height: 1, "aria-hidden": "true" })
        const button = el(
          "button",
          { type: "button", "aria-current": now ? "true" : null, "data-picture": item.id },
          canvas,
          el("span", {}, el("span", { class: "unseen" }, "Picture "), item.title),
          el("span", {}, el("span", { class: "unseen" }, ", worst Dice "), el("span", { class: "worst" }, "…")),
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

  // Draws the small pictures from the sheet that brought them, and writes what is known of them so far.
  async show() {
    const sheets = [...store.packs.values()].filter(pack => pack.places).reverse()
    for (const button of this.node.children) {
      const id = button.dataset.picture, pack = sheets.find(one => one.places[id] && one.request === this.viewer.data.request)
      if (!pack) continue
      const sheet = await photograph(pack), [x, y, width, height] = pack.places[id], canvas = button.querySelector("canvas")
      Object.assign(canvas, { width, height })
      canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height)
      const dice = pack.worst[id], text = dice === undefined ? "…" : dice === null ? "" : share(dice, 2)
      button.querySelector(".worst").textContent = text
      button.title = dice ? "The least Dice of nucleus, cytoplasm and cell by any model" : ""
    }
  }
}
