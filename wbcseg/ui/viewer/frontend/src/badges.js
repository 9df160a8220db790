import { createElement } from "./dom.js"

// Badges on a panel: a word or two, which a click explains.

export const STATUS_SYMBOLS = { ok: "✓", unfamiliar: "i", review: "!", out_of_range: "?" }

export class Badges {
  constructor(signal) {
    this.open = null
    document.addEventListener("pointerdown", event => {
      if (this.open && !event.composedPath().includes(this.open.anchor)) this.close()
    }, { signal })
  }

  // Creates a badge: its kind is a quality status or "note".
  create({ kind, text, title, help, swatch }) {
    const button = createElement(
      "button", { type: "button", class: `badge ${kind}`, "aria-expanded": "false", title: "What does this mean?" },
      swatch ?? (STATUS_SYMBOLS[kind] ? createElement("span", { class: "symbol", "aria-hidden": "true" }, STATUS_SYMBOLS[kind]) : null), text,
    )
    const anchor = createElement("span", { class: "badge-anchor" }, button)
    button.addEventListener("click", () => (this.open?.button === button ? this.close(true) : this.explain(anchor, button, title ?? text, help)))
    anchor.addEventListener("keydown", event => {
      if (event.key !== "Escape" || this.open?.button !== button) return
      event.stopPropagation()
      this.close(true)
    })
    return anchor
  }

  explain(anchor, button, title, help) {
    this.close()
    const lines = help.map(line => createElement("p", {}, line))
    const node = createElement("div", { class: "menu explanation", role: "note", "aria-label": title }, createElement("strong", {}, title), ...lines)
    anchor.append(node)
    button.setAttribute("aria-expanded", "true")
    keepInWindow(node)
    this.open = { anchor, button, node }
  }

  close(returnFocus = false) {
    if (!this.open) return
    const { button, node } = this.open
    this.open = null
    node.remove()
    button.setAttribute("aria-expanded", "false")
    if (returnFocus) button.focus()
  }
}

// Moves an open menu to the left by as much as it exceeds the window.
export function keepInWindow(menu) {
  menu.style.left = "0"
  const { left, right } = menu.getBoundingClientRect(), excess = right + 12 - document.documentElement.clientWidth
  if (excess > 0) menu.style.left = `${-Math.min(excess, left - 4)}px`
}
