import { createElement, formatScore } from "./dom.js"
import { loadImage, store } from "./image_store.js"

// The images before and after the current one, each with the lowest Dice of any model.

export class Strip {
  constructor(viewer) {
    this.viewer = viewer
    this.node = createElement("div", { class: "strip", role: "group", "aria-label": "Other images" })
    store.events.addEventListener("payload", () => this.showThumbnails(), { signal: viewer.abort.signal })
  }

  update() {
    const { props, root } = this.viewer, focusedId = root.activeElement?.dataset?.image
    this.node.replaceChildren(...(props.strip ?? []).map(item => this.createButton(item)))
    if (focusedId) this.node.querySelector(`[data-image="${CSS.escape(focusedId)}"]`)?.focus({ preventScroll: true })
    this.showThumbnails()
    const current = this.node.querySelector("[aria-current]")
    if (current) this.node.scrollLeft = current.offsetLeft - (this.node.clientWidth - current.clientWidth) / 2
  }

  createButton(item) {
    const isCurrent = item.id === this.viewer.props.image_id
    const hidden = text => createElement("span", { class: "visually-hidden" }, text)
    const button = createElement(
      "button",
      { type: "button", "aria-current": isCurrent ? "true" : null, "data-image": item.id },
      createElement("canvas", { width: 1, height: 1, "aria-hidden": "true" }),
      createElement("span", {}, hidden("Image "), item.title),
      createElement("span", {}, hidden(", lowest Dice "), createElement("span", { class: "lowest-dice" }, "…")),
    )
    button.addEventListener("click", () => !isCurrent && this.viewer.goTo(item.id))
    return button
  }

  // Draws the thumbnails from the sheet that was received, and shows the Dice scores computed so far.
  async showThumbnails() {
    const { prefetch_key: prefetchKey } = this.viewer.props
    const sheets = [...store.payloads.values()].filter(payload => payload.positions && payload.prefetch_key === prefetchKey).reverse()
    for (const button of this.node.children) {
      const id = button.dataset.image, payload = sheets.find(sheet => sheet.positions[id])
      if (!payload) continue
      const sheet = await loadImage(payload), [x, y, width, height] = payload.positions[id], canvas = button.querySelector("canvas")
      Object.assign(canvas, { width, height })
      canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height)
      const dice = payload.lowest_dice[id]
      button.querySelector(".lowest-dice").textContent = dice === undefined ? "…" : dice === null ? "" : formatScore(dice, 2)
      button.title = dice ? "Lowest Dice of nucleus, cytoplasm and cell, over all models" : ""
    }
  }
}
