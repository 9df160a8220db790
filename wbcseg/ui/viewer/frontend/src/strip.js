import { createElement, formatScore } from "./dom.js"
import { createIcon } from "./cells/icons.js"
import { loadImage, store } from "./image_store.js"

// The filmstrip: the images before and after the current one, each with the lowest Dice of any model.

export class Strip {
  constructor(viewer) {
    this.viewer = viewer
    const step = (icon, label, key, direction) =>
      createElement("button", { type: "button", class: "icon", "aria-label": label, title: `${label} (${key})`, onclick: () => viewer.step(direction) }, createIcon(icon))
    this.previous = step("previous", "Previous image", "←", -1)
    this.next = step("next", "Next image", "→", 1)
    this.list = createElement("div", { class: "strip", role: "group", "aria-label": "Other images" })
    this.node = createElement("div", { class: "strip-line" }, this.previous, this.list, this.next)
    store.events.addEventListener("payload", () => this.showThumbnails(), { signal: viewer.abort.signal })
  }

  update() {
    const { props, root } = this.viewer, focusedId = root.activeElement?.dataset?.image, items = props.strip ?? []
    this.node.classList.toggle("empty", !items.length)
    this.previous.disabled = !props.previous_id
    this.next.disabled = !props.next_id
    this.list.replaceChildren(...items.map(item => this.createButton(item)))
    if (focusedId) this.list.querySelector(`[data-image="${CSS.escape(focusedId)}"]`)?.focus({ preventScroll: true })
    this.showThumbnails()
    const current = this.list.querySelector("[aria-current]")
    if (current) this.list.scrollLeft = current.offsetLeft - this.list.offsetLeft - (this.list.clientWidth - current.clientWidth) / 2
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
    for (const button of this.list.children) {
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
